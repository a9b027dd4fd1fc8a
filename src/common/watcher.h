/* SPDX-License-Identifier: MIT */
/**
 * Watching descriptors of the program: for its readers and writers (FD-1) and for direct socket
 * operations that have to wait (SOCK-1).
 *
 * A descriptor has one watcher as long as anybody waits for it, with two sides; each side has room
 * for one callback of the program and one waiter of the library, which do not disturb each other.
 *
 * A watcher may linger: when a receive has succeeded, the socket stays registered for a moment, by
 * edges, so that the next receive need not register it, nor ask for what the last one has shown not
 * to be there. The descriptor is the program's all the same, which may close it and meet its number
 * again without a word to the library. So what lingers is only a guess:
 *  - Until it has been found right once, receives ask first and the registration is verified, at
 *    the price of a system call, when they have to wait.
 *  - Then it is relied upon; but an operation that waits on its strength for a tick or two of the
 *    clock (linger.h) verifies it, so that a wrong guess is a delay and no end. A loop that guessed
 *    wrong once relies on no guess any more.
 *  - Whoever lets no operation wait for as long is unregistered, whatever became of the descriptor.
 *  - Cancelling ends it at once, as does any other use of the descriptor, and closing it or getting
 *    its number by the library's calls.
 *
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

/** Whether anything in the loop owns, watches or waits for `socket`; what only lingers does not. */
bool eddy__watcher_is_taken(const struct eddy_loop *loop, eddy_socket socket);

/** The number means another socket now, or is about to: let go of what lingers. Cannot fail. */
void eddy__watcher_forget(struct eddy_loop *loop, eddy_socket socket);

/** As eddy__watcher_check(), and EDDY_EBADSTATE if somebody has or waits for this side (SOCK-2). */
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
 * The same when what was waited for has come, so that it is likely to be waited for again: may
 * linger. `is_drained`: a receive has got less than it had room for. Cannot fail.
 */
void eddy__waiter_succeed(struct eddy__waiter *waiter, bool is_drained);

/** A receive has succeeded that did not have to wait; `is_drained` as above. Cannot fail. */
void eddy__watcher_note(struct eddy_loop *loop, eddy_socket socket, bool is_drained);

/**
 * Wait for the socket to become readable if it is known that a receive would find nothing now. Else
 * false: the receive has to ask.
 */
bool eddy__waiter_start_drained(struct eddy__waiter *waiter, struct eddy_loop *loop,
                                eddy_socket socket);

/**
 * Have `slot` called once a turn while the side is ready, in place of what was called before.
 * Takes it, if this succeeds. Otherwise as eddy__waiter_start().
 */
int eddy__watcher_set_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event,
                           uint32_t slot);

/** Call nothing any more; false if nothing was called. Cannot fail. */
bool eddy__watcher_drop_slot(struct eddy_loop *loop, eddy_socket socket, unsigned event);

#endif
