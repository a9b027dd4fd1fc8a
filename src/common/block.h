/* SPDX-License-Identifier: MIT */
/**
 * Blocks: small memory of a loop, kept for the next future, task or callback record, so that a
 * program in its steady state allocates nothing. Belongs to the loop's thread.
 */
#ifndef EDDY_COMMON_BLOCK_H
#define EDDY_COMMON_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/** Sizes that are kept; what is larger comes from the allocator each time. */
#define EDDY__BLOCK_CLASSES 3

struct eddy__block;

/** All zero is an empty store. */
struct eddy__blocks {
    struct eddy__block *free[EDDY__BLOCK_CLASSES];
    uint32_t count[EDDY__BLOCK_CLASSES];
};

/** `size` bytes of zeroed memory, or NULL. */
void *eddy__block_alloc(struct eddy__blocks *blocks, size_t size);

/** Give back what was allocated with that `size`. Cannot fail. */
void eddy__block_free(struct eddy__blocks *blocks, void *memory, size_t size);

/** Hand everything that is kept back to the allocator. */
void eddy__blocks_trim(struct eddy__blocks *blocks);

#endif
