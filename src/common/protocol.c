/* SPDX-License-Identifier: MIT */
#include "common/protocol.h"
#include <stdio.h>

/** When a callback begins; EDDY_FOREVER if nobody wants to know. */
static eddy_time protocol_enter(const struct eddy_transport *transport)
{
    return transport->loop->debug ? eddy__loop_now(transport->loop) : EDDY_FOREVER;
}

/** It has returned: debug mode says so if it took long. */
static void protocol_leave(const struct eddy_transport *transport, eddy_time entered,
                           const char *callback)
{
    char what[80];

    if (entered == EDDY_FOREVER)
        return;
    snprintf(what, sizeof what, "%s() of transport %p", callback, (const void *)transport);
    eddy__loop_report_slow(transport->loop, eddy__loop_now(transport->loop) - entered, what);
}

int eddy__protocol_made(struct eddy_transport *transport)
{
    eddy_protocol *protocol = transport->protocol;
    eddy_time entered = protocol_enter(transport);
    int result = 0;

    if (protocol->callbacks->connection_made != NULL)
        result = protocol->callbacks->connection_made(protocol, transport);
    protocol_leave(transport, entered, "connection_made");
    return result;
}

int eddy__protocol_received_timed(struct eddy_transport *transport, const void *data, size_t size)
{
    eddy_protocol *protocol = transport->protocol;
    eddy_time entered = protocol_enter(transport);
    int result = 0;

    if (protocol->callbacks->data_received != NULL)
        result = protocol->callbacks->data_received(protocol, data, size);
    protocol_leave(transport, entered, "data_received");
    return result;
}

int eddy__protocol_eof(struct eddy_transport *transport)
{
    eddy_protocol *protocol = transport->protocol;
    eddy_time entered = protocol_enter(transport);
    int result = 0;

    if (protocol->callbacks->eof_received != NULL)
        result = protocol->callbacks->eof_received(protocol);
    protocol_leave(transport, entered, "eof_received");
    return result;
}

int eddy__protocol_get_buffer(struct eddy_transport *transport, ptrdiff_t hint,
                              struct eddy__span *span)
{
    eddy_protocol *protocol = transport->protocol;
    void *buffer = NULL;
    size_t size = 0;
    eddy_time entered = protocol_enter(transport);
    int result = protocol->callbacks->get_buffer(protocol, hint, &buffer, &size);

    protocol_leave(transport, entered, "get_buffer");
    if (result < 0)
        return result;
    if (buffer == NULL || size == 0)
        return eddy_error(EDDY_EINVALID, "get_buffer() returned an empty buffer");
    *span = (struct eddy__span){buffer, size};
    return 0;
}

int eddy__protocol_updated(struct eddy_transport *transport, size_t size)
{
    eddy_protocol *protocol = transport->protocol;
    eddy_time entered = protocol_enter(transport);
    int result = 0;

    if (protocol->callbacks->buffer_updated != NULL)
        result = protocol->callbacks->buffer_updated(protocol, size);
    protocol_leave(transport, entered, "buffer_updated");
    return result;
}

void eddy__protocol_lost(struct eddy_transport *transport, int error)
{
    eddy_protocol *protocol = transport->protocol;
    eddy_time entered = protocol_enter(transport);
    int result = 0;

    if (protocol->callbacks->connection_lost != NULL)
        result = protocol->callbacks->connection_lost(protocol, error);
    protocol_leave(transport, entered, "connection_lost");
    transport->protocol = NULL;
    if (result < 0)
        eddy__transport_report(transport, "connection_lost", result);
}
