/* SPDX-License-Identifier: MIT */
/** An HTTP request, taken apart. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Heads larger than this are refused. */
#define REQUEST_HEAD_MAX 16384
#define REQUEST_PATH_MAX 1024

struct request {
    bool head_only; /**< HEAD */
    bool keep_alive;
    char path[REQUEST_PATH_MAX]; /**< decoded, below the root, without a leading slash */
    bool has_range;
    int64_t range_first; /**< -1: the last `range_last` bytes */
    int64_t range_last;  /**< -1: to the end */
};

/** Bytes of the first head in `data`, with its empty line; 0 if it is not all there yet. */
size_t request_head_size(const char *data, size_t size);

/** Parse a whole head. 0, or the HTTP status that refuses it. */
int request_parse(const char *head, size_t size, struct request *request);

/**
 * Fit the range to a file of `size` bytes: `*first` and `*count`. 200 for all of it, 206 for a
 * part, 416 if no byte of it exists.
 */
int request_range(const struct request *request, int64_t size, int64_t *first, int64_t *count);

#endif
