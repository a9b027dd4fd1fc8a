/* SPDX-License-Identifier: MIT */
/** Files that a stream has the system send (FILE-3). */
#include "common/future.h"
#include "common/stream_parts.h"

struct stream_file {
    struct eddy_future future;
    struct eddy__stream *stream;    /* NULL once it is over */
    struct eddy__file_range *range; /* the caller's */
    bool is_under_way;              /* the backend owes an on_sent */
};

static const struct eddy__backend *stream_backend(const struct eddy__stream *stream)
{
    return stream->transport.loop->backend;
}

static struct stream_file *file_of(struct eddy_future *future)
{
    return EDDY__OWNER(future, struct stream_file, future);
}

static void file_leave(struct stream_file *file)
{
    struct eddy__stream *stream = file->stream;

    if (stream == NULL)
        return;
    file->stream = NULL;
    stream->extra->file = NULL;
    if (file->is_under_way)
        stream_backend(stream)->send_file_stop(&stream->channel);
    eddy__stream_trim(stream);
}

static bool file_cancel(struct eddy_future *future, const char *message)
{
    file_leave(file_of(future));
    eddy__future_finish_cancelled(future, message);
    return true;
}

static void file_fini(struct eddy_future *future)
{
    file_leave(file_of(future));
}

static const struct eddy__future_kind file_kind = {
    .name = "file of a transport",
    .cancel = file_cancel,
    .fini = file_fini,
};

bool eddy__stream_can_send_file(const struct eddy_transport *transport)
{
    const struct eddy__stream *stream = stream_of(transport);

    return stream_backend(stream)->send_file_start != NULL &&
           eddy__channel_ops(&stream->channel)->send_file != NULL;
}

int64_t eddy__stream_send_file_now(struct eddy_transport *transport,
                                   const struct eddy__file_range *range)
{
    struct eddy__stream *stream = stream_of(transport);
    const struct eddy__backend *backend = stream_backend(stream);

    if (backend->send_file_now == NULL || !eddy__stream_can_send_file(transport) ||
        stream->writing != STREAM_WRITE_OPEN || stream_queue_size(stream) > 0)
        return EDDY_EAGAIN;
    return backend->send_file_now(&stream->channel, range);
}

struct eddy_future *eddy__stream_send_file(struct eddy_transport *transport,
                                           struct eddy__file_range *range)
{
    struct eddy__stream *stream = stream_of(transport);
    struct stream_extra *extra;
    struct eddy_future *future;

    if (stream->writing != STREAM_WRITE_OPEN)
        return eddy__future_failed(
            transport->loop, eddy_error(EDDY_EBADSTATE, "cannot send a file after write_eof()"));
    if (!eddy__stream_can_send_file(transport))
        return eddy__future_failed(
            transport->loop, eddy_error(EDDY_ENOSENDFILE, "nothing sends files by itself here"));
    future = eddy__future_new(transport->loop, sizeof(struct stream_file), &file_kind);
    if (future == NULL)
        return eddy__future_failed(transport->loop, EDDY_ENOMEM);
    extra = eddy__stream_need_extra(stream);
    if (extra == NULL) {
        eddy_future_unref(future);
        return eddy__future_failed(transport->loop, EDDY_ENOMEM);
    }
    file_of(future)->stream = stream;
    file_of(future)->range = range;
    extra->file = file_of(future);
    if (extra->output.size == 0)
        eddy__stream_file_begin(stream);
    return future;
}

bool eddy__stream_is_writing_paused(const struct eddy_transport *transport)
{
    const struct stream_extra *extra = stream_of(transport)->extra;

    return extra != NULL && extra->flow.is_paused;
}

const struct eddy__file_range *eddy__stream_get_file(struct eddy__channel *channel)
{
    return stream_of_channel(channel)->extra->file->range;
}

void eddy__stream_file_begin(struct eddy__stream *stream)
{
    struct stream_file *file = stream->extra->file;

    /* In resume_writing() of the last byte it may have been begun just before. */
    if (file->is_under_way)
        return;
    file->is_under_way = true;
    stream_backend(stream)->send_file_start(&stream->channel);
}

void eddy__stream_file_on_sent(struct eddy__stream *stream, int64_t result)
{
    struct stream_file *file = stream->extra->file;
    int error = (int)(result < 0 ? result : 0);

    file->is_under_way = false;
    if (result >= 0 && !eddy__file_count(file->range, result)) {
        eddy__stream_file_begin(stream);
        return;
    }
    file_leave(file);
    if (error == 0)
        eddy__future_finish(&file->future, (eddy_value){.integer = file->range->sent});
    else
        eddy__future_finish_failed(&file->future, eddy__file_failed(file->range, error));
}

void eddy__stream_file_drop(struct eddy__stream *stream)
{
    /* Who sends the file hears of it by connection_lost(). */
    if (stream->extra == NULL || stream->extra->file == NULL)
        return;
    stream->extra->file->stream = NULL;
    stream->extra->file = NULL;
}
