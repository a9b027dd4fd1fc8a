/* SPDX-License-Identifier: MIT */
/**
 * Futures from the inside. Tasks and the library's operations are futures with a kind of their
 * own: they embed struct eddy_future as their first member.
 */
#ifndef EDDY_COMMON_FUTURE_H
#define EDDY_COMMON_FUTURE_H

#include "common/error.h"
#include "common/loop.h"

/** 0 is no state, so that memory nobody initialised is found. */
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

    /**
     * The last reference is gone, report and disposal are done: release the kind's own parts. The
     * future may still be pending (nobody waited for it), and the loop may be closed.
     */
    void (*fini)(struct eddy_future *future);

    /** True if programs may complete it (plain futures); else they get EDDY_EBADSTATE. */
    bool settable;
};

/** Someone inside the library who wants to know when a future is done; embedded, cannot fail. */
struct eddy__watch {
    struct eddy__ready ready; /**< in the future's list, then in the ready queue */
    struct eddy_future *future;
    /**
     * Runs out of the ready queue, once; the watch is unlinked and may be freed or reused. Never
     * called once the loop is closed.
     */
    void (*on_done)(struct eddy__watch *watch);
};

struct eddy_future {
    const struct eddy__future_kind *kind;
    struct eddy_loop *loop; /**< a reference; NULL only for the immortal failed ones */
    uint32_t references;
    uint32_t size; /**< of the kind's struct */
    uint8_t state;
    bool retrieved; /**< its error was asked for, or silenced by a cancel: no FUT-8 report */
    bool taken;     /**< its result was taken out: no disposal */
    bool immortal;
    int error;
    eddy_value value;
    eddy_disposer dispose;      /**< of a result that nobody took out */
    eddy_disposer dispose_seen; /**< takes its place once somebody asked without taking; or NULL */
    struct eddy__failure *failure; /**< text of the error or cancel message; may be NULL */
    struct eddy__list watches;     /**< struct eddy__watch, in order of registration */
    void *created_at;              /**< debug mode: return address */
};

/**
 * Allocate `size` bytes (zeroed) for a future of `kind`: pending, one reference. NULL, with an
 * error text: EDDY_ENOMEM.
 */
struct eddy_future *eddy__future_new(struct eddy_loop *loop, size_t size,
                                     const struct eddy__future_kind *kind);

/**
 * A future of `loop` that has already failed with `code` and the current error text. Never NULL:
 * out of memory, or without a loop, it is an immortal one of EDDY_ENOMEM, EDDY_EINVALID or
 * EDDY_EBADSTATE.
 */
struct eddy_future *eddy__future_failed(struct eddy_loop *loop, int code);

/**
 * Complete a pending future of any kind and schedule its watches. Cannot fail.
 *
 * A failure takes along what eddy_error() last said about `code`.
 */
void eddy__future_finish(struct eddy_future *future, eddy_value value);
void eddy__future_finish_failed(struct eddy_future *future, int code);
void eddy__future_finish_cancelled(struct eddy_future *future, const char *message);

/**
 * Complete `future` as `source` ended, text included. The result moves with its disposer: of
 * `source` it counts as taken. An error counts as retrieved there.
 */
void eddy__future_finish_like(struct eddy_future *future, struct eddy_future *source);

/**
 * As eddy__future_finish(), but the first watch is called at once instead of one iteration
 * later. Only out of the ready queue, with a reference of the caller's own.
 */
void eddy__future_finish_now(struct eddy_future *future, eddy_value value);

/** How a watch runs out of the ready queue. */
void eddy__watch_run(struct eddy__ready *ready);

/** As eddy__future_watch(), of a future that is pending. */
static inline void eddy__future_watch_pending(struct eddy_future *future, struct eddy__watch *watch)
{
    watch->future = future;
    watch->ready.run = eddy__watch_run;
    eddy__list_append(&future->watches, &watch->ready.node);
}

/** Hear of its end through the ready queue; scheduled at once if it is done. Cannot fail. */
void eddy__future_watch(struct eddy_future *future, struct eddy__watch *watch);

/** Hear nothing any more, also if it is already scheduled. Harmless if not watching. */
static inline void eddy__future_unwatch(struct eddy__watch *watch)
{
    eddy__list_remove(&watch->ready.node); /* whichever list that is in */
}

/** The outcome without retrieving it: 0, the error, EDDY_ECANCELED; the value if `value`. */
int eddy__future_peek(const struct eddy_future *future, eddy_value *value);

/** EDDY_EINVALID, with a text, if one of `futures` is NULL or of another loop; else 0. */
int eddy__futures_check(const struct eddy_loop *loop, eddy_future *const *futures, size_t count);

/** Take the outcome as eddy_future_result() does, and drop a reference. */
int eddy__future_take(struct eddy_future *future, eddy_value *value);

/** Unlink the watches, and free those that are records of done callbacks. */
void eddy__future_drop_watches(struct eddy_future *future);

/** Free a watch, which is in no list, if it is a done callback's record. */
void eddy__future_drop_callback(struct eddy__watch *watch);

/**
 * The loop closes: drop a scheduled watch, and with it a done callback's record. False if `ready`
 * is none of a watch.
 */
bool eddy__future_drop_ready(struct eddy__ready *ready);

/** A text on its way with a future: NULL for a NULL `message`, or if memory is out. */
struct eddy__failure *eddy__failure_new(const char *message);

/** What eddy_error_text() says if that is about `code`; else the code in a few words. */
static inline const char *eddy__error_text_of(int code)
{
    return eddy__thread_state()->error->code == code ? eddy_error_text() : eddy_strerror(code);
}

/** The loop closes or dies: give the memory kept for reuse back. */
void eddy__futures_trim(struct eddy_loop *loop);

/** Zeroed memory for futures and their records, kept for reuse while the loop is open; or NULL. */
static inline void *eddy__loop_alloc(struct eddy_loop *loop, size_t size)
{
    return eddy__block_alloc(&loop->blocks, size);
}

/** The same, uninitialised: for small things made all the time, that set each field. */
static inline void *eddy__loop_take(struct eddy_loop *loop, size_t size)
{
    return eddy__block_take(&loop->blocks, size);
}

static inline void eddy__loop_free(struct eddy_loop *loop, void *memory, size_t size)
{
    /* Nobody would empty the store of a closed loop. */
    if (atomic_load_explicit(&loop->closed, memory_order_relaxed))
        eddy__free(memory);
    else
        eddy__block_free(&loop->blocks, memory, size);
}

#endif
