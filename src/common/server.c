/* SPDX-License-Identifier: MIT */
#include "common/server.h"
#include "common/connection.h"
#include "common/future.h"
#include "common/later.h"
#include "common/log.h"
#include "common/thread.h"

enum { DEFAULT_BACKLOG = 100 };

static void server_abandon(struct eddy__live *live);

struct eddy_server *eddy__server_new(struct eddy_loop *loop, const struct eddy__server_setup *setup)
{
    struct eddy_server *server = eddy__alloc_zeroed(sizeof *server);

    if (server == NULL)
        return NULL;
    server->listeners = eddy__alloc((setup->listeners_max + 1) * sizeof *server->listeners);
    if (server->listeners == NULL) {
        eddy__free(server);
        return NULL;
    }
    server->loop = eddy_loop_ref(loop);
    server->factory = setup->factory;
    server->factory_arg = setup->factory_arg;
    server->backlog = setup->backlog != 0 ? setup->backlog : DEFAULT_BACKLOG;
    server->connections_max = setup->connections_max;
    server->tls = setup->tls;
    eddy_tls_context_ref(server->tls.context);
    server->references = 2; /* the caller's, and its own until it is closed */
    server->state = EDDY__SERVER_BOUND;
    eddy__list_init(&server->transports);
    eddy__list_init(&server->waiters);
    server->live.abandon = server_abandon;
    eddy__list_append(&loop->live, &server->live.node);
    return server;
}

int eddy__server_add(struct eddy_server *server, eddy_socket socket)
{
    int error = eddy__listener_new(server, socket, &server->listeners[server->listener_count]);

    if (error == 0)
        server->listener_count++;
    return error;
}

int eddy__server_new_over(struct eddy_loop *loop, const struct eddy__server_setup *setup,
                          eddy_socket socket, struct eddy_server **server)
{
    int error = loop->backend->sockets->set_nonblocking(socket);
    struct eddy_server *made;

    if (error)
        return error;
    made = eddy__server_new(loop, setup);
    if (made == NULL)
        return EDDY_ENOMEM;
    error = eddy__server_add(made, socket);
    if (error) {
        eddy__server_close(made, false);
        eddy_server_unref(made);
        return error;
    }
    *server = made;
    return 0;
}

eddy_server *eddy_server_ref(eddy_server *server)
{
    if (server != NULL)
        server->references++;
    return server;
}

void eddy_server_unref(eddy_server *server)
{
    if (server == NULL || --server->references > 0)
        return;
    eddy_tls_context_unref(server->tls.context);
    eddy__free(server->listeners);
    eddy_loop_unref(server->loop);
    eddy__free(server);
}

eddy_loop *eddy_server_get_loop(const eddy_server *server)
{
    return server->loop;
}

bool eddy_server_is_serving(const eddy_server *server)
{
    return server->state == EDDY__SERVER_SERVING;
}

size_t eddy_server_socket_count(const eddy_server *server)
{
    return server->listener_count;
}

eddy_socket_view *eddy_server_socket(const eddy_server *server, size_t index)
{
    return index < server->listener_count ? &server->listeners[index]->channel.view : NULL;
}

int eddy__server_serve(struct eddy_server *server)
{
    if (server->state == EDDY__SERVER_CLOSED)
        return eddy_error(EDDY_EBADSTATE, "the server is closed");
    if (server->state == EDDY__SERVER_SERVING)
        return 0;
    /* First what can fail. */
    for (size_t i = 0; i < server->listener_count; i++) {
        int error = eddy__listener_listen(server->listeners[i], server->backlog);

        if (error)
            return eddy_error(error, "cannot listen: %s", eddy_strerror(error));
    }
    server->state = EDDY__SERVER_SERVING;
    for (size_t i = 0; i < server->listener_count; i++)
        eddy__listener_start(server->listeners[i]);
    return 0;
}

eddy_future *eddy_server_start_serving(eddy_server *server)
{
    int error = eddy__server_serve(server);

    return error ? eddy__future_failed(server->loop, error) : eddy__later(server->loop);
}

bool eddy__server_is_full(const struct eddy_server *server)
{
    return server->connections_max != 0 && server->connections >= server->connections_max;
}

/** NET-28: why a connection could not be set up is of interest in debug mode only. */
static void server_on_made(void *arg, struct eddy_transport *transport, int error)
{
    struct eddy_server *server = arg;

    if (error == 0 || !server->loop->debug)
        return;
    eddy_loop_call_exception_handler(server->loop,
                                     &(eddy_exception_context){
                                         .message = "an incoming connection could not be set up",
                                         .exception = error,
                                         .exception_text = eddy__error_text_of(error),
                                         .transport = transport,
                                         .protocol = transport != NULL ? transport->protocol : NULL,
                                     });
}

void eddy__server_on_accepted(struct eddy_server *server, eddy_socket socket,
                              const eddy_address *peer, bool set_no_delay)
{
    const struct eddy__socket_ops *sockets = server->loop->backend->sockets;
    struct eddy__transport_setup setup = {
        .factory = server->factory,
        .factory_arg = server->factory_arg,
        .server = server,
        .on_made = server_on_made,
        .on_made_arg = server,
    };
    struct eddy__stream *stream;
    struct eddy__tls *tls;
    int error = eddy__tls_new(server->loop, &server->tls, NULL, &tls);

    if (error == 0) {
        error = eddy__stream_new(server->loop, socket, peer, &stream);
        if (error)
            eddy__tls_discard(tls);
    }
    if (error) {
        sockets->close(socket);
        server_on_made(server, NULL, error);
        return;
    }
    if (set_no_delay)
        sockets->set_option(socket, EDDY__NO_DELAY, 1);
    eddy__connection_start(stream, tls, &setup);
    for (size_t i = 0; eddy__server_is_full(server) && i < server->listener_count; i++)
        eddy__listener_stop(server->listeners[i]);
}

/** Closed, and the last connection is over (SRV-6). */
static void server_settle(struct eddy_server *server)
{
    if (server->state != EDDY__SERVER_CLOSED || server->connections > 0)
        return;
    eddy__list_remove(&server->live.node);
    eddy__server_tell_waiters(server);
}

void eddy__server_attach(struct eddy_server *server, struct eddy_transport *transport)
{
    transport->server = eddy_server_ref(server);
    eddy__list_append(&server->transports, &transport->server_node);
    server->connections++;
}

void eddy__server_hand_over(struct eddy_transport *from, struct eddy_transport *to)
{
    if (from->server == NULL)
        return;
    to->server = from->server;
    from->server = NULL;
    eddy__list_remove(&from->server_node);
    eddy__list_append(&to->server->transports, &to->server_node);
}

void eddy__server_detach(struct eddy_transport *transport)
{
    struct eddy_server *server = transport->server;

    if (server == NULL)
        return;
    transport->server = NULL;
    eddy__list_remove(&transport->server_node);
    server->connections--;
    if (server->state == EDDY__SERVER_SERVING)
        for (size_t i = 0; i < server->listener_count; i++)
            eddy__listener_start(server->listeners[i]);
    server_settle(server);
    eddy_server_unref(server);
}

void eddy__server_close(struct eddy_server *server, bool close_sockets)
{
    if (server->state == EDDY__SERVER_CLOSED)
        return;
    server->state = EDDY__SERVER_CLOSED;
    /* Before its socket is closed, as no other file can have the number of this one until then. A
     * forked child leaves the parent's file alone. */
    eddy__socket_file_end(server->socket_file,
                          close_sockets && server->loop->fork_count == eddy__fork_count());
    server->socket_file = NULL;
    while (server->listener_count > 0)
        eddy__listener_close(server->listeners[--server->listener_count], close_sockets);
    server_settle(server);
    eddy_server_unref(server);
}

void eddy_server_close(eddy_server *server)
{
    eddy__server_close(server, true);
}

/** The loop closes. Its connections are abandoned by themselves, and detach. */
static void server_abandon(struct eddy__live *live)
{
    struct eddy_server *server = EDDY__OWNER(live, struct eddy_server, live);

    if (server->loop->debug && server->state != EDDY__SERVER_CLOSED)
        eddy__log(EDDY_LOG_WARNING, "server %p was never closed", (void *)server);
    eddy__list_remove(&server->live.node);
    eddy_server_ref(server);
    eddy__server_drop_waiters(server);
    eddy_server_close(server);
    eddy_server_unref(server);
}

/** Have `end` deal with every connection that is open now. */
static void server_end_clients(struct eddy_server *server, void (*end)(struct eddy_transport *))
{
    struct eddy__list open;
    struct eddy__list *node;

    /* One that is over at once leaves its list, and may be the last that holds the server; what is
     * called back may end others. */
    eddy_server_ref(server);
    eddy__list_init(&open);
    eddy__list_splice(&open, &server->transports);
    while ((node = eddy__list_shift(&open)) != NULL) {
        eddy__list_append(&server->transports, node);
        end(EDDY__OWNER(node, struct eddy_transport, server_node));
    }
    eddy_server_unref(server);
}

void eddy_server_close_clients(eddy_server *server)
{
    server_end_clients(server, eddy__transport_forget);
}

static void server_abort_client(struct eddy_transport *transport)
{
    /* Without a protocol nobody knows it yet, and it simply goes. */
    if (transport->protocol == NULL)
        eddy__transport_forget(transport);
    else
        eddy_transport_abort(transport);
}

void eddy_server_abort_clients(eddy_server *server)
{
    server_end_clients(server, server_abort_client);
}
