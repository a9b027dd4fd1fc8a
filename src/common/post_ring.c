/* SPDX-License-Identifier: MIT */
#include "common/post_ring.h"
#include "common/context.h"
#include "common/memory.h"
#include "common/thread.h"

enum { POST_RING_FIRST = 64 };

/** So many calls without room are worth a larger ring. */
enum { POST_RING_REFUSED = 16 };

/** Stands in a cell that is taken, behind a gap: the number of a gap cannot be given away yet. */
static int post_ring_taken(void *arg)
{
    (void)arg;
    return 0;
}

/** In the loop's thread. */
static struct eddy__post_cell *post_ring_cell(const struct eddy__post_ring *ring, uint64_t number)
{
    if (number < ring->old_end && ring->old != NULL)
        return &ring->old[number & ring->old_mask];
    return &atomic_load_explicit(&ring->cells, memory_order_relaxed)[number & (ring->count - 1)];
}

/** Nobody claims a number from here on, until `room_end` is set. Returns the one it skips. */
static uint64_t post_ring_freeze(struct eddy__post_ring *ring)
{
    atomic_store(&ring->room_end, 0);
    return atomic_fetch_add(&ring->tail, 1);
}

static void post_ring_free_old(struct eddy__post_ring *ring)
{
    eddy__free(ring->old);
    ring->old = NULL;
}

/** All below `head` is taken: give its cells away again, many at once, since posters look there. */
static void post_ring_advance(struct eddy__post_ring *ring, uint64_t head)
{
    uint64_t room_end = atomic_load_explicit(&ring->room_end, memory_order_relaxed);

    ring->head = head;
    if (ring->old != NULL && head >= ring->old_end)
        post_ring_free_old(ring);
    if (head + ring->count >= room_end + ring->count / 4)
        atomic_store_explicit(&ring->room_end, head + ring->count, memory_order_release);
}

/** Move a call to the agenda; false if that has no room. */
static bool post_ring_give(const struct eddy__post_cell *cell, eddy_callback callback,
                           struct eddy__agenda *agenda, bool with_places)
{
    void *place = with_places ? cell->place : NULL;

    if (cell->context == NULL && place == NULL &&
        eddy__agenda_add_plain(agenda, callback, cell->arg))
        return true;
    return eddy__agenda_add(agenda, callback, cell->arg, cell->context, place) == 0;
}

bool eddy__post_ring_take(struct eddy__post_ring *ring, uint64_t end, struct eddy__agenda *agenda,
                          bool with_places)
{
    uint64_t head = ring->head;
    bool has_room = true;

    for (uint64_t number = head; number < end; number++) {
        struct eddy__post_cell *cell = post_ring_cell(ring, number);
        eddy_callback callback = atomic_load_explicit(&cell->callback, memory_order_acquire);

        if (callback == NULL)
            continue; /* a gap */
        if (callback != post_ring_taken) {
            has_room = post_ring_give(cell, callback, agenda, with_places);
            if (!has_room)
                break;
        }
        callback = number == head ? NULL : post_ring_taken;
        atomic_store_explicit(&cell->callback, callback, memory_order_relaxed);
        head += number == head;
    }
    if (head != ring->head)
        post_ring_advance(ring, head);
    return has_room;
}

void eddy__post_ring_grow(struct eddy__post_ring *ring)
{
    unsigned refused = atomic_load_explicit(&ring->refused, memory_order_relaxed);
    uint64_t count = ring->count == 0 ? POST_RING_FIRST : ring->count * 2;
    struct eddy__post_cell *cells;

    if (refused < POST_RING_REFUSED || count > EDDY__POST_RING_MAX || ring->old != NULL)
        return;
    atomic_store_explicit(&ring->refused, 0, memory_order_relaxed);
    while (count < refused && count < EDDY__POST_RING_MAX)
        count *= 2;
    cells = eddy__alloc_zeroed((size_t)count * sizeof *cells);
    if (cells == NULL)
        return;
    ring->old = atomic_load_explicit(&ring->cells, memory_order_relaxed);
    ring->old_mask = ring->count - 1;
    ring->old_end = post_ring_freeze(ring);
    atomic_init(&cells[ring->old_end & (count - 1)].callback, post_ring_taken);
    atomic_store_explicit(&ring->cells, cells, memory_order_relaxed);
    atomic_store_explicit(&ring->mask, count - 1, memory_order_relaxed);
    ring->count = count;
    post_ring_advance(ring, ring->head);
}

void eddy__post_ring_close(struct eddy__post_ring *ring)
{
    uint64_t end = post_ring_freeze(ring);

    for (; ring->head < end; ring->head++) {
        struct eddy__post_cell *cell = post_ring_cell(ring, ring->head);
        eddy_callback callback;

        /* Who has claimed it is about to write it. */
        while ((callback = atomic_load_explicit(&cell->callback, memory_order_acquire)) == NULL)
            eddy__thread_yield();
        if (callback != post_ring_taken)
            eddy__context_unref(cell->context);
    }
    eddy__post_ring_fini(ring);
}

void eddy__post_ring_fini(struct eddy__post_ring *ring)
{
    post_ring_free_old(ring);
    eddy__free(atomic_load_explicit(&ring->cells, memory_order_relaxed));
    atomic_store_explicit(&ring->cells, NULL, memory_order_relaxed);
    ring->count = 0;
}
