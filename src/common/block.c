/* SPDX-License-Identifier: MIT */
#include "common/block.h"
#include "common/memory.h"
#include <string.h>

/* What lies in the store is poison to AddressSanitizer, so that late uses are still found. */
#if defined(__SANITIZE_ADDRESS__)
#define BLOCK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_ASAN 1
#endif
#endif
#if defined(BLOCK_ASAN)
#include <sanitizer/asan_interface.h>
#define BLOCK_POISON(memory, size) __asan_poison_memory_region(memory, size)
#define BLOCK_UNPOISON(memory, size) __asan_unpoison_memory_region(memory, size)
#else
#define BLOCK_POISON(memory, size) ((void)0)
#define BLOCK_UNPOISON(memory, size) ((void)0)
#endif

/** A plain future and a callback record; an operation; a task. */
enum { BLOCK_SMALL = 128, BLOCK_MIDDLE = 256, BLOCK_LARGE = 512 };
static const size_t block_sizes[EDDY__BLOCK_CLASSES] = {BLOCK_SMALL, BLOCK_MIDDLE, BLOCK_LARGE};

/** Kept at most, of each size. */
enum { BLOCKS_KEPT = 256 };

struct eddy__block {
    struct eddy__block *next;
};

/** The class for `size`, or EDDY__BLOCK_CLASSES for what is too large. */
static inline size_t block_class(size_t size)
{
    if (size <= BLOCK_MIDDLE)
        return size <= BLOCK_SMALL ? 0 : 1;
    return size <= BLOCK_LARGE ? 2 : EDDY__BLOCK_CLASSES;
}

void *eddy__block_alloc(struct eddy__blocks *blocks, size_t size)
{
    size_t class = block_class(size);
    struct eddy__block *block;

    if (class == EDDY__BLOCK_CLASSES)
        return eddy__alloc_zeroed(size);
    block = blocks->free[class];
    if (block == NULL) {
        void *memory = eddy__alloc(block_sizes[class]);

        return memory != NULL ? memset(memory, 0, size) : NULL;
    }
    BLOCK_UNPOISON(block, block_sizes[class]);
    blocks->free[class] = block->next;
    blocks->count[class]--;
    return memset(block, 0, size);
}

void eddy__block_free(struct eddy__blocks *blocks, void *memory, size_t size)
{
    size_t class = block_class(size);
    struct eddy__block *block = memory;

    if (class == EDDY__BLOCK_CLASSES || blocks->count[class] >= BLOCKS_KEPT) {
        eddy__free(memory);
        return;
    }
    block->next = blocks->free[class];
    blocks->free[class] = block;
    blocks->count[class]++;
    BLOCK_POISON(block + 1, block_sizes[class] - sizeof *block);
}

void eddy__blocks_trim(struct eddy__blocks *blocks)
{
    for (size_t class = 0; class < EDDY__BLOCK_CLASSES; class ++) {
        while (blocks->free[class] != NULL) {
            struct eddy__block *block = blocks->free[class];

            BLOCK_UNPOISON(block, block_sizes[class]);
            blocks->free[class] = block->next;
            eddy__free(block);
        }
        blocks->count[class] = 0;
    }
}
