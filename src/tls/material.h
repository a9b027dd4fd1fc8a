/* SPDX-License-Identifier: MIT */
/** What a context is made from: files, or the same from memory, with a name for error texts. */
#ifndef EDDY_TLS_MATERIAL_H
#define EDDY_TLS_MATERIAL_H

#include "tls/openssl.h"

struct eddy__tls_material {
    const char *name; /**< the file's path, or the field's name; borrowed */
    BIO *bio;         /**< reads it from the beginning */
    unsigned char *copy;
    size_t size;
};

/**
 * Open `file`, or `data` if that is NULL, which is the field `field` then. Borrows all of them
 * until the closing. EDDY_ENOMEM, or the system's error for a file that cannot be read, with texts.
 */
int eddy__tls_material_open(struct eddy__tls_material *material, const char *file, eddy_buffer data,
                            const char *field);

/** Read it from the beginning again. Cannot fail. */
void eddy__tls_material_rewind(struct eddy__tls_material *material);

/** Close and wipe it; nothing happens if it was not opened, but zeroed. Cannot fail. */
void eddy__tls_material_close(struct eddy__tls_material *material);

/** True if the error queue says that there is no further block of PEM; it is empty then. */
bool eddy__tls_material_at_end(void);

/** Fail because of it: "`name`: `what` (OpenSSL's words)" and EDDY_ETLS, or EDDY_ENOMEM. */
int eddy__tls_material_failed(const struct eddy__tls_material *material, const char *what);

/** A file could not be opened or read, the error queue says why: the system's code, with a text. */
int eddy__tls_file_failed(const char *path);

/* identity.c and trust.c: parts of the making of a context. Each returns 0 or fails with a text. */

/** Load what `context` shows of itself. */
int eddy__tls_identity_load(struct eddy_tls_context *context, const eddy_tls_options *options);

/** Load whom `context` trusts, and which certificates were revoked. */
int eddy__tls_trust_load(struct eddy_tls_context *context, const eddy_tls_options *options);

/** That no options exclude each other (options.c). */
int eddy__tls_options_check(const eddy_tls_options *options);

#endif
