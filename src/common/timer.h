/* SPDX-License-Identifier: MIT */
/**
 * The timers of a loop: a 4-ary heap with the keys inline, ordered by due time and, for equal
 * times, by registration (LOOP-24). Cancelled timers leave at once.
 */
#ifndef EDDY_COMMON_TIMER_H
#define EDDY_COMMON_TIMER_H

#include "common/backend.h"

/** A timer inside its owner. When it is due, `ready` joins the ready queue. */
struct eddy__timer {
    struct eddy__ready ready;
    uint32_t position; /**< in the heap, from 1; 0: not in it */
    bool reserved;     /**< has a place of its own */
};

struct eddy__timer_entry {
    eddy_time when;
    uint64_t order;
    struct eddy__timer *timer;
};

struct eddy__timers {
    struct eddy__timer_entry *entries;
    uint32_t count;
    uint32_t capacity;
    uint32_t reserved; /**< places promised by eddy__timer_reserve() */
    uint64_t order;
};

void eddy__timers_fini(struct eddy__timers *timers);

/** Promise `timer` a place, so that starting it later cannot fail; and take the promise back. */
int eddy__timer_reserve(struct eddy__timers *timers, struct eddy__timer *timer);
void eddy__timer_unreserve(struct eddy__timers *timers, struct eddy__timer *timer);

/** Start `timer`, which is not running. EDDY_ENOMEM, or 0; never fails with a place reserved. */
int eddy__timer_start(struct eddy__timers *timers, struct eddy__timer *timer, eddy_time when);

/** Take the timer out of the heap, and out of the ready queue if it is already due. */
void eddy__timer_stop(struct eddy__timers *timers, struct eddy__timer *timer);

/** When the first timer is due; EDDY_FOREVER without timers. */
static inline eddy_time eddy__timers_next(const struct eddy__timers *timers)
{
    return timers->count == 0 ? EDDY_FOREVER : timers->entries[0].when;
}

/** Move all that are due before `limit` to the end of `queue`, in order; returns how many. */
size_t eddy__timers_expire(struct eddy__timers *timers, eddy_time limit, struct eddy__list *queue);

#endif
