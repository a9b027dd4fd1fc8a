/* SPDX-License-Identifier: MIT */
/* Whom a context trusts: roots from files, from memory, from the system; and revocation lists. */
#include "common/trust.h"
#include "common/environment.h"
#include "tls/material.h"
#include <openssl/err.h>
#include <openssl/pem.h>

static OSSL_LIB_CTX *library_of(const eddy_tls_options *options)
{
    return options->library_context;
}

/* A server tells its clients whom it trusts, so that they know which certificate to show. */
static int root_add(struct eddy_tls_context *context, const struct eddy__tls_material *material,
                    X509 *root)
{
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context->native), root) != 1 ||
        (context->is_server && SSL_CTX_add_client_CA(context->native, root) != 1))
        return eddy__tls_material_failed(material, "a certificate cannot be used");
    return 0;
}

static X509 *root_read(const struct eddy__tls_material *material, const eddy_tls_options *options)
{
    X509 *root = X509_new_ex(library_of(options), NULL);

    if (root != NULL && PEM_read_bio_X509_AUX(material->bio, &root, NULL, "") == NULL) {
        X509_free(root);
        root = NULL;
    }
    return root;
}

static int roots_read(struct eddy_tls_context *context, const eddy_tls_options *options,
                      const struct eddy__tls_material *material)
{
    size_t count = 0;
    int result = 0;
    X509 *root;

    while (result == 0 && (root = root_read(material, options)) != NULL) {
        result = root_add(context, material, root);
        X509_free(root);
        count++;
    }
    if (result < 0)
        return result;
    if (!eddy__tls_material_at_end())
        return eddy__tls_material_failed(material, "a certificate is damaged");
    if (count == 0)
        return eddy_error(EDDY_ETLS, "%s: there is no certificate in it (PEM)", material->name);
    return 0;
}

static int roots_load(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    struct eddy__tls_material material;
    int result;

    if (options->ca_file == NULL && options->ca_data.size == 0)
        return 0;
    result = eddy__tls_material_open(&material, options->ca_file, options->ca_data, "ca_data");
    if (result < 0)
        return result;
    result = roots_read(context, options, &material);
    eddy__tls_material_close(&material);
    return result;
}

/* OpenSSL looks into it when it needs to, and takes a folder that is not there for an empty one. */
static int directory_load(struct eddy_tls_context *context, const char *path)
{
    BIO *folder;

    if (path == NULL)
        return 0;
    folder = BIO_new_file(path, "rb");
    if (folder == NULL) {
        int code = eddy__tls_file_failed(path);

        /* Some systems refuse to open a folder, but none lacks one that is there. */
        if (code == EDDY_ENOENT || code == EDDY_ENOTDIR || code == EDDY_ENOMEM)
            return code;
    }
    BIO_free(folder);
    if (X509_STORE_load_path(SSL_CTX_get_cert_store(context->native), path) != 1)
        return eddy__tls_failed(EDDY_ETLS, path);
    return 0;
}

/** Where the system's roots go. */
struct visit {
    X509_STORE *store;
    OSSL_LIB_CTX *library;
};

/* One root that OpenSSL does not understand is no reason to trust none. */
static int system_on_root(void *arg, const unsigned char *der, size_t size)
{
    struct visit *visit = arg;
    X509 *root = X509_new_ex(visit->library, NULL);
    struct eddy__tls_reason reason;

    if (root != NULL && d2i_X509(&root, &der, (long)size) != NULL)
        (void)X509_STORE_add_cert(visit->store, root);
    X509_free(root);
    eddy__tls_drain(&reason);
    return reason.is_out_of_memory ? eddy_error(EDDY_ENOMEM, "trusted roots: out of memory") : 0;
}

static bool is_there(const char *path)
{
    BIO *file = BIO_new_file(path, "rb");

    ERR_clear_error();
    BIO_free(file);
    return file != NULL;
}

/* The files OpenSSL was built for, or those that the user names instead in the environment. */
static int system_load_default(X509_STORE *store, OSSL_LIB_CTX *library)
{
    if (X509_STORE_set_default_paths_ex(store, library, NULL) != 1)
        return eddy__tls_failed(EDDY_ETLS, "the system's trusted roots");
    return 0;
}

/* An OpenSSL that was not built for this system looks where nothing is. */
static int system_load_files(X509_STORE *store, OSSL_LIB_CTX *library)
{
    if (is_there(X509_get_default_cert_file()) || is_there(X509_get_default_cert_dir()))
        return system_load_default(store, library);
    for (const char *const *file = eddy__trust_files(); *file != NULL; file++) {
        if (!is_there(*file))
            continue;
        if (X509_STORE_load_file_ex(store, *file, library, NULL) == 1)
            return 0;
        return eddy__tls_failed(EDDY_ETLS, *file);
    }
    /* Nobody is trusted then; the texts of failed verifications say so. */
    return 0;
}

static int system_load(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    struct visit visit = {SSL_CTX_get_cert_store(context->native), library_of(options)};
    int result;

    if (eddy__environment(X509_get_default_cert_file_env()) != NULL ||
        eddy__environment(X509_get_default_cert_dir_env()) != NULL)
        return system_load_default(visit.store, visit.library);
    result = eddy__trust_visit(context->is_server ? EDDY__TRUST_CLIENTS : EDDY__TRUST_SERVERS,
                               system_on_root, &visit);
    if (result != 0)
        return result < 0 ? result : 0;
    return system_load_files(visit.store, visit.library);
}

/* Of use to clients that verify, and were not told otherwise. */
static bool system_is_wanted(const eddy_tls_options *options)
{
    if (options->system_trust != EDDY_DEFAULT)
        return options->system_trust == EDDY_YES;
    return !options->server && options->verify != EDDY_TLS_VERIFY_NONE &&
           options->ca_file == NULL && options->ca_data.size == 0 && options->ca_directory == NULL;
}

static X509_CRL *list_read(const struct eddy__tls_material *material,
                           const eddy_tls_options *options)
{
    X509_CRL *list = X509_CRL_new_ex(library_of(options), NULL);

    if (list != NULL && PEM_read_bio_X509_CRL(material->bio, &list, NULL, "") == NULL) {
        X509_CRL_free(list);
        list = NULL;
    }
    return list;
}

static int lists_read(struct eddy_tls_context *context, const eddy_tls_options *options,
                      const struct eddy__tls_material *material)
{
    size_t count = 0;
    X509_CRL *list;

    while ((list = list_read(material, options)) != NULL) {
        int added = X509_STORE_add_crl(SSL_CTX_get_cert_store(context->native), list);

        X509_CRL_free(list);
        if (added != 1)
            return eddy__tls_material_failed(material, "a revocation list cannot be used");
        count++;
    }
    if (!eddy__tls_material_at_end())
        return eddy__tls_material_failed(material, "a revocation list is damaged");
    if (count == 0)
        return eddy_error(EDDY_ETLS, "%s: there is no revocation list in it (PEM)", material->name);
    return 0;
}

/* The check belongs to the store, which goes with the SSL_CTX, wherever that goes. */
static int lists_load(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    bool given = options->crl_file != NULL || options->crl_data.size > 0;
    bool chain = options->crl_check == EDDY_TLS_CRL_CHAIN;
    struct eddy__tls_material material;
    int result;

    if (given) {
        result =
            eddy__tls_material_open(&material, options->crl_file, options->crl_data, "crl_data");
        if (result < 0)
            return result;
        result = lists_read(context, options, &material);
        eddy__tls_material_close(&material);
        if (result < 0)
            return result;
    }
    if (given || chain)
        X509_STORE_set_flags(SSL_CTX_get_cert_store(context->native),
                             X509_V_FLAG_CRL_CHECK | (chain ? X509_V_FLAG_CRL_CHECK_ALL : 0));
    return 0;
}

int eddy__tls_trust_load(struct eddy_tls_context *context, const eddy_tls_options *options)
{
    int result = roots_load(context, options);

    if (result == 0)
        result = directory_load(context, options->ca_directory);
    if (result == 0 && system_is_wanted(options))
        result = system_load(context, options);
    return result == 0 ? lists_load(context, options) : result;
}
