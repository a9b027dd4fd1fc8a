/* SPDX-License-Identifier: MIT */
/* Says which certificate of a chain was refused, and why. */
#include "tls/openssl.h"
#include <openssl/x509v3.h>
#include <stdio.h>

/** Room for a name or two within the text of an error. */
enum { NAME_TEXT_MAX = 72 };

/** A refused certificate, put into words. */
struct refusal {
    int error; /**< X509_V_ERR_... */
    X509 *certificate;
    struct eddy__tls_link *link;
    char who[NAME_TEXT_MAX + 96]; /**< "certificate of example.org" */
    char issuer[NAME_TEXT_MAX];
};

/* A server is known by the name that was asked for, everybody else by what the certificate says. */
static void refusal_name(struct refusal *refusal, int depth)
{
    const char *host = eddy__tls_link_host(refusal->link);
    char subject[NAME_TEXT_MAX];

    eddy__tls_name_text(X509_get_subject_name(refusal->certificate), subject, sizeof subject);
    eddy__tls_name_text(X509_get_issuer_name(refusal->certificate), refusal->issuer,
                        sizeof refusal->issuer);
    if (depth > 0 && host[0] != '\0')
        snprintf(refusal->who, sizeof refusal->who, "certificate \"%s\" in the chain of %.64s",
                 subject, host);
    else if (depth > 0)
        snprintf(refusal->who, sizeof refusal->who, "certificate \"%s\" in the chain of the peer",
                 subject);
    else if (host[0] != '\0')
        snprintf(refusal->who, sizeof refusal->who, "certificate of %.140s", host);
    else
        snprintf(refusal->who, sizeof refusal->who, "certificate \"%s\" of the peer", subject);
}

static void refusal_of_name(const struct refusal *refusal)
{
    const char *host = eddy__tls_link_host(refusal->link);
    char hosts[128];

    eddy__tls_hosts_text(refusal->certificate, hosts, sizeof hosts);
    if (hosts[0] != '\0')
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "certificate is for %s, not for %.100s", hosts, host);
    else
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "certificate names no host, so it is not for %.180s", host);
}

static void refusal_of_time(const struct refusal *refusal)
{
    const X509 *certificate = refusal->certificate;
    char day[16];

    if (refusal->error == X509_V_ERR_CERT_HAS_EXPIRED)
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error, "%s expired on %s",
                         refusal->who, eddy__tls_day_text(X509_get0_notAfter(certificate), day));
    else
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "%s is not valid before %s", refusal->who,
                         eddy__tls_day_text(X509_get0_notBefore(certificate), day));
}

static void refusal_of_key(const struct refusal *refusal)
{
    char key[48];

    eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                     "%s has a key that is too weak (%s)", refusal->who,
                     eddy__tls_key_text(X509_get0_pubkey(refusal->certificate), key, sizeof key));
}

static void refusal_of_chain(const struct refusal *refusal)
{
    switch (refusal->error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "%s is self-signed, and not trusted", refusal->who);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "%s is a root that is not trusted", refusal->who);
        break;
    default:
        eddy__tls_refuse(
            refusal->link, EDDY_ETLSVERIFY, refusal->error,
            "no trusted root signed the %s (issuer \"%s\" was neither sent nor is it known)",
            refusal->who, refusal->issuer);
        break;
    }
}

static void refusal_of_list(const struct refusal *refusal)
{
    switch (refusal->error) {
    case X509_V_ERR_CERT_REVOKED:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error, "%s was revoked by \"%s\"",
                         refusal->who, refusal->issuer);
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "%s: there is no revocation list of \"%s\"", refusal->who,
                         refusal->issuer);
        break;
    default:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "%s: the revocation list of \"%s\" cannot be used: %s", refusal->who,
                         refusal->issuer, X509_verify_cert_error_string(refusal->error));
        break;
    }
}

static void refusal_say(const struct refusal *refusal)
{
    switch (refusal->error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        refusal_of_time(refusal);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        refusal_of_name(refusal);
        break;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        refusal_of_key(refusal);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        refusal_of_chain(refusal);
        break;
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        refusal_of_list(refusal);
        break;
    case X509_V_ERR_INVALID_PURPOSE:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "%s is not meant for a %s (its key usage says so)", refusal->who,
                         refusal->link->context->is_server ? "client" : "server");
        break;
    case X509_V_ERR_INVALID_CA:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error,
                         "%s may not sign others: it is no authority's", refusal->who);
        break;
    default:
        eddy__tls_refuse(refusal->link, EDDY_ETLSVERIFY, refusal->error, "%s: %s", refusal->who,
                         X509_verify_cert_error_string(refusal->error));
        break;
    }
}

static void verify_remember(struct eddy__tls_link *link, X509_STORE_CTX *store)
{
    struct refusal refusal = {
        .error = X509_STORE_CTX_get_error(store),
        .certificate = X509_STORE_CTX_get_current_cert(store),
        .link = link,
    };

    if (refusal.error == X509_V_ERR_OUT_OF_MEM) {
        eddy__tls_refuse(link, EDDY_ENOMEM, 0, "verifying a certificate: out of memory");
        return;
    }
    if (refusal.certificate == NULL)
        refusal.certificate = X509_STORE_CTX_get0_cert(store);
    if (refusal.certificate == NULL) {
        eddy__tls_refuse(link, EDDY_ETLSVERIFY, refusal.error, "%s",
                         X509_verify_cert_error_string(refusal.error));
        return;
    }
    refusal_name(&refusal, X509_STORE_CTX_get_error_depth(store));
    refusal_say(&refusal);
}

int eddy__tls_verify(int good, X509_STORE_CTX *store)
{
    struct eddy__tls_link *link = eddy__tls_link_of_store(store);
    int (*verify)(int good, X509_STORE_CTX *store);

    if (link == NULL)
        return good;
    verify = SSL_CTX_get_verify_callback(link->context->native); /* the program's own, or NULL */
    if (verify != NULL)
        good = verify(good, store);
    if (good == 0 && eddy__tls_verify_mode(link->context) != SSL_VERIFY_NONE)
        verify_remember(link, store);
    return good;
}

int eddy__tls_verify_mode(const struct eddy_tls_context *context)
{
    return context->verify_mode >= 0 ? context->verify_mode
                                     : SSL_CTX_get_verify_mode(context->native);
}

void eddy__tls_verify_setup(SSL *ssl)
{
    struct eddy__tls_link *link = eddy__tls_link_of(ssl);

    SSL_set_verify(ssl, eddy__tls_verify_mode(link->context), eddy__tls_verify);
    /* Short enough not to fail. */
    if (link->context->has_session_id)
        SSL_set_session_id_context(ssl, link->context->session_id,
                                   sizeof link->context->session_id);
}
