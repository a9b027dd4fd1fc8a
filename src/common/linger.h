/* SPDX-License-Identifier: MIT */
/**
 * Watchers that outlive their operation for a moment, so that the next one finds its socket
 * registered still (watcher.h): the list of those that have to be looked at again, and a clock that
 * ticks while there are any. Belongs to the loop's thread.
 *
 * One clock for all of them instead of a timer each: an operation only sets an age to 0.
 */
#ifndef EDDY_COMMON_LINGER_H
#define EDDY_COMMON_LINGER_H

#include "common/timer.h"

/**
 * Between two ticks. What has to be looked at is, after one to two of them: long enough that busy
 * sockets never are, also when there are thousands, and as long as a wrong guess may last.
 */
#define EDDY__LINGER_TICK EDDY_MILLISECONDS(50)

/** Inside its owner; all zero is not in the list. */
struct eddy__linger {
    struct eddy__list node;
    uint8_t age; /**< ticks since it was started last, at most 255 */
};

/** All zero, and then initialised, is without watchers. */
struct eddy__lingering {
    struct eddy__list list;
    struct eddy__timer tick;
    bool was_wrong; /**< a socket was taken for another one: this program closes past the library */
};

void eddy__lingering_init(struct eddy__lingering *lingering);

/** The loop closes; the list is empty. */
void eddy__lingering_fini(struct eddy_loop *loop);

/**
 * Have eddy__watcher_on_tick() called for `linger` at each tick until it is stopped, with an age of
 * 1 at the first. Started again, it begins anew. False if there is no memory: nothing is started.
 */
bool eddy__linger_start(struct eddy_loop *loop, struct eddy__linger *linger);

/** Harmless if not started. Cannot fail. */
void eddy__linger_stop(struct eddy__linger *linger);

/** In watcher.c. May stop `linger` and end its watcher, or others. */
void eddy__watcher_on_tick(struct eddy__linger *linger);

#endif
