/* SPDX-License-Identifier: MIT */
/**
 * The library's allocations. All of them go through here, so that a test can fail each one. What
 * returns NULL has set eddy_error_text() for EDDY_ENOMEM.
 */
#ifndef EDDY_COMMON_MEMORY_H
#define EDDY_COMMON_MEMORY_H

#include <eddy/memory.h>

/** Uninitialised memory, or NULL; never for 0 bytes. Any thread. */
void *eddy__alloc(size_t size);

/** Zeroed memory, or NULL. Any thread. */
void *eddy__alloc_zeroed(size_t size);

/** Grow or shrink; NULL leaves `memory` as it was. Any thread. */
void *eddy__realloc(void *memory, size_t size);

/** Free; NULL is allowed. Any thread. */
void eddy__free(void *memory);

/** Copy `size` bytes and a NUL behind them; NULL if out of memory. Any thread. */
char *eddy__copy_text(const char *text, size_t size);

#endif
