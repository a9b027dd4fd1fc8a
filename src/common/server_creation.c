/* SPDX-License-Identifier: MIT */
/*
 * create_server(): resolve all hosts at once, bind every address or none, listen, and be done one
 * iteration later, so that a client may connect right then (NET-24).
 */
#include "common/argument.h"
#include "common/dns.h"
#include "common/future.h"
#include "common/log.h"
#include "common/server.h"
#include "common/text.h"

enum { DEFAULT_BACKLOG = 100 };

struct creating;

/** One host and its answer. */
struct creating_host {
    struct creating *creating;
    struct eddy_future *resolving;
    struct eddy__watch resolved;
    eddy_address_list *addresses;
};

struct creating {
    struct eddy_future future;
    struct eddy__live live;   /**< linked while the loop holds a reference */
    struct eddy__ready ready; /**< the last iteration */
    struct eddy__server_setup setup;
    struct eddy_server *server; /**< a reference, from binding until it is handed out */
    bool reuse_address;
    bool reuse_port;
    bool keep_alive;
    bool defer_serving;
    bool keeps_socket; /**< it was passed, and is the caller's until the call succeeds */
    size_t pending;
    size_t host_count;
    struct creating_host hosts[];
};

/** Let go of everything but what was handed out, and of the loop's reference to the future. */
static void creating_leave(struct creating *creating)
{
    eddy__list_remove(&creating->live.node);
    eddy__loop_dequeue(&creating->ready);
    for (size_t i = 0; i < creating->host_count; i++) {
        struct creating_host *host = &creating->hosts[i];

        eddy__future_unwatch(&host->resolved);
        if (host->resolving != NULL)
            eddy_future_cancel(host->resolving, NULL);
        eddy_future_unref(host->resolving);
        eddy_address_list_free(host->addresses);
    }
    creating->host_count = 0;
    if (creating->server != NULL) {
        eddy__server_close(creating->server, !creating->keeps_socket);
        eddy_server_unref(creating->server);
        creating->server = NULL;
    }
    eddy_future_unref(&creating->future);
}

static void creating_fail(struct creating *creating, int error)
{
    if (error == EDDY_ECANCELED)
        eddy__future_finish_cancelled(&creating->future, eddy_error_text());
    else
        eddy__future_finish_failed(&creating->future, error);
    creating_leave(creating);
}

static bool creating_cancel(struct eddy_future *future, const char *message)
{
    eddy__future_finish_cancelled(future, message);
    creating_leave((struct creating *)future);
    return true;
}

static void creating_abandon(struct eddy__live *live)
{
    creating_leave(EDDY__OWNER(live, struct creating, live));
}

static const struct eddy__future_kind creating_kind = {
    .name = "server in the making",
    .cancel = creating_cancel,
};

/** Somebody awaited it without taking the reference: it serves until its loop ends. */
static void creating_dispose_seen(eddy_value value)
{
    eddy_server_unref(value.server);
}

/** Nobody ever asked (a cancelled task): it must not serve behind everybody's back. */
static void creating_dispose(eddy_value value)
{
    eddy_server_close(value.server);
    eddy_server_unref(value.server);
}

static void creating_succeed(struct creating *creating)
{
    eddy_value value = {.server = creating->server};

    creating->server = NULL;
    creating->future.dispose = creating_dispose;
    creating->future.dispose_seen = creating_dispose_seen;
    eddy__future_finish(&creating->future, value);
    creating_leave(creating);
}

static void creating_on_last_iteration(struct eddy__ready *ready)
{
    creating_succeed(EDDY__OWNER(ready, struct creating, ready));
}

/** All sockets are bound. */
static void creating_serve(struct creating *creating)
{
    int error;

    if (creating->defer_serving) {
        creating_succeed(creating);
        return;
    }
    error = eddy__server_serve(creating->server);
    if (error) {
        creating_fail(creating, error);
        return;
    }
    creating->ready.run = creating_on_last_iteration;
    eddy__loop_enqueue(creating->future.loop, &creating->ready);
}

/** NET-21: what a listening socket is given before it is bound. */
static int creating_set_options(const struct creating *creating, eddy_socket socket,
                                const eddy_addrinfo *entry)
{
    const struct eddy__socket_ops *sockets = creating->future.loop->backend->sockets;
    int error = 0;

    if (creating->reuse_address)
        error = sockets->set_option(socket, EDDY__REUSE_ADDRESS, 1);
    if (error == 0 && creating->reuse_port && sockets->set_option(socket, EDDY__REUSE_PORT, 1) != 0)
        return eddy_error(EDDY_EINVALID, "reuse_port is not available on this system");
    if (error == 0 && creating->keep_alive)
        error = sockets->set_option(socket, EDDY__KEEP_ALIVE, 1);
    if (error == 0 && entry->family == EDDY_INET6)
        error = sockets->set_option(socket, EDDY__IPV6_ONLY, 1);
    return error ? eddy_error(error, "cannot prepare a listening socket: %s", eddy_strerror(error))
                 : 0;
}

/** What became of one address: bound (0), or its error, to be skipped or not. */
struct creating_outcome {
    int error;
    bool skip;
};

static struct creating_outcome creating_bind_address(struct creating *creating,
                                                     const eddy_addrinfo *entry, const char *text)
{
    struct eddy_loop *loop = creating->future.loop;
    const struct eddy__socket_ops *sockets = loop->backend->sockets;
    eddy_socket socket;
    int error = sockets->open(loop, (int)entry->family, EDDY_STREAM, (int)entry->protocol, &socket);
    bool skip = false;

    /* The family may not be there, or not be configured: the others may do (NET-21, NET-22). */
    if (error)
        return (struct creating_outcome){error, true};
    error = creating_set_options(creating, socket, entry);
    if (error == 0) {
        error = sockets->bind(socket, &entry->address);
        skip = error == EDDY_EADDRNOTAVAIL;
        if (error)
            eddy_error(error, "cannot bind to %s: %s", text, eddy_strerror(error));
    }
    if (error == 0) {
        error = eddy__server_add(creating->server, socket);
        if (error)
            eddy_error(error, "cannot serve on %s: %s", text, eddy_strerror(error));
    }
    if (error)
        sockets->close(socket);
    return (struct creating_outcome){error, skip};
}

/** NET-20: an address that came before is not bound twice. */
static bool creating_is_repeated(const struct creating *creating, const eddy_address *address)
{
    for (size_t i = 0; i < creating->host_count; i++) {
        const eddy_address_list *list = creating->hosts[i].addresses;

        for (size_t k = 0; k < list->count; k++) {
            if (&list->entries[k].address == address)
                return false;
            if (eddy_address_equal(&list->entries[k].address, address))
                return true;
        }
    }
    return false;
}

/** Bind all addresses of one host; `skipped` collects what was passed over, and why. */
static int creating_bind_host(struct creating *creating, const eddy_address_list *list,
                              struct eddy__text *skipped, int *skipped_error)
{
    char text[EDDY_ADDRESS_TEXT_MAX];
    const eddy_addrinfo *entry;

    for (size_t i = 0; (entry = eddy_address_list_get(list, i)) != NULL; i++) {
        struct creating_outcome outcome;

        if (creating_is_repeated(creating, &entry->address))
            continue;
        eddy_address_format(&entry->address, text, sizeof text);
        outcome = creating_bind_address(creating, entry, text);
        if (outcome.error == 0)
            continue;
        if (!outcome.skip)
            return outcome.error;
        if (creating->future.loop->debug)
            eddy__log(EDDY_LOG_WARNING, "server: %s is skipped: %s", text,
                      eddy_strerror(outcome.error));
        eddy__text_add(skipped, "%s%s", skipped->used > 0 ? ", " : "", text);
        *skipped_error = outcome.error;
    }
    return 0;
}

static int creating_bind_all(struct creating *creating)
{
    struct eddy__text skipped = {0};
    int skipped_error = EDDY_EADDRNOTAVAIL;

    for (size_t i = 0; i < creating->host_count; i++) {
        int error =
            creating_bind_host(creating, creating->hosts[i].addresses, &skipped, &skipped_error);

        if (error)
            return error;
    }
    if (creating->server->listener_count > 0)
        return 0;
    if (skipped.used == 0)
        return eddy_error(EDDY_EADDRNOTAVAIL, "the host has no address");
    return eddy_error(skipped_error, "cannot bind to any of %s: %s", skipped.text,
                      eddy_strerror(skipped_error));
}

/** Every host has been resolved. */
static void creating_bind(struct creating *creating)
{
    int error;

    for (size_t i = 0; i < creating->host_count; i++)
        creating->setup.listeners_max += creating->hosts[i].addresses->count;
    creating->server = eddy__server_new(creating->future.loop, &creating->setup);
    error = creating->server != NULL ? creating_bind_all(creating) : EDDY_ENOMEM;
    if (error)
        creating_fail(creating, error);
    else
        creating_serve(creating);
}

static int creating_take_addresses(struct creating_host *host)
{
    eddy_value value = {0};
    int error = eddy__future_take(host->resolving, &value);

    host->resolving = NULL;
    host->addresses = value.addresses;
    return error;
}

static void creating_on_resolved(struct eddy__watch *watch)
{
    struct creating_host *host = EDDY__OWNER(watch, struct creating_host, resolved);
    struct creating *creating = host->creating;
    int error = creating_take_addresses(host);

    if (error)
        creating_fail(creating, error);
    else if (--creating->pending == 0)
        creating_bind(creating);
}

/** `host_count` empty hosts. NULL: EDDY_ENOMEM. */
static struct creating *creating_new(struct eddy_loop *loop, eddy_protocol_factory factory,
                                     void *arg, const eddy_server_options *options,
                                     size_t host_count)
{
    size_t size = sizeof(struct creating) + host_count * sizeof(struct creating_host);
    struct eddy_future *future = eddy__future_new(loop, size, &creating_kind);
    struct creating *creating = (struct creating *)future;
    bool reuse_by_default = !loop->backend->sockets->reuse_shares_port;

    if (future == NULL)
        return NULL;
    creating->setup.factory = factory;
    creating->setup.factory_arg = arg;
    creating->setup.backlog = options->backlog != 0 ? options->backlog : DEFAULT_BACKLOG;
    creating->setup.connections_max = options->connections_max;
    creating->reuse_address = options->reuse_address == EDDY_YES ||
                              (options->reuse_address == EDDY_DEFAULT && reuse_by_default);
    creating->reuse_port = options->reuse_port;
    creating->keep_alive = options->keep_alive;
    creating->defer_serving = options->defer_serving;
    creating->host_count = host_count;
    creating->live.abandon = creating_abandon;
    eddy__list_append(&loop->live, &creating->live.node);
    return creating;
}

/** NET-23: the socket is the caller's until the call succeeds. */
static struct eddy_future *creating_start_with_socket(struct eddy_loop *loop,
                                                      eddy_protocol_factory factory, void *arg,
                                                      const eddy_server_options *options)
{
    struct creating *creating;
    int family = EDDY_UNSPEC;
    int protocol = EDDY_ANY_PROTOCOL;
    int error = eddy__check_stream_socket(loop, *options->sock, &family, &protocol);

    if (error == 0)
        error = loop->backend->sockets->set_nonblocking(*options->sock);
    if (error)
        return eddy__future_failed(loop, error);
    creating = creating_new(loop, factory, arg, options, 0);
    if (creating == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    eddy_future_ref(&creating->future);
    creating->keeps_socket = true;
    creating->setup.listeners_max = 1;
    creating->server = eddy__server_new(loop, &creating->setup);
    error =
        creating->server != NULL ? eddy__server_add(creating->server, *options->sock) : EDDY_ENOMEM;
    if (error)
        creating_fail(creating, error);
    else
        creating_serve(creating);
    return &creating->future;
}

static struct eddy_future *creating_start_with_hosts(struct eddy_loop *loop,
                                                     struct creating *creating,
                                                     const struct eddy__resolver_query *query,
                                                     const char *const *hosts)
{
    eddy_future_ref(&creating->future);
    creating->pending = creating->host_count;
    for (size_t i = 0; i < creating->host_count; i++) {
        struct creating_host *host = &creating->hosts[i];
        struct eddy__resolver_query host_query = *query;
        int error;

        /* Nothing and "" both mean all interfaces, in a list as well (NET-20). */
        if (hosts[i] != NULL && hosts[i][0] != '\0')
            host_query.host = hosts[i];
        host->creating = creating;
        host->resolved.on_done = creating_on_resolved;
        host->resolving = eddy__dns_resolve(loop, &host_query);
        if (!eddy_future_done(host->resolving)) {
            eddy__future_watch(host->resolving, &host->resolved);
            continue;
        }
        error = creating_take_addresses(host);
        if (error) {
            creating_fail(creating, error);
            return &creating->future;
        }
        creating->pending--;
    }
    if (creating->pending == 0)
        creating_bind(creating);
    return &creating->future;
}

/** NET-19. */
static int server_check(const struct eddy_loop *loop, eddy_protocol_factory factory,
                        const char *host, int port, const eddy_server_options *options)
{
    bool has_address =
        host != NULL || options->hosts != NULL || port != 0 || options->service != NULL;
    int error = eddy__check_loop_and_factory(loop, factory);

    if (error == 0)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error)
        return error;
    if (options->sock != NULL && has_address)
        return eddy_error(EDDY_EINVALID, "host or port and sock are given at the same time");
    if (options->sock == NULL && !has_address)
        return eddy_error(EDDY_EINVALID, "neither host and port nor sock are given (\"\" is the "
                                         "host that means all interfaces)");
    if (host != NULL && options->hosts != NULL)
        return eddy_error(EDDY_EINVALID, "both host and hosts are given");
    if ((options->hosts == NULL) != (options->host_count == 0))
        return eddy_error(EDDY_EINVALID, "hosts and host_count do not fit together");
    if (options->backlog < 0)
        return eddy_error(EDDY_EINVALID, "a backlog cannot be negative");
    return eddy__check_tls(options->tls, options->tls_handshake_timeout,
                           options->tls_shutdown_timeout);
}

eddy_future *eddy_loop_create_server(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                     const char *host, int port, const eddy_server_options *options)
{
    static const eddy_server_options defaults;
    struct eddy__resolver_query query = {.type = EDDY_STREAM};
    char port_text[EDDY__PORT_TEXT_SIZE];
    struct creating *creating;
    int error;

    if (options == NULL)
        options = &defaults;
    error = server_check(loop, factory, host, port, options);
    if (error == 0)
        error = eddy__dns_service(port, options->service, port_text, &query.service);
    if (error)
        return eddy__future_failed(loop, error);
    if (options->sock != NULL)
        return creating_start_with_socket(loop, factory, arg, options);
    query.family = (int)options->family;
    query.flags = options->flags | EDDY_AI_PASSIVE;
    creating =
        creating_new(loop, factory, arg, options, options->hosts != NULL ? options->host_count : 1);
    if (creating == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    return creating_start_with_hosts(loop, creating, &query,
                                     options->hosts != NULL ? options->hosts : &host);
}
