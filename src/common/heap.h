/* SPDX-License-Identifier: MIT */
/** A 4-ary heap of timers with the keys inline, by due time and then by order of entry. */
#ifndef EDDY_COMMON_HEAP_H
#define EDDY_COMMON_HEAP_H

#include <eddy/base.h>

struct eddy__timer;

struct eddy__heap_entry {
    eddy_time when;
    uint64_t order;
    struct eddy__timer *timer;
};

/** All zero is an empty heap. */
struct eddy__heap {
    struct eddy__heap_entry *entries;
    uint32_t count;
    uint32_t capacity;
    uint64_t order;
};

void eddy__heap_fini(struct eddy__heap *heap);

/** Make room for `more` timers beside those in it. EDDY_ENOMEM, or 0. */
int eddy__heap_reserve(struct eddy__heap *heap, uint32_t more);

/** Enter a timer, for which there is room. */
void eddy__heap_add(struct eddy__heap *heap, struct eddy__timer *timer);

/** Take it out, and give back memory that is far too much for it and `more`. Cannot fail. */
void eddy__heap_remove(struct eddy__heap *heap, struct eddy__timer *timer, uint32_t more);

#endif
