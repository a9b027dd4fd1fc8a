/* SPDX-License-Identifier: MIT */
/* From a context to one connection: what is set on each SSL, and the link between the two. */
#include "common/memory.h"
#include "tls/openssl.h"
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** Names of the domain name system are no longer. */
enum { HOST_MAX = 253, LABEL_MAX = 63 };

static_assert(EDDY_ETLS >= INT16_MIN && EDDY_ETLSVERIFY >= INT16_MIN, "a link holds any code");

void eddy__tls_link_fini(struct eddy__tls_link *link)
{
    eddy_tls_context_unref(link->context);
    eddy__free(link->refusal);
    eddy__free(link->name);
    *link = (struct eddy__tls_link){0};
}

struct eddy__tls_link *eddy__tls_link_of(const SSL *ssl)
{
    struct eddy__tls_wire *wire = eddy__tls_wire_of(ssl);

    return wire != NULL && wire->link.context != NULL ? &wire->link : NULL;
}

const char *eddy__tls_link_host(const struct eddy__tls_link *link)
{
    return link->context->is_server || link->name == NULL ? "" : link->name;
}

struct eddy__tls_link *eddy__tls_link_of_store(X509_STORE_CTX *store)
{
    return eddy__tls_link_of(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

static int link_init(struct eddy__tls_link *link, struct eddy_tls_context *context,
                     const char *host)
{
    if (host[0] != '\0') {
        link->name = eddy__copy_text(host, strlen(host));
        if (link->name == NULL)
            return EDDY_ENOMEM;
    }
    link->context = eddy_tls_context_ref(context);
    return 0;
}

/* Names that a peer made up must not begin lines of logs, or tell terminals what to do. */
static void text_tame(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

void eddy__tls_refuse(struct eddy__tls_link *link, int code, int number, const char *format, ...)
{
    char text[256];
    va_list args;

    if (link->refusal_code != 0)
        return;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = '\0';
    va_end(args);
    text_tame(text);
    link->refusal_code = (int16_t)code;
    link->refusal_number = number;
    link->refusal = eddy__copy_text(text, strlen(text));
}

struct eddy_tls_context *eddy__tls_context_of_ssl(SSL *ssl)
{
    struct eddy__tls_link *link = eddy__tls_link_of(ssl);

    return link != NULL ? link->context : NULL;
}

static bool host_has(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of letters, digits, hyphens and underscores, none of them empty. */
static int host_check(const char *host)
{
    size_t label = 0;

    for (const char *at = host; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80)
            return eddy_error(EDDY_EINVALID,
                              "server name \"%s\": an international name has to be "
                              "given in its ASCII form, xn--...",
                              host);
        if (*at == '.' ? label == 0 : !host_has(*at))
            return eddy_error(EDDY_EINVALID, "\"%s\" is not the name of a server", host);
        label = *at == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return eddy_error(EDDY_EINVALID, "server name \"%s\": a part is too long", host);
    }
    if (label == 0)
        return eddy_error(EDDY_EINVALID, "\"%s.\" is not the name of a server", host);
    return 0;
}

/* Lower case; without the dot that ends an absolute name, and without the scope of an address:
 * certificates have neither. Nothing is left of nothing only, which means that no name is checked.
 */
static int host_copy(const char *name, char host[HOST_MAX + 1])
{
    size_t size = strlen(name);
    size_t scope = strcspn(name, "%");

    if (scope < size && memchr(name, ':', scope) != NULL)
        size = scope;
    else if (size > 1 && name[size - 1] == '.')
        size--;
    if (size > HOST_MAX)
        return eddy_error(EDDY_EINVALID, "server name \"%s\" is too long", name);
    for (size_t i = 0; i < size; i++)
        host[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    host[size] = '\0';
    return 0;
}

static int ssl_set_address(SSL *ssl, const ASN1_OCTET_STRING *address, bool check)
{
    const unsigned char *data = ASN1_STRING_get0_data(address);
    size_t size = (size_t)ASN1_STRING_length(address);

    if (check && X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), data, size) != 1)
        return eddy__tls_failed(EDDY_ETLS, "address of the server");
    return 0;
}

static int ssl_set_name(SSL *ssl, const char *host, bool check)
{
    int result = host_check(host);

    if (result < 0)
        return result;
    if (SSL_set_tlsext_host_name(ssl, host) != 1 ||
        (check && X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), host, 0) != 1))
        return eddy__tls_failed(EDDY_ETLS, "name of the server");
    return 0;
}

/* OpenSSL is content with an address that something else stands around. */
static ASN1_OCTET_STRING *host_address(const char *host)
{
    return host[strspn(host, "0123456789abcdef:.")] == '\0' ? a2i_IPADDRESS(host) : NULL;
}

/* TLS-4, TLS-5: names are asked for and looked up among the names, addresses only the latter. */
static int ssl_set_host(SSL *ssl, const char *host, bool check)
{
    ASN1_OCTET_STRING *address;
    int result;

    if (host[0] == '\0')
        return 0;
    X509_VERIFY_PARAM_set_hostflags(SSL_get0_param(ssl), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                                             X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ERR_clear_error();
    address = host_address(host);
    if (address == NULL && ERR_peek_error() != 0)
        return eddy__tls_failed(EDDY_EINVALID, "address of the server");
    if (address == NULL)
        return ssl_set_name(ssl, host, check);
    result = ssl_set_address(ssl, address, check);
    ASN1_OCTET_STRING_free(address);
    return result;
}

/* A program's own SSL_CTX is not touched, so all this is the SSL's. Buffers of idle connections go
 * back; what has to be written again may have moved; records are read many at a time. */
static void ssl_set_modes(SSL *ssl)
{
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_read_ahead(ssl, 1);
    SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    eddy__tls_verify_setup(ssl);
}

int eddy__tls_context_setup_ssl(struct eddy_tls_context *context, SSL *ssl,
                                const char *server_hostname)
{
    char host[HOST_MAX + 1] = "";
    int result = 0;

    if (!context->is_server && server_hostname != NULL)
        result = host_copy(server_hostname, host);
    if (result == 0)
        result = link_init(&eddy__tls_wire_of(ssl)->link, context, host);
    if (result < 0)
        return result;
    ssl_set_modes(ssl);
    if (context->is_server) {
        SSL_set_accept_state(ssl);
        return 0;
    }
    SSL_set_connect_state(ssl);
    result = ssl_set_host(ssl, host, eddy__tls_context_checks_name(context));
    if (result == 0)
        eddy__tls_sessions_offer(context, ssl);
    return result;
}

/* With ciphers that have no place for certificates OpenSSL verifies nothing, and is content. */
static int finish_certificate(const SSL *ssl, const struct eddy_tls_context *context)
{
    if (context->is_server || SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ||
        SSL_CIPHER_get_auth_nid(SSL_get_current_cipher(ssl)) != NID_auth_null)
        return 0;
    return eddy__tls_error(EDDY_ETLSVERIFY, X509_V_ERR_UNSPECIFIED,
                           "the server showed no certificate, as the cipher has no place for one");
}

static bool alpn_offers(const struct eddy_tls_context *context, const unsigned char *name,
                        size_t size)
{
    for (size_t at = 0; at < context->alpn_size; at += (size_t)context->alpn[at] + 1) {
        if (context->alpn[at] == size && memcmp(context->alpn + at + 1, name, size) == 0)
            return true;
    }
    return false;
}

/* That a server answers with what it was offered is checked by newer versions of OpenSSL only. */
static int finish_alpn(const SSL *ssl, const struct eddy_tls_context *context)
{
    const unsigned char *name;
    unsigned size;

    SSL_get0_alpn_selected(ssl, &name, &size);
    if (context->alpn_required && size == 0)
        return eddy__tls_error(EDDY_ETLS, SSL_R_NO_APPLICATION_PROTOCOL,
                               "no protocol in common: the peer agreed to none by ALPN");
    if (!context->is_server && context->alpn != NULL && size > 0 &&
        !alpn_offers(context, name, size))
        return eddy__tls_error(EDDY_ETLS, SSL_R_BAD_EXTENSION,
                               "the peer agreed by ALPN to what this side has not offered");
    return 0;
}

int eddy__tls_context_finish_ssl(SSL *ssl)
{
    const struct eddy_tls_context *context = eddy__tls_context_of_ssl(ssl);
    int result;

    if (context == NULL)
        return 0;
    result = finish_certificate(ssl, context);
    return result == 0 ? finish_alpn(ssl, context) : result;
}
