/* SPDX-License-Identifier: MIT */
/** Servers: listening sockets and the connections they accepted (NET-18..NET-29, SRV-1..SRV-9). */
#ifndef EDDY_SERVER_H
#define EDDY_SERVER_H

#include <eddy/dns.h>
#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The keywords of create_server(); zeroed fields mean the default. Copied by the call. */
typedef struct eddy_server_options {
    eddy_family family;
    unsigned flags;           /**< EDDY_AI_*; EDDY_AI_PASSIVE is always set */
    const char *service;      /**< name or number, in place of `port` */
    const char *const *hosts; /**< several, in place of `host` (NET-20) */
    size_t host_count;
    const eddy_socket *sock;   /**< a bound or listening stream socket, in place of host and port */
    int backlog;               /**< 0: 100 */
    eddy_choice reuse_address; /**< default: yes on POSIX, no on Windows (NET-21) */
    bool reuse_port;           /**< EDDY_EINVALID where the system has none (NET-19) */
    bool keep_alive;           /**< SO_KEEPALIVE (NET-21) */
    bool defer_serving;        /**< bind only; eddy_server_start_serving() listens (NET-24) */
    size_t connections_max;    /**< stop accepting while so many are open; 0: no limit */
    eddy_tls_context *tls;     /**< refs it; NULL: no TLS (TLS-1) */
    eddy_time tls_handshake_timeout; /**< 0: 60 s; EDDY_EINVALID without TLS */
    eddy_time tls_shutdown_timeout;  /**< 0: 30 s; EDDY_EINVALID without TLS */
    void *reserved[6];
} eddy_server_options;

/**
 * Listen on a host ("" or NULL: all interfaces) and port (0: the system picks, and
 * eddy_socket_view_getsockname() of eddy_server_socket() tells which) (NET-18). NULL and 0
 * together, without an option that says where, are EDDY_EINVALID (NET-19).
 *
 * Each accepted connection gets a protocol from `factory(arg)`, right before connection_made()
 * (NET-28, TR-52). The value is the `server`, with a reference for who takes it out. A server
 * that is not closed keeps itself alive; one whose making nobody awaited is closed. All its
 * sockets are bound, or none (NET-22). A passed `sock` is the server's once the call succeeds
 * (NET-23).
 */
EDDY_API eddy_future *eddy_loop_create_server(eddy_loop *loop, eddy_protocol_factory factory,
                                              void *arg, const char *host, int port,
                                              const eddy_server_options *options);

/** NULL is allowed. */
EDDY_API eddy_server *eddy_server_ref(eddy_server *server);
EDDY_API void eddy_server_unref(eddy_server *server);

EDDY_API eddy_loop *eddy_server_get_loop(const eddy_server *server);

/** True from the start of accepting until close (SRV-2). */
EDDY_API bool eddy_server_is_serving(const eddy_server *server);

/** How many sockets it listens on; 0 after close (SRV-1). */
EDDY_API size_t eddy_server_socket_count(const eddy_server *server);

/** View of socket `index`, borrowed until the server closes; NULL past the end (SRV-1). */
EDDY_API eddy_socket_view *eddy_server_socket(const eddy_server *server, size_t index);

/** Stop accepting and close the listening sockets; connections live on (SRV-3). Cannot fail. */
EDDY_API void eddy_server_close(eddy_server *server);

/** Listen, if not yet (SRV-4). EDDY_EBADSTATE when closed. */
EDDY_API eddy_future *eddy_server_start_serving(eddy_server *server);

/**
 * Serve until close(), then wait for the connections and succeed. Cancelling it closes the
 * server and its clients, waits, and ends EDDY_ECANCELED (SRV-5); cancelling again no longer
 * waits. One at a time, else EDDY_EBADSTATE.
 */
EDDY_API eddy_future *eddy_server_serve_forever(eddy_server *server);

/** Wait until it is closed and every connection it accepted has finished (SRV-6). */
EDDY_API eddy_future *eddy_server_wait_closed(eddy_server *server);

/** Close, or abort, every connection that is open now (SRV-8). Cannot fail. */
EDDY_API void eddy_server_close_clients(eddy_server *server);
EDDY_API void eddy_server_abort_clients(eddy_server *server);

#ifdef __cplusplus
}
#endif

#endif
