/* SPDX-License-Identifier: MIT */
/**
 * The timers of a loop, by due time and, for equal times, by registration (LOOP-24).
 *
 * Each has a slot (slot.h), by whose mark it is known whether it is still to come, and an entry
 * (entry.h) where its time will come by. As long as there are few, the entries stand in a heap
 * (heap.h). When there are many, they move to a wheel (wheel.h), where each costs the same for any
 * number of timers. The wheel has an origin, before which it has no places: what is due earlier
 * stands in the heap still, or again. The origin moves up when timers become due or the first one
 * is looked for, never down while there are timers, so all in the heap is due before all in the
 * wheel.
 *
 * What is due moves to a list, and is run out of that, so that nothing has to be linked anywhere
 * and nothing that was cancelled meanwhile has to be found.
 *
 * Starting may fail for want of memory for a slot or an entry; all else needs none. The room for
 * entries that were promised is kept beside what all others take: when promised timers have used
 * it up by being started again and again, the stale entries are swept out.
 */
#ifndef EDDY_COMMON_TIMER_H
#define EDDY_COMMON_TIMER_H

#include "common/backend.h"
#include "common/heap.h"
#include "common/wheel.h"

/** A timer of the library inside its owner. */
struct eddy__timer {
    struct eddy__ready ready; /**< its `run` is called when the timer is due */
    uint32_t slot;            /**< 0: none; while it runs, and after a promise */
    bool is_running;          /**< started, and not yet called or stopped */
    bool is_reserved;         /**< can be started without memory */
};

struct eddy__timers {
    struct eddy__slots slots;  /**< the watchers' too */
    struct eddy__wheel *wheel; /**< made with the first timer */
    struct eddy__heap heap;
    struct eddy__entries due; /**< in the wheel's pool */
    struct eddy__entry first; /**< of wheel and heap; `ref` 0: not known just now, or none */
    eddy_time expired;        /**< the last limit: few will be started that are due earlier */
    uint64_t swept;           /**< the generation when there was no stale entry last */
    uint64_t prepared;        /**< as long as the generation is lower there is room for one more */
    size_t count;             /**< started, and not yet called or stopped */
    size_t reserved;          /**< promises of eddy__timer_reserve() */
};

void eddy__timers_fini(struct eddy__timers *timers);

/** Promise that starting `timer` later cannot fail; and take the promise back. */
int eddy__timer_reserve(struct eddy__timers *timers, struct eddy__timer *timer);
void eddy__timer_unreserve(struct eddy__timers *timers, struct eddy__timer *timer);

/**
 * Start `timer`, which is not running; if its `ready` is in a queue, it is taken out.
 * EDDY_ENOMEM, or 0; never fails after a promise.
 */
int eddy__timer_start(struct eddy__timers *timers, struct eddy__timer *timer, eddy_time when);

/** Stop the timer, also if it is due already; take its `ready` out of a queue. Cannot fail. */
void eddy__timer_stop(struct eddy__timers *timers, struct eddy__timer *timer);

/** eddy__timers_prepare(), when it may have something to do. */
int eddy__timers_prepare_now(struct eddy__timers *timers);

/** Have room for one more timer beside those that were promised. EDDY_ENOMEM, or 0. */
static inline int eddy__timers_prepare(struct eddy__timers *timers)
{
    /* Each timer that is added begins a generation. */
    if (timers->count != 0 && timers->slots.generation < timers->prepared)
        return 0;
    return eddy__timers_prepare_now(timers);
}

/**
 * Have a slot that is taken begin to be SCHEDULED, with other flags of its mark, and leave an entry
 * where its time belongs; there is room. What it calls is filled in afterwards. Cannot fail.
 */
static inline void eddy__timers_enter(struct eddy__timers *timers, uint32_t slot, unsigned flags,
                                      eddy_time when)
{
    uint64_t mark = eddy__slot_begin(&timers->slots, slot, flags | EDDY_HANDLE_SCHEDULED);
    struct eddy__entry entry = {.key = eddy__entry_key(when),
                                .ref = mark << EDDY__SLOT_NUMBER_BITS | slot};

    if (entry.key >= timers->wheel->origin && timers->wheel->is_in_use)
        eddy__wheel_add(timers->wheel, entry);
    else
        eddy__heap_add(&timers->heap, entry, timers->slots.generation);
    /* One that is due at the same time as the first comes behind it. */
    if (timers->count++ == 0 || (timers->first.ref != 0 && entry.key < timers->first.key))
        timers->first = entry;
}

/** A slot that was SCHEDULED is not any more, from now on. Cannot fail. */
static inline void eddy__timers_forget(struct eddy__timers *timers, uint32_t slot)
{
    timers->count--;
    if (eddy__entry_slot(timers->first) == slot)
        timers->first.ref = 0;
}

/** When the first one is due, of those that are not yet in `due`; EDDY_FOREVER if there is none. */
eddy_time eddy__timers_next(struct eddy__timers *timers);

/** Move all that are due before `limit` to `due`, in order; true if it has any. */
bool eddy__timers_expire(struct eddy__timers *timers, eddy_time limit);

/** The next slot that is due and was not cancelled, in state DONE now; 0 if there is none. */
uint32_t eddy__timers_shift(struct eddy__timers *timers);

/** Have the library's own timer called that a slot is of. */
void eddy__timer_run(struct eddy__timers *timers, struct eddy__timer *timer);

/** Entries, stale ones too; there is a wheel. */
static inline size_t eddy__timers_entries(const struct eddy__timers *timers)
{
    return timers->wheel->pool.positions + timers->heap.count;
}

/** Whether stale entries outnumber the others: a few do not matter. */
static inline bool eddy__timers_are_stale(const struct eddy__timers *timers)
{
    return eddy__timers_entries(timers) > 2 * timers->count + 64;
}

/** Give back memory of a crowd that has gone. Cannot fail. */
void eddy__timers_relax(struct eddy__timers *timers);

/** True if that would do anything. */
static inline bool eddy__timers_need_relaxing(const struct eddy__timers *timers)
{
    return eddy__slots_are_few(&timers->slots) ||
           (timers->wheel != NULL &&
            (eddy__timers_are_stale(timers) ||
             eddy__entry_pool_is_large(&timers->wheel->pool,
                                       eddy__timers_entries(timers) + timers->reserved)));
}

#endif
