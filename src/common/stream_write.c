/* SPDX-License-Identifier: MIT */
/** The sending side of a stream, with its flow control (TR-11, TR-20..TR-32). */
#include "common/rare.h"
#include "common/stream_parts.h"

static const struct eddy__backend *stream_backend(const struct eddy__stream *stream)
{
    return stream->transport.loop->backend;
}

/** Start sending what is queued, and tell the protocol if that is much (TR-29). */
static void stream_queued(struct eddy__stream *stream)
{
    if (!stream->sending) {
        stream->sending = true;
        stream_backend(stream)->send_start(&stream->channel);
    }
    eddy__flow_grown(&stream->extra->flow, &stream->transport, stream->extra->output.size);
}

/**
 * Whether a write of `size` bytes may go on: 1; 0 when it is to be dropped (TR-11), which is not an
 * error; or the error.
 */
static int stream_may_write(struct eddy__stream *stream, size_t size)
{
    if (eddy__stream_is_closing(stream)) {
        if (size > 0)
            eddy__flow_drop(&stream->dropped_writes);
        return 0;
    }
    if (stream->writing != STREAM_WRITE_OPEN)
        return eddy_error(EDDY_EBADSTATE, "cannot write after write_eof()");
    return 1;
}

/** The outcome of send_now(): the bytes sent; negative when the connection has failed. */
static int64_t stream_tried(struct eddy__stream *stream, int64_t sent)
{
    if (sent == EDDY_EAGAIN)
        return 0;
    if (sent < 0)
        eddy__stream_break(stream, (int)sent);
    return sent;
}

/** Send what the system takes at once, if nothing is queued before it. As stream_tried(). */
static int64_t stream_try(struct eddy__stream *stream, const eddy_buffer *buffers, size_t count)
{
    struct eddy__span spans[EDDY__SPANS_MAX];
    size_t used = 0;

    if (stream_queue_size(stream) > 0)
        return 0;
    for (size_t i = 0; i < count && used < EDDY__SPANS_MAX; i++)
        if (buffers[i].size > 0)
            spans[used++] =
                (struct eddy__span){(void *)(uintptr_t)buffers[i].data, buffers[i].size};
    return stream_tried(stream, stream_backend(stream)->send_now(&stream->channel, spans, used));
}

/** Bytes of all buffers; SIZE_MAX when that is more than there can be. */
static size_t stream_total(const eddy_buffer *buffers, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        if (buffers[i].size > SIZE_MAX - total)
            return SIZE_MAX;
        total += buffers[i].size;
    }
    return total;
}

/** Queue what is left of a write of which `sent` bytes were; negative: nothing, it has failed. */
static int stream_write_rest(struct eddy__stream *stream, const eddy_buffer *buffers, size_t count,
                             int64_t sent)
{
    struct stream_extra *extra;

    if (sent < 0)
        return 0; /* that comes by connection_lost() (TR-25) */
    extra = eddy__stream_need_extra(stream);
    if (extra == NULL || eddy__output_copy(&extra->output, buffers, count, (size_t)sent) != 0) {
        eddy__stream_trim(stream);
        if (sent == 0)
            return EDDY_ENOMEM;
        eddy__stream_no_memory(stream);
        return 0;
    }
    stream_queued(stream);
    return 0;
}

int eddy__stream_write(struct eddy_transport *transport, const eddy_buffer *buffers, size_t count)
{
    struct eddy__stream *stream = stream_of(transport);
    size_t total = stream_total(buffers, count);
    int64_t sent;
    int error = stream_may_write(stream, total);

    if (error <= 0)
        return error;
    if (total == 0)
        return 0;
    if (total > SIZE_MAX / 2)
        return eddy_error(EDDY_ENOMEM, "no memory holds as much as the buffers claim to");
    sent = stream_try(stream, buffers, count);
    return sent == (int64_t)total ? 0 : stream_write_rest(stream, buffers, count, sent);
}

/** As eddy__stream_write() of one piece. */
EDDY__RARE static int stream_write_any(struct eddy_transport *transport, const void *data,
                                       size_t size)
{
    const eddy_buffer buffer = {data, size};

    return eddy__stream_write(transport, &buffer, 1);
}

/** Queue what is left of `piece`, after what send_now() said. */
EDDY__RARE static int stream_write_later(struct eddy__stream *stream, struct eddy__span piece,
                                         int64_t sent)
{
    const eddy_buffer buffer = {piece.data, piece.size};

    return stream_write_rest(stream, &buffer, 1, stream_tried(stream, sent));
}

/*
 * What most writes are: of a piece that the system takes at once. All else is a call, so that this
 * saves few registers.
 */
int eddy__stream_write_piece(struct eddy_transport *transport, const void *data, size_t size)
{
    struct eddy__stream *stream = stream_of(transport);
    struct eddy__span piece = {(void *)(uintptr_t)data, size};
    int64_t sent;

    if (stream->life != STREAM_OPEN || stream->writing != STREAM_WRITE_OPEN ||
        stream_queue_size(stream) > 0 || size == 0 || size > SIZE_MAX / 2)
        return stream_write_any(transport, data, size);
    sent = stream_backend(stream)->send_now(&stream->channel, &piece, 1);
    return sent == (int64_t)size ? 0 : stream_write_later(stream, piece, sent);
}

int eddy__stream_write_head(struct eddy_transport *transport, const void *data, size_t size)
{
    struct eddy__stream *stream = stream_of(transport);
    const struct eddy__socket_ops *calls = eddy__channel_ops(&stream->channel);
    struct eddy__span piece = {(void *)(uintptr_t)data, size};
    int64_t sent;

    if (stream->life != STREAM_OPEN || stream->writing != STREAM_WRITE_OPEN ||
        stream_queue_size(stream) > 0 || calls->send_more == NULL || size > SIZE_MAX / 2)
        return stream_write_any(transport, data, size);
    sent = calls->send_more(stream->channel.socket, &piece);
    return sent == (int64_t)size ? 0 : stream_write_later(stream, piece, sent);
}

/** Queue what a program handed over behind its first `skip` bytes; takes it if this succeeds. */
static int stream_take(struct eddy__stream *stream, const eddy_buffer *buffer, size_t skip,
                       eddy_release release, void *arg)
{
    struct stream_extra *extra = eddy__stream_need_extra(stream);

    if (extra == NULL ||
        eddy__output_take(&extra->output, buffer->data, buffer->size, skip, release, arg) != 0) {
        eddy__stream_trim(stream);
        return EDDY_ENOMEM;
    }
    return 0;
}

int eddy__stream_write_owned(struct eddy_transport *transport, const void *data, size_t size,
                             eddy_release release, void *arg)
{
    struct eddy__stream *stream = stream_of(transport);
    const eddy_buffer buffer = {data, size};
    int64_t sent = 0;
    int error = stream_may_write(stream, size);

    if (error > 0 && size > 0) {
        error = 0;
        sent = stream_try(stream, &buffer, 1);
        if (sent >= 0 && (size_t)sent < size) {
            error = stream_take(stream, &buffer, (size_t)sent, release, arg);
            if (error == 0) {
                stream_queued(stream);
                return 0;
            }
            if (sent > 0) {
                eddy__stream_no_memory(stream);
                error = 0;
            }
        }
    }
    if (release != NULL)
        release(arg);
    return error < 0 ? error : 0;
}

size_t eddy__stream_get_spans(struct eddy__channel *channel, struct eddy__span *spans, size_t max)
{
    return eddy__output_spans(&stream_of_channel(channel)->extra->output, spans, max);
}

/** Everything is sent: shut the sending side down, or end, if that was asked for. */
static void stream_drained(struct eddy__stream *stream)
{
    int error;

    if (stream->life == STREAM_DRAINING) {
        eddy__stream_step(stream, STREAM_ON_DRAINED);
        return;
    }
    if (stream->extra != NULL && stream->extra->file != NULL)
        eddy__stream_file_begin(stream);
    eddy__stream_trim(stream);
    if (stream->life != STREAM_OPEN || stream->writing != STREAM_WRITE_ENDING)
        return;
    stream->writing = STREAM_WRITE_ENDED;
    error = stream_backend(stream)->sockets->shutdown_send(stream->channel.socket);
    if (error)
        eddy__stream_break(stream, error);
}

void eddy__stream_on_sent(struct eddy__channel *channel, int64_t result)
{
    struct eddy__stream *stream = stream_of_channel(channel);

    /* Neither comes after the channel was closed. */
    if (!stream->sending) {
        eddy__stream_file_on_sent(stream, result);
        return;
    }
    stream->sending = false;
    if (result < 0) {
        eddy__stream_break(stream, (int)result);
        return;
    }
    eddy__output_advance(&stream->extra->output, (size_t)result);
    /* What the program got back it may have answered by an end, or by new marks. */
    if (stream->extra != NULL && stream->life < STREAM_LOSING)
        eddy__flow_shrunk(&stream->extra->flow, &stream->transport, stream->extra->output.size);
    /* The protocol may have written more, which then is being sent already, or ended it all. */
    if (stream->life >= STREAM_LOSING || stream->sending)
        return;
    if (stream_queue_size(stream) > 0)
        stream_queued(stream);
    else
        stream_drained(stream);
}

int eddy__stream_write_eof(struct eddy_transport *transport)
{
    struct eddy__stream *stream = stream_of(transport);

    if (eddy__stream_is_closing(stream) || stream->writing != STREAM_WRITE_OPEN)
        return 0;
    stream->writing = STREAM_WRITE_ENDING;
    if (stream_queue_size(stream) == 0)
        stream_drained(stream);
    return 0;
}

bool eddy__stream_can_write_eof(const struct eddy_transport *transport)
{
    (void)transport;
    return true;
}

void eddy__stream_drop_output(struct eddy__stream *stream)
{
    if (!stream->sending && stream->extra != NULL)
        eddy__output_clear(&stream->extra->output);
}

size_t eddy__stream_get_write_buffer_size(const struct eddy_transport *transport)
{
    const struct eddy__stream *stream = stream_of(transport);

    return stream->life >= STREAM_LOSING ? 0 : stream_queue_size(stream);
}

int eddy__stream_set_limits(struct eddy_transport *transport, size_t high, size_t low)
{
    struct eddy__stream *stream = stream_of(transport);
    struct stream_extra *extra = eddy__stream_need_extra(stream);
    int error = extra == NULL ? EDDY_ENOMEM : eddy__flow_set_limits(&extra->flow, high, low);

    if (error) {
        eddy__stream_trim(stream);
        return error;
    }
    extra->has_limits = high != EDDY_DEFAULT_LIMIT || low != EDDY_DEFAULT_LIMIT;
    if (stream->life < STREAM_LOSING && transport->protocol != NULL)
        eddy__flow_grown(&extra->flow, transport, extra->output.size);
    eddy__stream_trim(stream);
    return 0;
}

void eddy__stream_get_limits(const struct eddy_transport *transport, size_t *low, size_t *high)
{
    const struct stream_extra *extra = stream_of(transport)->extra;
    struct eddy__flow flow;

    eddy__flow_set_limits(&flow, EDDY_DEFAULT_LIMIT, EDDY_DEFAULT_LIMIT);
    *low = extra != NULL ? extra->flow.low : flow.low;
    *high = extra != NULL ? extra->flow.high : flow.high;
}
