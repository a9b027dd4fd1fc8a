/* SPDX-License-Identifier: MIT */
#include "common/memory.h"
#include <assert.h>
#include <eddy/error.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *memory_malloc(size_t size, void *context)
{
    (void)context;
    return malloc(size);
}

static void *memory_realloc(void *memory, size_t size, void *context)
{
    (void)context;
    return realloc(memory, size);
}

static void memory_free(void *memory, void *context)
{
    (void)context;
    free(memory);
}

static const eddy_allocator memory_default = {
    .malloc = memory_malloc,
    .realloc = memory_realloc,
    .free = memory_free,
};

static eddy_allocator memory_allocator = {
    .malloc = memory_malloc,
    .realloc = memory_realloc,
    .free = memory_free,
};

/* One relaxed addition an allocation is the price of refusing an allocator that comes too late. */
static atomic_size_t memory_live;

int eddy_set_allocator(const eddy_allocator *allocator)
{
    if (atomic_load_explicit(&memory_live, memory_order_relaxed) != 0)
        return eddy_error(EDDY_EBADSTATE, "the allocator cannot change while %zu blocks are in use",
                          atomic_load_explicit(&memory_live, memory_order_relaxed));
    if (allocator == NULL)
        allocator = &memory_default;
    if (allocator->malloc == NULL || allocator->realloc == NULL || allocator->free == NULL)
        return eddy_error(EDDY_EINVALID, "an allocator needs malloc, realloc and free");
    if (allocator->reserved[0] != NULL || allocator->reserved[1] != NULL)
        return eddy_error(EDDY_EINVALID, "reserved fields of the allocator are not zero");
    memory_allocator = *allocator;
    return 0;
}

/* Whoever returns EDDY_ENOMEM because of this needs to say nothing more: the text is there. */
static void *memory_failed(size_t size)
{
    eddy_error(EDDY_ENOMEM, "out of memory for %zu bytes", size);
    return NULL;
}

void *eddy__alloc(size_t size)
{
    void *memory;

    assert(size > 0);
    memory = memory_allocator.malloc(size, memory_allocator.context);
    if (memory == NULL)
        return memory_failed(size);
    atomic_fetch_add_explicit(&memory_live, 1, memory_order_relaxed);
    return memory;
}

void *eddy__alloc_zeroed(size_t size)
{
    void *memory = eddy__alloc(size);

    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *eddy__realloc(void *memory, size_t size)
{
    void *moved;

    if (memory == NULL)
        return eddy__alloc(size);
    assert(size > 0);
    moved = memory_allocator.realloc(memory, size, memory_allocator.context);
    return moved != NULL ? moved : memory_failed(size);
}

void eddy__free(void *memory)
{
    if (memory == NULL)
        return;
    memory_allocator.free(memory, memory_allocator.context);
    atomic_fetch_sub_explicit(&memory_live, 1, memory_order_relaxed);
}

/* The byte before the buffer says how far it is from the beginning of its block. */
void *eddy__buffer_alloc(size_t size)
{
    unsigned char *block = size <= SIZE_MAX - EDDY__BUFFER_ALIGNMENT
                               ? eddy__alloc(size + EDDY__BUFFER_ALIGNMENT)
                               : memory_failed(size);
    size_t skip;

    if (block == NULL)
        return NULL;
    skip = EDDY__BUFFER_ALIGNMENT - ((uintptr_t)block & (EDDY__BUFFER_ALIGNMENT - 1));
    block[skip - 1] = (unsigned char)skip;
    return block + skip;
}

void eddy__buffer_free(void *buffer)
{
    unsigned char *bytes = buffer;

    if (bytes != NULL)
        eddy__free(bytes - bytes[-1]);
}

char *eddy__copy_text(const char *text, size_t size)
{
    char *copy;

    if (size == SIZE_MAX)
        return NULL;
    copy = eddy__alloc(size + 1);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}
