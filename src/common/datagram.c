/* SPDX-License-Identifier: MIT */
/**
 * The life of a datagram transport: made, started, closed, lost, freed.
 *
 * Who holds it: the library, from its making until both connection_lost() has returned (or never
 * will come) and the backend has let go of the channel; beside that, whoever took a reference. All
 * of it runs in the loop's thread; but any callback may close, abort or send, so the state moves
 * before a callback is called, and nothing is assumed after it.
 */
#include "common/claim.h"
#include "common/datagram_parts.h"
#include "common/log.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

/** The largest datagram: of the internet protocols by their nature, of Unix by TR-35. */
#define INTERNET_SIZE_MAX ((size_t)64 * 1024)
#define UNIX_SIZE_MAX ((size_t)256 * 1024)

static const struct eddy__channel_events datagrams_events;
static const struct eddy__transport_kind datagrams_kind;
static void datagrams_run_start(struct eddy__ready *ready);
static void datagrams_run_lost(struct eddy__ready *ready);

static const struct eddy__backend *datagrams_backend(const struct eddy__datagrams *endpoint)
{
    return endpoint->transport.loop->backend;
}

static void datagrams_free(struct eddy_transport *transport)
{
    struct eddy__datagrams *endpoint = datagrams_of(transport);
    struct eddy_loop *loop = transport->loop;

    eddy__free(endpoint->names);
    eddy__free(endpoint->failure);
    eddy__free(endpoint);
    eddy_loop_unref(loop);
}

/** The library lets go once both of its reasons to hold on are over. */
static void datagrams_release(struct eddy__datagrams *endpoint)
{
    if (endpoint->life == DATAGRAMS_LOST && endpoint->channel_closed)
        eddy_transport_unref(&endpoint->transport);
}

static void datagrams_on_closed(struct eddy__channel *channel)
{
    struct eddy__datagrams *endpoint = datagrams_of_channel(channel);

    endpoint->sending = false;
    eddy__datagrams_clear_output(endpoint);
    endpoint->channel_closed = true;
    datagrams_release(endpoint);
}

/** Cancel what the system has in hand; its memory stays until on_closed. */
static void datagrams_detach_channel(struct eddy__datagrams *endpoint)
{
    struct eddy__timers *timers = &endpoint->transport.loop->timers;

    eddy__timer_stop(timers, &endpoint->retry);
    eddy__timer_unreserve(timers, &endpoint->retry);
    eddy__loop_dequeue(&endpoint->ready);
    eddy__datagrams_drop_output(endpoint);
    datagrams_backend(endpoint)->channel_close(&endpoint->channel, false);
}

/** After connection_lost(), or in its place: everything but the memory goes (TR-7). */
static void datagrams_let_go(struct eddy__datagrams *endpoint)
{
    endpoint->life = DATAGRAMS_LOST;
    eddy__channel_disclaim(&endpoint->channel);
    datagrams_backend(endpoint)->sockets->close(endpoint->channel.socket);
    endpoint->channel.socket = EDDY_NO_SOCKET;
    endpoint->transport.protocol = NULL;
    datagrams_release(endpoint);
}

/** Close it without a word. */
static void datagrams_discard(struct eddy__datagrams *endpoint)
{
    if (endpoint->life < DATAGRAMS_LOSING)
        datagrams_detach_channel(endpoint);
    else
        eddy__loop_dequeue(&endpoint->channel.ready);
    datagrams_let_go(endpoint);
}

/** The loop closes over it (LOOP-17): let go, and call nothing. */
static void datagrams_abandon(struct eddy__channel *channel)
{
    struct eddy__datagrams *endpoint = datagrams_of_channel(channel);

    if (endpoint->transport.loop->debug && endpoint->life >= DATAGRAMS_OPEN)
        eddy__log(EDDY_LOG_WARNING, "transport %p was %s", (void *)&endpoint->transport,
                  endpoint->life >= DATAGRAMS_DRAINING ? "still closing" : "never closed");
    datagrams_discard(endpoint);
}

/** Have the room in which answers are gathered, where many are sent at once. EDDY_ENOMEM. */
static int datagrams_need_room(struct eddy_loop *loop)
{
    if (loop->datagram_room != NULL || loop->backend->sockets->datagrams_max == 1)
        return 0;
    loop->datagram_room = eddy__alloc(sizeof *loop->datagram_room);
    return loop->datagram_room != NULL ? 0 : EDDY_ENOMEM;
}

/** Take all the memory that an endpoint will need. */
static struct eddy__datagrams *datagrams_alloc(struct eddy_loop *loop)
{
    size_t size = offsetof(struct eddy__datagrams, channel) + loop->backend->channel_size;
    struct eddy__datagrams *endpoint = eddy__alloc_zeroed(size);

    if (endpoint == NULL)
        return NULL;
    endpoint->names = eddy__alloc_zeroed(sizeof *endpoint->names);
    if (endpoint->names == NULL || datagrams_need_room(loop) != 0) {
        eddy__free(endpoint->names);
        eddy__free(endpoint);
        return NULL;
    }
    return endpoint;
}

/** Remember how the endpoint is called (TR-9). */
static void datagrams_note_names(struct eddy__datagrams *endpoint, const eddy_address *remote)
{
    const struct eddy__socket_ops *sockets = datagrams_backend(endpoint)->sockets;
    struct datagrams_names *names = endpoint->names;

    if (sockets->local_address(endpoint->channel.socket, &names->local) != 0)
        names->local.length = 0;
    if (sockets->peer_address(endpoint->channel.socket, &names->peer) != 0)
        names->peer.length = 0;
    if (remote != NULL)
        names->remote = *remote;
}

int eddy__datagrams_new(struct eddy_loop *loop, eddy_socket socket, int family,
                        const eddy_address *remote, struct eddy__datagrams **made)
{
    struct eddy__datagrams *endpoint = datagrams_alloc(loop);
    int error;

    if (endpoint == NULL)
        return EDDY_ENOMEM;
    endpoint->transport.kind = &datagrams_kind;
    endpoint->transport.loop = loop;
    endpoint->transport.references = 1;
    endpoint->life = DATAGRAMS_STARTING;
    endpoint->family = family;
    endpoint->ready.run = datagrams_run_start;
    endpoint->retry.ready.run = eddy__datagrams_run_retry;
    endpoint->channel.events = &datagrams_events;
    endpoint->channel.loop = loop;
    endpoint->channel.socket = socket;
    eddy_loop_ref(loop);
    error = eddy__timer_reserve(&loop->timers, &endpoint->retry);
    if (error == 0)
        error = loop->backend->channel_open(&endpoint->channel);
    if (error) {
        eddy__timer_unreserve(&loop->timers, &endpoint->retry);
        datagrams_free(&endpoint->transport);
        return error;
    }
    datagrams_note_names(endpoint, remote);
    eddy__flow_set_limits(&endpoint->flow, EDDY_DEFAULT_LIMIT, EDDY_DEFAULT_LIMIT);
    eddy__channel_claim(&endpoint->channel);
    *made = endpoint;
    return 0;
}

void eddy__datagrams_start(struct eddy__datagrams *endpoint,
                           const struct eddy__datagrams_setup *setup)
{
    endpoint->setup = *setup;
    eddy__loop_enqueue(endpoint->transport.loop, &endpoint->ready);
}

/** Tell who waits for the endpoint, once, and forget them. */
static void datagrams_tell_made(struct eddy__datagrams *endpoint, int error)
{
    void (*on_made)(void *, struct eddy_transport *, int) = endpoint->setup.on_made;

    endpoint->setup.on_made = NULL;
    if (on_made != NULL)
        on_made(endpoint->setup.on_made_arg, &endpoint->transport, error);
}

static void datagrams_report_slow(const struct eddy__datagrams *endpoint, eddy_time entered,
                                  const char *callback)
{
    struct eddy_loop *loop = endpoint->transport.loop;
    char what[64];

    if (!loop->debug || entered == EDDY_FOREVER)
        return;
    snprintf(what, sizeof what, "protocol's %s()", callback);
    eddy__loop_report_slow(loop, eddy__loop_now(loop) - entered, what);
}

void eddy__datagrams_leave(struct eddy__datagrams *endpoint, eddy_time entered,
                           const char *callback, int result)
{
    datagrams_report_slow(endpoint, entered, callback);
    if (result < 0)
        eddy__transport_report(&endpoint->transport, callback, result);
}

static void datagrams_schedule_lost(struct eddy__datagrams *endpoint)
{
    endpoint->life = DATAGRAMS_LOSING;
    datagrams_detach_channel(endpoint);
    endpoint->channel.ready.run = datagrams_run_lost;
    eddy__loop_enqueue(endpoint->transport.loop, &endpoint->channel.ready);
}

/** End it with `error`, whose words are the current text, dropping the output (TR-34). */
static void datagrams_fail(struct eddy__datagrams *endpoint, int error)
{
    if (endpoint->life >= DATAGRAMS_LOSING)
        return;
    endpoint->error = error;
    endpoint->failure = eddy__failure_capture(error);
    datagrams_schedule_lost(endpoint);
}

/** connection_made(); a failure ends the transport (TR-41). */
static int datagrams_introduce(struct eddy__datagrams *endpoint)
{
    eddy_protocol *protocol = endpoint->transport.protocol;
    eddy_time entered = datagrams_enter(endpoint);
    int error = 0;

    if (protocol->callbacks->connection_made != NULL)
        error = protocol->callbacks->connection_made(protocol, &endpoint->transport);
    if (error < 0)
        datagrams_fail(endpoint, error);
    eddy__datagrams_leave(endpoint, entered, "connection_made", error);
    return error < 0 ? error : 0;
}

static void datagrams_close(struct eddy_transport *transport)
{
    struct eddy__datagrams *endpoint = datagrams_of(transport);

    if (endpoint->life >= DATAGRAMS_DRAINING)
        return;
    if (eddy__datagrams_waiting(endpoint) == 0) {
        datagrams_schedule_lost(endpoint);
        return;
    }
    endpoint->life = DATAGRAMS_DRAINING;
    datagrams_backend(endpoint)->receive_stop(&endpoint->channel);
}

static void datagrams_abort(struct eddy_transport *transport)
{
    struct eddy__datagrams *endpoint = datagrams_of(transport);

    if (endpoint->life < DATAGRAMS_LOSING)
        datagrams_schedule_lost(endpoint);
}

static void datagrams_begin_reading(struct eddy__datagrams *endpoint)
{
    if (endpoint->life == DATAGRAMS_OPEN)
        datagrams_backend(endpoint)->receive_datagrams_start(
            &endpoint->channel, endpoint->family == EDDY_UNIX ? UNIX_SIZE_MAX : INTERNET_SIZE_MAX);
}

/** The protocol is made at the last moment, when nothing can fail any more but itself (TR-52). */
static void datagrams_run_start(struct eddy__ready *ready)
{
    struct eddy__datagrams *endpoint = EDDY__OWNER(ready, struct eddy__datagrams, ready);
    int error = 0;

    eddy_transport_ref(&endpoint->transport); /* it may be lost and let go of below */
    endpoint->life = DATAGRAMS_MAKING;
    eddy__thread_state()->error->code = 0;
    endpoint->transport.protocol = endpoint->setup.factory(endpoint->setup.factory_arg);
    if (endpoint->transport.protocol == NULL || endpoint->transport.protocol->callbacks == NULL) {
        /* What the factory said, if it said anything. */
        error = eddy__thread_state()->error->code;
        if (endpoint->transport.protocol != NULL)
            error = eddy_error(EDDY_EINVALID, "the protocol was not initialised");
        else if (error >= 0)
            error = eddy_error(EDDY_EFAILED, "the protocol factory made no protocol");
        datagrams_tell_made(endpoint, error);
        datagrams_discard(endpoint);
    } else {
        endpoint->life = DATAGRAMS_OPEN;
        error = datagrams_introduce(endpoint);
        if (endpoint->forgotten)
            datagrams_close(&endpoint->transport);
        datagrams_begin_reading(endpoint);
        datagrams_tell_made(endpoint, error);
    }
    eddy_transport_unref(&endpoint->transport);
}

void eddy__datagrams_forget(struct eddy__datagrams *endpoint)
{
    endpoint->setup.on_made = NULL;
    if (endpoint->life == DATAGRAMS_STARTING)
        datagrams_discard(endpoint);
    else if (endpoint->life == DATAGRAMS_MAKING)
        endpoint->forgotten = true;
    else
        datagrams_close(&endpoint->transport);
}

static void datagrams_on_datagram(struct eddy__channel *channel, const void *data, size_t size,
                                  const eddy_address *from)
{
    struct eddy__datagrams *endpoint = datagrams_of_channel(channel);
    eddy_protocol *protocol = endpoint->transport.protocol;
    eddy_time entered = datagrams_enter(endpoint);
    int result = 0;

    if (protocol->callbacks->datagram_received != NULL)
        result = protocol->callbacks->datagram_received(protocol, data, size, from);
    eddy__datagrams_leave(endpoint, entered, "datagram_received", result);
}

void eddy__datagrams_tell_error(struct eddy__datagrams *endpoint, int error)
{
    eddy_protocol *protocol = endpoint->transport.protocol;
    eddy_time entered = datagrams_enter(endpoint);
    int result = 0;

    if (protocol->callbacks->error_received != NULL)
        result = protocol->callbacks->error_received(protocol, error);
    eddy__datagrams_leave(endpoint, entered, "error_received", result);
}

/** Of a socket that is none there is nothing to come, and a selector may call it ready for ever. */
static bool datagrams_is_fatal(int error)
{
    return error == EDDY_EBADF || error == EDDY_ENOTSOCK;
}

static void datagrams_on_receive_ended(struct eddy__channel *channel, int error)
{
    eddy_error(error, "datagram endpoint: %s", eddy_strerror(error));
    datagrams_fail(datagrams_of_channel(channel), error);
}

static void datagrams_on_datagram_error(struct eddy__channel *channel, int error)
{
    if (datagrams_is_fatal(error)) {
        datagrams_on_receive_ended(channel, error);
        return;
    }
    eddy_error(error, "cannot receive a datagram: %s", eddy_strerror(error));
    eddy__datagrams_tell_error(datagrams_of_channel(channel), error);
}

/** connection_lost(), with the error and its words in place (TR-42). */
static void datagrams_lose(struct eddy__datagrams *endpoint)
{
    eddy_protocol *protocol = endpoint->transport.protocol;
    eddy_time entered = datagrams_enter(endpoint);
    int result = 0;

    eddy_transport_ref(&endpoint->transport);
    if (endpoint->error)
        eddy__failure_restore(endpoint->error, endpoint->failure);
    if (protocol->callbacks->connection_lost != NULL)
        result = protocol->callbacks->connection_lost(protocol, endpoint->error);
    endpoint->transport.protocol = NULL; /* it may have freed itself */
    eddy__datagrams_leave(endpoint, entered, "connection_lost", result);
    if (endpoint->life != DATAGRAMS_LOST) /* connection_lost() may have closed the loop */
        datagrams_let_go(endpoint);
    eddy_transport_unref(&endpoint->transport);
}

static void datagrams_run_lost(struct eddy__ready *ready)
{
    datagrams_lose(EDDY__OWNER(ready, struct eddy__datagrams, channel.ready));
}

void eddy__datagrams_drained(struct eddy__datagrams *endpoint)
{
    assert(endpoint->life == DATAGRAMS_DRAINING);
    endpoint->life = DATAGRAMS_LOSING;
    datagrams_detach_channel(endpoint);
    datagrams_lose(endpoint);
}

static bool datagrams_is_closing(const struct eddy_transport *transport)
{
    return datagrams_of(transport)->life >= DATAGRAMS_DRAINING;
}

static int datagrams_set_protocol(struct eddy_transport *transport, eddy_protocol *protocol)
{
    if (datagrams_of(transport)->life < DATAGRAMS_LOST)
        transport->protocol = protocol;
    return 0;
}

static bool datagrams_extra_address(const eddy_address *address, eddy_value *value)
{
    if (address->length == 0)
        return false;
    value->address = address;
    return true;
}

static bool datagrams_get_extra_info(const struct eddy_transport *transport, const char *name,
                                     eddy_value *value)
{
    struct eddy__datagrams *endpoint = datagrams_of(transport);

    if (strcmp(name, "peername") == 0)
        return datagrams_extra_address(&endpoint->names->peer, value);
    if (strcmp(name, "sockname") == 0)
        return datagrams_extra_address(&endpoint->names->local, value);
    if (strcmp(name, "socket") != 0)
        return false;
    value->socket_view = &endpoint->channel.view;
    return true;
}

static const struct eddy__channel_events datagrams_events = {
    .on_datagrams_begin = eddy__datagrams_on_begin,
    .on_datagram = datagrams_on_datagram,
    .on_datagram_error = datagrams_on_datagram_error,
    .on_datagrams_end = eddy__datagrams_on_end,
    .on_receive_ended = datagrams_on_receive_ended,
    .get_datagrams = eddy__datagrams_get_datagrams,
    .on_sent = eddy__datagrams_on_sent,
    .on_closed = datagrams_on_closed,
    .abandon = datagrams_abandon,
};

static const struct eddy__transport_kind datagrams_kind = {
    .name = "datagram",
    .close = datagrams_close,
    .abort = datagrams_abort,
    .is_closing = datagrams_is_closing,
    .get_extra_info = datagrams_get_extra_info,
    .set_protocol = datagrams_set_protocol,
    .sendto = eddy__datagrams_sendto,
    .get_write_buffer_size = eddy__datagrams_get_write_buffer_size,
    .set_write_buffer_limits = eddy__datagrams_set_limits,
    .get_write_buffer_limits = eddy__datagrams_get_limits,
    .free = datagrams_free,
};
