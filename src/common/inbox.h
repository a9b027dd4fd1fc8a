/* SPDX-License-Identifier: MIT */
/**
 * What other threads post to a loop, on two ways: calls that nobody wants a handle of into a ring
 * (post_ring.h), all else onto a lock-free stack that the loop takes whole and reverses.
 *
 * One order holds for both (LOOP-36). A post on the stack says below which number the calls came
 * before it. The loop looks at the ring's tail first and takes the stack then: so a post that came
 * before one of these calls is among those taken.
 *
 * Any thread pushes; only the loop's thread takes. Closing replaces the stack by a mark that every
 * later push meets, so nothing is ever posted to a closed loop (EXEC-5). One wake-up is enough
 * until the loop has looked: `wake_pending` is set by the first post and cleared by the loop
 * before it takes, so a post that comes later wakes again.
 */
#ifndef EDDY_COMMON_INBOX_H
#define EDDY_COMMON_INBOX_H

#include "common/backend.h"
#include "common/post_ring.h"
#include <stdatomic.h>

/** A post; its owner keeps it alive until `run` is called or the inbox is closed over it. */
struct eddy__post {
    struct eddy__post *next;
    uint64_t after; /**< calls with smaller numbers came before it */
    struct eddy__ready ready;
    void (*drop)(struct eddy__post *post); /**< the loop closed before it could run */
};

struct eddy__inbox {
    _Atomic(struct eddy__post *) top;
    atomic_bool wake_pending;
    struct eddy__post_ring ring;
    struct eddy__list held; /**< the loop's: taken off the stack, waits for room in the agenda */
};

/** Make it empty; all else is zero. */
static inline void eddy__inbox_init(struct eddy__inbox *inbox)
{
    eddy__list_init(&inbox->held);
}

/** EDDY_EBADSTATE when closed; 1 if the loop has to be woken; else 0. Any thread. */
int eddy__inbox_push(struct eddy__inbox *inbox, struct eddy__post *post);

/** 1 if the loop has to be woken for what was posted just now, else 0. Any thread. */
static inline int eddy__inbox_must_wake(struct eddy__inbox *inbox)
{
    /* If it is pending now, the loop takes later: that it is looked at first spares an exchange. */
    if (atomic_load(&inbox->wake_pending))
        return 0;
    return atomic_exchange(&inbox->wake_pending, true) ? 0 : 1;
}

/**
 * True if something waits to be taken, or the inbox is closed.
 *
 * Sequentially consistent, as the store that clears `wake_pending` before a wait: were this load
 * done first, a post in between would neither be seen here nor wake the wait that follows.
 *
 * If it is true when all was just taken, then there was no memory, or a call is on its way: its
 * poster was suspended between the claim and the call. It may not see that `wake_pending` was
 * cleared (a store may be seen by others after later loads), so the loop may not wait for long.
 */
static inline bool eddy__inbox_has_posts(struct eddy__inbox *inbox)
{
    return atomic_load(&inbox->top) != NULL || atomic_load(&inbox->ring.tail) != inbox->ring.head ||
           !eddy__list_is_empty(&inbox->held);
}

/** Any thread. */
bool eddy__inbox_is_closed(struct eddy__inbox *inbox);

/**
 * Append all posts to the agenda, oldest first; without memory for that, a part of them. With the
 * places of calls, if asked for (place.h).
 */
void eddy__inbox_take(struct eddy__inbox *inbox, struct eddy__agenda *agenda, bool with_places);

/** Refuse posts from now on and drop those that wait. */
void eddy__inbox_close(struct eddy__inbox *inbox);

#endif
