/* SPDX-License-Identifier: MIT */
#include "common/entry.h"
#include "common/memory.h"
#include "common/prefetch.h"
#include <assert.h>
#include <eddy/error.h>

/** Chunks beyond: for the first chunk of a list whose entries are just moving to others. */
enum { ENTRY_SPARE = 2 };

/** Chunks from the start: for 32 entries in one list. */
enum { ENTRY_FIRST = 4 };

void eddy__entry_pool_fini(struct eddy__entry_pool *pool)
{
    struct eddy__entry_chunk *chunk;

    while ((chunk = pool->free) != NULL) {
        pool->free = chunk->next;
        eddy__free(chunk);
    }
    *pool = (struct eddy__entry_pool){0};
}

/** The last chunk of each list may have one entry only. */
static void entry_pool_measure(struct eddy__entry_pool *pool)
{
    size_t chunks = pool->chunks <= ENTRY_SPARE ? 0 : pool->chunks - ENTRY_SPARE;
    size_t full = chunks <= pool->lists ? 0 : chunks - pool->lists;

    pool->room = chunks - full + full * EDDY__ENTRIES_CHUNK;
}

void eddy__entry_pool_set_lists(struct eddy__entry_pool *pool, size_t lists)
{
    pool->lists = lists;
    entry_pool_measure(pool);
}

int eddy__entry_pool_grow(struct eddy__entry_pool *pool, size_t positions)
{
    while (pool->room < positions || pool->chunks < ENTRY_FIRST) {
        struct eddy__entry_chunk *chunk = eddy__alloc(sizeof *chunk);

        if (chunk == NULL)
            return EDDY_ENOMEM;
        chunk->next = pool->free;
        pool->free = chunk;
        pool->chunks++;
        entry_pool_measure(pool);
    }
    return 0;
}

void eddy__entry_pool_relax(struct eddy__entry_pool *pool, size_t positions)
{
    while (pool->free != NULL && pool->chunks > EDDY__ENTRIES_KEPT &&
           pool->room > 32 + positions + positions / 2) {
        struct eddy__entry_chunk *chunk = pool->free;

        pool->free = chunk->next;
        eddy__free(chunk);
        pool->chunks--;
        entry_pool_measure(pool);
    }
}

void eddy__entries_extend(struct eddy__entries *list, struct eddy__entry_pool *pool)
{
    struct eddy__entry_chunk *chunk = pool->free;

    assert(chunk != NULL);
    pool->free = chunk->next;
    eddy__prefetch_write(pool->free);
    chunk->next = NULL;
    if (list->last != NULL)
        list->last->next = chunk;
    else
        list->first = chunk;
    list->last = chunk;
    list->room = EDDY__ENTRIES_CHUNK;
}

void eddy__entries_release(struct eddy__entries *list, struct eddy__entry_pool *pool)
{
    struct eddy__entry_chunk *chunk = list->first;

    pool->positions -= eddy__entries_end(list);
    list->first = chunk->next;
    list->begin = 0;
    if (list->first == NULL)
        *list = (struct eddy__entries){0};
    else
        eddy__prefetch(list->first->next);
    chunk->next = pool->free;
    pool->free = chunk;
}

void eddy__entries_sweep(struct eddy__entries *list, struct eddy__entry_pool *pool,
                         const struct eddy__slots *slots)
{
    struct eddy__entries kept = {0};
    struct eddy__entry entry;

    while (eddy__entries_shift(list, pool, &entry))
        if (eddy__slots_have(slots, entry.ref))
            eddy__entries_append(&kept, pool, entry);
    *list = kept;
}
