/* SPDX-License-Identifier: MIT */
/**
 * Servers from the inside.
 *
 * A server holds a reference to itself until it is closed; each of its connections holds one, and
 * each future that waits for it. It is in the loop's live list until it is closed and its last
 * connection is over.
 */
#ifndef EDDY_COMMON_SERVER_H
#define EDDY_COMMON_SERVER_H

#include "common/listener.h"
#include "common/socket_file.h"
#include "common/stream.h"
#include "tls/tls.h"

enum eddy__server_state { EDDY__SERVER_BOUND = 1, EDDY__SERVER_SERVING, EDDY__SERVER_CLOSED };

struct eddy_server {
    /* Set once. */
    struct eddy_loop *loop; /**< a reference */
    eddy_protocol_factory factory;
    void *factory_arg;
    int backlog;
    size_t connections_max;     /**< 0: no limit */
    struct eddy__tls_setup tls; /**< with a reference to its context */

    uint32_t references;
    uint8_t state;
    bool has_forever; /**< a serve_forever() is among the waiters */
    struct eddy__live live;
    struct eddy__list transports; /**< its connections, through their server_node */
    size_t connections;           /**< started and not yet detached (SRV-7) */
    struct eddy__list waiters;    /**< struct server_wait of server_wait.c */
    struct eddy__listener **listeners;
    size_t listener_count;
    struct eddy__socket_file *socket_file; /**< to remove when it closes, or NULL (NET-35) */
};

/** What a server is made from. */
struct eddy__server_setup {
    eddy_protocol_factory factory;
    void *factory_arg;
    int backlog; /**< 0: 100 */
    size_t connections_max;
    struct eddy__tls_setup tls;
    size_t listeners_max;
};

/** A server without sockets; the caller owns a reference beside its own. NULL: EDDY_ENOMEM. */
struct eddy_server *eddy__server_new(struct eddy_loop *loop,
                                     const struct eddy__server_setup *setup);

/** Give it a bound socket, taking that when this succeeds. */
int eddy__server_add(struct eddy_server *server, eddy_socket socket);

/**
 * A server over a bound or listening stream socket, which has been checked and stays the caller's
 * until the server is handed out (NET-23). The caller owns a reference beside its own.
 */
int eddy__server_new_over(struct eddy_loop *loop, const struct eddy__server_setup *setup,
                          eddy_socket socket, struct eddy_server **server);

/** How its addresses are bound (NET-21). */
struct eddy__server_binding {
    bool reuse_address;
    bool reuse_port;
    bool keep_alive;
};

/**
 * Bind every address that this machine has, for which there must be room. An error, with a text:
 * the server keeps what was bound so far, and is to be closed (NET-22).
 */
int eddy__server_bind(struct eddy_server *server, const eddy_address_list *addresses,
                      const struct eddy__server_binding *binding);

/** Listen on all sockets, and accept; nothing happens if it does already (SRV-4). */
int eddy__server_serve(struct eddy_server *server);

/**
 * The future of a server whose sockets are bound: it listens, unless `defer_serving`, and is handed
 * out an iteration later (NET-24). Takes the caller's reference. If that fails or is cancelled the
 * server closes, without its sockets if `keeps_sockets`.
 */
struct eddy_future *eddy__server_hand_out(struct eddy_server *server, bool defer_serving,
                                          bool keeps_sockets);

/** As eddy_server_close(), but leaves the sockets open if they are the caller's still. */
void eddy__server_close(struct eddy_server *server, bool close_sockets);

/** A listener accepted a connection; takes `socket`, and sets TCP_NODELAY if asked to (NET-17). */
void eddy__server_on_accepted(struct eddy_server *server, eddy_socket socket,
                              const eddy_address *peer, bool set_no_delay);

/** `transport`, a new connection, is the server's; refs it, and counts (SRV-7). */
void eddy__server_attach(struct eddy_server *server, struct eddy_transport *transport);

/** `to` carries the connection from now on, instead of `from` (start_tls()). Cannot fail. */
void eddy__server_hand_over(struct eddy_transport *from, struct eddy_transport *to);

/** It is gone: connection_lost() has returned (SRV-6). Nothing happens if it has no server. */
void eddy__server_detach(struct eddy_transport *transport);

/** True while as many connections are open as there may be. */
bool eddy__server_is_full(const struct eddy_server *server);

/** It is closed and its last connection is over: everybody who waits for that is told. */
void eddy__server_tell_waiters(struct eddy_server *server);

/** The loop closes: forget who waits, without telling them. */
void eddy__server_drop_waiters(struct eddy_server *server);

#endif
