/* SPDX-License-Identifier: MIT */
/**
 * Certificates, keys, revocation lists and OCSP responses, made by the test that needs them, so
 * that none lies in the tree and none expires.
 *
 *     struct certificate *ca = certificate_new(&(struct certificate_wish){.is_authority = true});
 *     struct certificate *own = certificate_new(
 *         &(struct certificate_wish){.names = "DNS:example.test", .issuer = ca});
 *     eddy_tls_options options = {.server = true,
 *                                 .certificate_data = certificate_pem(own),
 *                                 .key_data = certificate_key_pem(own)};
 *
 * All of it, the bytes too, is there until certificates_release(), or the end of the program. The
 * memory is OpenSSL's, so that no sweep over the library's allocations hits it; what fails in here
 * ends the program. Texts are NUL-terminated behind their size.
 */
#ifndef TESTS_SUPPORT_CERTIFICATES_H
#define TESTS_SUPPORT_CERTIFICATES_H

#include <eddy/tls.h>

struct certificate;

/** What is wanted; zeroed fields mean the default. */
struct certificate_wish {
    const char *name;                 /**< the subject's common name; default: "test" */
    const char *names;                /**< "DNS:a.test,DNS:*.b.test,IP:127.0.0.1"; default: none */
    const struct certificate *issuer; /**< default: it signs itself */
    bool is_authority;                /**< it may sign others */
    const char *usage;                /**< "serverAuth", "clientAuth"; default: any */
    int from_days;                    /**< from today on; default: -1 */
    int to_days;                      /**< default: 30 */
    int rsa_bits;                     /**< 1024 is too weak; default: a P-256 key */
};

struct certificate *certificate_new(const struct certificate_wish *wish);

/** A leaf for `names`, signed by `issuer`: the usual one of a server. */
struct certificate *certificate_for(const char *names, const struct certificate *issuer);

/** The certificate, its key, and its key behind a password, in PEM. */
eddy_buffer certificate_pem(const struct certificate *certificate);
eddy_buffer certificate_key_pem(const struct certificate *certificate);
eddy_buffer certificate_locked_key_pem(const struct certificate *certificate, const char *password);

/** One behind the other: a chain, or a certificate with its key. */
eddy_buffer certificate_join(eddy_buffer first, eddy_buffer second);

/** Certificate, key and `between` (may be NULL) as PKCS#12; NULL as password: none. */
eddy_buffer certificate_pkcs12(const struct certificate *certificate,
                               const struct certificate *between, const char *password);

/** A list of `issuer` in PEM that revokes `revoked` (may be NULL), good for `days` from now. */
eddy_buffer certificate_crl(const struct certificate *issuer, const struct certificate *revoked,
                            int days);

/** What an OCSP response says. */
enum certificate_status { CERTIFICATE_GOOD, CERTIFICATE_REVOKED, CERTIFICATE_UNKNOWN };

/** An OCSP response in DER by `issuer`, good for `days` from now; negative: it is out of date. */
eddy_buffer certificate_ocsp(const struct certificate *certificate,
                             const struct certificate *issuer, enum certificate_status status,
                             int days);

/** Write bytes to a scratch file; its path, as by scratch_path(). */
const char *certificate_file(const char *name, eddy_buffer bytes);

/** OpenSSL's X509 and EVP_PKEY of it, borrowed, for what is not here. */
void *certificate_x509(const struct certificate *certificate);
void *certificate_key(const struct certificate *certificate);

/** Give everything back; what was handed out is gone. */
void certificates_release(void);

#endif
