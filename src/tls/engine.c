/* SPDX-License-Identifier: MIT */
/* The engine over OpenSSL. */
#include "tls/engine.h"
#include "common/memory.h"
#include "tls/openssl.h"
#include <limits.h>
#include <openssl/err.h>
#include <string.h>

struct eddy_tls {
    SSL *ssl;
    bool is_ready;   /**< the handshake is over */
    bool is_closing; /**< close_notify was sent, or is about to be */
    bool is_begun;   /**< a write was not taken whole: the same bytes come next */
    bool wants_keys; /**< new keys, as soon as OpenSSL lets itself be asked for them ... */
    bool wants_both; /**< ... on both sides */
    int error;
    int der_size;
    unsigned char *der; /**< of the peer's certificate, once asked for */
    char *alpn;
    const struct eddy_tls_certificate *peercert; /**< once asked for */
    struct eddy_tls_cipher cipher;
};

static int engine_open(struct eddy_tls *engine, struct eddy_tls_context *context,
                       const char *server_hostname, struct eddy__tls_wire *wire)
{
    int error;

    engine->ssl = SSL_new(context->native);
    if (engine->ssl == NULL)
        return eddy__tls_failed(EDDY_ETLS, "cannot begin TLS");
    error = eddy__tls_wire_attach(wire, engine->ssl);
    return error ? error : eddy__tls_context_setup_ssl(context, engine->ssl, server_hostname);
}

int eddy__tls_engine_new(struct eddy_tls_context *context, const char *server_hostname,
                         struct eddy__tls_wire *wire, struct eddy_tls **made)
{
    struct eddy_tls *engine = eddy__alloc_zeroed(sizeof *engine);
    int error;

    if (engine == NULL)
        return EDDY_ENOMEM;
    ERR_clear_error();
    error = engine_open(engine, context, server_hostname, wire);
    if (error) {
        eddy__tls_engine_free(engine);
        return error;
    }
    *made = engine;
    return 0;
}

void eddy__tls_engine_free(struct eddy_tls *engine)
{
    if (engine == NULL)
        return;
    /* With the last connection may go what it was made from, which can leave an error behind. */
    ERR_set_mark();
    eddy__tls_wire_detach(engine->ssl);
    SSL_free(engine->ssl);
    ERR_pop_to_mark();
    eddy__free(engine->alpn);
    eddy__free((void *)(uintptr_t)engine->peercert);
    OPENSSL_free(engine->der);
    eddy__free(engine);
}

static int engine_fail(struct eddy_tls *engine, int error)
{
    engine->error = error;
    return EDDY__TLS_FAILED;
}

/** What became of a call that returned `result`, which says that it did not do it all. */
static int engine_status(struct eddy_tls *engine, int result)
{
    switch (SSL_get_error(engine->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return EDDY__TLS_WANT_INPUT;
    case SSL_ERROR_WANT_WRITE:
        return EDDY__TLS_WANT_ROOM;
    case SSL_ERROR_ZERO_RETURN:
        return EDDY__TLS_CLOSED;
    default:
        return engine_fail(engine, eddy__tls_explain(engine->ssl));
    }
}

/** What is asked for later is noted while failing is still possible. */
static int engine_note(struct eddy_tls *engine)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(engine->ssl);
    const unsigned char *alpn = NULL;
    unsigned alpn_size = 0;
    int error = eddy__tls_context_finish_ssl(engine->ssl);

    if (error)
        return error;
    engine->cipher = (struct eddy_tls_cipher){
        .name = SSL_CIPHER_get_name(cipher),
        .version = SSL_get_version(engine->ssl),
        .secret_bits = SSL_CIPHER_get_bits(cipher, NULL),
    };
    SSL_get0_alpn_selected(engine->ssl, &alpn, &alpn_size);
    if (alpn_size == 0)
        return 0;
    engine->alpn = eddy__alloc(alpn_size + 1);
    if (engine->alpn == NULL)
        return EDDY_ENOMEM;
    memcpy(engine->alpn, alpn, alpn_size);
    engine->alpn[alpn_size] = '\0';
    return 0;
}

/** OpenSSL finds reasons in its queue of errors: what a program has left there is none. */
static void engine_begin(void)
{
    if (ERR_peek_error() != 0) /* much cheaper than to empty it each time */
        ERR_clear_error();
}

int eddy__tls_engine_handshake(struct eddy_tls *engine)
{
    int result;
    int error;

    engine_begin();
    result = SSL_do_handshake(engine->ssl);
    if (result != 1)
        return engine_status(engine, result);
    error = engine_note(engine);
    if (error)
        return engine_fail(engine, error);
    engine->is_ready = true;
    return EDDY__TLS_DONE;
}

/** OpenSSL answers a request for new keys when it writes next, which may be never: have it now. */
static int engine_answer(struct eddy_tls *engine)
{
    int result;

    if (SSL_get_key_update_type(engine->ssl) != SSL_KEY_UPDATE_NOT_REQUESTED || engine->is_closing)
        return EDDY__TLS_WANT_INPUT;
    engine_begin();
    /* Refused while a record is half written: then that write brings the answer. */
    if (!SSL_key_update(engine->ssl, SSL_KEY_UPDATE_NOT_REQUESTED)) {
        ERR_clear_error();
        return EDDY__TLS_WANT_INPUT;
    }
    result = SSL_do_handshake(engine->ssl);
    return result == 1 ? EDDY__TLS_WANT_INPUT : engine_status(engine, result);
}

int64_t eddy__tls_engine_read(struct eddy_tls *engine, void *buffer, size_t size)
{
    int status;
    int result;

    engine_begin();
    result = SSL_read(engine->ssl, buffer, size < INT_MAX ? (int)size : INT_MAX);
    if (result > 0)
        return result;
    status = engine_status(engine, result);
    return status == EDDY__TLS_WANT_INPUT ? engine_answer(engine) : status;
}

/**
 * Ask for the keys that are wanted. OpenSSL refuses that in the middle of a record, or of a message
 * such as the one that it was asked for last: then they are wanted until the next write. 0 or
 * EDDY_ETLS.
 */
static int engine_ask_for_keys(struct eddy_tls *engine)
{
    int wanted = engine->wants_both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;

    if (!engine->wants_keys || engine->is_begun || SSL_in_init(engine->ssl))
        return 0;
    engine->wants_keys = engine->wants_both = false;
    engine_begin();
    return SSL_key_update(engine->ssl, wanted) ? 0
                                               : eddy__tls_failed(EDDY_ETLS, "cannot change keys");
}

/**
 * Nearly every write succeeds: so only one that does not looks at OpenSSL's queue of errors, which
 * saves 200 instructions each. If it merely waits, all that is there is a program's, and is in the
 * way of hearing so. If it has failed for good, what a program left may come to be its reason.
 */
static int engine_write(SSL *ssl, const void *data, int size)
{
    int result = SSL_write(ssl, data, size);

    if (result > 0 || ERR_peek_error() == 0 || SSL_want(ssl) == SSL_NOTHING)
        return result;
    ERR_clear_error();
    return SSL_write(ssl, data, size);
}

int64_t eddy__tls_engine_write(struct eddy_tls *engine, const void *data, size_t size)
{
    int error = engine_ask_for_keys(engine);
    int result;

    if (error)
        return engine_fail(engine, error);
    result = engine_write(engine->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
    engine->is_begun = result <= 0;
    return result > 0 ? result : engine_status(engine, result);
}

int eddy__tls_engine_close(struct eddy_tls *engine)
{
    int result;

    engine_begin();
    engine->is_closing = true;
    /* A message that has come in part has to come to its end first. */
    if (SSL_in_init(engine->ssl)) {
        result = SSL_do_handshake(engine->ssl);
        if (result != 1)
            return engine_status(engine, result);
    }
    result = SSL_shutdown(engine->ssl);
    return result >= 0 ? EDDY__TLS_DONE : engine_status(engine, result);
}

bool eddy__tls_engine_has_pending(const struct eddy_tls *engine)
{
    return SSL_has_pending(engine->ssl) == 1 ||
           SSL_get_key_update_type(engine->ssl) == SSL_KEY_UPDATE_NOT_REQUESTED;
}

void eddy__tls_engine_cool(struct eddy_tls *engine)
{
    /* In the midst of a record, "RB" or pending, OpenSSL refuses; before 3.0.14, 3.1.6, 3.2.2 and
     * 3.3.1 it freed what it went on to read (CVE-2024-4741). */
    if (SSL_has_pending(engine->ssl) == 0 && strcmp(SSL_rstate_string(engine->ssl), "RB") != 0)
        SSL_free_buffers(engine->ssl);
}

int eddy__tls_engine_error(const struct eddy_tls *engine)
{
    return engine->error;
}

struct eddy_tls_context *eddy__tls_engine_context(const struct eddy_tls *engine)
{
    return eddy__tls_context_of_ssl(engine->ssl);
}

const struct eddy_tls_certificate *eddy__tls_engine_peercert(struct eddy_tls *engine)
{
    if (engine->peercert == NULL && engine->is_ready)
        engine->peercert = eddy__tls_certificate_new(engine->ssl);
    return engine->peercert;
}

const struct eddy_tls_cipher *eddy__tls_engine_cipher(struct eddy_tls *engine)
{
    return engine->is_ready ? &engine->cipher : NULL;
}

/* What a program asks. */

const char *eddy_tls_get_version(const eddy_tls *tls)
{
    return tls->is_ready ? tls->cipher.version : "";
}

const char *eddy_tls_get_alpn(const eddy_tls *tls)
{
    return tls->alpn;
}

const char *eddy_tls_get_server_name(const eddy_tls *tls)
{
    return eddy__tls_server_name(tls->ssl);
}

bool eddy_tls_is_resumed(const eddy_tls *tls)
{
    return tls->is_ready && SSL_session_reused(tls->ssl) == 1;
}

bool eddy_tls_get_peer_der(const eddy_tls *tls, eddy_buffer *der)
{
    struct eddy_tls *engine = (struct eddy_tls *)(uintptr_t)tls;
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);

    if (engine->der == NULL && certificate != NULL) {
        ERR_clear_error();
        engine->der_size = i2d_X509(certificate, &engine->der);
        if (engine->der_size < 0)
            ERR_clear_error();
    }
    if (engine->der == NULL)
        return false;
    *der = (eddy_buffer){engine->der, (size_t)engine->der_size};
    return true;
}

int eddy_tls_update_keys(eddy_tls *tls, bool both)
{
    if (!tls->is_ready || tls->is_closing)
        return eddy_error(EDDY_EBADSTATE, "keys change while the connection is open only");
    if (SSL_version(tls->ssl) < TLS1_3_VERSION)
        return eddy_error(EDDY_ENOTSUPPORTED, "%s cannot change its keys", tls->cipher.version);
    tls->wants_keys = true;
    tls->wants_both = tls->wants_both || both;
    return engine_ask_for_keys(tls);
}

void *eddy_tls_native(const eddy_tls *tls)
{
    return tls->ssl;
}
