/* SPDX-License-Identifier: MIT */
/** The one allocator that everything in the library goes through. */
#ifndef EDDY_MEMORY_H
#define EDDY_MEMORY_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Memory functions, each with the contract of its namesake in <stdlib.h>; called from any thread.
 * `reserved` must be zero.
 */
typedef struct eddy_allocator {
    void *(*malloc)(size_t size, void *context);
    void *(*realloc)(void *memory, size_t size, void *context);
    void (*free)(void *memory, void *context);
    void *context;
    void *reserved[2];
} eddy_allocator;

/**
 * Replace the allocator of the process; NULL restores the C library's.
 *
 * Copies the table. Only while nothing of the library is allocated: else EDDY_EBADSTATE. A missing
 * function is EDDY_EINVALID. Not thread-safe: call it before the first loop is made.
 */
EDDY_API int eddy_set_allocator(const eddy_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
