/* SPDX-License-Identifier: MIT */
/**
 * Entries: what a timer leaves where its time comes by, in lists that only grow at their end.
 *
 * An entry has the time and names the slot (slot.h) and its generation. It stays behind when the
 * timer is cancelled, and is known to be stale by the slot, which serves somebody else by then. So
 * cancelling touches the slot alone, and moving entries touches no slot at all.
 *
 * A list is a chain of chunks, all from one pool. All chunks of a list but the last are full, so
 * that the pool knows how many chunks so many entries need in the worst case, however they are
 * spread over the lists: `room` is how many entries may be in lists. Who keeps to that never has to
 * ask for memory when entries move.
 */
#ifndef EDDY_COMMON_ENTRY_H
#define EDDY_COMMON_ENTRY_H

#include "common/prefetch.h"
#include "common/slot.h"

struct eddy__entry {
    uint64_t key; /**< when, as a number without a sign: eddy__entry_key() */
    uint64_t ref; /**< the slot's number, and above it as much of its mark as there is room for */
};

/** 512 bytes; and how far ahead of what is written they are fetched, which saves an eighth. */
enum { EDDY__ENTRIES_CHUNK = 31, EDDY__ENTRIES_AHEAD = 8 };

struct eddy__entry_chunk {
    struct eddy__entry_chunk *next;
    struct eddy__entry entries[EDDY__ENTRIES_CHUNK];
};

/** All zero is an empty list. */
struct eddy__entries {
    struct eddy__entry_chunk *first;
    struct eddy__entry_chunk *last;
    uint32_t begin; /**< in the first chunk: those before it have been taken */
    uint32_t room;  /**< in the last chunk: how many more it can have */
};

struct eddy__entry_pool {
    struct eddy__entry_chunk *free;
    size_t chunks;    /**< in lists or free */
    size_t positions; /**< in lists, with those that were taken from a chunk that is still there */
    size_t lists;     /**< how many lists there may be at once */
    size_t room;      /**< positions for which the chunks suffice in the worst case */
};

/** Due times as numbers without a sign, in the same order. */
static inline uint64_t eddy__entry_key(eddy_time when)
{
    return (uint64_t)when ^ (uint64_t)1 << 63;
}

static inline eddy_time eddy__entry_time(uint64_t key)
{
    return (eddy_time)(key ^ (uint64_t)1 << 63);
}

static inline uint32_t eddy__entry_slot(struct eddy__entry entry)
{
    return entry.ref & (((uint32_t)1 << EDDY__SLOT_NUMBER_BITS) - 1);
}

/** Free the chunks; all lists have been cleared. */
void eddy__entry_pool_fini(struct eddy__entry_pool *pool);

/** Entries will be in at most so many lists from now on; may leave too little room for them. */
void eddy__entry_pool_set_lists(struct eddy__entry_pool *pool, size_t lists);

/** Have room for `positions`. EDDY_ENOMEM, or 0. */
int eddy__entry_pool_grow(struct eddy__entry_pool *pool, size_t positions);

/** Give back what is far too much for `positions`. Cannot fail. */
void eddy__entry_pool_relax(struct eddy__entry_pool *pool, size_t positions);

/** Chunks that are never worth giving back: 128 KiB. */
enum { EDDY__ENTRIES_KEPT = 256 };

/** True if there may be any to give back. */
static inline bool eddy__entry_pool_is_large(const struct eddy__entry_pool *pool, size_t positions)
{
    return pool->chunks > EDDY__ENTRIES_KEPT && pool->room > 2 * positions + 64;
}

/** Begin a chunk at the end of a list. Cannot fail: there is room. */
void eddy__entries_extend(struct eddy__entries *list, struct eddy__entry_pool *pool);

/** Append an entry. Cannot fail: there is room. */
static inline void eddy__entries_append(struct eddy__entries *list, struct eddy__entry_pool *pool,
                                        struct eddy__entry entry)
{
    struct eddy__entry *at;

    if (list->room == 0)
        eddy__entries_extend(list, pool);
    at = &list->last->entries[EDDY__ENTRIES_CHUNK - list->room];
    /* Chunks are short, and lie anywhere: no processor guesses what is written next. By number, as
     * behind the last entries it is an address of nothing, which no pointer may point at. */
    eddy__prefetch_write((void *)((uintptr_t)at + EDDY__ENTRIES_AHEAD * sizeof *at));
    *at = entry;
    list->room--;
    pool->positions++;
}

/** Where the entries of the first chunk end. */
static inline uint32_t eddy__entries_end(const struct eddy__entries *list)
{
    return list->first == list->last ? EDDY__ENTRIES_CHUNK - list->room : EDDY__ENTRIES_CHUNK;
}

/** Let go of the first chunk. */
void eddy__entries_release(struct eddy__entries *list, struct eddy__entry_pool *pool);

/** Let go of all of them. */
static inline void eddy__entries_clear(struct eddy__entries *list, struct eddy__entry_pool *pool)
{
    while (list->first != NULL)
        eddy__entries_release(list, pool);
}

/** Take the first entry; false if there is none. */
static inline bool eddy__entries_shift(struct eddy__entries *list, struct eddy__entry_pool *pool,
                                       struct eddy__entry *entry)
{
    if (list->first == NULL)
        return false;
    *entry = list->first->entries[list->begin++];
    if (list->begin == eddy__entries_end(list))
        eddy__entries_release(list, pool);
    return true;
}

/** Drop the entries that are stale, and keep the order of the others. */
void eddy__entries_sweep(struct eddy__entries *list, struct eddy__entry_pool *pool,
                         const struct eddy__slots *slots);

#endif
