/* SPDX-License-Identifier: MIT */
/* What a server decides when a client has said hello: by which context to go on, and in which
 * protocol. */
#include "common/memory.h"
#include "common/thread_state.h"
#include "tls/openssl.h"
#include <openssl/err.h>
#include <string.h>

/* The words that a program's callback left with its code, if it did. */
static const char *callback_text(int code)
{
    return eddy__thread_state()->error->code == code ? eddy_error_text() : eddy_strerror(code);
}

/* Certificate, key, trust, ciphers of 1.2 and callbacks come with the SSL_CTX; what SSL_new() has
 * copied is set anew. Suites of 1.3 and groups stay the first context's. */
static int server_switch(SSL *ssl, struct eddy__tls_link *link, struct eddy_tls_context *context)
{
    struct eddy_tls_context *before = link->context;
    SSL_CTX *native = context->native;

    if (SSL_set_SSL_CTX(ssl, native) == NULL ||
        SSL_set1_param(ssl, SSL_CTX_get0_param(native)) != 1 ||
        SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(native)) != 1 ||
        SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(native)) != 1) {
        eddy__tls_refuse(link, EDDY_ENOMEM, 0, "changing the context: out of memory");
        return SSL_AD_INTERNAL_ERROR;
    }
    link->context = eddy_tls_context_ref(context);
    SSL_clear_options(ssl, SSL_OP_NO_TICKET);
    SSL_set_options(ssl, SSL_CTX_get_options(native));
    SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(native));
    eddy__tls_verify_setup(ssl);
    eddy_tls_context_unref(before);
    return 0;
}

/* 0, or the alert that says why not. */
static int server_ask(SSL *ssl, struct eddy__tls_link *link, const char *name)
{
    struct eddy_tls_context *before = link->context;
    struct eddy_tls_context *context = before;
    const char *shown = name != NULL ? name : "no name";
    int result = before->on_server_name(before->on_server_name_arg, name, &context);
    int alert;

    if (result < 0) {
        eddy__tls_refuse(link, EDDY_ETLS, result, "on_server_name refused %s: %s", shown,
                         callback_text(result));
        alert = SSL_AD_UNRECOGNIZED_NAME;
    } else if (context == NULL || !eddy__tls_context_is_server(context)) {
        eddy__tls_refuse(link, EDDY_ETLS, EDDY_EINVALID,
                         "on_server_name gave no server's context for %s", shown);
        alert = SSL_AD_INTERNAL_ERROR;
    } else {
        alert = context != before ? server_switch(ssl, link, context) : 0;
    }
    if (context != before)
        eddy_tls_context_unref(context); /* it was handed over; the link has its own */
    return alert;
}

/* The name in the extension: a list of one, of the kind 0. NULL for none, and for what is no such
 * list, which OpenSSL refuses when it gets there. */
static const char *hello_name(SSL *ssl, char room[TLSEXT_MAXLEN_host_name + 1])
{
    const unsigned char *data;
    size_t size;
    size_t length;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1 || size < 5 ||
        data[2] != TLSEXT_NAMETYPE_host_name)
        return NULL;
    length = (size_t)data[3] << 8 | data[4];
    if (length == 0 || length > TLSEXT_MAXLEN_host_name || length != size - 5 ||
        memchr(data + 5, '\0', length) != NULL)
        return NULL;
    memcpy(room, data + 5, length);
    room[length] = '\0';
    return room;
}

/* Kept, since OpenSSL answers with a resumed session's name (1.2), whatever was asked for now. */
static int server_note(struct eddy__tls_link *link, const char *name)
{
    if (name != NULL)
        link->name = eddy__copy_text(name, strlen(name));
    if (name == NULL || link->name != NULL)
        return 0;
    eddy__tls_refuse(link, EDDY_ENOMEM, 0, "the name of the server: out of memory");
    return SSL_AD_INTERNAL_ERROR;
}

/* Once, also for a client that has to say hello again. 0, or the alert that says why not. */
static int server_answer(SSL *ssl, struct eddy__tls_link *link)
{
    char room[TLSEXT_MAXLEN_host_name + 1];
    const char *name = hello_name(ssl, room);
    int refused;

    if (link->is_name_answered)
        return 0;
    link->is_name_answered = true;
    refused = server_note(link, name);
    if (refused != 0 || link->context->on_server_name == NULL)
        return refused;
    return server_ask(ssl, link, name);
}

const char *eddy__tls_server_name(const SSL *ssl)
{
    const struct eddy__tls_link *link = eddy__tls_link_of(ssl);

    return link != NULL && link->is_name_answered
               ? link->name
               : SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
}

/* Before anything is settled, above all whether a session is resumed: one that was begun without a
 * certificate of the client must not lead into a context that demands one. OpenSSL's own callback
 * for names comes too late for that. */
static int server_on_hello(SSL *ssl, int *alert, void *arg)
{
    struct eddy__tls_link *link = eddy__tls_link_of(ssl);
    const unsigned char *data;
    size_t size;
    int refused;

    (void)arg;
    if (link == NULL)
        return SSL_CLIENT_HELLO_SUCCESS;
    refused = server_answer(ssl, link);
    /* OpenSSL asks nobody about ALPN if the client offers none. */
    if (refused == 0 && link->context->alpn_required &&
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                  &size) != 1) {
        eddy__tls_refuse(link, EDDY_ETLS, SSL_R_NO_APPLICATION_PROTOCOL,
                         "no protocol in common: the client offered none by ALPN");
        refused = SSL_AD_NO_APPLICATION_PROTOCOL;
    }
    *alert = refused;
    return refused == 0 ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

/* The name was answered by then; the client hears that it was understood. */
static int server_on_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert, (void)arg;
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL ? SSL_TLSEXT_ERR_OK
                                                                      : SSL_TLSEXT_ERR_NOACK;
}

/** What a client offers, on the wire and as texts. */
struct offer {
    const unsigned char *data;
    size_t size;
    size_t count;
};

/* The name that stands at `at`, and where the next one does; OpenSSL has checked the lengths. */
static size_t offer_next(const struct offer *offer, size_t *at, const unsigned char **name)
{
    size_t size = offer->data[*at];

    *name = offer->data + *at + 1;
    *at += size + 1;
    return size;
}

/* By our order, the first one that the client offers too: its place in the offer, or the count. */
static size_t alpn_match(const struct eddy_tls_context *context, const struct offer *offer)
{
    const struct offer own = {context->alpn, context->alpn_size, 0};
    const unsigned char *ours;
    const unsigned char *theirs;

    for (size_t at = 0; at < own.size;) {
        size_t size = offer_next(&own, &at, &ours);
        size_t index = 0;

        for (size_t there = 0; there < offer->size; index++) {
            if (offer_next(offer, &there, &theirs) == size && memcmp(ours, theirs, size) == 0)
                return index;
        }
    }
    return offer->count;
}

/* As texts, in one block. A name with a NUL inside is the empty text: no program means it. */
static const char **alpn_texts(const struct offer *offer)
{
    const char **names = eddy__alloc(offer->count * sizeof *names + offer->size + 1);
    const unsigned char *name;
    size_t index = 0;
    char *text;

    if (names == NULL)
        return NULL;
    text = (char *)(names + offer->count);
    for (size_t at = 0; at < offer->size; index++) {
        size_t size = offer_next(offer, &at, &name);

        if (memchr(name, '\0', size) != NULL)
            size = 0;
        names[index] = text;
        memcpy(text, name, size);
        text[size] = '\0';
        text += size + 1;
    }
    return names;
}

static int64_t alpn_ask(struct eddy__tls_link *link, const struct offer *offer)
{
    struct eddy_tls_context *context = link->context;
    const char **names = alpn_texts(offer);
    int chosen;

    if (names == NULL) {
        eddy__tls_refuse(link, EDDY_ENOMEM, 0, "ALPN: out of memory");
        return EDDY_ENOMEM;
    }
    chosen = context->select_alpn(context->select_alpn_arg, names, offer->count);
    eddy__free(names);
    if (chosen < 0)
        eddy__tls_refuse(link, EDDY_ETLS, chosen, "select_alpn refused: %s", callback_text(chosen));
    return chosen;
}

static int server_on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
                          const unsigned char *data, unsigned size, void *arg)
{
    struct eddy__tls_link *link = eddy__tls_link_of(ssl);
    struct offer offer = {data, size, 0};
    const unsigned char *name = NULL;
    size_t name_size = 0;
    int64_t index;

    (void)arg;
    if (link == NULL || (link->context->alpn == NULL && link->context->select_alpn == NULL))
        return SSL_TLSEXT_ERR_NOACK;
    for (size_t at = 0; at < offer.size; offer.count++)
        offer_next(&offer, &at, &name);
    index = link->context->select_alpn != NULL ? alpn_ask(link, &offer)
                                               : (int64_t)alpn_match(link->context, &offer);
    if (index < 0)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    if ((uint64_t)index >= offer.count) {
        if (!link->context->alpn_required)
            return SSL_TLSEXT_ERR_NOACK;
        eddy__tls_refuse(link, EDDY_ETLS, SSL_R_NO_APPLICATION_PROTOCOL,
                         "no protocol in common: the client offered only others by ALPN");
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    for (size_t at = 0; index >= 0; index--)
        name_size = offer_next(&offer, &at, &name);
    *chosen = name;
    *chosen_size = (unsigned char)name_size;
    return SSL_TLSEXT_ERR_OK;
}

void eddy__tls_server_setup(struct eddy_tls_context *context)
{
    SSL_CTX_set_client_hello_cb(context->native, server_on_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(context->native, server_on_name);
    if (context->alpn != NULL || context->select_alpn != NULL)
        SSL_CTX_set_alpn_select_cb(context->native, server_on_alpn, NULL);
}
