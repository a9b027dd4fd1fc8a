/* SPDX-License-Identifier: MIT */
#include "common/block.h"
#include <string.h>

void *eddy__block_new(size_t size)
{
    size_t class = eddy__block_class(size);

    return eddy__alloc(class < EDDY__BLOCK_CLASSES ? eddy__block_size(class) : size);
}

void *eddy__block_alloc(struct eddy__blocks *blocks, size_t size)
{
    void *memory;

    if (eddy__block_class(size) == EDDY__BLOCK_CLASSES)
        return eddy__alloc_zeroed(size);
    memory = eddy__block_take(blocks, size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

void eddy__blocks_trim(struct eddy__blocks *blocks)
{
    for (size_t class = 0; class < EDDY__BLOCK_CLASSES; class ++) {
        while (blocks->free[class] != NULL) {
            struct eddy__block *block = blocks->free[class];

            EDDY__BLOCK_UNPOISON(block, eddy__block_size(class));
            blocks->free[class] = block->next;
            eddy__free(block);
        }
        blocks->count[class] = 0;
    }
}
