/* SPDX-License-Identifier: MIT */
/**
 * Blocks: small memory of a loop, kept for the next future, task or callback record, so that a
 * program in its steady state allocates nothing. Belongs to the loop's thread.
 *
 * Taking and giving back are inline: where the size is a constant, choosing its class costs
 * nothing.
 */
#ifndef EDDY_COMMON_BLOCK_H
#define EDDY_COMMON_BLOCK_H

#include "common/memory.h"
#include <stddef.h>
#include <stdint.h>

/* What lies in the store is poison to AddressSanitizer, so that late uses are still found. */
#if defined(__SANITIZE_ADDRESS__)
#define EDDY__BLOCK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EDDY__BLOCK_ASAN 1
#endif
#endif
#if defined(EDDY__BLOCK_ASAN)
#include <sanitizer/asan_interface.h>
#define EDDY__BLOCK_POISON(memory, size) __asan_poison_memory_region(memory, size)
#define EDDY__BLOCK_UNPOISON(memory, size) __asan_unpoison_memory_region(memory, size)
#else
#define EDDY__BLOCK_POISON(memory, size) ((void)0)
#define EDDY__BLOCK_UNPOISON(memory, size) ((void)0)
#endif

/** Sizes that are kept; what is larger comes from the allocator each time. */
#define EDDY__BLOCK_CLASSES 5

/**
 * A plain future and a callback record; a connection over IPv4; a task; an operation; a large one.
 * With what an allocator commonly adds, 8 bytes and up to 16 in all, connections and tasks that
 * wait stay below 200 bytes each.
 */
#define EDDY__BLOCK_SMALL ((size_t)128)
#define EDDY__BLOCK_STREAM ((size_t)168)
#define EDDY__BLOCK_TASK ((size_t)184)
#define EDDY__BLOCK_MIDDLE ((size_t)256)
#define EDDY__BLOCK_LARGE ((size_t)512)

/** Kept at most, of each size. */
#define EDDY__BLOCKS_KEPT 256u

struct eddy__block {
    struct eddy__block *next;
};

/** All zero is an empty store. */
struct eddy__blocks {
    struct eddy__block *free[EDDY__BLOCK_CLASSES];
    uint32_t count[EDDY__BLOCK_CLASSES];
};

/** The class for `size`, or EDDY__BLOCK_CLASSES for what is too large. */
static inline size_t eddy__block_class(size_t size)
{
    if (size <= EDDY__BLOCK_SMALL)
        return 0;
    if (size <= EDDY__BLOCK_TASK)
        return size <= EDDY__BLOCK_STREAM ? 1 : 2;
    if (size <= EDDY__BLOCK_LARGE)
        return size <= EDDY__BLOCK_MIDDLE ? 3 : 4;
    return EDDY__BLOCK_CLASSES;
}

/** How large the blocks of a class are. */
static inline size_t eddy__block_size(size_t class)
{
    static const size_t sizes[EDDY__BLOCK_CLASSES] = {
        EDDY__BLOCK_SMALL,  EDDY__BLOCK_STREAM, EDDY__BLOCK_TASK,
        EDDY__BLOCK_MIDDLE, EDDY__BLOCK_LARGE,
    };

    return sizes[class];
}

/** A block for `size` bytes from the allocator, as large as its class; or NULL. */
void *eddy__block_new(size_t size);

/** `size` bytes of uninitialised memory, or NULL. */
static inline void *eddy__block_take(struct eddy__blocks *blocks, size_t size)
{
    size_t class = eddy__block_class(size);
    struct eddy__block *block = class < EDDY__BLOCK_CLASSES ? blocks->free[class] : NULL;

    if (block == NULL)
        return eddy__block_new(size);
    EDDY__BLOCK_UNPOISON(block, eddy__block_size(class));
    blocks->free[class] = block->next;
    blocks->count[class]--;
    return block;
}

/** The same, zeroed. */
void *eddy__block_alloc(struct eddy__blocks *blocks, size_t size);

/** Give back what was taken or allocated with that `size`. Cannot fail. */
static inline void eddy__block_free(struct eddy__blocks *blocks, void *memory, size_t size)
{
    size_t class = eddy__block_class(size);
    struct eddy__block *block = memory;

    if (class == EDDY__BLOCK_CLASSES || blocks->count[class] >= EDDY__BLOCKS_KEPT) {
        eddy__free(memory);
        return;
    }
    block->next = blocks->free[class];
    blocks->free[class] = block;
    blocks->count[class]++;
    EDDY__BLOCK_POISON(block + 1, eddy__block_size(class) - sizeof *block);
}

/** Hand everything that is kept back to the allocator. */
void eddy__blocks_trim(struct eddy__blocks *blocks);

#endif
