/* SPDX-License-Identifier: MIT */
/**
 * What other threads post to a loop: a lock-free stack that the loop takes whole and reverses.
 *
 * Any thread pushes; only the loop's thread takes. Closing replaces the stack by a mark that every
 * later push meets, so nothing is ever posted to a closed loop (EXEC-5). One wake-up is enough
 * until the loop has looked: `wake_pending` is set by the first post and cleared by the loop
 * before it takes, so a post that comes later wakes again.
 */
#ifndef EDDY_COMMON_INBOX_H
#define EDDY_COMMON_INBOX_H

#include "common/backend.h"
#include <stdatomic.h>

/** A post; its owner keeps it alive until `run` is called or the inbox is closed over it. */
struct eddy__post {
    struct eddy__post *next;
    struct eddy__ready ready;
    void (*drop)(struct eddy__post *post); /**< the loop closed before it could run */
};

struct eddy__inbox {
    _Atomic(struct eddy__post *) top;
    atomic_bool wake_pending;
};

/** EDDY_EBADSTATE when closed; 1 if the loop has to be woken; else 0. Any thread. */
int eddy__inbox_push(struct eddy__inbox *inbox, struct eddy__post *post);

/**
 * True if something waits to be taken, or the inbox is closed.
 *
 * Sequentially consistent, as the store that clears `wake_pending` before a wait: were this load
 * done first, a post in between would neither be seen here nor wake the wait that follows.
 */
static inline bool eddy__inbox_has_posts(struct eddy__inbox *inbox)
{
    return atomic_load(&inbox->top) != NULL;
}

/** Any thread. */
bool eddy__inbox_is_closed(struct eddy__inbox *inbox);

/** Append all posts to `queue`, oldest first. */
void eddy__inbox_take(struct eddy__inbox *inbox, struct eddy__list *queue);

/** Refuse posts from now on and drop those that wait. */
void eddy__inbox_close(struct eddy__inbox *inbox);

#endif
