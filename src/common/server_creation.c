/* SPDX-License-Identifier: MIT */
/*
 * create_server(): resolve all hosts at once, bind every address or none (server_bind.c), listen,
 * and be done one iteration later, so that a client may connect right then (NET-24).
 */
#include "common/argument.h"
#include "common/dns.h"
#include "common/future.h"
#include "common/server.h"

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
    struct eddy__server_binding binding;
    bool defer_serving;
    bool keeps_sockets; /**< they were passed, and are the caller's until the call succeeds */
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
    eddy_tls_context_unref(creating->setup.tls.context);
    creating->setup.tls.context = NULL;
    if (creating->server != NULL) {
        eddy__server_close(creating->server, !creating->keeps_sockets);
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

/** The answers of all hosts in one list, each address once (NET-20). NULL: EDDY_ENOMEM. */
static eddy_address_list *creating_merge(const struct creating *creating)
{
    eddy_address_list *merged;
    size_t count = 0;

    for (size_t i = 0; i < creating->host_count; i++)
        count += creating->hosts[i].addresses->count;
    merged = eddy__address_list_new(count, 0);
    if (merged == NULL)
        return NULL;
    merged->count = 0;
    for (size_t i = 0; i < creating->host_count; i++)
        eddy__address_list_append_new(merged, creating->hosts[i].addresses);
    return merged;
}

/** Every host has been resolved. */
static void creating_bind(struct creating *creating)
{
    eddy_address_list *addresses = creating_merge(creating);
    int error = EDDY_ENOMEM;

    if (addresses != NULL) {
        creating->setup.listeners_max = addresses->count;
        creating->server = eddy__server_new(creating->future.loop, &creating->setup);
    }
    if (creating->server != NULL)
        error = eddy__server_bind(creating->server, addresses, &creating->binding);
    eddy_address_list_free(addresses);
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
static struct creating *creating_new(struct eddy_loop *loop, size_t host_count)
{
    size_t size = sizeof(struct creating) + host_count * sizeof(struct creating_host);
    struct eddy_future *future = eddy__future_new(loop, size, &creating_kind);
    struct creating *creating = (struct creating *)future;

    if (future == NULL)
        return NULL;
    creating->host_count = host_count;
    creating->live.abandon = creating_abandon;
    eddy__list_append(&loop->live, &creating->live.node);
    return creating;
}

struct eddy_future *eddy__server_hand_out(struct eddy_server *server, bool defer_serving,
                                          bool keeps_sockets)
{
    struct eddy_loop *loop = server->loop;
    struct creating *creating = creating_new(loop, 0);

    if (creating == NULL) {
        eddy__server_close(server, !keeps_sockets);
        eddy_server_unref(server);
        return eddy__future_failed(loop, EDDY_ENOMEM);
    }
    eddy_future_ref(&creating->future);
    creating->server = server;
    creating->defer_serving = defer_serving;
    creating->keeps_sockets = keeps_sockets;
    creating_serve(creating);
    return &creating->future;
}

/** What the options say about the server itself. */
static struct eddy__server_setup server_setup(eddy_protocol_factory factory, void *arg,
                                              const eddy_server_options *options)
{
    return (struct eddy__server_setup){
        .factory = factory,
        .factory_arg = arg,
        .backlog = options->backlog,
        .connections_max = options->connections_max,
        .tls =
            {
                .context = options->tls,
                .handshake_timeout = options->tls_handshake_timeout,
                .shutdown_timeout = options->tls_shutdown_timeout,
            },
        .listeners_max = 1,
    };
}

/** And about its sockets. */
static struct eddy__server_binding server_binding(const struct eddy_loop *loop,
                                                  const eddy_server_options *options)
{
    bool reuse_by_default = !loop->backend->sockets->reuse_shares_port;

    return (struct eddy__server_binding){
        .reuse_address = options->reuse_address == EDDY_YES ||
                         (options->reuse_address == EDDY_DEFAULT && reuse_by_default),
        .reuse_port = options->reuse_port,
        .keep_alive = options->keep_alive,
    };
}

/** NET-23: the socket is the caller's until the call succeeds. */
static struct eddy_future *creating_start_with_socket(struct eddy_loop *loop,
                                                      const struct eddy__server_setup *setup,
                                                      const eddy_server_options *options)
{
    struct eddy_server *server = NULL;
    int family = EDDY_UNSPEC;
    int protocol = EDDY_ANY_PROTOCOL;
    int error = eddy__check_stream_socket(loop, *options->sock, &family, &protocol);

    if (error == 0)
        error = eddy__server_new_over(loop, setup, *options->sock, &server);
    if (error)
        return eddy__future_failed(loop, error);
    return eddy__server_hand_out(server, options->defer_serving, true);
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
    return 0;
}

eddy_future *eddy_loop_create_server(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                     const char *host, int port, const eddy_server_options *options)
{
    static const eddy_server_options defaults;
    struct eddy__resolver_query query = {.type = EDDY_STREAM};
    char port_text[EDDY__PORT_TEXT_SIZE];
    struct eddy__server_setup setup;
    struct creating *creating;
    int error;

    if (options == NULL)
        options = &defaults;
    setup = server_setup(factory, arg, options);
    error = server_check(loop, factory, host, port, options);
    if (error == 0)
        error = eddy__tls_check(&setup.tls, true);
    if (error == 0)
        error = eddy__dns_service(port, options->service, port_text, &query.service);
    if (error)
        return eddy__future_failed(loop, error);
    if (options->sock != NULL)
        return creating_start_with_socket(loop, &setup, options);
    query.family = (int)options->family;
    query.flags = options->flags | EDDY_AI_PASSIVE;
    creating = creating_new(loop, options->hosts != NULL ? options->host_count : 1);
    if (creating == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    creating->setup = setup;
    eddy_tls_context_ref(setup.tls.context);
    creating->binding = server_binding(loop, options);
    creating->defer_serving = options->defer_serving;
    return creating_start_with_hosts(loop, creating, &query,
                                     options->hosts != NULL ? options->hosts : &host);
}
