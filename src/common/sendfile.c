/* SPDX-License-Identifier: MIT */
/*
 * sendfile(): a file over a transport. Unless all is sent at once, a protocol of ours stands before
 * the program's (FILE-5): it keeps pause_writing() and resume_writing() to itself and passes on the
 * rest. What the program's protocol missed of these two is told afterwards, out of the loop.
 */
#include "common/sending.h"
#include "common/transport.h"
#include <string.h>

enum {
    PIECE_SIZE = 16 * 1024,
    SMALL_MAX = 16 * 1024 /* up to here, to read and to write costs no more than to have it sent */
};

struct transport_sending {
    struct eddy__sending sending;
    struct eddy_transport *transport; /**< a reference */
    struct eddy__interposer interposer;
    eddy_protocol *told;  /**< whose protocol was told ... */
    bool told_to_pause;   /**< ... this */
    bool is_paused;       /**< the transport wants no more for now */
    bool is_waiting;      /**< for the resume */
    bool resumes_reading; /**< it was reading before */
    eddy_buffer head;     /**< the caller's: to write within the call */
};

static struct transport_sending *sending_of_protocol(eddy_protocol *protocol)
{
    return EDDY__OWNER(protocol, struct transport_sending, interposer.protocol);
}

static struct transport_sending *transport_sending_of(struct eddy__sending *sending)
{
    return EDDY__OWNER(sending, struct transport_sending, sending);
}

static int sending_closed(void)
{
    return eddy_error(EDDY_ECONNABORTED, "the connection was closed while a file was being sent");
}

static int on_connection_lost(eddy_protocol *protocol, int error)
{
    struct transport_sending *sending = sending_of_protocol(protocol);
    eddy_protocol *real = sending->interposer.real;
    struct eddy_transport *transport = sending->transport;

    transport->is_interposed = false;
    transport->protocol = real;
    eddy__sending_fail(&sending->sending, error ? error : sending_closed());
    return real->callbacks->connection_lost != NULL ? real->callbacks->connection_lost(real, error)
                                                    : 0;
}

static int on_pause_writing(eddy_protocol *protocol)
{
    sending_of_protocol(protocol)->is_paused = true;
    return 0;
}

static int on_resume_writing(eddy_protocol *protocol)
{
    struct transport_sending *sending = sending_of_protocol(protocol);

    sending->is_paused = false;
    if (sending->is_waiting) {
        sending->is_waiting = false;
        eddy__sending_go_on(&sending->sending);
    }
    return 0;
}

/* Reading is paused, but nobody forbids the program to resume it. */

static int on_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    eddy_protocol *real = sending_of_protocol(protocol)->interposer.real;

    return real->callbacks->data_received != NULL ? real->callbacks->data_received(real, data, size)
                                                  : 0;
}

static int on_eof_received(eddy_protocol *protocol)
{
    eddy_protocol *real = sending_of_protocol(protocol)->interposer.real;

    return real->callbacks->eof_received != NULL ? real->callbacks->eof_received(real) : 0;
}

static int on_get_buffer(eddy_protocol *protocol, ptrdiff_t size_hint, void **buffer, size_t *size)
{
    eddy_protocol *real = sending_of_protocol(protocol)->interposer.real;

    return real->callbacks->get_buffer(real, size_hint, buffer, size);
}

static int on_buffer_updated(eddy_protocol *protocol, size_t size)
{
    eddy_protocol *real = sending_of_protocol(protocol)->interposer.real;

    return real->callbacks->buffer_updated != NULL ? real->callbacks->buffer_updated(real, size)
                                                   : 0;
}

static const eddy_protocol_callbacks plain_callbacks = {
    .connection_lost = on_connection_lost,
    .data_received = on_data_received,
    .eof_received = on_eof_received,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
};

static const eddy_protocol_callbacks buffered_callbacks = {
    .connection_lost = on_connection_lost,
    .get_buffer = on_get_buffer,
    .buffer_updated = on_buffer_updated,
    .eof_received = on_eof_received,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
};

static void sending_represent(struct eddy__interposer *interposer)
{
    interposer->protocol.callbacks =
        interposer->real->callbacks->get_buffer != NULL ? &buffered_callbacks : &plain_callbacks;
}

/** Bytes of the file that there are to send, as far as is known. */
static int64_t sending_size(const struct transport_sending *sending)
{
    const struct eddy__file_range *range = &sending->sending.range;
    int64_t left = range->size - range->offset;

    return left < range->count ? left : range->count;
}

/** Whether `size` bytes can be written with nothing before them, and without making it pause. */
static bool sending_may_write(const struct transport_sending *sending, size_t size)
{
    const struct eddy_transport *transport = sending->transport;
    size_t low, high;

    if (transport->kind->get_write_buffer_size(transport) > 0)
        return false;
    transport->kind->get_write_buffer_limits(transport, &low, &high);
    return size <= high;
}

/** Whether reading the file and writing it with its head is the way with the fewest calls. */
static bool sending_is_small(const struct transport_sending *sending)
{
    int64_t size = sending_size(sending);

    return size > 0 && size <= SMALL_MAX && sending->head.size <= SMALL_MAX &&
           !sending->sending.no_fallback &&
           sending_may_write(sending, sending->head.size + (size_t)size);
}

/** Bytes of the file that were written behind the head; 0: neither was. */
static int64_t sending_write_small(struct transport_sending *sending)
{
    struct eddy_transport *transport = sending->transport;
    struct eddy__file_range *range = &sending->sending.range;
    size_t head = sending->head.size, size = (size_t)sending_size(sending);
    unsigned char *bytes = eddy__alloc(head + size);
    int64_t got;
    int error;

    if (bytes == NULL)
        return 0;
    if (head > 0)
        memcpy(bytes, sending->head.data, head);
    got = eddy__file_read(range->file, bytes + head, size, range->offset);
    error = got <= 0
                ? EDDY_EAGAIN
                : transport->kind->write(transport, &(eddy_buffer){bytes, head + (size_t)got}, 1);
    eddy__free(bytes);
    if (got == 0)
        range->size = range->offset; /* it has shrunk: nothing follows the head */
    if (error)
        return 0; /* who tries again says what is wrong */
    sending->head.size = 0;
    return got;
}

/** Write the head, if there is one still; held back for the file, if there is something to send. */
static int sending_write_head(struct transport_sending *sending)
{
    struct eddy_transport *transport = sending->transport;
    const eddy_buffer head = sending->head;
    int error = 0;

    if (head.size == 0)
        return 0;
    if (transport->kind->write_head != NULL && sending_size(sending) > 0)
        error = transport->kind->write_head(transport, head.data, head.size);
    else
        error = transport->kind->write(transport, &head, 1);
    if (error == 0)
        sending->head.size = 0;
    return error;
}

/*
 * Each write here is one that cannot make the transport pause its protocol. Still, an exception
 * handler may hear of it and do anything.
 */
static int64_t transport_send_now(struct eddy__sending *base)
{
    struct transport_sending *sending = transport_sending_of(base);
    struct eddy_transport *transport = sending->transport;
    int64_t sent = 0;

    if (transport->kind->can_send_file == NULL || !transport->kind->can_send_file(transport))
        return EDDY_EAGAIN;
    if (sending_is_small(sending))
        sent = sending_write_small(sending);
    if (sent == 0 && !base->has_left &&
        (!sending_may_write(sending, sending->head.size) || sending_write_head(sending) != 0))
        return EDDY_EAGAIN;
    if (base->has_left || transport->kind->is_closing(transport))
        return EDDY_EAGAIN;
    return sent > 0 ? sent : transport->kind->send_file_now(transport, &base->range);
}

/** Step between the transport and its protocol, which is not told of what the head leads to. */
static int transport_begin(struct eddy__sending *base)
{
    struct transport_sending *sending = transport_sending_of(base);
    struct eddy_transport *transport = sending->transport;
    int error;

    if (transport->protocol == NULL)
        return sending_closed();
    sending->resumes_reading = eddy_transport_is_reading(transport);
    eddy_transport_pause_reading(transport);
    sending->is_paused = transport->kind->is_writing_paused(transport);
    sending->told_to_pause = transport->owed == EDDY__OWED_NOTHING
                                 ? sending->is_paused
                                 : transport->owed == EDDY__OWED_RESUME;
    transport->owed = EDDY__OWED_NOTHING;
    sending->interposer.real = sending->told = transport->protocol;
    sending->interposer.represent = sending_represent;
    eddy_protocol_init(&sending->interposer.protocol, &plain_callbacks);
    sending_represent(&sending->interposer);
    transport->kind->set_protocol(transport, &sending->interposer.protocol);
    transport->is_interposed = true;
    error = sending_write_head(sending);
    if (base->has_left)
        return 1;
    if (error)
        return error;
    /* If the connection is broken, connection_lost() is next. */
    return transport->kind->is_closing(transport);
}

static struct eddy_future *transport_send_file(struct eddy__sending *base)
{
    struct eddy_transport *transport = transport_sending_of(base)->transport;

    if (transport->kind->send_file != NULL)
        return transport->kind->send_file(transport, &base->range);
    return eddy__future_failed(base->future.loop,
                               eddy_error(EDDY_ENOSENDFILE, "a %s transport sends files in pieces",
                                          transport->kind->name));
}

static bool transport_is_ready(struct eddy__sending *base)
{
    struct transport_sending *sending = transport_sending_of(base);

    sending->is_waiting = sending->is_paused;
    return !sending->is_waiting;
}

static void transport_send(struct eddy__sending *base, const void *data, size_t size)
{
    struct eddy_transport *transport = transport_sending_of(base)->transport;
    const eddy_buffer piece = {data, size};
    int error;

    if (transport->kind->is_closing(transport)) {
        eddy__sending_fail(base, sending_closed());
        return;
    }
    error = transport->kind->write(transport, &piece, 1);
    if (error) {
        eddy__sending_fail(base, error);
        return;
    }
    /* If the write has broken the connection, connection_lost() is next. */
    if (transport->kind->is_closing(transport))
        return;
    base->range.sent += (int64_t)size;
    eddy__sending_go_on(base);
}

/** True if the protocol has missed something that it should hear. */
static bool sending_owes(const struct transport_sending *sending)
{
    const struct eddy_transport *transport = sending->transport;

    return transport->protocol == sending->told && !transport->is_interposed &&
           !transport->loop->closing && !transport->kind->is_closing(transport) &&
           transport->kind->is_writing_paused(transport) != sending->told_to_pause;
}

static bool transport_leave(struct eddy__sending *base)
{
    struct transport_sending *sending = transport_sending_of(base);
    struct eddy_transport *transport = sending->transport;

    if (eddy__transport_interposer(transport) == &sending->interposer) {
        transport->is_interposed = false;
        if (transport->protocol != NULL)
            transport->kind->set_protocol(transport, sending->interposer.real);
        if (sending->resumes_reading && !base->future.loop->closing)
            eddy_transport_resume_reading(transport);
        if (sending_owes(sending)) {
            transport->owed = sending->told_to_pause ? EDDY__OWED_RESUME : EDDY__OWED_PAUSE;
            return true;
        }
    }
    sending->transport = NULL;
    eddy_transport_unref(transport);
    return false;
}

static void transport_settle(struct eddy__sending *base)
{
    struct transport_sending *sending = transport_sending_of(base);
    struct eddy_transport *transport = sending->transport;
    int (*callback)(eddy_protocol *) = NULL;
    int error = 0;

    /* Only then is the protocol that was told known to exist still, and not to have heard of it. */
    if (transport->owed != EDDY__OWED_NOTHING && sending_owes(sending))
        callback = sending->told_to_pause ? sending->told->callbacks->resume_writing
                                          : sending->told->callbacks->pause_writing;
    transport->owed = EDDY__OWED_NOTHING;
    if (callback != NULL)
        error = callback(sending->told);
    if (error < 0)
        eddy__transport_report(transport,
                               sending->told_to_pause ? "resume_writing" : "pause_writing", error);
    sending->transport = NULL;
    eddy_transport_unref(transport);
}

static const struct eddy__carrier transport_carrier = {
    .size = sizeof(struct transport_sending),
    .piece_size = PIECE_SIZE,
    .send_now = transport_send_now,
    .begin = transport_begin,
    .send_file = transport_send_file,
    .is_ready = transport_is_ready,
    .send = transport_send,
    .leave = transport_leave,
    .settle = transport_settle,
};

/** FILE-1, FILE-2. */
static int sendfile_check(const struct eddy_loop *loop, const eddy_transport *transport,
                          const eddy_sendfile_options *options)
{
    if (loop == NULL || transport == NULL || transport->loop != loop)
        return eddy_error(EDDY_EINVALID, "sendfile() needs a transport of the loop");
    if (transport->kind->is_writing_paused == NULL)
        return eddy_error(EDDY_EBADSTATE, "a %s transport sends no files", transport->kind->name);
    if (transport->kind->is_closing(transport) || transport->protocol == NULL)
        return eddy_error(EDDY_EBADSTATE, "the transport is closing");
    if (transport->is_interposed)
        return eddy_error(EDDY_EBADSTATE, "a file is being sent");
    if (options != NULL && options->no_fallback && transport->kind->send_file == NULL)
        return eddy_error(EDDY_EBADSTATE, "a %s transport sends files in pieces only",
                          transport->kind->name);
    if (options != NULL && options->head.data == NULL && options->head.size > 0)
        return eddy_error(EDDY_EINVALID, "no data to write");
    return 0;
}

eddy_future *eddy_loop_sendfile(eddy_loop *loop, eddy_transport *transport, eddy_file file,
                                int64_t offset, int64_t count, const eddy_sendfile_options *options)
{
    struct eddy_future *failed = NULL;
    struct eddy_future *future;
    struct eddy__sending *sending;
    int error = sendfile_check(loop, transport, options);

    if (error)
        return eddy__future_failed(loop, error);
    sending = eddy__sending_new(loop, &transport_carrier, file, offset, count, options, &failed);
    if (sending == NULL)
        return failed;
    transport_sending_of(sending)->transport = eddy_transport_ref(transport);
    if (options != NULL)
        transport_sending_of(sending)->head = options->head;
    eddy_transport_ref(transport);
    future = eddy__sending_start(sending);
    eddy_transport_unref(transport);
    return future;
}
