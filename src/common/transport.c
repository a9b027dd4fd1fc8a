/* SPDX-License-Identifier: MIT */
/** The public calls on transports: argument checks, and the way to the kind's own. */
#include "common/transport.h"
#include "common/error.h"
#include <stdio.h>

void eddy_protocol_init(eddy_protocol *protocol, const eddy_protocol_callbacks *callbacks)
{
    *protocol = (eddy_protocol){.callbacks = callbacks};
}

eddy_transport *eddy_transport_ref(eddy_transport *transport)
{
    if (transport != NULL)
        transport->references++;
    return transport;
}

void eddy_transport_unref(eddy_transport *transport)
{
    if (transport != NULL && --transport->references == 0)
        transport->kind->free(transport);
}

eddy_loop *eddy_transport_get_loop(const eddy_transport *transport)
{
    return transport->loop;
}

void eddy_transport_close(eddy_transport *transport)
{
    transport->kind->close(transport);
}

void eddy_transport_abort(eddy_transport *transport)
{
    if (transport->kind->abort != NULL)
        transport->kind->abort(transport);
}

bool eddy_transport_is_closing(const eddy_transport *transport)
{
    return transport->kind->is_closing(transport);
}

bool eddy_transport_get_extra_info(const eddy_transport *transport, const char *name,
                                   eddy_value *value)
{
    return transport->kind->get_extra_info(transport, name, value);
}

int eddy_transport_set_protocol(eddy_transport *transport, eddy_protocol *protocol)
{
    struct eddy__interposer *interposer = eddy__transport_interposer(transport);

    if (protocol == NULL || protocol->callbacks == NULL)
        return eddy_error(EDDY_EINVALID, "a transport needs a protocol with callbacks");
    if (interposer != NULL) {
        interposer->real = protocol;
        interposer->represent(interposer);
        return 0;
    }
    transport->owed = EDDY__OWED_NOTHING;
    return transport->kind->set_protocol(transport, protocol);
}

eddy_protocol *eddy_transport_get_protocol(const eddy_transport *transport)
{
    const struct eddy__interposer *interposer = eddy__transport_interposer(transport);

    return interposer != NULL ? interposer->real : transport->protocol;
}

/** TR-1: what a kind does not offer. */
static int transport_unsupported(const eddy_transport *transport, const char *call)
{
    return eddy_error(EDDY_ENOTSUPPORTED, "a %s transport has no %s", transport->kind->name, call);
}

int eddy_transport_pause_reading(eddy_transport *transport)
{
    if (transport->kind->pause_reading == NULL)
        return transport_unsupported(transport, "pause_reading()");
    return transport->kind->pause_reading(transport);
}

int eddy_transport_resume_reading(eddy_transport *transport)
{
    if (transport->kind->resume_reading == NULL)
        return transport_unsupported(transport, "resume_reading()");
    return transport->kind->resume_reading(transport);
}

bool eddy_transport_is_reading(const eddy_transport *transport)
{
    return transport->kind->is_reading != NULL && transport->kind->is_reading(transport);
}

/** TR-23: nobody writes between the pieces of a file. Once it is closing, all is dropped anyway. */
static int transport_check_free(const eddy_transport *transport)
{
    if (!transport->is_interposed || transport->kind->is_closing(transport))
        return 0;
    return eddy_error(EDDY_EBADSTATE, "a file is being sent");
}

/** A write that is checked in full. */
static int transport_write_any(eddy_transport *transport, const void *data, size_t size)
{
    const eddy_buffer buffer = {data, size};

    return eddy_transport_writelines(transport, &buffer, 1);
}

int eddy_transport_write(eddy_transport *transport, const void *data, size_t size)
{
    if (transport->kind->write_piece == NULL || data == NULL || transport->is_interposed)
        return transport_write_any(transport, data, size);
    return transport->kind->write_piece(transport, data, size);
}

int eddy_transport_writelines(eddy_transport *transport, const eddy_buffer *buffers, size_t count)
{
    int error;

    if (transport->kind->write == NULL)
        return transport_unsupported(transport, "write()");
    if (buffers == NULL && count > 0)
        return eddy_error(EDDY_EINVALID, "no buffers to write");
    for (size_t i = 0; i < count; i++)
        if (buffers[i].data == NULL && buffers[i].size > 0)
            return eddy_error(EDDY_EINVALID, "no data to write");
    error = transport_check_free(transport);
    return error ? error : transport->kind->write(transport, buffers, count);
}

int eddy_transport_write_owned(eddy_transport *transport, const void *data, size_t size,
                               eddy_release release, void *arg)
{
    int error;

    if (transport->kind->write_owned == NULL)
        error = transport_unsupported(transport, "write_owned()");
    else if (data == NULL && size > 0)
        error = eddy_error(EDDY_EINVALID, "no data to write");
    else
        error = transport_check_free(transport);
    if (error == 0)
        return transport->kind->write_owned(transport, data, size, release, arg);
    if (release != NULL)
        release(arg);
    return error;
}

int eddy_transport_sendto(eddy_transport *transport, const void *data, size_t size,
                          const eddy_address *address)
{
    const eddy_outgoing_datagram datagram = {data, size, address};
    int64_t result = eddy_transport_sendto_many(transport, &datagram, 1);

    return result < 0 ? (int)result : 0;
}

int64_t eddy_transport_sendto_many(eddy_transport *transport,
                                   const eddy_outgoing_datagram *datagrams, size_t count)
{
    if (transport->kind->sendto == NULL)
        return transport_unsupported(transport, "sendto()");
    if (datagrams == NULL && count > 0)
        return eddy_error(EDDY_EINVALID, "no datagrams to send");
    return transport->kind->sendto(transport, datagrams, count);
}

int eddy_transport_write_eof(eddy_transport *transport)
{
    int error;

    if (transport->kind->write_eof == NULL)
        return transport_unsupported(transport, "write_eof()");
    error = transport_check_free(transport);
    return error ? error : transport->kind->write_eof(transport);
}

bool eddy_transport_can_write_eof(const eddy_transport *transport)
{
    return transport->kind->can_write_eof != NULL && transport->kind->can_write_eof(transport);
}

size_t eddy_transport_get_write_buffer_size(const eddy_transport *transport)
{
    return transport->kind->get_write_buffer_size == NULL
               ? 0
               : transport->kind->get_write_buffer_size(transport);
}

int eddy_transport_set_write_buffer_limits(eddy_transport *transport, size_t high, size_t low)
{
    if (transport->kind->set_write_buffer_limits == NULL)
        return transport_unsupported(transport, "write buffer");
    return transport->kind->set_write_buffer_limits(transport, high, low);
}

void eddy_transport_get_write_buffer_limits(const eddy_transport *transport, size_t *low,
                                            size_t *high)
{
    *low = *high = 0;
    if (transport->kind->get_write_buffer_limits != NULL)
        transport->kind->get_write_buffer_limits(transport, low, high);
}

/** TLS-33: the other kinds hold no input. */
int eddy_transport_set_read_buffer_limits(eddy_transport *transport, size_t high, size_t low)
{
    if (transport->kind->set_read_buffer_limits == NULL)
        return transport_unsupported(transport, "read buffer");
    return transport->kind->set_read_buffer_limits(transport, high, low);
}

int eddy_transport_get_read_buffer_limits(const eddy_transport *transport, size_t *low,
                                          size_t *high)
{
    *low = *high = 0;
    if (transport->kind->get_read_buffer_limits == NULL)
        return transport_unsupported(transport, "read buffer");
    transport->kind->get_read_buffer_limits(transport, low, high);
    return 0;
}

size_t eddy_transport_get_read_buffer_size(const eddy_transport *transport)
{
    return transport->kind->get_read_buffer_size == NULL
               ? 0
               : transport->kind->get_read_buffer_size(transport);
}

void eddy__transport_report(struct eddy_transport *transport, const char *what, int error)
{
    char message[80];

    snprintf(message, sizeof message, "protocol's %s() failed", what);
    eddy_loop_call_exception_handler(transport->loop,
                                     &(eddy_exception_context){
                                         .message = message,
                                         .exception = error,
                                         .protocol = eddy_transport_get_protocol(transport),
                                         .transport = transport,
                                     });
}
