/* SPDX-License-Identifier: MIT */
/*
 * create_datagram_endpoint().
 *
 *   resolve both addresses at once ── open a socket ── start the transport ── done
 *                     Unix paths, a family alone, a passed socket ──┘
 */
#include "common/endpoint.h"
#include "common/argument.h"
#include "common/datagram.h"
#include "common/dns.h"
#include "common/future.h"
#include "common/socket_view.h"
#include <string.h>

struct endpoint;

/** The local or the remote address. */
struct endpoint_side {
    struct endpoint *endpoint;
    struct eddy_future *resolving;
    struct eddy__watch resolved;
    eddy_address_list *addresses;
};

struct endpoint {
    struct eddy_future future;
    struct eddy__live live; /**< linked while the loop holds a reference */
    eddy_protocol_factory factory;
    void *factory_arg;
    struct eddy__endpoint_manner manner;
    struct endpoint_side local;
    struct endpoint_side remote;
    size_t pending;                    /**< sides that are not resolved yet */
    struct eddy__datagrams *datagrams; /**< started, not made yet */
};

static void endpoint_leave_side(struct endpoint_side *side)
{
    eddy__future_unwatch(&side->resolved);
    if (side->resolving != NULL)
        eddy_future_cancel(side->resolving, NULL);
    eddy_future_unref(side->resolving);
    side->resolving = NULL;
    eddy_address_list_free(side->addresses);
    side->addresses = NULL;
}

/** Let go of every stage, and of the loop's reference to the future, which is done. */
static void endpoint_leave(struct endpoint *endpoint)
{
    eddy__list_remove(&endpoint->live.node);
    endpoint_leave_side(&endpoint->local);
    endpoint_leave_side(&endpoint->remote);
    endpoint->datagrams = NULL;
    eddy_future_unref(&endpoint->future);
}

static void endpoint_fail(struct endpoint *endpoint, int error)
{
    if (error == EDDY_ECANCELED)
        eddy__future_finish_cancelled(&endpoint->future, eddy_error_text());
    else
        eddy__future_finish_failed(&endpoint->future, error);
    endpoint_leave(endpoint);
}

static bool endpoint_cancel(struct eddy_future *future, const char *message)
{
    struct endpoint *endpoint = (struct endpoint *)future;

    /* NET-16: a transport that exists already is closed as by close(). */
    if (endpoint->datagrams != NULL)
        eddy__datagrams_forget(endpoint->datagrams);
    eddy__future_finish_cancelled(future, message);
    endpoint_leave(endpoint);
    return true;
}

static void endpoint_abandon(struct eddy__live *live)
{
    endpoint_leave(EDDY__OWNER(live, struct endpoint, live));
}

static const struct eddy__future_kind endpoint_kind = {
    .name = "datagram endpoint in the making",
    .cancel = endpoint_cancel,
};

/** Somebody awaited it without taking the reference: the endpoint is the protocol's to end. */
static void endpoint_dispose_seen(eddy_value value)
{
    eddy_transport_unref(value.transport);
}

/** Nobody ever asked (a cancelled task): the endpoint ends, or nobody would end it. */
static void endpoint_dispose(eddy_value value)
{
    eddy_transport_close(value.transport);
    eddy_transport_unref(value.transport);
}

static void endpoint_on_made(void *arg, struct eddy_transport *transport, int error)
{
    struct endpoint *endpoint = arg;

    endpoint->datagrams = NULL;
    if (error) {
        endpoint_fail(endpoint, error);
        return;
    }
    endpoint->future.dispose = endpoint_dispose;
    endpoint->future.dispose_seen = endpoint_dispose_seen;
    eddy__future_finish(&endpoint->future,
                        (eddy_value){.transport = eddy_transport_ref(transport)});
    endpoint_leave(endpoint);
}

/** The socket is as it should be: hand it to the program. It stays the caller's if that fails. */
static int endpoint_make(struct endpoint *endpoint, eddy_socket socket, int family,
                         const eddy_address *remote)
{
    const struct eddy__datagrams_setup setup = {
        .factory = endpoint->factory,
        .factory_arg = endpoint->factory_arg,
        .on_made = endpoint_on_made,
        .on_made_arg = endpoint,
    };
    int error =
        eddy__datagrams_new(endpoint->future.loop, socket, family, remote, &endpoint->datagrams);

    if (error == 0)
        eddy__datagrams_start(endpoint->datagrams, &setup);
    return error;
}

/** The same with a socket that was opened here. */
static void endpoint_make_own(struct endpoint *endpoint, eddy_socket socket,
                              const struct eddy__endpoint_addresses *addresses)
{
    int error = endpoint_make(endpoint, socket, addresses->family, addresses->remote);

    if (error) {
        endpoint->future.loop->backend->sockets->close(socket);
        endpoint_fail(endpoint, error);
    }
}

/** Both sides are resolved, as far as they were given. */
static void endpoint_open(struct endpoint *endpoint)
{
    struct eddy__endpoint_addresses opened;
    eddy_socket socket;
    int error =
        eddy__endpoint_open_any(endpoint->future.loop, endpoint->local.addresses,
                                endpoint->remote.addresses, &endpoint->manner, &opened, &socket);

    if (error)
        endpoint_fail(endpoint, error);
    else
        endpoint_make_own(endpoint, socket, &opened);
}

static int endpoint_take_addresses(struct endpoint_side *side)
{
    eddy_value value = {0};
    int error = eddy__future_take(side->resolving, &value);

    side->resolving = NULL;
    side->addresses = value.addresses;
    return error;
}

static void endpoint_on_resolved(struct eddy__watch *watch)
{
    struct endpoint_side *side = EDDY__OWNER(watch, struct endpoint_side, resolved);
    struct endpoint *endpoint = side->endpoint;
    int error = endpoint_take_addresses(side);

    if (error)
        endpoint_fail(endpoint, error);
    else if (--endpoint->pending == 0)
        endpoint_open(endpoint);
}

/** Ask for the addresses of a side. A numeric host needs no waiting. */
static int endpoint_resolve(struct endpoint_side *side, const struct eddy__resolver_query *query)
{
    side->resolving = eddy__dns_resolve(side->endpoint->future.loop, query);
    if (eddy_future_done(side->resolving))
        return endpoint_take_addresses(side);
    side->endpoint->pending++;
    eddy__future_watch(side->resolving, &side->resolved);
    return 0;
}

/** NULL: EDDY_ENOMEM. */
static struct endpoint *endpoint_new(struct eddy_loop *loop, eddy_protocol_factory factory,
                                     void *arg, const eddy_datagram_options *options)
{
    struct endpoint *endpoint =
        (struct endpoint *)eddy__future_new(loop, sizeof *endpoint, &endpoint_kind);

    if (endpoint == NULL)
        return NULL;
    endpoint->factory = factory;
    endpoint->factory_arg = arg;
    endpoint->manner.reuse_port = options->reuse_port;
    endpoint->manner.allow_broadcast = options->allow_broadcast;
    endpoint->local.endpoint = endpoint->remote.endpoint = endpoint;
    endpoint->local.resolved.on_done = endpoint->remote.resolved.on_done = endpoint_on_resolved;
    endpoint->live.abandon = endpoint_abandon;
    eddy__list_append(&loop->live, &endpoint->live.node);
    eddy_future_ref(&endpoint->future); /* one is the caller's */
    return endpoint;
}

/** DGRAM-2: the socket is the caller's until a transport exists. */
static int endpoint_start_with_socket(struct endpoint *endpoint, eddy_socket socket)
{
    const struct eddy__socket_ops *sockets = endpoint->future.loop->backend->sockets;
    int family = EDDY_UNSPEC;
    int error = eddy__check_datagram_socket(endpoint->future.loop, socket, &family);

    if (error == 0)
        error = sockets->set_nonblocking(socket);
    return error ? error : endpoint_make(endpoint, socket, family, NULL);
}

/** An address of a path that need not end with a NUL. */
static int endpoint_path_address(const char *path, size_t size, eddy_address *address)
{
    return eddy_address_unix(path, size != 0 ? size : strlen(path), address);
}

/** DGRAM-3: paths, or an unbound socket of a family. Nothing here has to wait. */
static int endpoint_start_with_paths(struct endpoint *endpoint,
                                     const eddy_datagram_options *options)
{
    struct eddy__endpoint_addresses addresses = {
        .family = eddy__endpoint_is_unix(options) ? EDDY_UNIX : (int)options->family,
        .protocol = (int)options->protocol,
    };
    eddy_address local, remote;
    eddy_socket socket;
    int error = 0;

    if (options->local_path != NULL) {
        error = endpoint_path_address(options->local_path, options->local_path_size, &local);
        addresses.local = &local;
    }
    if (error == 0 && options->remote_path != NULL) {
        error = endpoint_path_address(options->remote_path, options->remote_path_size, &remote);
        addresses.remote = &remote;
    }
    if (error)
        return error;
    error = eddy__endpoint_open(endpoint->future.loop, &addresses, &endpoint->manner, &socket);
    if (error == 0)
        endpoint_make_own(endpoint, socket, &addresses);
    return error;
}

/** DGRAM-4. */
static int endpoint_start_with_hosts(struct endpoint *endpoint,
                                     const eddy_datagram_options *options)
{
    struct eddy__resolver_query query = {
        .family = (int)options->family,
        .type = EDDY_DGRAM,
        .protocol = (int)options->protocol,
    };
    char port[EDDY__PORT_TEXT_SIZE];
    int error = 0;

    if (eddy__endpoint_has_local(options)) {
        bool any = options->local_host == NULL || options->local_host[0] == '\0';

        query.host = any ? NULL : options->local_host;
        query.flags = options->flags | (any ? EDDY_AI_PASSIVE : 0);
        error =
            eddy__dns_service(options->local_port, options->local_service, port, &query.service);
        if (error == 0)
            error = endpoint_resolve(&endpoint->local, &query);
    }
    if (error == 0 && eddy__endpoint_has_remote(options)) {
        query.host = options->remote_host;
        query.flags = options->flags;
        error =
            eddy__dns_service(options->remote_port, options->remote_service, port, &query.service);
        if (error == 0)
            error = endpoint_resolve(&endpoint->remote, &query);
    }
    if (error == 0 && endpoint->pending == 0)
        endpoint_open(endpoint);
    return error;
}

eddy_future *eddy_loop_create_datagram_endpoint(eddy_loop *loop, eddy_protocol_factory factory,
                                                void *arg, const eddy_datagram_options *options)
{
    static const eddy_datagram_options defaults;
    struct endpoint *endpoint;
    int error = eddy__check_loop_and_factory(loop, factory);

    if (options == NULL)
        options = &defaults;
    if (error == 0)
        error = eddy__endpoint_check(options);
    if (error)
        return eddy__future_failed(loop, error);
    endpoint = endpoint_new(loop, factory, arg, options);
    if (endpoint == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    if (options->sock != NULL)
        error = endpoint_start_with_socket(endpoint, *options->sock);
    else if (eddy__endpoint_is_unix(options) ||
             (!eddy__endpoint_has_local(options) && !eddy__endpoint_has_remote(options)))
        error = endpoint_start_with_paths(endpoint, options);
    else
        error = endpoint_start_with_hosts(endpoint, options);
    if (error)
        endpoint_fail(endpoint, error);
    return &endpoint->future;
}
