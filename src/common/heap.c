/* SPDX-License-Identifier: MIT */
#include "common/heap.h"
#include "common/memory.h"
#include "common/timer.h"
#include <eddy/error.h>

/** Children a node: four keys of 24 bytes lie in two cache lines, and the heap is half as deep. */
#define HEAP_ARITY 4u

/** As many as a timer's position can tell. */
#define HEAP_MAX ((1u << 30) - 1)

/** Room from the start, and from which on memory is given back. */
enum { HEAP_FIRST = 32, HEAP_LARGE = 1024 };

void eddy__heap_fini(struct eddy__heap *heap)
{
    eddy__free(heap->entries);
    *heap = (struct eddy__heap){0};
}

static int heap_resize(struct eddy__heap *heap, uint32_t capacity)
{
    struct eddy__heap_entry *entries =
        eddy__realloc(heap->entries, (size_t)capacity * sizeof *entries);

    if (entries == NULL)
        return EDDY_ENOMEM;
    heap->entries = entries;
    heap->capacity = capacity;
    return 0;
}

int eddy__heap_reserve(struct eddy__heap *heap, uint32_t more)
{
    uint32_t capacity = heap->capacity == 0 ? HEAP_FIRST : heap->capacity;

    if (more <= heap->capacity - heap->count)
        return 0;
    while (capacity - heap->count < more) {
        if (capacity > HEAP_MAX / 2)
            return EDDY_ENOMEM;
        capacity *= 2;
    }
    return heap_resize(heap, capacity);
}

static bool heap_before(const struct eddy__heap_entry *a, const struct eddy__heap_entry *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

/** Put `entry` at `index`. Positions count from 1, so that 0 can mean "not in the heap". */
static void heap_place(struct eddy__heap *heap, uint32_t index, struct eddy__heap_entry entry)
{
    heap->entries[index] = entry;
    entry.timer->position = (index + 1) & HEAP_MAX;
}

static void heap_sift_up(struct eddy__heap *heap, uint32_t index, struct eddy__heap_entry entry)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / HEAP_ARITY;

        if (!heap_before(&entry, &heap->entries[parent]))
            break;
        heap_place(heap, index, heap->entries[parent]);
        index = parent;
    }
    heap_place(heap, index, entry);
}

/** The child of `index` that comes first, or 0 if it has none. */
static uint32_t heap_first_child(const struct eddy__heap *heap, uint32_t index)
{
    uint64_t child = (uint64_t)index * HEAP_ARITY + 1;
    uint64_t end = child + HEAP_ARITY < heap->count ? child + HEAP_ARITY : heap->count;
    uint32_t first = (uint32_t)child;

    if (child >= heap->count)
        return 0;
    for (uint32_t other = first + 1; other < end; other++)
        if (heap_before(&heap->entries[other], &heap->entries[first]))
            first = other;
    return first;
}

static void heap_sift_down(struct eddy__heap *heap, uint32_t index, struct eddy__heap_entry entry)
{
    uint32_t child;

    while ((child = heap_first_child(heap, index)) != 0) {
        if (!heap_before(&heap->entries[child], &entry))
            break;
        heap_place(heap, index, heap->entries[child]);
        index = child;
    }
    heap_place(heap, index, entry);
}

void eddy__heap_add(struct eddy__heap *heap, struct eddy__timer *timer)
{
    struct eddy__heap_entry entry = {timer->when, heap->order++, timer};

    heap_sift_up(heap, heap->count++, entry);
}

/** Close the gap at `index` with the last entry. */
static void heap_fill(struct eddy__heap *heap, uint32_t index)
{
    struct eddy__heap_entry last = heap->entries[--heap->count];

    if (index == heap->count)
        return;
    if (index > 0 && heap_before(&last, &heap->entries[(index - 1) / HEAP_ARITY]))
        heap_sift_up(heap, index, last);
    else
        heap_sift_down(heap, index, last);
}

void eddy__heap_remove(struct eddy__heap *heap, struct eddy__timer *timer, uint32_t more)
{
    uint32_t index = timer->position - 1;

    timer->position = 0;
    heap_fill(heap, index);
    /* Half of it, long before that could be filled again; without memory for it, all stays. */
    if (heap->capacity > HEAP_LARGE && heap->count < heap->capacity / 8 &&
        more < heap->capacity / 8)
        (void)heap_resize(heap, heap->capacity / 2);
}
