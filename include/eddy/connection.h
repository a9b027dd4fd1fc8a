/* SPDX-License-Identifier: MIT */
/** Making stream connections (NET-6..NET-17, NET-36). */
#ifndef EDDY_CONNECTION_H
#define EDDY_CONNECTION_H

#include <eddy/dns.h>
#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The keywords of create_connection(); zeroed fields mean the default. Copied by the call. */
typedef struct eddy_connection_options {
    eddy_family family;
    eddy_ip_protocol protocol;
    unsigned flags;                  /**< EDDY_AI_* for the resolver */
    const char *service;             /**< name or number, in place of `port` */
    const eddy_socket *sock;         /**< a connected stream socket, in place of host and port */
    const char *local_host;          /**< bind to this first (NET-10) ... */
    const char *local_service;       /**< ... and this port; either may be NULL */
    eddy_time happy_eyeballs_delay;  /**< start the next attempt after this; 0: never (NET-13) */
    int interleave;                  /**< NET-12; 0: resolver order, or 1 with happy eyeballs */
    bool no_interleave;              /**< resolver order with happy eyeballs too */
    bool all_errors;                 /**< error text leaves out no repetition (NET-11) */
    eddy_tls_context *tls;           /**< refs it; NULL: no TLS (TLS-1) */
    const char *server_hostname;     /**< for TLS; default: the host (TLS-3) */
    eddy_time tls_handshake_timeout; /**< 0: 60 s; EDDY_EINVALID without TLS */
    eddy_time tls_shutdown_timeout;  /**< 0: 30 s; EDDY_EINVALID without TLS */
    void *reserved[6];
} eddy_connection_options;

/**
 * Connect to a host and port, trying its addresses in order, and make a transport (NET-6).
 *
 * The value is the `transport`, with a reference for who takes it out; its protocol is the one that
 * `factory(arg)` made once the connection was ready (NET-15, TR-52): connection_made() has run
 * before the future is done. Awaited without taking the value, the connection stays open, its
 * protocol's to close; never awaited (its task was cancelled), it is closed.
 *
 * A passed `sock` is the library's once a transport exists, the caller's if the call fails earlier
 * (NET-8). Cancelling closes what is being connected (NET-14). If every address fails, the error
 * is that of the first; eddy_future_error_text() lists all of them, eddy_error_text() as many as
 * fit (NET-11).
 */
EDDY_API eddy_future *eddy_loop_create_connection(eddy_loop *loop, eddy_protocol_factory factory,
                                                  void *arg, const char *host, int port,
                                                  const eddy_connection_options *options);

/** Keywords of connect_accepted_socket(). */
typedef struct eddy_accepted_options {
    eddy_tls_context *tls; /**< refs it; NULL: no TLS (TLS-1) */
    eddy_time tls_handshake_timeout;
    eddy_time tls_shutdown_timeout;
    void *reserved[4];
} eddy_accepted_options;

/** Make a transport for a connection accepted elsewhere (NET-36); `sock` as in NET-8. */
EDDY_API eddy_future *eddy_loop_connect_accepted_socket(eddy_loop *loop,
                                                        eddy_protocol_factory factory, void *arg,
                                                        eddy_socket sock,
                                                        const eddy_accepted_options *options);

#ifdef __cplusplus
}
#endif

#endif
