/* SPDX-License-Identifier: MIT */
/* Why a connection failed, in words that say whose fault it is and what to look at. */
#include "tls/openssl.h"
#include <openssl/err.h>
#include <stdio.h>

/** What OpenSSL calls it, and what it means to who reads it. */
struct explanation {
    int reason; /**< SSL_R_... */
    const char *text;
};

static const struct explanation explanations[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS"},
    {SSL_R_HTTP_REQUEST, "the peer does not speak TLS, but HTTP"},
    {SSL_R_HTTPS_PROXY_REQUEST, "the peer does not speak TLS, but HTTP to a proxy"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "the peer does not speak TLS, or its records are too long"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "no TLS version in common"},
    {SSL_R_VERSION_TOO_LOW, "no TLS version in common: the peer's is too old"},
    {SSL_R_UNKNOWN_PROTOCOL, "no TLS version in common"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
     "no TLS version in common: the peer refused by alert protocol version"},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, "no TLS version is left by the options"},
    {SSL_R_NO_SHARED_CIPHER, "no cipher in common"},
    {SSL_R_NO_CIPHERS_AVAILABLE, "no cipher is left by the options"},
    {SSL_R_WRONG_CIPHER_RETURNED, "the peer chose a cipher that was not offered"},
    {SSL_R_NO_SUITABLE_KEY_SHARE, "no group for the key exchange in common"},
    {SSL_R_NO_SHARED_GROUPS, "no group for the key exchange in common"},
    {SSL_R_WRONG_CURVE, "no group for the key exchange in common"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "no signature algorithm in common"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "no signature algorithm in common"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "no protocol in common by ALPN"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was damaged on its way"},
    {SSL_R_NO_RENEGOTIATION, "the peer wanted to renegotiate, which is refused"},
    {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED,
     "the peer cannot renegotiate safely (RFC 5746), so it is refused"},
    {SSL_R_DH_KEY_TOO_SMALL, "the peer's key for the key exchange is too weak"},
    {SSL_R_NO_CERTIFICATE_SET, "this side has no certificate to show"},
};

/* A peer that refuses says so by an alert; OpenSSL turns those into reasons from 1000 on. */
static void explain_alert(int alert, char *text, size_t size)
{
    const char *words = SSL_alert_desc_string_long(alert);

    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
        snprintf(text, size, "peer refused our certificate: alert %s", words);
        break;
    case SSL_AD_CERTIFICATE_REQUIRED:
        snprintf(text, size, "peer refused: it demands a certificate of this side");
        break;
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        snprintf(text, size, "peer refused: no protocol in common by ALPN");
        break;
    case SSL_AD_UNRECOGNIZED_NAME:
        snprintf(text, size, "peer refused: it does not know the name it was asked for");
        break;
    default:
        snprintf(text, size, "peer refused: alert %s", words);
        break;
    }
}

static void explain_reason(const struct eddy__tls_reason *reason, unsigned long error, char *text,
                           size_t size)
{
    int number = ERR_GET_REASON(error);

    if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
        for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++) {
            if (explanations[i].reason == number) {
                snprintf(text, size, "%s", explanations[i].text);
                return;
            }
        }
        if (number > SSL_AD_REASON_OFFSET && number < SSL_AD_REASON_OFFSET + 256) {
            explain_alert(number - SSL_AD_REASON_OFFSET, text, size);
            return;
        }
    }
    if (reason->detail[0] != '\0')
        snprintf(text, size, "TLS failed: %s (%s)", eddy__tls_words(error), reason->detail);
    else
        snprintf(text, size, "TLS failed: %s", eddy__tls_words(error));
}

/* True for what OpenSSL says when one of our callbacks has refused. */
static bool explain_is_refusal(int number)
{
    return number == SSL_R_CERTIFICATE_VERIFY_FAILED || number == SSL_R_CALLBACK_FAILED ||
           number == SSL_R_INVALID_STATUS_RESPONSE || number == SSL_R_CLIENTHELLO_TLSEXT ||
           number == SSL_R_NO_APPLICATION_PROTOCOL;
}

/* The verification failed, and no callback of ours heard why. */
static int explain_verification(const SSL *ssl)
{
    long error = SSL_get_verify_result(ssl);
    char text[160];

    if (error == X509_V_ERR_OUT_OF_MEM)
        return eddy_error(EDDY_ENOMEM, "verifying a certificate: out of memory");
    snprintf(text, sizeof text, "the peer's certificate was not accepted: %s",
             X509_verify_cert_error_string(error));
    return eddy__tls_error(EDDY_ETLSVERIFY, error, text);
}

static int explain_refusal(const struct eddy__tls_link *link, int number)
{
    const char *text = link->refusal;

    if (text == NULL || text[0] == '\0')
        text = eddy_strerror(link->refusal_code);
    return eddy__tls_error(link->refusal_code,
                           link->refusal_number != 0 ? link->refusal_number : number, text);
}

int eddy__tls_explain(SSL *ssl)
{
    const struct eddy__tls_link *link = eddy__tls_link_of(ssl);
    struct eddy__tls_reason reason;
    unsigned long error;
    char text[256];
    int number;

    eddy__tls_drain(&reason);
    if (reason.is_out_of_memory)
        return eddy_error(EDDY_ENOMEM, "TLS: out of memory");
    error = reason.of_ssl != 0 ? reason.of_ssl : reason.first;
    number = ERR_GET_REASON(error);
    if (link != NULL && link->refusal_code != 0 && explain_is_refusal(number))
        return explain_refusal(link, number);
    if (error == 0)
        return eddy_error(EDDY_ETLS, "the connection broke off within TLS");
    if (number == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return explain_verification(ssl);
    if (number == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        return eddy__tls_error(EDDY_ETLSVERIFY, number,
                               "the client showed no certificate, which is demanded");
    explain_reason(&reason, error, text, sizeof text);
    return eddy__tls_error(EDDY_ETLS, number, text);
}
