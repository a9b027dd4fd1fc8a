/* SPDX-License-Identifier: MIT */
/* The secrets of connections, in the format that debuggers of protocols read. */
#include "common/error.h"
#include "tls/material.h"
#include "tls/openssl.h"
#include <openssl/err.h>
#include <string.h>

/* OpenSSL's callback. What cannot be written is missing from the file; the connection goes on. */
static void key_log_on_line(const SSL *ssl, const char *line)
{
    struct eddy__tls_link *link = eddy__tls_link_of(ssl);
    struct eddy__tls_key_log *log;

    if (link == NULL || link->context->key_log.file == NULL)
        return;
    log = &link->context->key_log;
    ERR_set_mark();
    eddy__mutex_lock(&log->lock);
    BIO_write(log->file, line, (int)strlen(line));
    BIO_write(log->file, "\n", 1);
    (void)BIO_flush(log->file);
    eddy__mutex_unlock(&log->lock);
    ERR_pop_to_mark();
}

int eddy__tls_key_log_init(struct eddy_tls_context *context, const char *path)
{
    struct eddy__tls_key_log *log = &context->key_log;
    int result;

    if (path == NULL)
        return 0;
    result = eddy__mutex_init(&log->lock);
    if (result < 0)
        return result;
    ERR_clear_error();
    log->file = BIO_new_file(path, "ab");
    if (log->file == NULL) {
        eddy__mutex_fini(&log->lock);
        return eddy__tls_file_failed(path);
    }
    SSL_CTX_set_keylog_callback(context->native, key_log_on_line);
    return 0;
}

void eddy__tls_key_log_fini(struct eddy__tls_key_log *log)
{
    if (log->file == NULL)
        return;
    BIO_free(log->file);
    eddy__mutex_fini(&log->lock);
    log->file = NULL;
}
