/* SPDX-License-Identifier: MIT */
/*
 * create_unix_connection() and create_unix_server(): what is asked of their arguments, and the
 * socket's file. The rest is what all connections and servers have, with a path for an address.
 */
#include <eddy/unix.h>
#include "common/address.h"
#include "common/argument.h"
#include "common/connection.h"
#include "common/credentials.h"
#include "common/future.h"
#include "common/resolver.h"
#include "common/server.h"
#include "sim/sim.h"
#include <string.h>

/** NET-30: what both calls ask of `path` and `sock`. */
static int unix_check(const struct eddy_loop *loop, eddy_protocol_factory factory, const char *path,
                      const eddy_socket *sock)
{
    int family = EDDY_UNSPEC;
    int protocol = EDDY_ANY_PROTOCOL;
    int error = eddy__check_loop_and_factory(loop, factory);

    if (error)
        return error;
    if (path != NULL && sock != NULL)
        return eddy_error(EDDY_EINVALID, "path and sock are given at the same time");
    if (path == NULL && sock == NULL)
        return eddy_error(EDDY_EINVALID, "neither path nor sock are given");
    if (sock == NULL)
        return 0;
    error = eddy__check_stream_socket(loop, *sock, &family, &protocol);
    if (error == 0 && family != EDDY_UNIX)
        error = eddy_error(EDDY_EINVALID, "sock is not a Unix socket");
    return error;
}

static size_t unix_path_size(const char *path, size_t size)
{
    return size != 0 ? size : strlen(path);
}

/** The one address of a path, as a resolver would give it. */
static int unix_addresses(const char *path, size_t size, eddy_address_list **list)
{
    eddy_address address;
    int error = eddy_address_unix(path, unix_path_size(path, size), &address);

    if (error)
        return error;
    *list = eddy__address_list_new(1, 0);
    if (*list == NULL)
        return EDDY_ENOMEM;
    (*list)->entries[0] =
        (eddy_addrinfo){.family = EDDY_UNIX, .type = EDDY_STREAM, .address = address};
    return 0;
}

static int unix_connection_check(const struct eddy_loop *loop, eddy_protocol_factory factory,
                                 const char *path, const eddy_unix_connection_options *options)
{
    int error = unix_check(loop, factory, path, options->sock);

    if (error == 0)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error)
        return error;
    if (options->tls != NULL && options->server_hostname == NULL)
        return eddy_error(EDDY_EINVALID, "tls over a Unix socket needs server_hostname");
    return 0;
}

eddy_future *eddy_loop_create_unix_connection(eddy_loop *loop, eddy_protocol_factory factory,
                                              void *arg, const char *path,
                                              const eddy_unix_connection_options *options)
{
    static const eddy_unix_connection_options defaults;
    struct eddy__connection_setup setup = {.factory = factory, .factory_arg = arg};
    eddy_address_list *targets = NULL;
    int error;

    if (options == NULL)
        options = &defaults;
    setup.tls = (struct eddy__tls_setup){
        .context = options->tls,
        .server_hostname = options->server_hostname,
        .handshake_timeout = options->tls_handshake_timeout,
        .shutdown_timeout = options->tls_shutdown_timeout,
    };
    error = unix_connection_check(loop, factory, path, options);
    if (error == 0)
        error = eddy__tls_check(&setup.tls, false);
    if (error == 0 && options->sock != NULL)
        return eddy__connection_over(loop, &setup, *options->sock);
    if (error == 0)
        error = unix_addresses(path, options->path_size, &targets);
    if (error)
        return eddy__future_failed(loop, error);
    return eddy__connection_to(loop, &setup, targets);
}

static int unix_server_check(const struct eddy_loop *loop, eddy_protocol_factory factory,
                             const char *path, const eddy_unix_server_options *options)
{
    int error = unix_check(loop, factory, path, options->sock);

    if (error == 0)
        error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);
    if (error)
        return error;
    if (options->backlog < 0)
        return eddy_error(EDDY_EINVALID, "a backlog cannot be negative");
    if (options->remove_sock_file && (options->sock == NULL || options->keep_socket_file))
        return eddy_error(EDDY_EINVALID, "remove_sock_file is only meaningful with sock");
    return 0;
}

/** Have the file at `path` removed when the server closes; abstract names have none (NET-35). */
static int unix_server_own_file(struct eddy_server *server, const char *path, size_t size)
{
    /* The simulated network has names, but no files behind them. */
    if (server->loop->sim != NULL || size == 0 || path[0] == '\0')
        return 0;
    server->socket_file = eddy__socket_file_new(path, size);
    return server->socket_file != NULL ? 0 : EDDY_ENOMEM;
}

static int unix_server_bind(struct eddy_server *server, const char *path,
                            const eddy_unix_server_options *options)
{
    static const struct eddy__server_binding binding;
    size_t size = unix_path_size(path, options->path_size);
    eddy_address_list *addresses = NULL;
    int error = unix_addresses(path, size, &addresses);

    if (error == 0)
        error = unix_server_own_file(server, path, size);
    if (error == 0)
        error = eddy__server_bind(server, addresses, &binding);
    eddy_address_list_free(addresses);
    if (error == 0 && options->keep_socket_file) {
        eddy__socket_file_end(server->socket_file, false);
        server->socket_file = NULL;
    }
    return error;
}

static int unix_server_adopt(struct eddy_server *server, const eddy_unix_server_options *options)
{
    struct eddy__endpoint endpoint;
    eddy_address address;
    int error;

    if (!options->remove_sock_file)
        return 0;
    error = server->loop->backend->sockets->local_address(*options->sock, &address);
    if (error)
        return error;
    eddy__address_split(&address, &endpoint);
    error = unix_server_own_file(server, endpoint.path, endpoint.path_size);
    if (error == 0 && server->socket_file != NULL)
        eddy__socket_file_note(server->socket_file);
    return error;
}

static int unix_server_new(struct eddy_loop *loop, const struct eddy__server_setup *setup,
                           const char *path, const eddy_unix_server_options *options,
                           struct eddy_server **made)
{
    struct eddy_server *server = NULL;
    int error = EDDY_ENOMEM;

    if (options->sock != NULL) {
        error = eddy__server_new_over(loop, setup, *options->sock, &server);
        if (error == 0)
            error = unix_server_adopt(server, options);
    } else {
        server = eddy__server_new(loop, setup);
        if (server != NULL)
            error = unix_server_bind(server, path, options);
    }
    if (error == 0) {
        *made = server;
    } else if (server != NULL) {
        eddy__server_close(server, options->sock == NULL);
        eddy_server_unref(server);
    }
    return error;
}

eddy_future *eddy_loop_create_unix_server(eddy_loop *loop, eddy_protocol_factory factory, void *arg,
                                          const char *path, const eddy_unix_server_options *options)
{
    static const eddy_unix_server_options defaults;
    struct eddy__server_setup setup = {.factory = factory, .factory_arg = arg, .listeners_max = 1};
    struct eddy_server *server = NULL;
    int error;

    if (options == NULL)
        options = &defaults;
    setup.tls = (struct eddy__tls_setup){
        .context = options->tls,
        .handshake_timeout = options->tls_handshake_timeout,
        .shutdown_timeout = options->tls_shutdown_timeout,
    };
    error = unix_server_check(loop, factory, path, options);
    if (error == 0)
        error = eddy__tls_check(&setup.tls, true);
    if (error)
        return eddy__future_failed(loop, error);
    setup.backlog = options->backlog;
    setup.connections_max = options->connections_max;
    error = unix_server_new(loop, &setup, path, options, &server);
    if (error)
        return eddy__future_failed(loop, error);
    return eddy__server_hand_out(server, options->defer_serving, options->sock != NULL);
}

int eddy_socket_peer_credentials(eddy_socket socket, eddy_peer_credentials *credentials)
{
    if (socket == EDDY_NO_SOCKET)
        return eddy_error(EDDY_EBADF, "no socket");
    if (eddy__sim_is_socket(socket))
        return eddy_error(EDDY_ENOTSUPPORTED, "nobody is behind a simulated socket");
    return eddy__credentials_of_peer(socket, credentials);
}
