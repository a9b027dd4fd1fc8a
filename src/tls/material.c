/* SPDX-License-Identifier: MIT */
#include "tls/material.h"
#include "common/error.h"
#include "common/memory.h"
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

/** A file is read in such steps, up to such a size: what is longer is not meant. */
enum { STEP = 16 * 1024, FILE_MAX = 64 * 1024 * 1024 };

int eddy__tls_file_failed(const char *path)
{
    unsigned long error = ERR_peek_error();
    char text[128];
    int code;

    if (ERR_GET_LIB(error) != ERR_LIB_SYS)
        return eddy__tls_failed(EDDY_ETLS, path);
    ERR_clear_error();
    code = eddy__system_error(ERR_GET_REASON(error));
    eddy__system_text(ERR_GET_REASON(error), text, sizeof text);
    return eddy_error(code, "%s: %s", path, text[0] != '\0' ? text : eddy_strerror(code));
}

/* To another place, without leaving a copy of what may be a key behind. */
static unsigned char *copy_grow(unsigned char *copy, size_t size, size_t room)
{
    unsigned char *grown = eddy__alloc(room);

    if (grown != NULL && size > 0)
        memcpy(grown, copy, size);
    if (copy != NULL && grown != NULL) {
        OPENSSL_cleanse(copy, size);
        eddy__free(copy);
    }
    return grown;
}

static int material_read(struct eddy__tls_material *material, BIO *file)
{
    size_t room = 0;

    for (;;) {
        int got;

        if (material->size == room) {
            unsigned char *grown;

            if (room >= FILE_MAX)
                return eddy_error(EDDY_EFBIG, "%s: larger than any certificates", material->name);
            room = room == 0 ? STEP : room * 2;
            grown = copy_grow(material->copy, material->size, room);
            if (grown == NULL)
                return EDDY_ENOMEM;
            material->copy = grown;
        }
        got = BIO_read(file, material->copy + material->size, (int)(room - material->size));
        if (got < 0 || (got == 0 && ERR_peek_error() != 0))
            return eddy__tls_file_failed(material->name);
        if (got == 0)
            return 0;
        material->size += (size_t)got;
    }
}

static int material_read_file(struct eddy__tls_material *material)
{
    BIO *file;
    int result;

    ERR_clear_error();
    file = BIO_new_file(material->name, "rb");
    if (file == NULL)
        return eddy__tls_file_failed(material->name);
    result = material_read(material, file);
    BIO_free(file);
    return result;
}

int eddy__tls_material_open(struct eddy__tls_material *material, const char *file, eddy_buffer data,
                            const char *field)
{
    const void *start = data.data;
    int result = 0;

    *material = (struct eddy__tls_material){.name = file != NULL ? file : field};
    if (file != NULL) {
        result = material_read_file(material);
        start = material->copy;
    } else if (data.size > FILE_MAX) {
        result = eddy_error(EDDY_EINVALID, "%s: larger than any certificates", field);
    } else {
        material->size = data.size;
    }
    if (result == 0) {
        material->bio = BIO_new_mem_buf(material->size > 0 ? start : "", (int)material->size);
        if (material->bio == NULL)
            result = eddy__tls_failed(EDDY_ETLS, material->name);
    }
    if (result < 0)
        eddy__tls_material_close(material);
    return result;
}

void eddy__tls_material_rewind(struct eddy__tls_material *material)
{
    (void)BIO_reset(material->bio);
}

void eddy__tls_material_close(struct eddy__tls_material *material)
{
    BIO_free(material->bio);
    if (material->copy != NULL) {
        OPENSSL_cleanse(material->copy, material->size);
        eddy__free(material->copy);
    }
    *material = (struct eddy__tls_material){0};
}

bool eddy__tls_material_at_end(void)
{
    unsigned long error = ERR_peek_last_error();

    if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

int eddy__tls_material_failed(const struct eddy__tls_material *material, const char *what)
{
    char text[256];

    if (ERR_peek_error() == 0) {
        return eddy_error(EDDY_ETLS, "%s: %s", material->name, what);
    }
    if (snprintf(text, sizeof text, "%s: %s", material->name, what) < 0)
        text[0] = '\0';
    return eddy__tls_failed(EDDY_ETLS, text);
}
