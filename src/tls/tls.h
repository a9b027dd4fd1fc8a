/* SPDX-License-Identifier: MIT */
/**
 * TLS transports, for those who make connections. src/tls fulfils it with OpenSSL, src/tls/none
 * without TLS.
 *
 * A TLS transport is made before its connection is, so that everything that can fail has happened
 * when bytes begin to move.
 */
#ifndef EDDY_TLS_TLS_H
#define EDDY_TLS_TLS_H

#include "common/transport.h"

struct eddy__stream;
struct eddy__tls;

/** What a program asked for. */
struct eddy__tls_setup {
    struct eddy_tls_context *context; /**< NULL: no TLS */
    const char *server_hostname;
    eddy_time handshake_timeout; /**< 0: the default */
    eddy_time shutdown_timeout;
};

/** That `setup` is in order for a client or a server, TLS or not (TLS-1, TLS-3, TLS-6). */
int eddy__tls_check(const struct eddy__tls_setup *setup, bool server);

/**
 * Make what `setup` asks for; `*tls` is NULL if that is no TLS. `lower` is known already if it is
 * an existing transport, else NULL: a stream. Copies. EDDY_ENOMEM, EDDY_EINVALID, EDDY_ETLS, and
 * what making the default context said.
 */
int eddy__tls_new(struct eddy_loop *loop, const struct eddy__tls_setup *setup,
                  const struct eddy_transport *lower, struct eddy__tls **tls);

/** Free one that has not begun; NULL is allowed. */
void eddy__tls_discard(struct eddy__tls *tls);

/**
 * Begin over a stream that was connected and not started: the handshake, and then all that `setup`
 * says. The stream is the TLS transport's from now on. Returns the transport, borrowed; forget() it
 * or await on_made. Cannot fail.
 */
struct eddy_transport *eddy__tls_begin(struct eddy__tls *tls, struct eddy__stream *stream,
                                       const struct eddy__transport_setup *setup);

/** The loop's memory goes: free what its TLS transports had in common. */
void eddy__tls_fini(struct eddy_loop *loop);

#endif
