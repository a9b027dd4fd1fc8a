/* SPDX-License-Identifier: MIT */
#include "common/listener.h"
#include "common/server.h"

/** Accepts a turn at most (NET-25). */
enum { TURN_MAX = 64 };

/** How long to wait when the system is out of descriptors or memory (NET-26). */
#define RETRY_DELAY EDDY_SECONDS(1)

static struct eddy__listener *listener_of(struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct eddy__listener, channel);
}

/**
 * NET-17: whether TCP_NODELAY has to be set on a connection. On most systems connections have what
 * the listening socket has, which was given it; the first one tells.
 */
static bool listener_owes_no_delay(struct eddy__listener *listener, eddy_socket socket)
{
    int value = 0;

    if (listener->is_tcp && listener->no_delay == NO_DELAY_UNKNOWN) {
        int error =
            eddy__channel_ops(&listener->channel)->get_option(socket, EDDY__NO_DELAY, &value);

        listener->no_delay = error == 0 && value != 0 ? NO_DELAY_PASSED : NO_DELAY_OWED;
    }
    return listener->is_tcp && listener->no_delay == NO_DELAY_OWED;
}

static void listener_on_accepted(struct eddy__channel *channel, eddy_socket socket,
                                 const eddy_address *peer)
{
    struct eddy__listener *listener = listener_of(channel);

    eddy__server_on_accepted(listener->server, socket, peer,
                             listener_owes_no_delay(listener, socket));
}

static void listener_report(const struct eddy__listener *listener, const char *message, int error)
{
    eddy_loop_call_exception_handler(listener->channel.loop,
                                     &(eddy_exception_context){
                                         .message = message,
                                         .exception = error,
                                         .exception_text = eddy_strerror(error),
                                         .socket = &listener->channel.socket,
                                     });
}

static bool listener_is_shortage(int error)
{
    return error == EDDY_EMFILE || error == EDDY_ENFILE || error == EDDY_ENOBUFS ||
           error == EDDY_ENOMEM || error == EDDY_ENOSPC; /* epoll's limit of watches */
}

/** Somebody has closed the socket, or shut it down: that stays so, and would be told for ever. */
static bool listener_is_end(int error)
{
    return error == EDDY_EBADF || error == EDDY_ENOTSOCK || error == EDDY_EINVAL;
}

/** NET-26, NET-27. The handler of the report may close the server. */
static void listener_on_accept_failed(struct eddy__channel *channel, int error)
{
    struct eddy__listener *listener = listener_of(channel);
    struct eddy__timers *timers = &channel->loop->timers;

    if (listener_is_end(error)) {
        listener->is_dead = true;
        eddy__listener_stop(listener);
        listener_report(listener, "a listening socket is gone: it accepts no more", error);
        return;
    }
    if (!listener_is_shortage(error)) {
        listener_report(listener, "accepting a connection failed", error);
        return;
    }
    eddy__listener_stop(listener);
    eddy__timer_start(timers, &listener->retry,
                      eddy__time_add(eddy__loop_now(channel->loop), RETRY_DELAY));
    listener_report(listener, "out of resources to accept connections: trying again in 1 s", error);
}

static void listener_on_retry(struct eddy__ready *ready)
{
    eddy__listener_start(EDDY__OWNER(ready, struct eddy__listener, retry.ready));
}

static void listener_on_closed(struct eddy__channel *channel)
{
    eddy__free(listener_of(channel));
}

static const struct eddy__channel_events listener_events = {
    .on_accepted = listener_on_accepted,
    .on_accept_failed = listener_on_accept_failed,
    .on_closed = listener_on_closed,
};

/** Whether its connections are TCP's, which get TCP_NODELAY (NET-17). */
static bool listener_is_tcp(const struct eddy__socket_ops *sockets, eddy_socket socket)
{
    int family = EDDY_UNSPEC;
    int type = EDDY_ANY_TYPE;
    int protocol = EDDY_ANY_PROTOCOL;

    return sockets->identify(socket, &family, &type, &protocol) == 0 &&
           (family == EDDY_INET || family == EDDY_INET6) && protocol == EDDY_TCP;
}

int eddy__listener_new(struct eddy_server *server, eddy_socket socket,
                       struct eddy__listener **listener)
{
    struct eddy_loop *loop = server->loop;
    size_t size = offsetof(struct eddy__listener, channel) + loop->backend->channel_size;
    struct eddy__listener *made = eddy__alloc_zeroed(size);
    int error;

    if (made == NULL)
        return EDDY_ENOMEM;
    made->server = server;
    made->retry.ready.run = listener_on_retry;
    made->is_tcp = listener_is_tcp(loop->backend->sockets, socket);
    made->channel.events = &listener_events;
    made->channel.loop = loop;
    made->channel.socket = socket;
    error = eddy__timer_reserve(&loop->timers, &made->retry);
    if (error == 0)
        error = loop->backend->channel_open(&made->channel);
    if (error) {
        eddy__timer_unreserve(&loop->timers, &made->retry);
        eddy__free(made);
        return error;
    }
    eddy__channel_claim(&made->channel);
    *listener = made;
    return 0;
}

int eddy__listener_listen(struct eddy__listener *listener, int backlog)
{
    const struct eddy__socket_ops *sockets = eddy__channel_ops(&listener->channel);
    int listening = sockets->is_listening(listener->channel.socket);

    if (listener->is_tcp)
        (void)sockets->set_option(listener->channel.socket, EDDY__NO_DELAY, 1);
    return listening > 0 ? 0 : sockets->listen(listener->channel.socket, backlog);
}

void eddy__listener_start(struct eddy__listener *listener)
{
    const struct eddy__backend *backend = listener->channel.loop->backend;
    int turn = listener->server->backlog < TURN_MAX - 1 ? listener->server->backlog + 1 : TURN_MAX;

    if (listener->is_dead || listener->accepting || listener->retry.is_running ||
        eddy__server_is_full(listener->server))
        return;
    listener->accepting = true;
    backend->accept_start(&listener->channel, turn);
}

void eddy__listener_stop(struct eddy__listener *listener)
{
    if (!listener->accepting)
        return;
    listener->accepting = false;
    listener->channel.loop->backend->accept_stop(&listener->channel);
}

void eddy__listener_close(struct eddy__listener *listener, bool close_socket)
{
    struct eddy_loop *loop = listener->channel.loop;

    eddy__listener_stop(listener);
    eddy__timer_stop(&loop->timers, &listener->retry);
    eddy__timer_unreserve(&loop->timers, &listener->retry);
    listener->server = NULL;
    eddy__channel_disclaim(&listener->channel);
    loop->backend->channel_close(&listener->channel, close_socket);
    listener->channel.socket = EDDY_NO_SOCKET;
}
