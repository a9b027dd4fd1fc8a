/* SPDX-License-Identifier: MIT */
/**
 * A client and a server of TLS with nothing but memory between them: contexts are tried without a
 * loop, transports, or the library's own engine.
 */
#ifndef TESTS_SUPPORT_TLS_PAIR_H
#define TESTS_SUPPORT_TLS_PAIR_H

#include "tls/openssl.h"

/** One side and what became of it. */
struct tls_side {
    SSL *ssl;
    int result; /**< of the handshake: 0, or what eddy__tls_explain() made of its failure */
    bool is_done;
    int64_t number; /**< eddy_error_number() of a failure */
    char text[256]; /**< and eddy_error_text() */
};

struct tls_pair {
    struct tls_side client;
    struct tls_side server;
};

/** Make both sides; `name` is whom the client asks for. A negative code, and nothing is made. */
int tls_pair_new(struct tls_pair *pair, eddy_tls_context *client, eddy_tls_context *server,
                 const char *name);
void tls_pair_free(struct tls_pair *pair);

/** Let them talk until both are done or failed, then pass one byte each way, if they are done. */
void tls_pair_run(struct tls_pair *pair);

/** True if both sides have ended their handshakes well. */
bool tls_pair_is_good(const struct tls_pair *pair);

/** Drive one handshake as far as it goes; true if it may go on. */
bool tls_side_step(struct tls_side *side);

#endif
