/* SPDX-License-Identifier: MIT */
#include "common/heap.h"
#include "common/memory.h"
#include <eddy/error.h>

/** Children a node: four keys of 24 bytes lie in two cache lines, and the heap is half as deep. */
#define HEAP_ARITY ((size_t)4)

/** Room from the start, and from which on memory is given back. */
enum { HEAP_FIRST = 32, HEAP_LARGE = 1024 };

void eddy__heap_fini(struct eddy__heap *heap)
{
    eddy__free(heap->nodes);
    *heap = (struct eddy__heap){0};
}

static int heap_resize(struct eddy__heap *heap, size_t capacity)
{
    struct eddy__heap_node *nodes = eddy__realloc(heap->nodes, capacity * sizeof *nodes);

    if (nodes == NULL)
        return EDDY_ENOMEM;
    heap->nodes = nodes;
    heap->capacity = capacity;
    return 0;
}

int eddy__heap_reserve(struct eddy__heap *heap, size_t count)
{
    size_t capacity = heap->capacity == 0 ? HEAP_FIRST : heap->capacity;

    if (count <= heap->capacity)
        return 0;
    while (capacity < count) {
        if (capacity > SIZE_MAX / 2 / sizeof *heap->nodes)
            return EDDY_ENOMEM;
        capacity *= 2;
    }
    return heap_resize(heap, capacity);
}

void eddy__heap_relax(struct eddy__heap *heap, size_t count)
{
    /* Half of it, long before that could be filled again; without memory for it, all stays. */
    while (heap->capacity > HEAP_LARGE && count < heap->capacity / 8)
        if (heap_resize(heap, heap->capacity / 2) != 0)
            return;
}

static bool heap_before(const struct eddy__heap_node *a, const struct eddy__heap_node *b)
{
    return a->entry.key != b->entry.key ? a->entry.key < b->entry.key : a->order < b->order;
}

static void heap_sift_up(struct eddy__heap *heap, size_t index, struct eddy__heap_node node)
{
    while (index > 0) {
        size_t parent = (index - 1) / HEAP_ARITY;

        if (!heap_before(&node, &heap->nodes[parent]))
            break;
        heap->nodes[index] = heap->nodes[parent];
        index = parent;
    }
    heap->nodes[index] = node;
}

/** The child of `index` that comes first, or 0 if it has none. */
static size_t heap_first_child(const struct eddy__heap *heap, size_t index)
{
    size_t child = index * HEAP_ARITY + 1;
    size_t end = child + HEAP_ARITY < heap->count ? child + HEAP_ARITY : heap->count;
    size_t first = child;

    if (child >= heap->count)
        return 0;
    for (size_t other = first + 1; other < end; other++)
        if (heap_before(&heap->nodes[other], &heap->nodes[first]))
            first = other;
    return first;
}

static void heap_sift_down(struct eddy__heap *heap, size_t index, struct eddy__heap_node node)
{
    size_t child;

    while ((child = heap_first_child(heap, index)) != 0) {
        if (!heap_before(&heap->nodes[child], &node))
            break;
        heap->nodes[index] = heap->nodes[child];
        index = child;
    }
    heap->nodes[index] = node;
}

void eddy__heap_add(struct eddy__heap *heap, struct eddy__entry entry, uint64_t order)
{
    heap_sift_up(heap, heap->count++, (struct eddy__heap_node){entry, order});
}

struct eddy__entry eddy__heap_shift(struct eddy__heap *heap)
{
    struct eddy__entry first = heap->nodes[0].entry;

    if (--heap->count > 0)
        heap_sift_down(heap, 0, heap->nodes[heap->count]);
    return first;
}

void eddy__heap_sweep(struct eddy__heap *heap, const struct eddy__slots *slots)
{
    size_t kept = 0;

    for (size_t i = 0; i < heap->count; i++)
        if (eddy__slots_have(slots, heap->nodes[i].entry.ref))
            heap->nodes[kept++] = heap->nodes[i];
    heap->count = kept;
    /* In order from the last one that has children. */
    for (size_t i = kept > 1 ? (kept - 2) / HEAP_ARITY + 1 : 0; i-- > 0;)
        heap_sift_down(heap, i, heap->nodes[i]);
}
