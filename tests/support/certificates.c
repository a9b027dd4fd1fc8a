/* SPDX-License-Identifier: MIT */
#include "support/certificates.h"
#include "support/scratch.h"
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 24 * 60 * 60 };

struct certificate {
    struct certificate *next; /**< made before it */
    X509 *x509;
    EVP_PKEY *key;
};

/** Bytes that were handed out. */
struct blob {
    struct blob *next;
    BIO *bio;
};

static struct certificate *certificates;
static struct blob *blobs;
static long last_serial = 1000;

/* Certificates are what tests begin with: without them, nothing can be said about eddy. */
#define NEED(condition) need((condition), #condition, __LINE__)

static void need(bool condition, const char *text, int line)
{
    if (condition)
        return;
    fprintf(stderr, "certificates.c:%d: %s\n", line, text);
    ERR_print_errors_fp(stderr);
    abort();
}

void certificates_release(void)
{
    while (certificates != NULL) {
        struct certificate *next = certificates->next;

        X509_free(certificates->x509);
        EVP_PKEY_free(certificates->key);
        OPENSSL_free(certificates);
        certificates = next;
    }
    while (blobs != NULL) {
        struct blob *next = blobs->next;

        BIO_free(blobs->bio);
        OPENSSL_free(blobs);
        blobs = next;
    }
}

static void release_at_exit(void)
{
    static bool registered;

    if (!registered)
        NEED(atexit(certificates_release) == 0);
    registered = true;
}

/* A BIO to fill, and then the bytes in it. */
static BIO *blob_new(void)
{
    struct blob *blob = OPENSSL_zalloc(sizeof *blob);

    NEED(blob != NULL);
    release_at_exit();
    blob->bio = BIO_new(BIO_s_mem());
    NEED(blob->bio != NULL);
    blob->next = blobs;
    blobs = blob;
    return blob->bio;
}

static eddy_buffer blob_bytes(BIO *bio)
{
    char *data;
    long size;

    NEED(BIO_write(bio, "", 1) == 1);
    size = BIO_get_mem_data(bio, &data) - 1;
    return (eddy_buffer){data, (size_t)size};
}

static void extension_add(X509 *x509, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);

    NEED(extension != NULL);
    NEED(X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void extensions_add(X509 *x509, const struct certificate_wish *wish)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, wish->issuer != NULL ? wish->issuer->x509 : x509, x509, NULL, NULL, 0);
    extension_add(x509, &context, NID_basic_constraints,
                  wish->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extension_add(x509, &context, NID_key_usage,
                  wish->is_authority ? "critical,keyCertSign,cRLSign,digitalSignature"
                                     : "critical,digitalSignature,keyEncipherment");
    extension_add(x509, &context, NID_subject_key_identifier, "hash");
    if (wish->issuer != NULL)
        extension_add(x509, &context, NID_authority_key_identifier, "keyid");
    if (wish->names != NULL)
        extension_add(x509, &context, NID_subject_alt_name, wish->names);
    if (wish->usage != NULL)
        extension_add(x509, &context, NID_ext_key_usage, wish->usage);
}

static X509 *x509_new(const struct certificate_wish *wish, EVP_PKEY *key)
{
    const char *name = wish->name != NULL ? wish->name : "test";
    int from = wish->from_days != 0 ? wish->from_days : -1;
    int to = wish->to_days != 0 ? wish->to_days : 30;
    X509 *x509 = X509_new();
    X509_NAME *subject;

    NEED(x509 != NULL);
    subject = X509_get_subject_name(x509);
    NEED(X509_set_version(x509, X509_VERSION_3) == 1);
    NEED(ASN1_INTEGER_set(X509_get_serialNumber(x509), ++last_serial) == 1);
    NEED(X509_gmtime_adj(X509_getm_notBefore(x509), (long)from * DAY) != NULL);
    NEED(X509_gmtime_adj(X509_getm_notAfter(x509), (long)to * DAY) != NULL);
    NEED(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                    -1, 0) == 1);
    NEED(X509_set_issuer_name(x509, wish->issuer != NULL ? X509_get_subject_name(wish->issuer->x509)
                                                         : subject) == 1);
    NEED(X509_set_pubkey(x509, key) == 1);
    extensions_add(x509, wish);
    NEED(X509_sign(x509, wish->issuer != NULL ? wish->issuer->key : key, EVP_sha256()) > 0);
    return x509;
}

struct certificate *certificate_new(const struct certificate_wish *wish)
{
    struct certificate *made = OPENSSL_zalloc(sizeof *made);

    NEED(made != NULL);
    release_at_exit();
    made->key = wish->rsa_bits != 0 ? EVP_RSA_gen((size_t)wish->rsa_bits) : EVP_EC_gen("P-256");
    NEED(made->key != NULL);
    made->x509 = x509_new(wish, made->key);
    made->next = certificates;
    certificates = made;
    return made;
}

struct certificate *certificate_for(const char *names, const struct certificate *issuer)
{
    return certificate_new(&(struct certificate_wish){.names = names, .issuer = issuer});
}

eddy_buffer certificate_pem(const struct certificate *certificate)
{
    BIO *bio = blob_new();

    NEED(PEM_write_bio_X509(bio, certificate->x509) == 1);
    return blob_bytes(bio);
}

eddy_buffer certificate_key_pem(const struct certificate *certificate)
{
    BIO *bio = blob_new();

    NEED(PEM_write_bio_PKCS8PrivateKey(bio, certificate->key, NULL, NULL, 0, NULL, NULL) == 1);
    return blob_bytes(bio);
}

eddy_buffer certificate_locked_key_pem(const struct certificate *certificate, const char *password)
{
    BIO *bio = blob_new();

    NEED(PEM_write_bio_PKCS8PrivateKey(bio, certificate->key, EVP_aes_128_cbc(), password,
                                       (int)strlen(password), NULL, NULL) == 1);
    return blob_bytes(bio);
}

eddy_buffer certificate_join(eddy_buffer first, eddy_buffer second)
{
    BIO *bio = blob_new();

    NEED(BIO_write(bio, first.data, (int)first.size) == (int)first.size);
    NEED(BIO_write(bio, second.data, (int)second.size) == (int)second.size);
    return blob_bytes(bio);
}

eddy_buffer certificate_pkcs12(const struct certificate *certificate,
                               const struct certificate *between, const char *password)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    BIO *bio = blob_new();
    PKCS12 *made;

    NEED(others != NULL);
    if (between != NULL)
        NEED(sk_X509_push(others, between->x509) > 0);
    made =
        PKCS12_create(password, "test", certificate->key, certificate->x509, others, 0, 0, 0, 0, 0);
    NEED(made != NULL);
    NEED(i2d_PKCS12_bio(bio, made) == 1);
    PKCS12_free(made);
    sk_X509_free(others);
    return blob_bytes(bio);
}

static void crl_revoke(X509_CRL *crl, const struct certificate *revoked, ASN1_TIME *when)
{
    X509_REVOKED *entry = X509_REVOKED_new();

    NEED(entry != NULL);
    NEED(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509)) == 1);
    NEED(X509_REVOKED_set_revocationDate(entry, when) == 1);
    NEED(X509_CRL_add0_revoked(crl, entry) == 1);
}

eddy_buffer certificate_crl(const struct certificate *issuer, const struct certificate *revoked,
                            int days)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, -2L * DAY);
    ASN1_TIME *to = X509_gmtime_adj(NULL, (long)days * DAY);
    BIO *bio = blob_new();

    NEED(crl != NULL && from != NULL && to != NULL);
    NEED(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    NEED(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)) == 1);
    NEED(X509_CRL_set1_lastUpdate(crl, from) == 1);
    NEED(X509_CRL_set1_nextUpdate(crl, to) == 1);
    if (revoked != NULL)
        crl_revoke(crl, revoked, from);
    NEED(X509_CRL_sort(crl) == 1);
    NEED(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    NEED(PEM_write_bio_X509_CRL(bio, crl) == 1);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
    return blob_bytes(bio);
}

static OCSP_BASICRESP *ocsp_basic(const struct certificate *certificate,
                                  const struct certificate *issuer, enum certificate_status status,
                                  int days)
{
    static const int statuses[] = {
        [CERTIFICATE_GOOD] = V_OCSP_CERTSTATUS_GOOD,
        [CERTIFICATE_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
        [CERTIFICATE_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN,
    };
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha256(), certificate->x509, issuer->x509);
    ASN1_TIME *from = X509_gmtime_adj(NULL, -20L * DAY);
    ASN1_TIME *to = X509_gmtime_adj(NULL, (long)days * DAY);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();

    NEED(id != NULL && from != NULL && to != NULL && basic != NULL);
    NEED(OCSP_basic_add1_status(basic, id, statuses[status], OCSP_REVOKED_STATUS_NOSTATUS,
                                status == CERTIFICATE_REVOKED ? from : NULL, from, to) != NULL);
    NEED(OCSP_basic_sign(basic, issuer->x509, issuer->key, EVP_sha256(), NULL, 0) == 1);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    OCSP_CERTID_free(id);
    return basic;
}

eddy_buffer certificate_ocsp(const struct certificate *certificate,
                             const struct certificate *issuer, enum certificate_status status,
                             int days)
{
    OCSP_BASICRESP *basic = ocsp_basic(certificate, issuer, status, days);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    BIO *bio = blob_new();

    NEED(response != NULL);
    NEED(i2d_OCSP_RESPONSE_bio(bio, response) == 1);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    return blob_bytes(bio);
}

const char *certificate_file(const char *name, eddy_buffer bytes)
{
    const char *path = scratch_path(name);
    BIO *file = BIO_new_file(path, "wb");

    NEED(file != NULL);
    NEED(bytes.size == 0 || BIO_write(file, bytes.data, (int)bytes.size) == (int)bytes.size);
    BIO_free(file);
    return path;
}

void *certificate_x509(const struct certificate *certificate)
{
    return certificate->x509;
}

void *certificate_key(const struct certificate *certificate)
{
    return certificate->key;
}
