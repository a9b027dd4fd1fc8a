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

/**
 * A buffer for the system to copy into: as eddy__alloc(), at a multiple of EDDY__BUFFER_ALIGNMENT.
 * Where a system copies by "rep movsb", as Linux does on x86-64, processors of AMD are fast at
 * multiples of 32 alone: else a receive of 16 KiB takes thrice the time, one of 4 KiB half as much
 * again. What malloc() maps for a large buffer is 16 bytes beside one. Any thread.
 */
void *eddy__buffer_alloc(size_t size);

/** Give it back; NULL is allowed. Any thread. */
void eddy__buffer_free(void *buffer);

#define EDDY__BUFFER_ALIGNMENT ((size_t)64)

/** Grow or shrink; NULL leaves `memory` as it was. Any thread. */
void *eddy__realloc(void *memory, size_t size);

/** Free; NULL is allowed. Any thread. */
void eddy__free(void *memory);

/** Copy `size` bytes and a NUL behind them; NULL if out of memory. Any thread. */
char *eddy__copy_text(const char *text, size_t size);

#endif
