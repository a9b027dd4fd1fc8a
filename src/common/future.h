/* SPDX-License-Identifier: MIT */
/**
 * Futures from the inside. Tasks and the library's operations are futures with a kind of their
 * own: they embed struct eddy_future as their first member.
 */
#ifndef EDDY_COMMON_FUTURE_H
#define EDDY_COMMON_FUTURE_H

#include "common/error.h"
#include "common/loop.h"

enum eddy__future_state { EDDY__PENDING = 1, EDDY__FINISHED, EDDY__FAILED, EDDY__CANCELLED };

/** What differs between plain futures, tasks and operations. Absent functions: as a plain one. */
struct eddy__future_kind {
    const char *name;

    /**
     * Someone cancels the pending future; `message` may be NULL. True: the request was taken, and
     * the kind completes the future now or later, or has it done already; false: refused. Absent:
     * the future becomes EDDY__CANCELLED at once. An operation of the system submits its
     * cancellation here and then calls eddy__future_finish_cancelled().
     */
    bool (*cancel)(struct eddy_future *future, const char *message);

    /** The last reference is gone, report and disposal are done: release the kind's own parts. */
    void (*fini)(struct eddy_future *future);

    /** True if programs may complete it (plain futures); else they get EDDY_EBADSTATE. */
    bool settable;
};

/** Someone inside the library who wants to know when a future is done; embedded, cannot fail. */
struct eddy__watch {
    struct eddy__list node;
    struct eddy__ready ready;
    struct eddy_future *future;
    /** Runs out of the ready queue, once; the watch is unlinked and may be freed or reused. */
    void (*on_done)(struct eddy__watch *watch);
};

struct eddy_future {
    const struct eddy__future_kind *kind;
    struct eddy_loop *loop; /**< a reference; NULL only for the immortal failed ones */
    uint32_t references;
    uint8_t state;
    bool retrieved;    /**< its error was asked for, or its cancel: no FUT-8 report */
    bool taken;        /**< its result was taken out: no disposal */
    bool immortal;
    int error;
    eddy_value value;
    eddy_disposer dispose;
    struct eddy__failure *failure; /**< text of the error or cancel message; may be NULL */
    struct eddy__list watches;     /**< struct eddy__watch, in order of registration */
    void *created_at;              /**< debug mode: return address */
};

/** Allocate `size` bytes (zeroed) for a future of `kind`: pending, one reference. NULL: ENOMEM. */
struct eddy_future *eddy__future_new(struct eddy_loop *loop, size_t size,
                                     const struct eddy__future_kind *kind);

/**
 * A future of `loop` that has already failed with `code` and the current error text. Never NULL:
 * out of memory, without a loop, it is an immortal one of EDDY_ENOMEM or EDDY_EBADSTATE.
 */
struct eddy_future *eddy__future_failed(struct eddy_loop *loop, int code);

/** Complete a pending future of any kind and schedule its watches. Cannot fail. */
void eddy__future_finish(struct eddy_future *future, eddy_value value);
void eddy__future_finish_failed(struct eddy_future *future, int code);
void eddy__future_finish_cancelled(struct eddy_future *future, const char *message);

/** Hear of its end through the ready queue; scheduled at once if it is done. Cannot fail. */
void eddy__future_watch(struct eddy_future *future, struct eddy__watch *watch);

/** Hear nothing any more, also if it is already scheduled. Harmless if not watching. */
void eddy__future_unwatch(struct eddy__watch *watch);

/** The outcome without retrieving it: 0, the error, EDDY_ECANCELED; the value if `value`. */
int eddy__future_peek(const struct eddy_future *future, eddy_value *value);

#endif
