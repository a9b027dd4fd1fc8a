/* SPDX-License-Identifier: MIT */
/** A 4-ary heap of entries with the keys inline, by due time and then by order of entry. */
#ifndef EDDY_COMMON_HEAP_H
#define EDDY_COMMON_HEAP_H

#include "common/entry.h"

struct eddy__heap_node {
    struct eddy__entry entry;
    uint64_t order;
};

/** All zero is an empty heap. */
struct eddy__heap {
    struct eddy__heap_node *nodes;
    size_t count;
    size_t capacity;
};

void eddy__heap_fini(struct eddy__heap *heap);

/** Make room for `count` entries. EDDY_ENOMEM, or 0. */
int eddy__heap_reserve(struct eddy__heap *heap, size_t count);

/** Give back what is far too much for `count` entries. Cannot fail. */
void eddy__heap_relax(struct eddy__heap *heap, size_t count);

/** Enter an entry, for which there is room. */
void eddy__heap_add(struct eddy__heap *heap, struct eddy__entry entry, uint64_t order);

/** Take the first one out; there is one. */
struct eddy__entry eddy__heap_shift(struct eddy__heap *heap);

/** Drop all entries that are stale. */
void eddy__heap_sweep(struct eddy__heap *heap, const struct eddy__slots *slots);

#endif
