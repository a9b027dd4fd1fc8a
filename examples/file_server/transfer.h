/* SPDX-License-Identifier: MIT */
/** The answer to one request. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "files.h"
#include "request.h"
#include <eddy/eddy.h>

struct transfer {
    struct request request;
    int status; /**< set before it begins to refuse the request */
    const char *root;
    struct file file;
    int64_t offset;    /**< of what is next in the file */
    int64_t remaining; /**< bytes of the file still to be sent */
    int64_t slice;     /**< bytes of it on their way */
    char *text;        /**< the head, and what is not a file behind it */
    size_t text_size;
};

/** NULL if out of memory. */
struct transfer *transfer_new(const char *root);
void transfer_free(struct transfer *transfer);

/** An eddy_function, which may block: find what to answer with, and make the text. */
int transfer_begin(void *arg, eddy_value *result);

#endif
