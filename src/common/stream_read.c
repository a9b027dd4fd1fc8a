/* SPDX-License-Identifier: MIT */
/** The receiving side of a stream (TR-13..TR-19, TR-45..TR-48). */
#include "common/log.h"
#include "common/protocol.h"
#include "common/rare.h"
#include "common/stream_parts.h"
#include <string.h>

static const struct eddy__backend *stream_backend(const struct eddy__stream *stream)
{
    return stream->transport.loop->backend;
}

/** Debug mode says what becomes of the reading (LOOP-33). */
static void stream_log(const struct eddy__stream *stream, const char *what)
{
    if (stream->transport.loop->debug)
        eddy__log(EDDY_LOG_DEBUG, "transport %p: %s", (const void *)&stream->transport, what);
}

void eddy__stream_begin_reading(struct eddy__stream *stream)
{
    if (stream->reading != STREAM_READ_IDLE || eddy__stream_is_closing(stream))
        return;
    stream->reading = STREAM_READ_ON;
    stream_backend(stream)->receive_start(&stream->channel);
}

void eddy__stream_stop_reading(struct eddy__stream *stream)
{
    if (stream->reading == STREAM_READ_ON)
        stream_backend(stream)->receive_stop(&stream->channel);
    stream->reading = STREAM_READ_ENDED;
}

int eddy__stream_pause_reading(struct eddy_transport *transport)
{
    struct eddy__stream *stream = stream_of(transport);

    if (eddy__stream_is_closing(stream))
        return 0;
    if (stream->reading == STREAM_READ_ON)
        stream_backend(stream)->receive_stop(&stream->channel);
    if (stream->reading != STREAM_READ_ENDED && stream->reading != STREAM_READ_PAUSED) {
        stream->reading = STREAM_READ_PAUSED;
        stream_log(stream, "pauses reading");
    }
    return 0;
}

int eddy__stream_resume_reading(struct eddy_transport *transport)
{
    struct eddy__stream *stream = stream_of(transport);

    if (eddy__stream_is_closing(stream) || stream->reading != STREAM_READ_PAUSED)
        return 0;
    stream->reading = STREAM_READ_ON;
    stream_backend(stream)->receive_start(&stream->channel);
    stream_log(stream, "resumes reading");
    return 0;
}

bool eddy__stream_has_ended(const struct eddy_transport *transport)
{
    return stream_of(transport)->reading == STREAM_READ_ENDED;
}

bool eddy__stream_is_reading(const struct eddy_transport *transport)
{
    const struct eddy__stream *stream = stream_of(transport);

    return stream->reading != STREAM_READ_PAUSED && !eddy__stream_is_closing(stream);
}

/** Ask a buffered protocol for memory; a failure or no room is fatal (TR-45). */
static int stream_ask_buffer(struct eddy__stream *stream, ptrdiff_t hint, struct eddy__span *span)
{
    int error = eddy__protocol_get_buffer(&stream->transport, hint, span);

    if (error)
        eddy__stream_protocol_failed(stream, "get_buffer", error);
    return error;
}

/** Have a buffered protocol lend its memory. */
EDDY__RARE static int stream_borrow(struct eddy__stream *stream, struct eddy__span *span)
{
    int error = stream_ask_buffer(stream, -1, span);

    if (error)
        return error;
    stream->transport.loop->lent = span->data;
    return eddy__stream_is_closing(stream) ? EDDY_EBADSTATE : 0;
}

int eddy__stream_get_buffer(struct eddy__channel *channel, struct eddy__span *span)
{
    struct eddy__stream *stream = stream_of_channel(channel);
    struct eddy_loop *loop = channel->loop;

    loop->lent = NULL;
    if (eddy__protocol_is_buffered(&stream->transport))
        return stream_borrow(stream, span);
    *span = (struct eddy__span){loop->scratch, EDDY__SCRATCH_SIZE};
    return 0;
}

static void stream_updated(struct eddy__stream *stream, size_t size)
{
    int error = eddy__protocol_updated(&stream->transport, size);

    if (error < 0)
        eddy__stream_data_failed(stream, "buffer_updated", error);
}

/** Hand data that is already here to a buffered protocol, piece by piece (TR-47). */
static void stream_feed(struct eddy__stream *stream, const unsigned char *data, size_t size)
{
    while (size > 0 && !eddy__stream_is_closing(stream) &&
           eddy__protocol_is_buffered(&stream->transport)) {
        struct eddy__span span;
        size_t piece;

        if (stream_ask_buffer(stream, (ptrdiff_t)size, &span) != 0)
            return;
        piece = size < span.size ? size : span.size;
        memcpy(span.data, data, piece);
        data += piece;
        size -= piece;
        stream_updated(stream, piece);
    }
}

static void stream_received(struct eddy__stream *stream, const void *data, size_t size)
{
    int error = eddy__protocol_received(&stream->transport, data, size);

    if (error < 0)
        eddy__stream_data_failed(stream, "data_received", error);
}

/** The same for a protocol that is buffered, or was when it was asked. */
EDDY__RARE static void stream_received_any(struct eddy__stream *stream, const void *data,
                                           size_t size)
{
    if (data == stream->transport.loop->lent)
        stream_updated(stream, size);
    else if (eddy__protocol_is_buffered(&stream->transport))
        stream_feed(stream, data, size);
    else
        stream_received(stream, data, size);
}

void eddy__stream_on_received(struct eddy__channel *channel, const void *data, size_t size)
{
    struct eddy__stream *stream = stream_of_channel(channel);

    if (channel->loop->lent == NULL && !eddy__protocol_is_buffered(&stream->transport))
        stream_received(stream, data, size);
    else
        stream_received_any(stream, data, size);
}

void eddy__stream_on_receive_ended(struct eddy__channel *channel, int error)
{
    struct eddy__stream *stream = stream_of_channel(channel);
    int answer;

    stream->reading = STREAM_READ_ENDED;
    if (error) {
        eddy__stream_break(stream, error);
        return;
    }
    stream_log(stream, "received the end of the stream");
    answer = eddy__protocol_eof(&stream->transport);
    if (answer < 0)
        eddy__stream_protocol_failed(stream, "eof_received", answer);
    else if (answer == 0)
        eddy__stream_close(&stream->transport);
}
