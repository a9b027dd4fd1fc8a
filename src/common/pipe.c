/* SPDX-License-Identifier: MIT */
/**
 * Read and write pipe transports (PIPE-1..PIPE-7): streams with one direction, which differ from
 * those of sockets in how they end.
 *
 * A write pipe gives a receive order too: nothing is ever received by it, but it hears that the
 * reader has gone while there is nothing to write (PIPE-7).
 */
#include "common/pipe.h"
#include "common/argument.h"
#include "common/future.h"
#include "common/making.h"
#include "common/protocol.h"
#include "common/stream_parts.h"
#include "common/watcher.h"
#include <eddy/pipe.h>
#include <string.h>

static bool pipe_get_extra_info(const struct eddy_transport *transport, const char *name,
                                eddy_value *value)
{
    const struct eddy__stream *stream = stream_of(transport);

    if (strcmp(name, "pipe") != 0)
        return false;
    value->socket = stream->channel.socket;
    return true;
}

/** PIPE-5: the closed other side of a terminal is no news, anything else is. */
static void pipe_read_failed(struct eddy__stream *stream, int error)
{
    eddy__stream_break(stream, error);
    if (error == EDDY_EIO)
        return;
    eddy_loop_call_exception_handler(stream->transport.loop,
                                     &(eddy_exception_context){
                                         .message = "reading from a pipe failed",
                                         .exception = error,
                                         .protocol = stream->transport.protocol,
                                         .transport = &stream->transport,
                                     });
}

/** PIPE-3: the end is decided before eof_received() hears of it, which cannot change it. */
static void pipe_on_read_ended(struct eddy__channel *channel, int error)
{
    struct eddy__stream *stream = stream_of_channel(channel);
    int answer;

    stream->reading = STREAM_READ_ENDED;
    if (error) {
        pipe_read_failed(stream, error);
        return;
    }
    eddy_transport_ref(&stream->transport);
    eddy__stream_step(stream, STREAM_ON_END);
    answer = eddy__protocol_eof(&stream->transport);
    if (answer < 0)
        eddy__transport_report(&stream->transport, "eof_received", answer);
    eddy_transport_unref(&stream->transport);
}

/** One byte is enough room to look; a buffered protocol has no part in it. */
static int pipe_get_probe(struct eddy__channel *channel, struct eddy__span *span)
{
    *span = (struct eddy__span){channel->loop->scratch, 1};
    return 0;
}

/** The other side of a socket talks, which hides whether it still listens: look no more. */
static void pipe_on_talk(struct eddy__channel *channel, const void *data, size_t size)
{
    (void)data;
    (void)size;
    eddy__stream_stop_reading(stream_of_channel(channel));
}

/** PIPE-7: the reader has gone. */
static void pipe_on_reader_gone(struct eddy__channel *channel, int error)
{
    struct eddy__stream *stream = stream_of_channel(channel);

    (void)error;
    stream->reading = STREAM_READ_ENDED;
    if (stream_queue_size(stream) > 0)
        eddy__stream_break(stream, EDDY_EPIPE);
    else
        eddy__stream_step(stream, STREAM_ON_END);
}

/** PIPE-6: there is only one direction, so that ending it ends all. */
static int pipe_write_eof(struct eddy_transport *transport)
{
    eddy__stream_close(transport);
    return 0;
}

static const struct eddy__channel_events pipe_read_events = {
    .get_buffer = eddy__stream_get_buffer,
    .on_received = eddy__stream_on_received,
    .on_receive_ended = pipe_on_read_ended,
    .on_closed = eddy__stream_on_closed,
    .abandon = eddy__stream_abandon,
    .ops = &eddy__system_read_pipes,
};

static const struct eddy__channel_events pipe_write_events = {
    .get_buffer = pipe_get_probe,
    .on_received = pipe_on_talk,
    .on_receive_ended = pipe_on_reader_gone,
    .get_spans = eddy__stream_get_spans,
    .on_sent = eddy__stream_on_sent,
    .on_closed = eddy__stream_on_closed,
    .abandon = eddy__stream_abandon,
    .ops = &eddy__system_write_pipes,
};

static const struct eddy__transport_kind pipe_read_kind = {
    .name = "read pipe",
    .close = eddy__stream_close,
    .abort = eddy__stream_abort,
    .is_closing = eddy__stream_kind_is_closing,
    .get_extra_info = pipe_get_extra_info,
    .set_protocol = eddy__stream_set_protocol,
    .pause_reading = eddy__stream_pause_reading,
    .resume_reading = eddy__stream_resume_reading,
    .is_reading = eddy__stream_is_reading,
    .forget = eddy__stream_forget,
    .free = eddy__stream_free,
};

static const struct eddy__transport_kind pipe_write_kind = {
    .name = "write pipe",
    .close = eddy__stream_close,
    .abort = eddy__stream_abort,
    .is_closing = eddy__stream_kind_is_closing,
    .get_extra_info = pipe_get_extra_info,
    .set_protocol = eddy__stream_set_protocol,
    .write = eddy__stream_write,
    .write_owned = eddy__stream_write_owned,
    .write_piece = eddy__stream_write_piece,
    .write_eof = pipe_write_eof,
    .can_write_eof = eddy__stream_can_write_eof,
    .get_write_buffer_size = eddy__stream_get_write_buffer_size,
    .set_write_buffer_limits = eddy__stream_set_limits,
    .get_write_buffer_limits = eddy__stream_get_limits,
    .forget = eddy__stream_forget,
    .free = eddy__stream_free,
};

static const struct eddy__stream_manner pipe_manners[] = {
    [EDDY__PIPE_READ] =
        {
            .kind = &pipe_read_kind,
            .events = &pipe_read_events,
            .is_pipe = true,
        },
    [EDDY__PIPE_WRITE] =
        {
            .kind = &pipe_write_kind,
            .events = &pipe_write_events,
            .is_pipe = true,
        },
};

int eddy__pipe_stream_new(struct eddy_loop *loop, enum eddy__pipe_side side, eddy_socket fd,
                          bool is_device, struct eddy__stream **stream)
{
    int error = eddy__stream_new_in_manner(loop, &pipe_manners[side], fd, NULL, stream);

    if (error)
        return error;
    if (side == EDDY__PIPE_WRITE && is_device)
        (*stream)->reading = STREAM_READ_ENDED;
    return 0;
}

/** PIPE-1, before anything happens. */
static int pipe_check(struct eddy_loop *loop, eddy_protocol_factory factory, eddy_socket fd,
                      const eddy_pipe_options *options, bool *is_device)
{
    int error = eddy__check_loop_and_factory(loop, factory);

    if (error == 0 && options != NULL)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error)
        return error;
    if (loop->sim != NULL)
        return eddy_error(EDDY_ENOTSUPPORTED, "a simulated loop has no pipes of the system");
    if (fd < 0)
        return eddy_error(EDDY_EINVALID, "%lld is no descriptor", (long long)fd);
    error = eddy__pipe_check(fd, is_device);
    if (error)
        return error;
    if (eddy__watcher_is_taken(loop, fd))
        return eddy_error(EDDY_EBADSTATE, "descriptor %lld is watched, waited for, or used already",
                          (long long)fd);
    return 0;
}

static struct eddy_future *pipe_connect(struct eddy_loop *loop, enum eddy__pipe_side side,
                                        eddy_protocol_factory factory, void *arg, eddy_socket fd,
                                        const eddy_pipe_options *options)
{
    struct eddy__transport_setup setup;
    struct eddy__making *making;
    struct eddy__stream *stream = NULL;
    bool is_device = false;
    int error = pipe_check(loop, factory, fd, options, &is_device);

    if (error == 0)
        error = pipe_manners[side].events->ops->set_nonblocking(fd);
    if (error)
        return eddy__future_failed(loop, error);
    making = eddy__making_new(loop);
    if (making == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    error = eddy__pipe_stream_new(loop, side, fd, is_device, &stream);
    if (error) {
        eddy__making_free(making);
        return eddy__future_failed(loop, error);
    }
    setup = eddy__making_setup(making, factory, arg);
    eddy__stream_start(stream, &setup);
    return eddy__making_wait(making, eddy__stream_transport(stream));
}

eddy_future *eddy_loop_connect_read_pipe(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                         eddy_socket fd, const eddy_pipe_options *options)
{
    return pipe_connect(loop, EDDY__PIPE_READ, factory, arg, fd, options);
}

eddy_future *eddy_loop_connect_write_pipe(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                          eddy_socket fd, const eddy_pipe_options *options)
{
    return pipe_connect(loop, EDDY__PIPE_WRITE, factory, arg, fd, options);
}
