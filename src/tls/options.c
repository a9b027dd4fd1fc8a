/* SPDX-License-Identifier: MIT */
/* Which options of a context go together. */
#include "tls/material.h"

/** A rule: two things that were asked for, and cannot both be had. */
struct conflict {
    bool is_broken;
    const char *text;
};

static int options_refuse(const struct conflict *conflicts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (conflicts[i].is_broken)
            return eddy_error(EDDY_EINVALID, "TLS context: %s", conflicts[i].text);
    }
    return 0;
}

#define REFUSE(conflicts) options_refuse(conflicts, sizeof(conflicts) / sizeof *(conflicts))

static bool has(const char *file, eddy_buffer data)
{
    return file != NULL || data.size > 0;
}

static int options_check_identity(const eddy_tls_options *o)
{
    bool certificate = has(o->certificate_file, o->certificate_data);
    bool key = has(o->key_file, o->key_data);
    bool pkcs12 = has(o->pkcs12_file, o->pkcs12_data);
    const struct conflict conflicts[] = {
        {o->certificate_file != NULL && o->certificate_data.size > 0,
         "certificate_file and certificate_data"},
        {o->key_file != NULL && o->key_data.size > 0, "key_file and key_data"},
        {o->pkcs12_file != NULL && o->pkcs12_data.size > 0, "pkcs12_file and pkcs12_data"},
        {pkcs12 && (certificate || key), "PKCS#12 and another certificate or key"},
        {key && !certificate, "a key without a certificate"},
        {o->server && !pkcs12 && !certificate && o->on_server_name == NULL,
         "a server needs a certificate, or on_server_name to find one"},
    };

    return REFUSE(conflicts);
}

static int options_check_trust(const eddy_tls_options *o)
{
    bool trusted = has(o->ca_file, o->ca_data) || o->ca_directory != NULL;
    bool lists = has(o->crl_file, o->crl_data);
    bool verifies = o->verify == EDDY_TLS_VERIFY_REQUIRED || o->verify == EDDY_TLS_VERIFY_OPTIONAL;
    const struct conflict conflicts[] = {
        {o->ca_file != NULL && o->ca_data.size > 0, "ca_file and ca_data"},
        {o->crl_file != NULL && o->crl_data.size > 0, "crl_file and crl_data"},
        {(unsigned)o->verify > EDDY_TLS_VERIFY_NONE, "no such value of verify"},
        {(unsigned)o->system_trust > EDDY_NO, "no such value of system_trust"},
        {(unsigned)o->crl_check > EDDY_TLS_CRL_CHAIN, "no such value of crl_check"},
        {o->crl_check == EDDY_TLS_CRL_CHAIN && !lists && o->ca_directory == NULL,
         "crl_check without a revocation list"},
        {lists && (o->verify == EDDY_TLS_VERIFY_NONE || (o->server && !verifies)),
         "a revocation list without verification"},
        {o->server && verifies && !trusted && o->system_trust == EDDY_DEFAULT,
         "a server that verifies needs to know whom to trust (EDDY_NO as system_trust: that is "
         "told to the SSL_CTX)"},
        {o->server && trusted && o->verify == EDDY_TLS_VERIFY_DEFAULT,
         "a server that is told whom to trust has to be told by `verify` to ask for certificates"},
        {o->server && o->no_name_check, "no_name_check is for clients"},
    };

    return REFUSE(conflicts);
}

static bool is_version(eddy_tls_version version)
{
    return version == EDDY_TLS_VERSION_DEFAULT || version == EDDY_TLS_1_2 ||
           version == EDDY_TLS_1_3;
}

static int options_check_protocol(const eddy_tls_options *o)
{
    bool verifies = o->verify != EDDY_TLS_VERIFY_NONE;
    const struct conflict conflicts[] = {
        {!is_version(o->version_min) || !is_version(o->version_max), "no such version of TLS"},
        {o->version_max != EDDY_TLS_VERSION_DEFAULT && o->version_min > o->version_max,
         "version_min is above version_max"},
        {o->alpn != NULL && o->select_alpn != NULL, "alpn and select_alpn"},
        {o->alpn_required && o->alpn == NULL && o->select_alpn == NULL,
         "alpn_required without alpn or select_alpn"},
        {!o->server && o->select_alpn != NULL, "select_alpn is for servers"},
        {!o->server && o->on_server_name != NULL, "on_server_name is for servers"},
        {!o->server && o->no_tickets, "no_tickets is for servers"},
        {!o->server && o->ocsp_response.size > 0, "ocsp_response is for servers"},
        {o->server && o->ocsp_required, "ocsp_required is for clients"},
        {!verifies && o->ocsp_required, "ocsp_required without verification"},
        {o->server && o->session_cache > 0, "session_cache is for clients"},
    };

    return REFUSE(conflicts);
}

/* Fields that a ready SSL_CTX leaves no place for. */
static int options_check_native(const eddy_tls_options *o)
{
    const struct conflict conflicts[] = {
        {has(o->certificate_file, o->certificate_data) || has(o->key_file, o->key_data) ||
             has(o->pkcs12_file, o->pkcs12_data) || o->password != NULL,
         "native and a certificate or key"},
        {has(o->ca_file, o->ca_data) || o->ca_directory != NULL || has(o->crl_file, o->crl_data) ||
             o->system_trust != EDDY_DEFAULT || o->crl_check != EDDY_TLS_CRL_DEFAULT,
         "native and whom to trust"},
        {o->version_min != EDDY_TLS_VERSION_DEFAULT || o->version_max != EDDY_TLS_VERSION_DEFAULT ||
             o->ciphers != NULL || o->ciphersuites != NULL || o->groups != NULL,
         "native and what to speak"},
        {o->alpn != NULL || o->alpn_required || o->select_alpn != NULL || o->on_server_name != NULL,
         "native and ALPN or on_server_name"},
        {o->no_tickets || o->ocsp_required || o->ocsp_response.size > 0 ||
             o->key_log_file != NULL || o->library_context != NULL,
         "native and tickets, OCSP, a key log or a library context"},
        {(unsigned)o->verify > EDDY_TLS_VERIFY_NONE, "no such value of verify"},
        {o->server && (o->session_cache > 0 || o->no_name_check),
         "session_cache and no_name_check are for clients"},
    };

    return REFUSE(conflicts);
}

int eddy__tls_options_check(const eddy_tls_options *options)
{
    int result;

    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++) {
        if (options->reserved[i] != NULL)
            return eddy_error(EDDY_EINVALID, "TLS context: reserved fields are not zero");
    }
    if (options->native != NULL)
        return options_check_native(options);
    result = options_check_identity(options);
    if (result == 0)
        result = options_check_trust(options);
    return result == 0 ? options_check_protocol(options) : result;
}
