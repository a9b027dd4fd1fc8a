/* SPDX-License-Identifier: MIT */
/**
 * The timers of a loop, by due time and, for equal times, by registration (LOOP-24).
 *
 * Most of them stand in a wheel (wheel.h), where starting and stopping costs the same for any
 * number of them and needs no memory. The wheel has an origin, before which it has no places; what
 * is due earlier stands in a heap (heap.h). The origin moves up when the first timers are looked
 * for, never down while there are timers, so all in the heap is due before all in the wheel.
 */
#ifndef EDDY_COMMON_TIMER_H
#define EDDY_COMMON_TIMER_H

#include "common/backend.h"
#include "common/heap.h"

/** A timer inside its owner. When it is due, `ready` joins the ready queue. */
struct eddy__timer {
    struct eddy__ready ready; /**< its node links it in the wheel too */
    eddy_time when;
    uint32_t index;           /**< for the owner's own use */
    uint32_t position : 30;   /**< in the heap, from 1; 0: not in it */
    uint32_t is_running : 1;  /**< started, and not yet due or stopped */
    uint32_t is_reserved : 1; /**< can be started without memory */
};

struct eddy__wheel;

struct eddy__timers {
    struct eddy__wheel *wheel; /**< made with the first timer */
    struct eddy__heap heap;
    struct eddy__timer *first; /**< of all; NULL: not known just now, or there is none */
    eddy_time expired;         /**< the last limit: few will be started that are due earlier */
    size_t count;
    uint32_t reserved; /**< promises of eddy__timer_reserve() */
};

void eddy__timers_fini(struct eddy__timers *timers);

/** Promise that starting `timer` later cannot fail; and take the promise back. */
int eddy__timer_reserve(struct eddy__timers *timers, struct eddy__timer *timer);
void eddy__timer_unreserve(struct eddy__timers *timers, struct eddy__timer *timer);

/**
 * Start `timer`, which is not running; if it is due and has not been called, it will not be before
 * `when`. EDDY_ENOMEM, or 0; never fails after a promise.
 */
int eddy__timer_start(struct eddy__timers *timers, struct eddy__timer *timer, eddy_time when);

/** Stop the timer, and take it out of the ready queue if it is already due. Cannot fail. */
void eddy__timer_stop(struct eddy__timers *timers, struct eddy__timer *timer);

/** The timer that is due first; NULL without timers. */
struct eddy__timer *eddy__timers_first(struct eddy__timers *timers);

/** When that is; EDDY_FOREVER without timers. */
static inline eddy_time eddy__timers_next(struct eddy__timers *timers)
{
    const struct eddy__timer *first = eddy__timers_first(timers);

    return first == NULL ? EDDY_FOREVER : first->when;
}

/** Move all that are due before `limit` to the end of `queue`, in order; returns how many. */
size_t eddy__timers_expire(struct eddy__timers *timers, eddy_time limit, struct eddy__list *queue);

#endif
