/* SPDX-License-Identifier: MIT */
#include "tls/context.h"
#include "common/memory.h"
#include "tls/material.h"
#include "tls/openssl.h"
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

/** Stands for a context of each loop's own; only its address counts. */
static struct eddy_tls_context context_default = {.verify_mode = SSL_VERIFY_PEER};

static void context_free(struct eddy_tls_context *context)
{
    /* Sessions and callbacks go before the SSL_CTX that they were made with. */
    eddy__tls_sessions_fini(&context->sessions);
    /* It collects sessions in a list, and complains if there is no memory for one. */
    ERR_set_mark();
    SSL_CTX_free(context->native);
    ERR_pop_to_mark();
    eddy__tls_key_log_fini(&context->key_log);
    eddy__free(context->ocsp_response);
    eddy__free(context->alpn);
    eddy__free(context);
}

static int context_verify_mode(const eddy_tls_options *options)
{
    switch (options->verify) {
    case EDDY_TLS_VERIFY_REQUIRED:
        return options->server ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                               : SSL_VERIFY_PEER;
    case EDDY_TLS_VERIFY_OPTIONAL:
        return SSL_VERIFY_PEER;
    case EDDY_TLS_VERIFY_NONE:
        return SSL_VERIFY_NONE;
    default:
        return options->server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    }
}

/* A program's SSL_CTX, as it is. */
static int context_wrap(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    SSL_CTX *native = options->native;
    const SSL_METHOD *wrong = options->server ? TLS_client_method() : TLS_server_method();

    if (SSL_CTX_get_ssl_method(native) == wrong)
        return eddy_error(EDDY_EINVALID, "TLS context: native is an SSL_CTX for the other side");
    SSL_CTX_up_ref(native);
    context->native = native;
    if (options->verify == EDDY_TLS_VERIFY_DEFAULT)
        return 0;
    context->verify_mode = context_verify_mode(options);
    /* A session that others began with this SSL_CTX was verified in another way. */
    context->has_session_id = options->server;
    if (RAND_bytes(context->session_id, sizeof context->session_id) != 1)
        return eddy__tls_failed(EDDY_ETLS, "random bytes");
    return 0;
}

/* At least 1.2; a system's policy may demand more, and no option is needed to follow it. */
static int context_set_versions(SSL_CTX *native, const eddy_tls_options *options)
{
    int min = (int)options->version_min;

    if (min == EDDY_TLS_VERSION_DEFAULT && SSL_CTX_get_min_proto_version(native) < TLS1_2_VERSION)
        min = TLS1_2_VERSION;
    if ((min != 0 && SSL_CTX_set_min_proto_version(native, min) != 1) ||
        (options->version_max != EDDY_TLS_VERSION_DEFAULT &&
         SSL_CTX_set_max_proto_version(native, (int)options->version_max) != 1))
        return eddy__tls_failed(EDDY_ETLS, "versions of TLS");
    return 0;
}

static int context_set_algorithms(SSL_CTX *native, const eddy_tls_options *options)
{
    if (options->ciphers != NULL && SSL_CTX_set_cipher_list(native, options->ciphers) != 1)
        return eddy__tls_failed(EDDY_EINVALID, "ciphers");
    if (options->ciphersuites != NULL &&
        SSL_CTX_set_ciphersuites(native, options->ciphersuites) != 1)
        return eddy__tls_failed(EDDY_EINVALID, "ciphersuites");
    ERR_clear_error(); /* an unknown name among known ones is skipped, with a complaint */
    if (options->groups != NULL && SSL_CTX_set1_groups_list(native, options->groups) != 1) {
        ERR_clear_error(); /* which has no words for it in every version */
        return eddy_error(EDDY_EINVALID, "groups: there is an unknown one in \"%s\"",
                          options->groups);
    }
    return 0;
}

enum { SECURITY_LEVEL_MIN = 2 };

static void context_set_safety(SSL_CTX *native, const eddy_tls_options *options)
{
    /* What a build of OpenSSL begins with differs: keys of 112 bits are the least everywhere. */
    if (SSL_CTX_get_security_level(native) < SECURITY_LEVEL_MIN)
        SSL_CTX_set_security_level(native, SECURITY_LEVEL_MIN);
    SSL_CTX_clear_options(native,
                          SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* Keys below 112 bits of security, RSA of 1024, are the default of some builds of OpenSSL. Who
     * needs them says "@SECLEVEL=1" in `ciphers`. */
    if (SSL_CTX_get_security_level(native) < 2)
        SSL_CTX_set_security_level(native, 2);
    if (options->server)
        SSL_CTX_set_options(native, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (options->no_tickets) {
        SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(native, 0);
    }
    SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(native, 1);
}

/* Sessions of clients that have shown a certificate are good for the context that has verified it
 * only; all others may be resumed by any server here. */
static int context_set_session_id(SSL_CTX *native, const eddy_tls_options *options)
{
    unsigned char id[16] = "eddy";

    if (!options->server)
        return 0;
    if (context_verify_mode(options) != SSL_VERIFY_NONE &&
        RAND_bytes_ex(options->library_context, id, sizeof id, 0) != 1)
        return eddy__tls_failed(EDDY_ETLS, "random bytes");
    if (SSL_CTX_set_session_id_context(native, id, sizeof id) != 1)
        return eddy__tls_failed(EDDY_ETLS, "identity of sessions");
    return 0;
}

/* "h2,http/1.1" as on the wire, where each name follows its length. */
static int alpn_encode(const char *text, unsigned char **wire, size_t *size)
{
    size_t length = strlen(text);
    unsigned char *made = eddy__alloc(length + 1);
    const char *at = text;
    size_t used = 0;

    if (made == NULL)
        return EDDY_ENOMEM;
    for (;;) {
        size_t part = strcspn(at, ",");

        if (part == 0 || part > 255) {
            eddy__free(made);
            return eddy_error(EDDY_EINVALID, "alpn: \"%s\" has an empty or overlong name", text);
        }
        made[used++] = (unsigned char)part;
        memcpy(made + used, at, part);
        used += part;
        if (at[part] == '\0')
            break;
        at += part + 1;
    }
    *wire = made;
    *size = used;
    return 0;
}

static int context_set_alpn(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    int result = 0;

    context->alpn_required = options->alpn_required;
    context->select_alpn = options->select_alpn;
    context->select_alpn_arg = options->select_alpn_arg;
    if (options->alpn != NULL)
        result = alpn_encode(options->alpn, &context->alpn, &context->alpn_size);
    if (result < 0 || context->alpn == NULL || context->is_server)
        return result;
    if (context->alpn_size > UINT16_MAX - 2)
        return eddy_error(EDDY_EINVALID, "alpn: more names than a client can offer");
    /* Unlike the rest of OpenSSL, 0 is its success. */
    if (SSL_CTX_set_alpn_protos(context->native, context->alpn, (unsigned)context->alpn_size) != 0)
        return eddy__tls_failed(EDDY_ETLS, "alpn");
    return 0;
}

static int context_set_protocol(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    SSL_CTX *native = context->native;
    int result = context_set_versions(native, options);

    if (result == 0)
        result = context_set_algorithms(native, options);
    if (result == 0)
        result = context_set_session_id(native, options);
    if (result == 0)
        result = context_set_alpn(context, options);
    return result;
}

static int context_build(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    int result;

    context->native = SSL_CTX_new_ex(options->library_context, NULL,
                                     options->server ? TLS_server_method() : TLS_client_method());
    if (context->native == NULL)
        return eddy__tls_failed(EDDY_ETLS, "SSL_CTX");
    context_set_safety(context->native, options);
    SSL_CTX_set_verify(context->native, context_verify_mode(options), NULL);
    context->on_server_name = options->on_server_name;
    context->on_server_name_arg = options->on_server_name_arg;
    result = context_set_protocol(context, options);
    if (result == 0)
        result = eddy__tls_identity_load(context, options);
    if (result == 0)
        result = eddy__tls_trust_load(context, options);
    if (result == 0)
        result = eddy__tls_ocsp_setup(context, options);
    if (result == 0)
        result = eddy__tls_key_log_init(context, options->key_log_file);
    if (result == 0 && context->is_server)
        eddy__tls_server_setup(context);
    return result;
}

static int context_make(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    int result;

    atomic_init(&context->references, 1);
    context->is_server = options->server;
    context->no_name_check = options->no_name_check;
    context->verify_mode = -1;
    context->library = options->library_context;
    result =
        options->native != NULL ? context_wrap(context, options) : context_build(context, options);
    return result == 0 ? eddy__tls_sessions_init(context, options->session_cache) : result;
}

int eddy_tls_context_new(const eddy_tls_options *options, eddy_tls_context **context)
{
    static const eddy_tls_options defaults = {0};
    struct eddy_tls_context *made;
    int result;

    *context = NULL;
    if (options == NULL)
        options = &defaults;
    result = eddy__tls_options_check(options);
    if (result < 0)
        return result;
    made = eddy__alloc_zeroed(sizeof *made);
    if (made == NULL)
        return EDDY_ENOMEM;
    ERR_clear_error(); /* a program's leftovers would be taken for the reason */
    result = context_make(made, options);
    ERR_clear_error();
    if (result < 0)
        context_free(made);
    else
        *context = made;
    return result;
}

eddy_tls_context *eddy_tls_context_ref(eddy_tls_context *context)
{
    if (context != NULL && context != &context_default)
        atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void eddy_tls_context_unref(eddy_tls_context *context)
{
    if (context == NULL || context == &context_default ||
        atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    context_free(context);
}

eddy_tls_context *eddy_tls_default(void)
{
    return &context_default;
}

void *eddy_tls_context_native(const eddy_tls_context *context)
{
    return context->native;
}

bool eddy__tls_context_is_server(const struct eddy_tls_context *context)
{
    return context->is_server;
}

bool eddy__tls_context_checks_name(const struct eddy_tls_context *context)
{
    return !context->is_server && !context->no_name_check &&
           eddy__tls_verify_mode(context) != SSL_VERIFY_NONE;
}

bool eddy__tls_context_is_default(const struct eddy_tls_context *context)
{
    return context == &context_default;
}
