/* SPDX-License-Identifier: MIT */
/* What a context shows of itself: certificate, chain and key, from PEM or PKCS#12. */
#include "common/thread_state.h"
#include "tls/material.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/** Someone asks for the password of a key. */
struct password {
    eddy_tls_password_callback ask; /**< NULL: there is none */
    void *arg;
    bool was_asked;
    int code; /**< negative: it was refused */
};

/* OpenSSL's callback; without one it would ask on the terminal. */
static int password_ask(char *buffer, int size, int writing, void *arg)
{
    struct password *password = arg;
    int result;

    (void)writing;
    password->was_asked = true;
    if (password->ask == NULL)
        return -1;
    result = password->ask(password->arg, buffer, (size_t)size);
    if (result > size)
        result = eddy_error(EDDY_EINVALID, "the password callback claims more than its room");
    if (result < 0)
        password->code = result;
    return result;
}

/* Something encrypted could not be read. */
static int password_failed(const struct password *password,
                           const struct eddy__tls_material *material)
{
    struct eddy__tls_reason reason;

    eddy__tls_drain(&reason);
    if (reason.is_out_of_memory)
        return eddy_error(EDDY_ENOMEM, "%s: out of memory", material->name);
    if (password->ask == NULL)
        return eddy_error(EDDY_ETLS, "%s: the key is encrypted, and there is no password",
                          material->name);
    if (password->code == 0)
        return eddy_error(EDDY_ETLS, "%s: wrong password for the key, or it is damaged",
                          material->name);
    if (eddy__thread_state()->error->code != password->code)
        eddy_error(password->code, "%s: no password was given", material->name);
    return password->code;
}

static OSSL_LIB_CTX *library_of(const eddy_tls_options *options)
{
    return options->library_context;
}

/* The next certificate; NULL at the end, or failing with a text. */
static X509 *certificate_read(const struct eddy__tls_material *material,
                              const eddy_tls_options *options, struct password *password,
                              int *result)
{
    X509 *certificate = X509_new_ex(library_of(options), NULL);

    *result = 0;
    if (certificate == NULL) {
        *result = eddy__tls_material_failed(material, "certificate");
    } else if (PEM_read_bio_X509(material->bio, &certificate, password_ask, password) == NULL) {
        X509_free(certificate);
        certificate = NULL;
        if (!eddy__tls_material_at_end())
            *result = eddy__tls_material_failed(material, "a certificate is damaged");
    }
    return certificate;
}

/* Too weak a key is the likeliest reason, and OpenSSL's words for it need the number. */
static int certificate_refused(const struct eddy__tls_material *material, X509 *certificate)
{
    unsigned long error = ERR_peek_error();
    char what[96];
    char key[48];

    if (ERR_GET_LIB(error) != ERR_LIB_SSL || ERR_GET_REASON(error) != SSL_R_EE_KEY_TOO_SMALL)
        return eddy__tls_material_failed(material, "the certificate cannot be used");
    eddy__tls_key_text(X509_get0_pubkey(certificate), key, sizeof key);
    snprintf(what, sizeof what, "the certificate's key is too weak (%s)", key);
    return eddy__tls_material_failed(material, what);
}

static int certificate_use(struct eddy_tls_context *context,
                           const struct eddy__tls_material *material, X509 *certificate)
{
    if (SSL_CTX_use_certificate(context->native, certificate) != 1)
        return certificate_refused(material, certificate);
    return 0;
}

static int chain_add(struct eddy_tls_context *context, const struct eddy__tls_material *material,
                     X509 *certificate)
{
    if (SSL_CTX_add1_chain_cert(context->native, certificate) != 1)
        return eddy__tls_material_failed(material, "a certificate of the chain cannot be used");
    return 0;
}

/* The own certificate, then those between it and the root. */
static int chain_load(struct eddy_tls_context *context, const eddy_tls_options *options,
                      const struct eddy__tls_material *material, struct password *password)
{
    X509 *certificate;
    int count = 0;
    int result;

    while ((certificate = certificate_read(material, options, password, &result)) != NULL) {
        if (count++ == 0)
            result = certificate_use(context, material, certificate);
        else
            result = chain_add(context, material, certificate);
        X509_free(certificate);
        if (result < 0)
            return result;
    }
    if (result == 0 && count == 0)
        return eddy_error(EDDY_ETLS, "%s: there is no certificate in it (PEM)", material->name);
    return result;
}

static int key_check(const struct eddy__tls_material *material, const X509 *certificate,
                     const EVP_PKEY *key)
{
    int reason;

    if (X509_check_private_key(certificate, key) == 1)
        return 0;
    reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason != X509_R_KEY_VALUES_MISMATCH && reason != X509_R_KEY_TYPE_MISMATCH)
        return eddy__tls_material_failed(material, "the key cannot be compared");
    ERR_clear_error();
    return eddy_error(EDDY_ETLS, "%s: the key does not belong to the certificate", material->name);
}

static int key_use(struct eddy_tls_context *context, const struct eddy__tls_material *material,
                   EVP_PKEY *key)
{
    int result = key_check(material, SSL_CTX_get0_certificate(context->native), key);

    if (result < 0)
        return result;
    if (SSL_CTX_use_PrivateKey(context->native, key) != 1)
        return eddy__tls_material_failed(material, "the key cannot be used");
    return 0;
}

static bool material_has(const struct eddy__tls_material *material, const char *text)
{
    char *data = NULL;
    long size = BIO_get_mem_data(material->bio, &data);
    size_t length = strlen(text);

    for (long i = 0; i + (long)length <= size; i++) {
        if (memcmp(data + i, text, length) == 0)
            return true;
    }
    return false;
}

static int key_failed(struct eddy__tls_material *material, const struct password *password)
{
    if (password->was_asked)
        return password_failed(password, material);
    eddy__tls_material_rewind(material);
    if (!material_has(material, "PRIVATE KEY-----")) {
        ERR_clear_error();
        return eddy_error(EDDY_ETLS, "%s: there is no private key in it (PEM)", material->name);
    }
    return eddy__tls_material_failed(material, "the private key is damaged");
}

static int key_load(struct eddy_tls_context *context, const eddy_tls_options *options,
                    struct eddy__tls_material *material, struct password *password)
{
    EVP_PKEY *key;
    int result;

    ERR_clear_error();
    key = PEM_read_bio_PrivateKey_ex(material->bio, NULL, password_ask, password,
                                     library_of(options), NULL);
    if (key == NULL)
        return key_failed(material, password);
    ERR_clear_error(); /* of formats that were tried */
    result = key_use(context, material, key);
    EVP_PKEY_free(key);
    return result;
}

static int pem_load(struct eddy_tls_context *context, const eddy_tls_options *options,
                    struct password *password)
{
    struct eddy__tls_material material;
    bool apart = options->key_file != NULL || options->key_data.size > 0;
    int result;

    result = eddy__tls_material_open(&material, options->certificate_file,
                                     options->certificate_data, "certificate_data");
    if (result < 0)
        return result;
    result = chain_load(context, options, &material, password);
    if (result == 0 && apart) {
        eddy__tls_material_close(&material);
        result =
            eddy__tls_material_open(&material, options->key_file, options->key_data, "key_data");
    } else if (result == 0) {
        eddy__tls_material_rewind(&material);
    }
    if (result == 0)
        result = key_load(context, options, &material, password);
    eddy__tls_material_close(&material);
    return result;
}

/** What was inside a PKCS#12 file. */
struct bundle {
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * others;
};

/* The chain goes out from the own certificate upwards, however the file was put together: first
 * each one's issuer, then what belongs to nobody. Quadratic: files hold a few. */
static int bundle_add_chain(struct eddy_tls_context *context,
                            const struct eddy__tls_material *material, struct bundle *bundle)
{
    X509 *last = bundle->certificate;
    int result = 0;

    while (result == 0 && sk_X509_num(bundle->others) > 0) {
        int next = 0;
        X509 *other;

        for (int i = 0; i < sk_X509_num(bundle->others); i++) {
            if (X509_check_issued(sk_X509_value(bundle->others, i), last) == X509_V_OK) {
                next = i;
                break;
            }
        }
        other = sk_X509_delete(bundle->others, next);
        result = chain_add(context, material, other);
        /* The context has a reference of its own, if it was added. */
        X509_free(other);
        last = result == 0 ? other : last;
    }
    return result;
}

static int bundle_use(struct eddy_tls_context *context, const struct eddy__tls_material *material,
                      struct bundle *bundle)
{
    int result;

    if (bundle->certificate == NULL || bundle->key == NULL)
        return eddy_error(EDDY_ETLS, "%s: there is no %s in it (PKCS#12)", material->name,
                          bundle->certificate == NULL ? "certificate with a key" : "key");
    result = certificate_use(context, material, bundle->certificate);
    if (result == 0)
        result = key_use(context, material, bundle->key);
    return result == 0 ? bundle_add_chain(context, material, bundle) : result;
}

/* Whether this is the password: 1, 0, or it cannot be told, which fails. */
static int bundle_try(PKCS12 *file, const struct eddy__tls_material *material, const char *text,
                      int size)
{
    ERR_clear_error();
    if (PKCS12_verify_mac(file, text, size) == 1)
        return 1;
    /* Another password is no error. */
    return ERR_peek_error() == 0
               ? 0
               : eddy__tls_material_failed(material, "the PKCS#12 cannot be verified");
}

/* A file without a password has either none or an empty one, which are two things. */
static int bundle_unlock(PKCS12 *file, const struct eddy__tls_material *material,
                         struct password *password, char *text, size_t size, const char **found)
{
    int result;
    int got;

    *found = NULL;
    if (PKCS12_mac_present(file) == 0)
        return 0;
    result = bundle_try(file, material, NULL, 0);
    if (result == 0) {
        *found = "";
        result = bundle_try(file, material, "", 0);
    }
    if (result != 0)
        return result < 0 ? result : 0;
    got = password_ask(text, (int)size - 1, 0, password);
    if (got < 0)
        return password_failed(password, material);
    text[got] = '\0';
    *found = text;
    result = bundle_try(file, material, text, got);
    if (result == 0)
        return password_failed(password, material);
    return result < 0 ? result : 0;
}

static int bundle_load(struct eddy_tls_context *context, PKCS12 *file,
                       const struct eddy__tls_material *material, struct password *password)
{
    struct bundle bundle = {NULL, NULL, NULL};
    char text[PEM_BUFSIZE];
    const char *found;
    int result = bundle_unlock(file, material, password, text, sizeof text, &found);

    if (result == 0) {
        ERR_clear_error();
        if (PKCS12_parse(file, found, &bundle.key, &bundle.certificate, &bundle.others) != 1)
            result = eddy__tls_material_failed(material, "the PKCS#12 cannot be read");
        else
            result = bundle_use(context, material, &bundle);
    }
    OPENSSL_cleanse(text, sizeof text);
    EVP_PKEY_free(bundle.key);
    X509_free(bundle.certificate);
    sk_X509_pop_free(bundle.others, X509_free);
    return result;
}

static int pkcs12_load(struct eddy_tls_context *context, const eddy_tls_options *options,
                       struct password *password)
{
    struct eddy__tls_material material;
    OSSL_LIB_CTX *before;
    PKCS12 *file;
    int result = eddy__tls_material_open(&material, options->pkcs12_file, options->pkcs12_data,
                                         "pkcs12_data");

    if (result < 0)
        return result;
    /* Not all of PKCS#12 goes by the context that it is told; NULL changes nothing. */
    before = OSSL_LIB_CTX_set0_default(library_of(options));
    file = PKCS12_init_ex(NID_pkcs7_data, library_of(options), NULL);
    if (file == NULL || d2i_PKCS12_bio(material.bio, &file) == NULL)
        result = eddy__tls_material_failed(&material, "this is no PKCS#12");
    else
        result = bundle_load(context, file, &material, password);
    PKCS12_free(file);
    OSSL_LIB_CTX_set0_default(before);
    eddy__tls_material_close(&material);
    return result;
}

int eddy__tls_identity_load(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    struct password password = {.ask = options->password, .arg = options->password_arg};

    if (options->pkcs12_file != NULL || options->pkcs12_data.size > 0)
        return pkcs12_load(context, options, &password);
    if (options->certificate_file != NULL || options->certificate_data.size > 0)
        return pem_load(context, options, &password);
    return 0;
}
