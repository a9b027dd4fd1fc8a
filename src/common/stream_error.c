/* SPDX-License-Identifier: MIT */
/** How a stream ends by an error (TR-17, TR-25, TR-26), and what debug mode says of a stream. */
#include "common/log.h"
#include "common/stream_parts.h"

/** The peer's name for messages, as far as it is known. */
static const char *stream_peer_text(const struct eddy__stream *stream,
                                    char text[EDDY_ADDRESS_TEXT_MAX])
{
    eddy_address peer;

    if (!eddy__names_get(stream->names, EDDY__PEER_NAME, &peer))
        return "peer";
    eddy_address_format(&peer, text, EDDY_ADDRESS_TEXT_MAX);
    return text;
}

void eddy__stream_log_made(const struct eddy__stream *stream)
{
    const struct eddy__transport_setup *setup = &stream->extra->setup;
    char peer[EDDY_ADDRESS_TEXT_MAX];

    if (!stream->transport.loop->debug)
        return;
    if (stream->is_pipe)
        eddy__log(EDDY_LOG_DEBUG, "transport %p: %s %lld", (const void *)&stream->transport,
                  stream->transport.kind->name, (long long)stream->channel.socket);
    else
        eddy__log(EDDY_LOG_DEBUG, "transport %p: %s %s", (const void *)&stream->transport,
                  setup->server != NULL || setup->is_accepted ? "accepted from" : "connected to",
                  stream_peer_text(stream, peer));
}

static void stream_log_error(const struct eddy__stream *stream, int error)
{
    if (stream->transport.loop->debug)
        eddy__log(EDDY_LOG_DEBUG, "transport %p: %s", (const void *)&stream->transport,
                  eddy_strerror(error));
}

/** Keep what was said about `error` until connection_lost(); without memory it goes unsaid. */
static void stream_keep_words(struct eddy__stream *stream, int error)
{
    struct eddy__failure *failure = eddy__failure_capture(error);
    struct stream_extra *extra = failure != NULL ? eddy__stream_need_extra(stream) : NULL;

    if (extra != NULL)
        extra->failure = failure;
    else
        eddy__free(failure);
}

void eddy__stream_fail(struct eddy__stream *stream, int error)
{
    if (stream->life >= STREAM_LOSING)
        return;
    stream_log_error(stream, error);
    stream->error = (struct eddy__late_error){error};
    stream_keep_words(stream, error);
    eddy__stream_step(stream, STREAM_ON_END);
}

void eddy__stream_break(struct eddy__stream *stream, int error)
{
    if (stream->is_pipe) {
        eddy_error(error, "%s: %s", stream->transport.kind->name, eddy_strerror(error));
        eddy__stream_fail(stream, error);
        return;
    }
    if (stream->life >= STREAM_LOSING)
        return;
    stream_log_error(stream, error);
    stream->error = eddy__late_error_keep(error);
    stream->is_broken = true;
    eddy__stream_step(stream, STREAM_ON_END);
}

int eddy__stream_tell_error(const struct eddy__stream *stream)
{
    eddy_address peer = {0};
    int error = stream->error.value;

    if (stream->is_broken) {
        (void)eddy__names_get(stream->names, EDDY__PEER_NAME, &peer);
        return eddy__error_of_peer(eddy__late_error_tell(stream->error), &peer);
    }
    if (error)
        eddy__failure_restore(error, stream->extra != NULL ? stream->extra->failure : NULL);
    return error;
}

void eddy__stream_protocol_failed(struct eddy__stream *stream, const char *callback, int error)
{
    eddy__stream_fail(stream, error);
    eddy__transport_report(&stream->transport, callback, error);
}

void eddy__stream_data_failed(struct eddy__stream *stream, const char *callback, int error)
{
    if (stream->is_pipe)
        eddy__transport_report(&stream->transport, callback, error);
    else
        eddy__stream_protocol_failed(stream, callback, error);
}

void eddy__stream_no_memory(struct eddy__stream *stream)
{
    eddy__stream_fail(stream, EDDY_ENOMEM);
    eddy_loop_call_exception_handler(
        stream->transport.loop, &(eddy_exception_context){
                                    .message = "no memory for the rest of a write",
                                    .exception = EDDY_ENOMEM,
                                    .protocol = eddy_transport_get_protocol(&stream->transport),
                                    .transport = &stream->transport,
                                });
}
