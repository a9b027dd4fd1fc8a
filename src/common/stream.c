/* SPDX-License-Identifier: MIT */
/**
 * The life of a stream: made, connected, started, closed, lost, freed.
 *
 * Who holds it: the library, from its making until both connection_lost() has returned (or never
 * will come) and the backend has let go of the channel; beside that, whoever took a reference.
 * What can race: nothing, all of it runs in the loop's thread; but any callback may close, abort
 * or write, so the machine moves before a callback is called, and nothing is assumed after it.
 */
#include "common/stream_parts.h"
#include "common/future.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/server.h"
#include <assert.h>
#include <string.h>

static const struct eddy__channel_events stream_events;
static const struct eddy__transport_kind stream_kind;
static void stream_run_start(struct eddy__ready *ready);
static void stream_run_lost(struct eddy__ready *ready);

static const struct eddy__backend *stream_backend(const struct eddy__stream *stream)
{
    return stream->transport.loop->backend;
}

void eddy__stream_free(struct eddy_transport *transport)
{
    struct eddy__stream *stream = stream_of(transport);
    struct eddy_loop *loop = transport->loop;

    if (stream->extra != NULL) {
        eddy__free(stream->extra->failure);
        eddy__loop_free(loop, stream->extra, sizeof *stream->extra);
    }
    eddy__names_free(stream->names);
    if (stream->is_block)
        eddy__loop_free(loop, stream, EDDY__BLOCK_STREAM);
    else
        eddy__free(stream);
    eddy_loop_unref(loop);
}

/** The library lets go once both of its reasons to hold on are over. */
static void stream_release(struct eddy__stream *stream)
{
    if (stream->life == STREAM_LOST && stream->channel_closed)
        eddy_transport_unref(&stream->transport);
}

void eddy__stream_on_closed(struct eddy__channel *channel)
{
    struct eddy__stream *stream = stream_of_channel(channel);

    stream->sending = false;
    eddy__stream_drop_output(stream);
    stream->channel_closed = true;
    stream_release(stream);
}

/** The loop closes over it (LOOP-17): let go, and call nothing. */
void eddy__stream_abandon(struct eddy__channel *channel)
{
    struct eddy__stream *stream = stream_of_channel(channel);

    /* Before it was open, nobody but the library knew it. */
    if (stream->transport.loop->debug && stream->life >= STREAM_OPEN)
        eddy__log(EDDY_LOG_WARNING, "transport %p was %s", (void *)&stream->transport,
                  eddy__stream_is_closing(stream) ? "still closing" : "never closed");
    eddy__stream_discard(stream);
}

struct stream_extra *eddy__stream_need_extra(struct eddy__stream *stream)
{
    struct stream_extra *extra = stream->extra;

    if (extra != NULL)
        return extra;
    extra = eddy__loop_alloc(stream->transport.loop, sizeof *extra);
    if (extra == NULL)
        return NULL;
    extra->stream = stream;
    eddy__flow_set_limits(&extra->flow, EDDY_DEFAULT_LIMIT, EDDY_DEFAULT_LIMIT);
    stream->extra = extra;
    return extra;
}

void eddy__stream_trim(struct eddy__stream *stream)
{
    struct stream_extra *extra = stream->extra;

    if (extra == NULL || extra->is_opening || extra->has_limits || extra->flow.is_paused ||
        extra->output.size > 0 || extra->file != NULL || extra->failure != NULL)
        return;
    stream->extra = NULL;
    eddy__loop_free(stream->transport.loop, extra, sizeof *extra);
}

/** Bytes of a stream, up to where its names are. */
static size_t stream_size(const struct eddy_loop *loop)
{
    return offsetof(struct eddy__stream, channel) + loop->backend->channel_size;
}

/** One piece of memory with its channel and its names: as a block of the loop's, if it is small. */
static struct eddy__stream *stream_alloc(struct eddy_loop *loop, bool is_pipe,
                                         const eddy_address *peer)
{
    size_t size = stream_size(loop) + (is_pipe ? 0 : eddy__names_size(peer));
    bool is_block = size <= EDDY__BLOCK_STREAM;
    struct eddy__stream *stream =
        is_block ? eddy__loop_alloc(loop, EDDY__BLOCK_STREAM) : eddy__alloc_zeroed(size);

    if (stream == NULL)
        return NULL;
    stream->is_block = is_block;
    stream->is_pipe = is_pipe;
    return stream;
}

/** Take what other memory a stream will need until it is made. */
static int stream_reserve(struct eddy__stream *stream, const eddy_address *peer)
{
    struct stream_extra *extra = eddy__stream_need_extra(stream);

    if (extra == NULL || eddy__loop_scratch(stream->transport.loop) == NULL)
        return EDDY_ENOMEM;
    extra->is_opening = true;
    extra->ready.run = stream_run_start;
    if (stream->is_pipe)
        return 0;
    stream->names = eddy__names_init((char *)stream + stream_size(stream->transport.loop), peer);
    return stream->names != NULL ? 0 : EDDY_ENOMEM;
}

/** Ask the socket for its own address, unless that is known or it is closed. EDDY_ENOMEM. */
static int stream_note_local(struct eddy__stream *stream)
{
    eddy_address address;

    if (eddy__names_get(stream->names, EDDY__LOCAL_NAME, &address) ||
        stream->channel.socket == EDDY_NO_SOCKET ||
        eddy__channel_ops(&stream->channel)->local_address(stream->channel.socket, &address) != 0)
        return 0;
    return eddy__names_put(&stream->names, EDDY__LOCAL_NAME, &address);
}

/**
 * Remember how the connection is called (TR-9). The own address of most is never asked for: if it
 * can be had later, and there is room for it, it waits until then. EDDY_ENOMEM.
 */
static int stream_note_names(struct eddy__stream *stream)
{
    const struct eddy__socket_ops *sockets = stream_backend(stream)->sockets;
    eddy_address address;
    enum eddy_family family;
    int error;

    if (!eddy__names_get(stream->names, EDDY__PEER_NAME, &address)) {
        if (sockets->peer_address(stream->channel.socket, &address) != 0)
            return stream_note_local(stream);
        error = eddy__names_put(&stream->names, EDDY__PEER_NAME, &address);
        if (error)
            return error;
    }
    family = eddy_address_family(&address);
    if (sockets->local_address_lasts && (family == EDDY_INET || family == EDDY_INET6))
        return 0;
    return stream_note_local(stream);
}

int eddy__stream_new_in_manner(struct eddy_loop *loop, const struct eddy__stream_manner *manner,
                               eddy_socket socket, const eddy_address *peer,
                               struct eddy__stream **made)
{
    struct eddy__stream *stream = stream_alloc(loop, manner->is_pipe, peer);
    int error;

    if (stream == NULL)
        return EDDY_ENOMEM;
    stream->transport.kind = manner->kind;
    stream->transport.loop = eddy_loop_ref(loop);
    stream->transport.references = 1;
    stream->life = STREAM_NEW;
    stream->channel.events = manner->events;
    stream->channel.loop = loop;
    stream->channel.socket = socket;
    error = stream_reserve(stream, peer);
    if (error == 0)
        error = loop->backend->channel_open(&stream->channel);
    if (error) {
        eddy__stream_free(&stream->transport);
        return error;
    }
    eddy__channel_claim(&stream->channel);
    *made = stream;
    return 0;
}

int eddy__stream_new(struct eddy_loop *loop, eddy_socket socket, const eddy_address *peer,
                     struct eddy__stream **stream)
{
    static const struct eddy__stream_manner manner = {
        .kind = &stream_kind,
        .events = &stream_events,
    };

    return eddy__stream_new_in_manner(loop, &manner, socket, peer, stream);
}

void eddy__stream_connect(struct eddy__stream *stream, const eddy_address *address,
                          void (*on_connected)(void *arg, int error), void *arg)
{
    stream->extra->on_connected = on_connected;
    stream->extra->on_connected_arg = arg;
    stream_backend(stream)->connect_start(&stream->channel, address);
}

static void stream_on_connected(struct eddy__channel *channel, int error)
{
    const struct stream_extra *extra = stream_of_channel(channel)->extra;

    extra->on_connected(extra->on_connected_arg, error);
}

void eddy__stream_start(struct eddy__stream *stream, const struct eddy__transport_setup *setup)
{
    stream->extra->setup = *setup;
    if (setup->server != NULL)
        eddy__server_attach(setup->server, &stream->transport);
    if (stream->names != NULL)
        stream->extra->error = stream_note_names(stream);
    eddy__stream_step(stream, STREAM_ON_START);
}

/** Tell who waits for the connection, once, and forget them. */
static void stream_tell_made(struct eddy__stream *stream, int error)
{
    struct eddy__transport_setup setup = stream->extra->setup;

    stream->extra->is_opening = false;
    eddy__stream_trim(stream);
    if (setup.on_made != NULL)
        setup.on_made(setup.on_made_arg, &stream->transport, error);
}

/** connection_made(); a failure ends the connection (TR-41). */
static int stream_introduce(struct eddy__stream *stream)
{
    int error = eddy__protocol_made(&stream->transport);

    if (error >= 0)
        return 0;
    eddy__stream_protocol_failed(stream, "connection_made", error);
    return error;
}

/** Call the factory; an error if it made no protocol. */
static int stream_make_protocol(struct eddy__stream *stream)
{
    const struct stream_extra *extra = stream->extra;
    int error = extra->error;

    if (error)
        return error;
    eddy__thread_state()->error->code = 0;
    stream->transport.protocol = extra->setup.factory(extra->setup.factory_arg);
    if (stream->transport.protocol != NULL)
        return stream->transport.protocol->callbacks != NULL
                   ? 0
                   : eddy_error(EDDY_EINVALID, "the protocol was not initialised");
    /* What the factory said, if it said anything. */
    error = eddy__thread_state()->error->code;
    return error < 0 ? error : eddy_error(EDDY_EFAILED, "the protocol factory made no protocol");
}

/** The protocol is made at the last moment, when nothing can fail any more but itself (TR-52). */
static void stream_run_start(struct eddy__ready *ready)
{
    struct eddy__stream *stream = EDDY__OWNER(ready, struct stream_extra, ready)->stream;
    int error;

    eddy_transport_ref(&stream->transport); /* it may be lost and let go of below */
    eddy__stream_step(stream, STREAM_ON_MAKE);
    error = stream_make_protocol(stream);
    if (error) {
        stream_tell_made(stream, error);
        eddy__stream_discard(stream);
    } else {
        eddy__stream_step(stream, STREAM_ON_READY);
        eddy__stream_log_made(stream);
        error = stream_introduce(stream);
        if (stream->forgotten)
            eddy__stream_close(&stream->transport);
        eddy__stream_begin_reading(stream);
        stream_tell_made(stream, error);
    }
    eddy_transport_unref(&stream->transport);
}

void eddy__stream_forget(struct eddy_transport *transport)
{
    struct eddy__stream *stream = stream_of(transport);

    if (stream->life == STREAM_STARTING) {
        eddy__stream_discard(stream);
        return;
    }
    if (stream->extra != NULL && stream->extra->is_opening)
        stream->extra->setup.on_made = NULL;
    /* The factory asks, or hears that it refused: what it makes is still told of both ends. */
    if (stream->life == STREAM_MAKING)
        stream->forgotten = true;
    else
        eddy__stream_close(&stream->transport);
}

/** Cancel what the system has in hand; its memory stays until on_closed. */
static void stream_detach_channel(struct eddy__stream *stream)
{
    if (stream->extra != NULL)
        eddy__loop_dequeue(&stream->extra->ready);
    eddy__stream_stop_reading(stream);
    eddy__stream_drop_output(stream);
    eddy__stream_file_drop(stream);
    stream_backend(stream)->channel_close(&stream->channel, false);
}

/** Before the socket goes: whoever holds the stream beside us may still ask for its name (TR-8). */
static void stream_keep_local(struct eddy__stream *stream, uint32_t our_references)
{
    if (stream->names != NULL && stream->transport.references > our_references)
        (void)stream_note_local(stream);
}

/** After connection_lost(), or in its place: everything but the memory goes (TR-7). */
static void stream_let_go(struct eddy__stream *stream)
{
    eddy__channel_disclaim(&stream->channel);
    eddy__channel_ops(&stream->channel)->close(stream->channel.socket);
    stream->channel.socket = EDDY_NO_SOCKET;
    stream->transport.protocol = NULL;
    eddy__server_detach(&stream->transport);
}

void eddy__stream_discard(struct eddy__stream *stream)
{
    if (stream->life < STREAM_LOSING)
        stream_detach_channel(stream);
    else
        eddy__loop_dequeue(&stream->channel.ready);
    stream->life = STREAM_LOST;
    stream_keep_local(stream, 1);
    stream_let_go(stream);
    stream_release(stream);
}

/** connection_lost(), with the error and its words in place (TR-42). */
static void stream_lose(struct eddy__stream *stream)
{
    eddy_transport_ref(&stream->transport);
    eddy__protocol_lost(&stream->transport, eddy__stream_tell_error(stream));
    stream_keep_local(stream, 2);
    eddy__stream_step(stream, STREAM_ON_LOST);
    eddy_transport_unref(&stream->transport);
}

static void stream_run_lost(struct eddy__ready *ready)
{
    stream_lose(EDDY__OWNER(ready, struct eddy__stream, channel.ready));
}

/* The life machine: what each move does once the state has changed. */

static void stream_enter_starting(struct eddy__stream *stream)
{
    eddy__loop_enqueue(stream->transport.loop, &stream->extra->ready);
}

static void stream_enter_open(struct eddy__stream *stream)
{
    (void)stream; /* connection_made() is the caller's: it also wants its result */
}

static void stream_enter_draining(struct eddy__stream *stream)
{
    eddy__stream_stop_reading(stream);
}

/** The end is decided; connection_lost() comes in the next iteration (TR-4, TR-5). */
static void stream_schedule_lost(struct eddy__stream *stream)
{
    stream_detach_channel(stream);
    stream->channel.ready.run = stream_run_lost;
    eddy__loop_enqueue(stream->transport.loop, &stream->channel.ready);
}

/** The output emptied after close(): connection_lost() right from the write handler (TR-7). */
static void stream_lose_now(struct eddy__stream *stream)
{
    stream_detach_channel(stream);
    stream_lose(stream);
}

static void stream_enter_lost(struct eddy__stream *stream)
{
    stream_let_go(stream);
    stream_release(stream);
}

static void stream_stay(struct eddy__stream *stream)
{
    (void)stream;
}

struct stream_move {
    enum stream_life to;
    void (*action)(struct eddy__stream *stream);
};

static const struct stream_move stream_moves[STREAM_LIVES][STREAM_EVENTS] = {
    [STREAM_NEW][STREAM_ON_START] = {STREAM_STARTING, stream_enter_starting},
    [STREAM_STARTING][STREAM_ON_MAKE] = {STREAM_MAKING, stream_stay},
    [STREAM_MAKING][STREAM_ON_READY] = {STREAM_OPEN, stream_enter_open},
    [STREAM_OPEN][STREAM_ON_CLOSE] = {STREAM_DRAINING, stream_enter_draining},
    [STREAM_OPEN][STREAM_ON_END] = {STREAM_LOSING, stream_schedule_lost},
    [STREAM_DRAINING][STREAM_ON_CLOSE] = {STREAM_DRAINING, stream_stay},
    [STREAM_DRAINING][STREAM_ON_END] = {STREAM_LOSING, stream_schedule_lost},
    [STREAM_DRAINING][STREAM_ON_DRAINED] = {STREAM_LOSING, stream_lose_now},
    [STREAM_LOSING][STREAM_ON_CLOSE] = {STREAM_LOSING, stream_stay},
    [STREAM_LOSING][STREAM_ON_END] = {STREAM_LOSING, stream_stay},
    [STREAM_LOSING][STREAM_ON_LOST] = {STREAM_LOST, stream_enter_lost},
    [STREAM_LOST][STREAM_ON_CLOSE] = {STREAM_LOST, stream_stay},
    [STREAM_LOST][STREAM_ON_END] = {STREAM_LOST, stream_stay},
    /* connection_lost() closed the loop's side already: nothing is left to do. */
    [STREAM_LOST][STREAM_ON_LOST] = {STREAM_LOST, stream_stay},
};

void eddy__stream_step(struct eddy__stream *stream, enum stream_event event)
{
    const struct stream_move *move = &stream_moves[stream->life][event];

    assert(move->to != STREAM_NONE);
    stream->life = (uint8_t)move->to;
    move->action(stream);
}

bool eddy__stream_is_closing(const struct eddy__stream *stream)
{
    return stream->life >= STREAM_DRAINING;
}

void eddy__stream_close(struct eddy_transport *transport)
{
    struct eddy__stream *stream = stream_of(transport);

    eddy__stream_step(stream, stream_queue_size(stream) > 0 ? STREAM_ON_CLOSE : STREAM_ON_END);
}

void eddy__stream_abort(struct eddy_transport *transport)
{
    eddy__stream_step(stream_of(transport), STREAM_ON_END);
}

bool eddy__stream_kind_is_closing(const struct eddy_transport *transport)
{
    return eddy__stream_is_closing(stream_of(transport));
}

int eddy__stream_set_protocol(struct eddy_transport *transport, eddy_protocol *protocol)
{
    if (stream_of(transport)->life < STREAM_LOST)
        transport->protocol = protocol;
    return 0;
}

static bool stream_extra_address(struct eddy__stream *stream, enum eddy__name which,
                                 eddy_value *value)
{
    const eddy_address *address = eddy__names_lend(&stream->names, which);

    if (address == NULL)
        return false;
    value->address = address;
    return true;
}

static bool stream_get_extra_info(const struct eddy_transport *transport, const char *name,
                                  eddy_value *value)
{
    struct eddy__stream *stream = stream_of(transport);

    if (strcmp(name, "peername") == 0)
        return stream_extra_address(stream, EDDY__PEER_NAME, value);
    if (strcmp(name, "sockname") == 0)
        return stream_note_local(stream) == 0 &&
               stream_extra_address(stream, EDDY__LOCAL_NAME, value);
    if (strcmp(name, "socket") != 0)
        return false;
    value->socket_view = &stream->channel.view;
    return true;
}

struct eddy_transport *eddy__stream_transport(struct eddy__stream *stream)
{
    return &stream->transport;
}

static const struct eddy__channel_events stream_events = {
    .get_buffer = eddy__stream_get_buffer,
    .on_received = eddy__stream_on_received,
    .on_receive_ended = eddy__stream_on_receive_ended,
    .get_spans = eddy__stream_get_spans,
    .get_file = eddy__stream_get_file,
    .on_sent = eddy__stream_on_sent,
    .on_connected = stream_on_connected,
    .on_closed = eddy__stream_on_closed,
    .abandon = eddy__stream_abandon,
};

static const struct eddy__transport_kind stream_kind = {
    .name = "stream",
    .carries_tls = true,
    .close = eddy__stream_close,
    .abort = eddy__stream_abort,
    .is_closing = eddy__stream_kind_is_closing,
    .get_extra_info = stream_get_extra_info,
    .set_protocol = eddy__stream_set_protocol,
    .pause_reading = eddy__stream_pause_reading,
    .resume_reading = eddy__stream_resume_reading,
    .is_reading = eddy__stream_is_reading,
    .has_ended = eddy__stream_has_ended,
    .write = eddy__stream_write,
    .write_owned = eddy__stream_write_owned,
    .write_piece = eddy__stream_write_piece,
    .write_eof = eddy__stream_write_eof,
    .can_write_eof = eddy__stream_can_write_eof,
    .get_write_buffer_size = eddy__stream_get_write_buffer_size,
    .set_write_buffer_limits = eddy__stream_set_limits,
    .get_write_buffer_limits = eddy__stream_get_limits,
    .is_writing_paused = eddy__stream_is_writing_paused,
    .write_head = eddy__stream_write_head,
    .can_send_file = eddy__stream_can_send_file,
    .send_file_now = eddy__stream_send_file_now,
    .send_file = eddy__stream_send_file,
    .forget = eddy__stream_forget,
    .free = eddy__stream_free,
};
