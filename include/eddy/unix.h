/* SPDX-License-Identifier: MIT */
/**
 * Stream connections over Unix sockets (NET-30..NET-35).
 *
 * Where the system has none, and for abstract names anywhere but on Linux, the calls fail with
 * EDDY_ENOTSUPPORTED. Everything else that takes a socket takes those of this family too.
 */
#ifndef EDDY_UNIX_H
#define EDDY_UNIX_H

#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The keywords of create_unix_connection(); zeroed fields mean the default. Copied by the call. */
typedef struct eddy_unix_connection_options {
    size_t path_size;                /**< bytes of an abstract name; 0: `path` ends at its NUL */
    const eddy_socket *sock;         /**< a connected Unix stream socket, in place of `path` */
    eddy_tls_context *tls;           /**< refs it; NULL: no TLS (TLS-1) */
    const char *server_hostname;     /**< needed for TLS, may be ""; EDDY_EINVALID without it */
    eddy_time tls_handshake_timeout; /**< 0: 60 s; EDDY_EINVALID without TLS */
    eddy_time tls_shutdown_timeout;  /**< 0: 30 s; EDDY_EINVALID without TLS */
    void *reserved[6];
} eddy_unix_connection_options;

/**
 * Connect to the socket at `path`, and make a transport (NET-30). A `path` that begins with a NUL
 * byte, with its size in the options, is an abstract name (NET-31).
 *
 * The value, the order of events, cancelling and the ownership of `sock` are as with
 * eddy_loop_create_connection(). An error names the path.
 */
EDDY_API eddy_future *eddy_loop_create_unix_connection(eddy_loop *loop,
                                                       eddy_protocol_factory factory, void *arg,
                                                       const char *path,
                                                       const eddy_unix_connection_options *options);

/** The keywords of create_unix_server(); zeroed fields mean the default. Copied by the call. */
typedef struct eddy_unix_server_options {
    size_t path_size;        /**< bytes of an abstract name; 0: `path` ends at its NUL */
    const eddy_socket *sock; /**< a bound or listening Unix stream socket, in place of `path` */
    int backlog;             /**< 0: 100 */
    bool defer_serving;      /**< bind only; eddy_server_start_serving() listens */
    bool keep_socket_file;   /**< do not remove the file of `path` on close (NET-35) */
    bool remove_sock_file;   /**< remove that of `sock`, too, which is not done unless asked for */
    size_t connections_max;  /**< stop accepting while so many are open; 0: no limit */
    eddy_tls_context *tls;   /**< refs it; NULL: no TLS (TLS-1) */
    eddy_time tls_handshake_timeout; /**< 0: 60 s; EDDY_EINVALID without TLS */
    eddy_time tls_shutdown_timeout;  /**< 0: 30 s; EDDY_EINVALID without TLS */
    void *reserved[6];
} eddy_unix_server_options;

/**
 * Listen at `path` (NET-32); otherwise as eddy_loop_create_server().
 *
 * A socket that lies there is taken for one that a dead server left behind, and removed, even if
 * somebody listens on it (NET-33); any other file is EDDY_EADDRINUSE (NET-34). When the server
 * closes it removes its file, unless another has taken its place (NET-35). Not being able to do so
 * is logged, and no error.
 */
EDDY_API eddy_future *eddy_loop_create_unix_server(eddy_loop *loop, eddy_protocol_factory factory,
                                                   void *arg, const char *path,
                                                   const eddy_unix_server_options *options);

/** Who is at the other end, as the system knew it when the connection was made. */
typedef struct eddy_peer_credentials {
    int64_t pid; /**< -1 where the system does not say */
    int64_t uid;
    int64_t gid;
} eddy_peer_credentials;

/**
 * Ask for the credentials of a connected Unix socket's peer; that of a transport is its
 * eddy_socket_view_fileno(). EDDY_ENOTSUPPORTED where the system does not tell (Windows, a
 * simulated network); EDDY_ENOTCONN and the like for a socket that has no peer of this kind.
 */
EDDY_API int eddy_socket_peer_credentials(eddy_socket socket, eddy_peer_credentials *credentials);

#ifdef __cplusplus
}
#endif

#endif
