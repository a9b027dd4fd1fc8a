/* SPDX-License-Identifier: MIT */
/**
 * One side of one TLS connection, from bytes to bytes: no loop, no transport, no time. OpenSSL
 * stays behind this header and context.h.
 *
 * Nothing here calls back but the callbacks of a program's context (server name, ALPN), which must
 * not free the engine. Errors have their text set by eddy_error() when a call returns them.
 */
#ifndef EDDY_TLS_ENGINE_H
#define EDDY_TLS_ENGINE_H

#include <eddy/tls.h>
#include <stdbool.h>
#include <stdint.h>

/** The engine is what a program sees as the TLS side of its connection. */
struct eddy_tls;

/** Where output goes: so many bytes of `data` are filled, of so many. */
struct eddy__tls_room {
    unsigned char *data;
    size_t size;
    size_t max;
};

/**
 * What callbacks of OpenSSL find of a connection; the engine's own, all zero before. It is part of
 * the wire, as a block of its own would cost each idle connection more.
 */
struct eddy__tls_link {
    struct eddy_tls_context *context; /**< a reference; a server's name callback exchanges it */
    char *name; /**< clients: see eddy__tls_link_host(); servers: the one in the client's hello */

    char *refusal;        /**< why a callback refused; "" or NULL for no memory to say it */
    int refusal_number;   /**< X509_V_ERR_..., SSL_R_..., or a code of the program's */
    int16_t refusal_code; /**< 0: none did */

    bool is_name_answered; /**< servers: that hello came, and on_server_name was called */
};

/** Where the engine takes ciphertext from, and where it puts it; the owner moves both on. */
struct eddy__tls_wire {
    const unsigned char *in; /**< received, not yet looked at */
    size_t in_size;
    struct eddy__tls_room *out; /**< NULL: there is none */
    struct eddy__tls_link link;
};

/** In place of a count of bytes. */
enum eddy__tls_status {
    EDDY__TLS_DONE = 0,
    EDDY__TLS_WANT_INPUT = -1, /**< go on when there is more to read */
    EDDY__TLS_WANT_ROOM = -2,  /**< go on when what is there was sent */
    EDDY__TLS_CLOSED = -3,     /**< the peer has said that it sends no more */
    EDDY__TLS_FAILED = -4      /**< for good; eddy__tls_engine_error() says why */
};

/**
 * An engine on the side that `context` is for; refs it, borrows `wire` for its life, whose link is
 * all zero.
 *
 * `server_hostname`, clients only: the name to ask for and to check; "" or NULL: neither.
 * EDDY_EINVALID for a name that cannot be one, EDDY_ENOMEM, EDDY_ETLS.
 */
int eddy__tls_engine_new(struct eddy_tls_context *context, const char *server_hostname,
                         struct eddy__tls_wire *wire, struct eddy_tls **engine);

/** Free it; not from inside one of its calls. NULL is allowed. */
void eddy__tls_engine_free(struct eddy_tls *engine);

/** Take the handshake as far as it goes: DONE once, WANT_INPUT, WANT_ROOM, FAILED. */
int eddy__tls_engine_handshake(struct eddy_tls *engine);

/** Decrypt: bytes >= 1, at most one record, or a status but DONE. */
int64_t eddy__tls_engine_read(struct eddy_tls *engine, void *buffer, size_t size);

/**
 * Encrypt `size` >= 1 bytes: how many were, or WANT_INPUT, WANT_ROOM, FAILED. After a WANT the same
 * bytes, and maybe more, have to come next.
 */
int64_t eddy__tls_engine_write(struct eddy_tls *engine, const void *data, size_t size);

/** Say that no more comes (close_notify): DONE, WANT_INPUT, WANT_ROOM, FAILED. */
int eddy__tls_engine_close(struct eddy_tls *engine);

/** Ask for new keys, sent with the next bytes: 0, EDDY_ENOTSUPPORTED, EDDY_ETLS. */
int eddy__tls_engine_update_keys(struct eddy_tls *engine, bool both);

/** Whether a call of read can find or answer anything, although the wire's input is empty. */
bool eddy__tls_engine_has_pending(const struct eddy_tls *engine);

/** Give back buffers that hold nothing; the next call takes new ones. */
void eddy__tls_engine_cool(struct eddy_tls *engine);

/** Why it FAILED: EDDY_ETLS, EDDY_ETLSVERIFY, EDDY_ENOMEM; the call that did so set the text. */
int eddy__tls_engine_error(const struct eddy_tls *engine);

/** The context it goes by, borrowed; a server's name callback may have changed it. */
struct eddy_tls_context *eddy__tls_engine_context(const struct eddy_tls *engine);

/** Extra information (TR-9), as long as the engine; NULL before the handshake, or if none. */
const struct eddy_tls_certificate *eddy__tls_engine_peercert(struct eddy_tls *engine);
const struct eddy_tls_cipher *eddy__tls_engine_cipher(struct eddy_tls *engine);

#endif
