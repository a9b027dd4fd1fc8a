/* SPDX-License-Identifier: MIT */
/*
 * OCSP stapling: the server shows, with its certificate, what the authority said about it lately.
 *
 * A response that says "revoked" ends the connection. One that is of no use counts as none, since
 * an attacker would leave it out; whether there has to be a good one, the options say.
 */
#include "common/memory.h"
#include "tls/openssl.h"
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

/** Seconds by which clocks may differ, and for which a response holds that does not say it. */
enum { LENIENCE = 300, AGE_MAX = 7 * 24 * 60 * 60 };

/* What is wrong with it; NULL: nothing, it says that the certificate is good. */
struct verdict {
    bool is_revoked;
    const char *text;
};

static struct verdict verdict(bool is_revoked, const char *text)
{
    return (struct verdict){is_revoked, text};
}

/* Whether `single` is about `leaf`; by the digest that the authority has chosen for its names. */
static bool single_is_about(OCSP_SINGLERESP *single, const X509 *leaf, const X509 *issuer)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    OCSP_CERTID *copy = OCSP_CERTID_dup(id);
    ASN1_OBJECT *digest = NULL;
    OCSP_CERTID *own = NULL;
    bool same = false;

    if (copy != NULL && OCSP_id_get0_info(NULL, &digest, NULL, NULL, copy) == 1 &&
        EVP_get_digestbyobj(digest) != NULL)
        own = OCSP_cert_to_id(EVP_get_digestbyobj(digest), leaf, issuer);
    if (own != NULL)
        same = OCSP_id_cmp(own, copy) == 0;
    OCSP_CERTID_free(own);
    OCSP_CERTID_free(copy);
    return same;
}

static struct verdict single_judge(OCSP_SINGLERESP *single)
{
    ASN1_GENERALIZEDTIME *from;
    ASN1_GENERALIZEDTIME *to;
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, &to);

    if (OCSP_check_validity(from, to, LENIENCE, to != NULL ? -1 : AGE_MAX) != 1)
        return verdict(false, "is out of date");
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return verdict(true, "says that it was revoked");
    return verdict(false, status == V_OCSP_CERTSTATUS_GOOD ? NULL : "does not know it");
}

static struct verdict basic_judge(OCSP_BASICRESP *basic, STACK_OF(X509) * chain, X509_STORE *store)
{
    X509 *leaf = sk_X509_value(chain, 0);
    X509 *issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : leaf;

    if (OCSP_basic_verify(basic, chain, store, 0) != 1)
        return verdict(false, "is signed by nobody who may");
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

        if (single_is_about(single, leaf, issuer))
            return single_judge(single);
    }
    return verdict(false, "is about another one");
}

static struct verdict response_judge(const unsigned char *data, long size, STACK_OF(X509) * chain,
                                     X509_STORE *store)
{
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &data, size);
    OCSP_BASICRESP *basic = NULL;
    struct verdict result = verdict(false, "is damaged");

    if (response != NULL && OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        result.text = "says only that there was an error";
    else if (response != NULL)
        basic = OCSP_response_get1_basic(response);
    if (basic != NULL)
        result = basic_judge(basic, chain, store);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return result;
}

static struct verdict ssl_judge(SSL *ssl, const struct eddy_tls_context *context)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    unsigned char *data = NULL;
    long size = SSL_get_tlsext_status_ocsp_resp(ssl, &data);

    if (data == NULL || size <= 0)
        return verdict(false, "is missing");
    if (sk_X509_num(chain) <= 0)
        return verdict(false, "is about a certificate that was not verified");
    return response_judge(data, size, chain, SSL_CTX_get_cert_store(context->native));
}

/* OpenSSL's callback in clients, once a handshake, response or not: 1 goes on, 0 refuses. In a
 * resumed session nothing is shown; it was checked when the session began. */
static int ocsp_on_status(SSL *ssl, void *arg)
{
    struct eddy__tls_link *link = eddy__tls_link_of(ssl);
    const char *host = link != NULL ? eddy__tls_link_host(link) : "";
    struct eddy__tls_reason reason;
    OSSL_LIB_CTX *before;
    struct verdict result;

    (void)arg;
    if (link == NULL || SSL_session_reused(ssl) == 1 ||
        eddy__tls_verify_mode(link->context) == SSL_VERIFY_NONE)
        return 1;
    /* OCSP knows no other way to go by a library context; NULL changes nothing. */
    before = OSSL_LIB_CTX_set0_default(link->context->library);
    result = ssl_judge(ssl, link->context);
    OSSL_LIB_CTX_set0_default(before);
    eddy__tls_drain(&reason);
    if (reason.is_out_of_memory) {
        eddy__tls_refuse(link, EDDY_ENOMEM, 0, "OCSP: out of memory");
        return 0;
    }
    if (result.text == NULL || !(result.is_revoked || link->context->ocsp_required))
        return 1;
    eddy__tls_refuse(link, EDDY_ETLSVERIFY,
                     result.is_revoked ? X509_V_ERR_CERT_REVOKED : X509_V_ERR_OCSP_VERIFY_FAILED,
                     "the OCSP response for the certificate of %.120s %s",
                     host[0] != '\0' ? host : "the peer", result.text);
    return 0;
}

/* OpenSSL's callback in servers, if the client asks. Without memory there is no response. */
static int ocsp_on_request(SSL *ssl, void *arg)
{
    struct eddy_tls_context *context = eddy__tls_context_of_ssl(ssl);
    unsigned char *copy;

    (void)arg;
    if (context == NULL || context->ocsp_response == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    copy = OPENSSL_memdup(context->ocsp_response, context->ocsp_response_size);
    if (copy == NULL) {
        ERR_clear_error();
        return SSL_TLSEXT_ERR_NOACK;
    }
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)context->ocsp_response_size);
    return SSL_TLSEXT_ERR_OK;
}

static int ocsp_setup_server(struct eddy_tls_context *context, eddy_buffer response)
{
    if (response.size == 0)
        return 0;
    if (response.size > INT32_MAX)
        return eddy_error(EDDY_EINVALID, "TLS context: ocsp_response is too large");
    context->ocsp_response = eddy__alloc(response.size);
    if (context->ocsp_response == NULL)
        return EDDY_ENOMEM;
    memcpy(context->ocsp_response, response.data, response.size);
    context->ocsp_response_size = response.size;
    SSL_CTX_set_tlsext_status_cb(context->native, ocsp_on_request);
    return 0;
}

int eddy__tls_ocsp_setup(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    if (context->is_server)
        return ocsp_setup_server(context, options->ocsp_response);
    context->ocsp_required = options->ocsp_required;
    if (options->verify == EDDY_TLS_VERIFY_NONE)
        return 0;
    SSL_CTX_set_tlsext_status_type(context->native, TLSEXT_STATUSTYPE_ocsp);
    SSL_CTX_set_tlsext_status_cb(context->native, ocsp_on_status);
    return 0;
}
