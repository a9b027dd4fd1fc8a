/* SPDX-License-Identifier: MIT */
/* sock_connect(): by name (resolve first), or by address. */
#include <eddy/sock.h>
#include "common/dns.h"
#include "common/sock.h"

struct sock_connecting {
    struct eddy__sock_operation operation;
    eddy_address address;
    bool begun;                    /**< the system is connecting */
    struct eddy_future *resolving; /**< by name, until there is an answer */
    struct eddy__watch resolved;
};

static struct sock_connecting *connecting_of(struct eddy__sock_operation *operation)
{
    return EDDY__OWNER(operation, struct sock_connecting, operation);
}

static int connect_or_wait(int error)
{
    bool in_progress = error == EDDY_EINPROGRESS || error == EDDY_EALREADY;

    return in_progress ? EDDY__SOCK_WAIT : error;
}

/**
 * How a connect in progress has ended, or EDDY__SOCK_WAIT. A readiness that was on its way before
 * it began says nothing about it, nor does the system then: there is no error, and no peer either.
 * Asking to connect once more tells: it is under way, or done, or else it begins now. Only to wait
 * on would spin, were the socket idle: that is writable without end.
 */
static int connect_outcome(struct sock_connecting *connecting)
{
    const struct eddy__socket_ops *calls = eddy__sock_calls(&connecting->operation);
    eddy_socket socket = connecting->operation.socket;
    eddy_address peer;
    int error = calls->connect_result(socket);

    if (error != 0 || calls->peer_address(socket, &peer) != EDDY_ENOTCONN)
        return connect_or_wait(error);
    error = calls->connect(socket, &connecting->address);
    return error == EDDY_EISCONN ? 0 : connect_or_wait(error);
}

/** As an attempt, without words. */
static int connect_step(struct sock_connecting *connecting)
{
    const struct eddy__socket_ops *calls = eddy__sock_calls(&connecting->operation);
    eddy_socket socket = connecting->operation.socket;
    int error;

    if (connecting->begun)
        return connect_outcome(connecting);
    error = calls->connect(socket, &connecting->address);
    /* EALREADY: an earlier operation began it and was cancelled. EAGAIN, on the other hand, is how
     * a Unix socket says that its listener is busy, and nothing would tell when that is over. */
    connecting->begun = error == EDDY_EINPROGRESS || error == EDDY_EALREADY;
    return connecting->begun ? EDDY__SOCK_WAIT : error;
}

static int connect_attempt(struct eddy__sock_operation *operation, eddy_value *value)
{
    struct sock_connecting *connecting = connecting_of(operation);
    char address[EDDY_ADDRESS_TEXT_MAX];
    int error = connect_step(connecting);

    (void)value;
    if (error >= 0)
        return error;
    eddy_address_format(&connecting->address, address, sizeof address);
    return eddy_error(error, "cannot connect to %s: %s", address, eddy_strerror(error));
}

static void connect_leave(struct eddy__sock_operation *operation)
{
    struct sock_connecting *connecting = connecting_of(operation);
    struct eddy_future *resolving = connecting->resolving;

    connecting->resolving = NULL;
    if (resolving == NULL)
        return;
    eddy__future_unwatch(&connecting->resolved);
    eddy_future_cancel(resolving, NULL);
    eddy_future_unref(resolving);
}

static const struct eddy__sock_kind connect_kind = {
    .event = EDDY__WRITABLE,
    .size = sizeof(struct sock_connecting),
    .attempt = connect_attempt,
    .leave = connect_leave,
};

eddy_future *eddy_loop_sock_connect(eddy_loop *loop, eddy_socket sock, const eddy_address *address)
{
    struct eddy_future *failed = NULL;
    int error = address == NULL ? eddy_error(EDDY_EINVALID, "no address to connect to") : 0;
    struct eddy__sock_operation *operation =
        eddy__sock_new(loop, sock, &connect_kind, error, EDDY__CALLER(), &failed);

    if (operation == NULL)
        return failed;
    connecting_of(operation)->address = *address;
    eddy__sock_start(operation);
    return &operation->future;
}

/** The resolver's answer: its first address is the one (SOCK-7). */
static int connect_take_address(struct sock_connecting *connecting)
{
    struct eddy_future *resolving = connecting->resolving;
    eddy_value value = {0};
    int error;

    connecting->resolving = NULL;
    error = eddy__future_take(resolving, &value);
    if (error)
        return error;
    if (eddy_address_list_count(value.addresses) == 0)
        error = eddy_error(EDDY_EAI_NONAME, "the resolver knows no address");
    else
        connecting->address = eddy_address_list_get(value.addresses, 0)->address;
    eddy_address_list_free(value.addresses);
    return error;
}

/** Meanwhile the socket may have been given away, or another operation begun. */
static void connect_resume(struct sock_connecting *connecting)
{
    struct eddy__sock_operation *operation = &connecting->operation;
    struct eddy_loop *loop = operation->future.loop;
    int error = connect_take_address(connecting);

    if (error == 0)
        error = eddy__watcher_check_idle(loop, operation->socket, EDDY__WRITABLE);
    if (error)
        eddy__sock_fail(operation, error);
    else
        eddy__sock_start(operation);
}

static void connect_on_resolved(struct eddy__watch *watch)
{
    connect_resume(EDDY__OWNER(watch, struct sock_connecting, resolved));
}

/** What to ask the resolver for: the family, type and protocol that the socket has. */
static int connect_query(struct eddy_loop *loop, eddy_socket socket,
                         struct eddy__resolver_query *query)
{
    int error;

    if (loop == NULL || query->host == NULL)
        return eddy_error(EDDY_EINVALID, "no %s", loop == NULL ? "loop" : "host");
    error = eddy__watcher_check(loop, socket);
    if (error)
        return error;
    error =
        loop->backend->sockets->identify(socket, &query->family, &query->type, &query->protocol);
    if (error)
        return eddy_error(error, "cannot connect: %s", eddy_strerror(error));
    if (query->family != EDDY_INET && query->family != EDDY_INET6)
        return eddy_error(EDDY_EINVALID, "only internet sockets connect to host names");
    return 0;
}

eddy_future *eddy_loop_sock_connect_host(eddy_loop *loop, eddy_socket sock, const char *host,
                                         int port)
{
    struct eddy__resolver_query query = {.host = host};
    struct eddy_future *failed = NULL;
    struct eddy__sock_operation *operation;
    struct sock_connecting *connecting;
    char port_text[EDDY__PORT_TEXT_SIZE];
    int error = eddy__dns_service(port, NULL, port_text, &query.service);

    if (error == 0)
        error = connect_query(loop, sock, &query);
    operation = eddy__sock_new(loop, sock, &connect_kind, error, EDDY__CALLER(), &failed);
    if (operation == NULL)
        return failed;
    connecting = connecting_of(operation);
    connecting->resolved.on_done = connect_on_resolved;
    connecting->resolving = eddy__dns_resolve(loop, &query);
    if (eddy_future_done(connecting->resolving))
        connect_resume(connecting);
    else
        eddy__future_watch(connecting->resolving, &connecting->resolved);
    return &operation->future;
}
