/* SPDX-License-Identifier: MIT */
/**
 * Watching descriptors of the program: for its readers and writers (FD-1) and for direct socket
 * operations that have to wait (SOCK-1).
 *
 * A descriptor has one watcher as long as anybody waits for it, with two sides; each side has room
 * for one callback of the program and one waiter of the library, which do not disturb each other.
 * Belongs to the loop's thread.
 */
#ifndef EDDY_COMMON_WATCHER_H
#define EDDY_COMMON_WATCHER_H

#include "common/loop.h"

struct eddy__watcher;

/** Somebody in the library who waits for one side; all zero waits for nothing. */
struct eddy__waiter {
    struct eddy__watcher *watcher; /**< NULL: it does not wait */
    unsigned event;                /**< EDDY__READABLE or EDDY__WRITABLE */

    /**
     * Out of the ready queue. 0: it is ready, maybe, and comes again until stopped. EDDY_EBADF: the
     * number means another socket by now, and the waiter has been stopped. Calls no program.
     */
    void (*on_ready)(struct eddy__waiter *waiter, int error);
};

/**
 * Whether the program may use `socket`: EDDY_EINVALID if that is no number of one, EDDY_EBADSTATE
 * if a transport or server owns it or the loop is closed. With a text.
 */
int eddy__watcher_check(struct eddy_loop *loop, eddy_socket socket);

/** EDDY_EBADSTATE, with a text, if somebody has or waits for this side already (SOCK-2). */
int eddy__watcher_check_idle(struct eddy_loop *loop, eddy_socket socket, unsigned event);

/**
 * Keep the side of `reservation` while its operation waits for something else, so that the check
 * above refuses others; and give it back. Neither fails; doing so twice is harmless.
 */
void eddy__reservation_start(struct eddy__reservation *reservation, struct eddy_loop *loop);
void eddy__reservation_stop(struct eddy__reservation *reservation, struct eddy_loop *loop);

/** Wait; both checks have been made. EDDY_ENOMEM, EDDY_EBADF, EDDY_EPERM: nothing has changed. */
int eddy__waiter_start(struct eddy__waiter *waiter, struct eddy_loop *loop, eddy_socket socket,
                       unsigned event);

/** Wait no more: nothing of the socket is registered for it when this returns. Cannot fail. */
void eddy__waiter_stop(struct eddy__waiter *waiter);

/**
 * Have `slot` called once a turn while the side is ready, in place of what was called before.
 * Takes it, if this succeeds. Otherwise as eddy__waiter_start().
 */
int eddy__watcher_set_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event,
                           struct eddy__slot *slot);

/** Call nothing any more; false if nothing was called. Cannot fail. */
bool eddy__watcher_drop_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event);

#endif
