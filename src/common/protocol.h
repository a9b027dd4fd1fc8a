/* SPDX-License-Identifier: MIT */
/**
 * The calls that stream transports of any kind make to their protocol. In debug mode they are
 * timed (LOOP-34). Each returns what the callback did, 0 if there is none; what a failure means is
 * for the kind to say.
 */
#ifndef EDDY_COMMON_PROTOCOL_H
#define EDDY_COMMON_PROTOCOL_H

#include "common/error.h"
#include "common/transport.h"

int eddy__protocol_made(struct eddy_transport *transport);
int eddy__protocol_received_timed(struct eddy_transport *transport, const void *data, size_t size);
int eddy__protocol_eof(struct eddy_transport *transport);

/** Nearly all that a server does: here the usual case takes no call but the program's. */
static inline int eddy__protocol_received(struct eddy_transport *transport, const void *data,
                                          size_t size)
{
    eddy_protocol *protocol = transport->protocol;

    if (transport->loop->debug || protocol->callbacks->data_received == NULL)
        return eddy__protocol_received_timed(transport, data, size);
    return protocol->callbacks->data_received(protocol, data, size);
}

/** Whether the present protocol brings its own buffers. */
static inline bool eddy__protocol_is_buffered(const struct eddy_transport *transport)
{
    return transport->protocol->callbacks->get_buffer != NULL;
}

/** Ask a buffered protocol for memory; no room is EDDY_EINVALID (TR-45). */
int eddy__protocol_get_buffer(struct eddy_transport *transport, ptrdiff_t hint,
                              struct eddy__span *span);
int eddy__protocol_updated(struct eddy_transport *transport, size_t size);

/**
 * connection_lost(); the error's words are in place. The transport has no protocol afterwards, as
 * that may have freed itself, and a failure was reported (TR-42).
 */
void eddy__protocol_lost(struct eddy_transport *transport, int error);

#endif
