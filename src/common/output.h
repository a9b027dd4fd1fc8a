/* SPDX-License-Identifier: MIT */
/**
 * Bytes on their way out: a queue of chunks that either copied what was written or hold what a
 * program handed over. A chunk does not move while it is queued, so that the system may read it.
 */
#ifndef EDDY_COMMON_OUTPUT_H
#define EDDY_COMMON_OUTPUT_H

#include "common/socket.h"
#include <eddy/transport.h>

struct eddy__chunk;

/** All zero is an empty queue. */
struct eddy__output {
    struct eddy__chunk *first;
    struct eddy__chunk *last;
    size_t size; /**< bytes that are queued */
};

/** Copy what the buffers hold behind their first `skip` bytes. EDDY_ENOMEM: nothing happened. */
int eddy__output_copy(struct eddy__output *output, const eddy_buffer *buffers, size_t count,
                      size_t skip);

/** Queue `data` without copying, its first `skip` bytes done; takes it when this succeeds. */
int eddy__output_take(struct eddy__output *output, const void *data, size_t size, size_t skip,
                      eddy_release release, void *arg);

/** The first bytes as at most `max` spans; how many there are. */
size_t eddy__output_spans(const struct eddy__output *output, struct eddy__span *spans, size_t max);

/**
 * The first `size` bytes are sent. Calls the release functions of what is finished, last of all:
 * one of them may drop the rest, and the queue itself may be gone when this returns.
 */
void eddy__output_advance(struct eddy__output *output, size_t size);

/** Drop everything; the rest as above. Cannot fail. */
void eddy__output_clear(struct eddy__output *output);

#endif
