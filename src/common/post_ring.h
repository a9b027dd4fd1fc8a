/* SPDX-License-Identifier: MIT */
/**
 * A ring of calls that other threads post: the short way into the inbox (inbox.h), for calls that
 * nobody wants a handle of. A post costs one exchange and four stores, and no allocation.
 *
 * Calls are numbered for ever. A poster claims the next number by moving `tail`, as long as that is
 * below `room_end`; writes the cell, its callback last, which makes the call visible. Between the
 * two it may be suspended: the loop steps over such a gap, so nobody waits for anybody. What the
 * loop may not do is sleep without end then, see eddy__inbox_has_posts().
 *
 * The loop's thread changes rings: it sets `room_end` to 0, so that nobody claims, and moves `tail`
 * by one, so that the claim of somebody who looked before that fails. From then on cells and mask
 * are its own to set, until it sets `room_end` anew. A poster reads the three between `tail` and
 * the claim: if the claim succeeds, they belong together. Numbers below the change are in the old
 * ring, which is freed once all of them are taken; the number that was skipped stands for itself.
 *
 * There is no ring at first and for as long as few post; a loop that is behind by more than
 * EDDY__POST_RING_MAX calls is posted to by the inbox's other way.
 */
#ifndef EDDY_COMMON_POST_RING_H
#define EDDY_COMMON_POST_RING_H

#include "common/agenda.h"
#include <stdatomic.h>

/** Cells at most: 128 KiB. */
#define EDDY__POST_RING_MAX 4096u

/** What different threads write lies so far apart. */
#define EDDY__CACHE_LINE 64

struct eddy__post_cell {
    _Atomic(eddy_callback) callback; /**< NULL: free, or claimed and not yet written */
    void *arg;
    eddy_context *context; /**< a reference, or NULL */
    void *place;           /**< where it was posted */
};

struct eddy__post_ring {
    /* Any thread. */
    _Atomic(uint64_t) tail;     /**< number of the next call */
    _Atomic(uint64_t) room_end; /**< numbers below it may be claimed; 0: none */
    _Atomic(struct eddy__post_cell *) cells;
    _Atomic(uint64_t) mask; /**< number of cells - 1 */
    atomic_uint refused;    /**< calls that found no room since the ring was made */
    char apart[EDDY__CACHE_LINE];

    /* The loop's thread. */
    uint64_t head;               /**< numbers below it are taken */
    uint64_t count;              /**< of cells */
    struct eddy__post_cell *old; /**< the ring before this one, or NULL */
    uint64_t old_mask;
    uint64_t old_end; /**< the first number that is not in it */
};

/**
 * Post a call; any thread. False if there is no room, or the ring is closed: nothing has changed
 * then. Takes the reference to `context` if it succeeds.
 */
static inline bool eddy__post_ring_add(struct eddy__post_ring *ring, eddy_callback callback,
                                       void *arg, eddy_context *context, void *place)
{
    uint64_t number = atomic_load_explicit(&ring->tail, memory_order_acquire);
    struct eddy__post_cell *cell;
    uint64_t mask;

    do {
        if (number >= atomic_load_explicit(&ring->room_end, memory_order_acquire))
            return false;
        cell = atomic_load_explicit(&ring->cells, memory_order_relaxed);
        mask = atomic_load_explicit(&ring->mask, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak(&ring->tail, &number, number + 1));
    cell += number & mask;
    cell->arg = arg;
    cell->context = context;
    cell->place = place;
    atomic_store_explicit(&cell->callback, callback, memory_order_release);
    return true;
}

/** Any thread: a call found no room, which makes the next ring larger. */
static inline void eddy__post_ring_refused(struct eddy__post_ring *ring)
{
    atomic_fetch_add_explicit(&ring->refused, 1, memory_order_relaxed);
}

/** Move what was posted below number `end` to the agenda; false if that has no room. */
bool eddy__post_ring_take(struct eddy__post_ring *ring, uint64_t end, struct eddy__agenda *agenda,
                          bool with_places);

/** Get a larger ring if many calls found no room; if there is memory for it. */
void eddy__post_ring_grow(struct eddy__post_ring *ring);

/** Refuse posts from now on, drop those that wait, and give the memory back. */
void eddy__post_ring_close(struct eddy__post_ring *ring);

/** The last reference to the loop is gone: free what closing would have. */
void eddy__post_ring_fini(struct eddy__post_ring *ring);

#endif
