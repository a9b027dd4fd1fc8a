/* SPDX-License-Identifier: MIT */
/**
 * What the OpenSSL side of src/tls shares: the context from within, and what belongs to each SSL.
 *
 * An SSL that went through eddy__tls_context_setup_ssl() has the eddy__tls_link of its wire, which
 * dies with the engine. All callbacks find their way by that link, never by an argument kept in an
 * SSL_CTX: so a program's own SSL_CTX may be inside, and a server's name callback may exchange the
 * context.
 *
 * OpenSSL's error queue of the thread is left empty. Who calls SSL_do_handshake() and its like
 * empties it before, by ERR_clear_error(): a program's leftovers would be taken for the reason.
 */
#ifndef EDDY_TLS_OPENSSL_H
#define EDDY_TLS_OPENSSL_H

#include "common/list.h"
#include "common/thread.h"
#include "tls/context.h"
#include "tls/engine.h"
#include <eddy/error.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

/** A client's memory of sessions by the names of servers (session.c). */
struct eddy__tls_sessions {
    size_t max; /**< 0: there is none, and the rest is not set up */
    size_t bucket_count;
    struct eddy__list *buckets; /**< entries whose names hash alike; set once */

    struct eddy__mutex lock;   /**< for what follows, and the buckets' contents */
    struct eddy__list entries; /**< the longest unused first */
    size_t count;
};

/** Where secrets go (key_log.c). */
struct eddy__tls_key_log {
    BIO *file; /**< NULL: nowhere */
    struct eddy__mutex lock;
};

/** Everything but the counter, the sessions and the key log is set once, by the making. */
struct eddy_tls_context {
    atomic_size_t references;
    SSL_CTX *native;       /**< a reference */
    OSSL_LIB_CTX *library; /**< borrowed; NULL: the default one */
    bool is_server;
    bool no_name_check;
    int verify_mode;     /**< SSL_VERIFY_... for each SSL; -1: as `native` says */
    bool has_session_id; /**< sessions are for this context only, not for all of `native` */
    unsigned char session_id[16];

    unsigned char *alpn; /**< as on the wire: each name after its length */
    size_t alpn_size;
    bool alpn_required;
    eddy_tls_alpn_callback select_alpn;
    void *select_alpn_arg;
    eddy_tls_server_name_callback on_server_name;
    void *on_server_name_arg;

    bool ocsp_required;
    unsigned char *ocsp_response; /**< that a server shows, or NULL */
    size_t ocsp_response_size;

    struct eddy__tls_sessions sessions;
    struct eddy__tls_key_log key_log;
};

/* context_ssl.c: what engine.c calls. */

/**
 * Make `ssl`, new from context->native and with a wire, fit for a connection: role, modes, the
 * name to ask for and to check ("" and NULL: neither), a session to resume. Refs `context` until
 * SSL_free().
 *
 * A context that demands a name is not asked here whether it has one (TLS-3). EDDY_EINVALID for
 * what cannot be a name of a host, EDDY_ENOMEM, EDDY_ETLS; then `ssl` is only good to be freed.
 */
int eddy__tls_context_setup_ssl(struct eddy_tls_context *context, SSL *ssl,
                                const char *server_hostname);

/**
 * To be called once SSL_do_handshake() has succeeded: what no callback of OpenSSL can refuse. 0, or
 * EDDY_ETLS with its text, and the connection has to end.
 */
int eddy__tls_context_finish_ssl(SSL *ssl);

/** The context that `ssl` goes by now, borrowed; a server's name callback may have changed it. */
struct eddy_tls_context *eddy__tls_context_of_ssl(SSL *ssl);

/**
 * Say why a call on `ssl` failed with SSL_ERROR_SSL or SSL_ERROR_SYSCALL: set the text and number
 * (X509_V_ERR_..., else OpenSSL's reason), empty the error queue, return EDDY_ETLSVERIFY, EDDY_ETLS
 * or EDDY_ENOMEM. Allocates nothing. In explain.c.
 */
int eddy__tls_explain(SSL *ssl);

/**
 * The peer's certificate in one allocation, for eddy__free(); NULL if it has shown none, or out of
 * memory. In certificate.c.
 */
const struct eddy_tls_certificate *eddy__tls_certificate_new(SSL *ssl);

/* Among the context's own files. */

/** The link of `ssl`; NULL if it was not set up here. */
struct eddy__tls_link *eddy__tls_link_of(const SSL *ssl);

/** The name that a client has asked for: lower case, no dot at its end; "": none, or a server. */
const char *eddy__tls_link_host(const struct eddy__tls_link *link);

/** The link that a verification belongs to, or NULL. */
struct eddy__tls_link *eddy__tls_link_of_store(X509_STORE_CTX *store);

/** Remember why a callback refuses, for eddy__tls_explain(); the first one counts. */
void eddy__tls_refuse(struct eddy__tls_link *link, int code, int number, const char *format, ...)
    EDDY_PRINTF(4, 5);

/* error.c */

/** What OpenSSL said about a failure. */
struct eddy__tls_reason {
    unsigned long first;  /**< the first error, 0: it said nothing */
    unsigned long of_ssl; /**< the first one of the protocol, else 0 */
    bool is_out_of_memory;
    char detail[80]; /**< what it added to the first one, or "" */
};

/** Empty the error queue into `reason`. Cannot fail. */
void eddy__tls_drain(struct eddy__tls_reason *reason);

/** OpenSSL's words for an error; never NULL. */
const char *eddy__tls_words(unsigned long error);

/** As eddy_error(code, "%s", text), with `number` for eddy_error_number(). Returns `code`. */
int eddy__tls_error(int code, int64_t number, const char *text);

/**
 * A call of OpenSSL has failed: "`what`: its words" and `code`, or EDDY_ENOMEM if it found no
 * memory. Empties the error queue.
 */
int eddy__tls_failed(int code, const char *what);

/* certificate.c */

/** A name as in RFC 2253, cut off to fit; "?" if out of memory. Returns `buffer`. */
const char *eddy__tls_name_text(const X509_NAME *name, char *buffer, size_t size);

/** The day of `time`, "2026-10-01", or "?". Returns `buffer`. */
const char *eddy__tls_day_text(const ASN1_TIME *time, char buffer[16]);

/** The names a certificate is for, "a.test, b.test, ...", cut off to fit; "" for none. */
const char *eddy__tls_hosts_text(const X509 *certificate, char *buffer, size_t size);

/** The kind and size of a key, "RSA 1024 bits". Returns `buffer`. */
const char *eddy__tls_key_text(const EVP_PKEY *key, char *buffer, size_t size);

/* verify.c */

/** The callback of each verification: remembers which certificate failed, and why. */
int eddy__tls_verify(int good, X509_STORE_CTX *store);

/** Have `ssl` verify as its link's context says. Cannot fail. */
void eddy__tls_verify_setup(SSL *ssl);

/** SSL_VERIFY_... of what is made from `context`. */
int eddy__tls_verify_mode(const struct eddy_tls_context *context);

/* server.c */

/** Answer clients by the callbacks and the ALPN names of `context`. Cannot fail. */
void eddy__tls_server_setup(struct eddy_tls_context *context);

/** The name that was asked for, by us or of us; NULL for none. Borrowed, as long as `ssl`. */
const char *eddy__tls_server_name(const SSL *ssl);

/* ocsp.c */

/** Ask for a response and check it, or show one. 0 or EDDY_ENOMEM. */
int eddy__tls_ocsp_setup(struct eddy_tls_context *context, const eddy_tls_options *options);

/* context_ssl.c */

/** Let go of what it holds; it is all zero again. */
void eddy__tls_link_fini(struct eddy__tls_link *link);

/* wire.c */

/**
 * Have `ssl` read from `wire` and write there; borrows it until it is detached, or freed with the
 * last reference to `ssl`. 0 or EDDY_ENOMEM.
 */
int eddy__tls_wire_attach(struct eddy__tls_wire *wire, SSL *ssl);

/** Free the link, and let `ssl` move no more bytes: a program may have a reference to it. */
void eddy__tls_wire_detach(SSL *ssl);

/** Where `ssl` reads and writes; NULL if it is none of ours. */
struct eddy__tls_wire *eddy__tls_wire_of(const SSL *ssl);

/* session.c */

/** Remember at most `max` sessions; 0: nothing is done. 0 or EDDY_ENOMEM. */
int eddy__tls_sessions_init(struct eddy_tls_context *context, size_t max);
void eddy__tls_sessions_fini(struct eddy__tls_sessions *sessions);

/** Have `ssl` offer what is remembered of its link's host, if anything is. Cannot fail. */
void eddy__tls_sessions_offer(struct eddy_tls_context *context, SSL *ssl);

/* key_log.c */

/** Append secrets to the file `path`, NULL: do not. 0, EDDY_ENOMEM or the system's error. */
int eddy__tls_key_log_init(struct eddy_tls_context *context, const char *path);
void eddy__tls_key_log_fini(struct eddy__tls_key_log *log);

#endif
