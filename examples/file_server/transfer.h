/* SPDX-License-Identifier: MIT */
/** The answer to one request, made piece by piece on an executor's thread. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "files.h"
#include "request.h"
#include <eddy/eddy.h>

struct transfer {
    struct request request;
    int status; /**< set before the first step to refuse the request */
    const char *root;
    struct file file;
    int64_t offset;    /**< of the next piece in the file */
    int64_t remaining; /**< bytes of the file still to be sent */
    char *piece;       /**< what the last step made; who takes it frees it and sets NULL */
    size_t piece_size;
};

/** NULL if out of memory. */
struct transfer *transfer_new(const char *root);
void transfer_free(struct transfer *transfer);

/** An eddy_function: make the next piece, the first one with the head. */
int transfer_step(void *arg, eddy_value *result);

#endif
