/* SPDX-License-Identifier: MIT */
#include "common/timer.h"
#include "common/memory.h"
#include "common/prefetch.h"
#include <assert.h>
#include <eddy/error.h>

/** So many stand in the heap alone. */
enum { TIMER_FEW = 128 };

/** How far ahead the slots of due timers are fetched. */
enum { TIMER_AHEAD = 8 };

void eddy__timers_fini(struct eddy__timers *timers)
{
    if (timers->wheel != NULL)
        eddy__entries_clear(&timers->due, &timers->wheel->pool);
    eddy__wheel_free(timers->wheel);
    eddy__heap_fini(&timers->heap);
    eddy__slots_fini(&timers->slots);
    *timers = (struct eddy__timers){0};
}

static int timers_make_wheel(struct eddy__timers *timers)
{
    if (timers->wheel == NULL)
        timers->wheel = eddy__wheel_new();
    return timers->wheel == NULL ? EDDY_ENOMEM : 0;
}

/** Drop all stale entries, in linear time. */
static void timers_sweep(struct eddy__timers *timers)
{
    eddy__wheel_sweep(timers->wheel, &timers->slots);
    eddy__entries_sweep(&timers->due, &timers->wheel->pool, &timers->slots);
    eddy__heap_sweep(&timers->heap, &timers->slots);
    timers->swept = timers->slots.generation;
}

/** Whether stale entries have to go long before the 32 bits of a generation that they know of come
 * round. */
static inline bool timers_are_old(const struct eddy__timers *timers)
{
    return timers->slots.generation - timers->swept > UINT32_MAX / 2;
}

/** Move all from the heap to the wheel, if there is memory for it. */
static void timers_turn_to_wheel(struct eddy__timers *timers)
{
    uint64_t origin = eddy__entry_key(timers->expired);

    if (timers->heap.nodes[0].entry.key < origin)
        origin = timers->heap.nodes[0].entry.key;
    if (eddy__wheel_begin(timers->wheel, origin,
                          eddy__timers_entries(timers) + timers->reserved + 1) != 0)
        return;
    while (timers->heap.count > 0)
        eddy__wheel_add(timers->wheel, eddy__heap_shift(&timers->heap));
}

/**
 * Have room for one more entry, in the wheel or in the heap, and for those that were promised: a
 * promised timer that is running counts twice. Out of line: it is rare that there is none.
 */
static int timers_make_room(struct eddy__timers *timers)
{
    size_t more = timers->reserved + 1;
    int error;

    timers->prepared = 0;
    if (eddy__timers_entries(timers) > 2 * timers->count)
        timers_sweep(timers);
    if (timers->heap.count >= TIMER_FEW && !timers->wheel->is_in_use)
        timers_turn_to_wheel(timers);
    error = eddy__entry_pool_grow(&timers->wheel->pool, eddy__timers_entries(timers) + more);
    return error ? error : eddy__heap_reserve(&timers->heap, timers->heap.count + more);
}

int eddy__timer_reserve(struct eddy__timers *timers, struct eddy__timer *timer)
{
    int error = timers_make_wheel(timers);
    uint32_t slot;

    if (error)
        return error;
    timers->reserved++;
    error = timers_make_room(timers);
    slot = error ? 0 : eddy__slot_take(&timers->slots);
    if (slot == 0) {
        timers->reserved--;
        return EDDY_ENOMEM;
    }
    timer->slot = slot;
    timer->is_reserved = true;
    return 0;
}

void eddy__timer_unreserve(struct eddy__timers *timers, struct eddy__timer *timer)
{
    if (!timer->is_reserved)
        return;
    timers->reserved--;
    timer->is_reserved = false;
    if (timer->is_running)
        return;
    eddy__slot_give(&timers->slots, timer->slot);
    timer->slot = 0;
}

/** There are no timers: forget what they left behind. */
static void timers_restart(struct eddy__timers *timers)
{
    eddy__wheel_end(timers->wheel);
    timers->heap.count = 0;
    if (timers->due.first == NULL)
        timers->swept = timers->slots.generation;
}

/** How many entries can be had, beside those that were promised, without making room. */
static size_t timers_room(const struct eddy__timers *timers)
{
    size_t entries = eddy__timers_entries(timers) + timers->reserved;
    size_t in_heap = timers->heap.count + timers->reserved;
    size_t in_pool = entries < timers->wheel->pool.room ? timers->wheel->pool.room - entries : 0;

    if (in_heap >= timers->heap.capacity)
        return 0;
    return timers->heap.capacity - in_heap < in_pool ? timers->heap.capacity - in_heap : in_pool;
}

int eddy__timers_prepare_now(struct eddy__timers *timers)
{
    int error = timers_make_wheel(timers);

    if (error)
        return error;
    if (timers->count == 0)
        timers_restart(timers);
    if (timers_are_old(timers))
        timers_sweep(timers);
    if (timers_room(timers) == 0 && (error = timers_make_room(timers)) != 0)
        return error;
    /* What else takes room away makes this 0. */
    timers->prepared = timers->slots.generation + timers_room(timers);
    return 0;
}

/** A slot that is kept begins anew, with an entry that was promised. */
static void timer_start_reserved(struct eddy__timers *timers, struct eddy__timer *timer,
                                 eddy_time when)
{
    if (timers->count == 0)
        timers_restart(timers);
    if (eddy__timers_entries(timers) >= timers->wheel->pool.room ||
        timers->heap.count >= timers->heap.capacity || timers_are_old(timers))
        timers_sweep(timers);
    eddy__timers_enter(timers, timer->slot, 0, when);
}

/** A slot of its own, with an entry. EDDY_ENOMEM, or 0. */
static int timer_start_other(struct eddy__timers *timers, struct eddy__timer *timer, eddy_time when)
{
    int error = eddy__timers_prepare(timers);

    if (error)
        return error;
    timer->slot = eddy__slot_take(&timers->slots);
    if (timer->slot == 0)
        return EDDY_ENOMEM;
    eddy__timers_enter(timers, timer->slot, 0, when);
    return 0;
}

int eddy__timer_start(struct eddy__timers *timers, struct eddy__timer *timer, eddy_time when)
{
    int error;

    assert(!timer->is_running);
    eddy__list_remove(&timer->ready.node);
    if (timer->is_reserved)
        timer_start_reserved(timers, timer, when);
    else if ((error = timer_start_other(timers, timer, when)) != 0)
        return error;
    *eddy__slot_call(&timers->slots, timer->slot) = (struct eddy__slot_call){NULL, timer};
    timer->is_running = true;
    return 0;
}

/** It does not run any more. */
static void timer_end(struct eddy__timers *timers, struct eddy__timer *timer)
{
    timer->is_running = false;
    if (timer->is_reserved)
        return;
    eddy__slot_give(&timers->slots, timer->slot);
    timer->slot = 0;
}

void eddy__timer_stop(struct eddy__timers *timers, struct eddy__timer *timer)
{
    eddy__list_remove(&timer->ready.node);
    if (!timer->is_running)
        return;
    eddy__timers_forget(timers, timer->slot);
    eddy__slot_set_state(&timers->slots, timer->slot, EDDY_HANDLE_CANCELLED);
    timer_end(timers, timer);
}

void eddy__timer_run(struct eddy__timers *timers, struct eddy__timer *timer)
{
    timer_end(timers, timer);
    timer->ready.run(&timer->ready);
}

/** The first of the timers in wheel and heap; `ref` 0: there is none. */
static struct eddy__entry timers_first(struct eddy__timers *timers)
{
    struct eddy__heap *heap = &timers->heap;

    if (timers->first.ref != 0 || timers->count == 0)
        return timers->first;
    while (heap->count > 0 && !eddy__slots_have(&timers->slots, heap->nodes[0].entry.ref))
        eddy__heap_shift(heap);
    timers->first =
        heap->count > 0 ? heap->nodes[0].entry : eddy__wheel_first(timers->wheel, &timers->slots);
    return timers->first;
}

eddy_time eddy__timers_next(struct eddy__timers *timers)
{
    struct eddy__entry first = timers_first(timers);

    return first.ref == 0 ? EDDY_FOREVER : eddy__entry_time(first.key);
}

bool eddy__timers_expire(struct eddy__timers *timers, eddy_time limit)
{
    struct eddy__entry_pool *pool;
    struct eddy__heap *heap = &timers->heap;
    uint64_t key = eddy__entry_key(limit);

    timers->expired = limit;
    if (timers->count == 0)
        return false;
    pool = &timers->wheel->pool;
    while (heap->count > 0 && heap->nodes[0].entry.key < key)
        eddy__entries_append(&timers->due, pool, eddy__heap_shift(heap));
    eddy__wheel_expire(timers->wheel, key, &timers->due);
    timers->first.ref = 0;
    return timers->due.first != NULL;
}

/** Fetch the slot of a timer that is due soon, so that nobody waits for it then. */
static inline void timers_fetch_ahead(const struct eddy__timers *timers)
{
    const struct eddy__entries *due = &timers->due;
    const struct eddy__entry_chunk *chunk = due->first;
    uint32_t at = due->begin + TIMER_AHEAD;
    const struct eddy__slot_chunk *slots;
    uint32_t slot;

    if (chunk != NULL && at >= EDDY__ENTRIES_CHUNK) {
        at -= EDDY__ENTRIES_CHUNK;
        chunk = chunk->next;
    }
    if (chunk == NULL || (chunk == due->last && at >= EDDY__ENTRIES_CHUNK - due->room))
        return;
    slot = eddy__entry_slot(chunk->entries[at]);
    slots = eddy__slot_chunk(&timers->slots, slot);
    if (slots == NULL)
        return;
    eddy__prefetch(&slots->marks[slot % EDDY__SLOT_CHUNK]);
    eddy__prefetch(&slots->calls[slot % EDDY__SLOT_CHUNK]);
}

uint32_t eddy__timers_shift(struct eddy__timers *timers)
{
    struct eddy__entry entry;

    if (timers->due.first == NULL)
        return 0;
    while (eddy__entries_shift(&timers->due, &timers->wheel->pool, &entry)) {
        uint32_t slot = eddy__entry_slot(entry);

        timers_fetch_ahead(timers);
        if (!eddy__slots_have(&timers->slots, entry.ref))
            continue;
        eddy__slot_set_state(&timers->slots, slot, EDDY_HANDLE_DONE);
        timers->count--;
        return slot;
    }
    return 0;
}

void eddy__timers_relax(struct eddy__timers *timers)
{
    size_t reserved = timers->reserved + 1;

    timers->prepared = 0;
    eddy__slots_relax(&timers->slots);
    if (timers->wheel == NULL)
        return;
    if (eddy__timers_are_stale(timers))
        timers_sweep(timers);
    eddy__entry_pool_relax(&timers->wheel->pool, eddy__timers_entries(timers) + reserved);
    eddy__heap_relax(&timers->heap, timers->heap.count + reserved);
}
