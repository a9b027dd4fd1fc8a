/* SPDX-License-Identifier: MIT */
/** The loop's inside, for the modules of the library. */
#ifndef EDDY_COMMON_LOOP_H
#define EDDY_COMMON_LOOP_H

#include "common/agenda.h"
#include "common/backend.h"
#include "common/block.h"
#include "common/claim.h"
#include "common/coroutine.h"
#include "common/inbox.h"
#include "common/linger.h"
#include "common/memory.h"
#include "common/slot.h"
#include "common/stack.h"
#include "common/thread.h"
#include "common/thread_state.h"
#include "common/timer.h"
#include <eddy/eddy.h>
#include <limits.h>
#include <stdatomic.h>

struct eddy__task;

/** What a loop keeps alive until it ends or the loop closes: transports, servers, operations. */
struct eddy__live {
    struct eddy__list node;
    /** The loop is closing: let go of everything, call back nobody. Unlinks the node. */
    void (*abandon)(struct eddy__live *live);
};

/** What a child starts in, its first stack among that; kept for the next one. */
struct eddy__child_room {
    void *memory;
    size_t size;
};

struct eddy_loop {
    /* Set once. */
    const struct eddy__backend *backend;
    void *backend_state;
    unsigned fork_count;
    eddy_time clock_resolution;
    struct eddy_sim *sim; /**< the simulation that owns this loop, or NULL */

    /* Any thread. */
    atomic_uint references;
    struct eddy__signals *signals; /**< NULL before the first handler (signal.h) */
    atomic_uint wakers;            /**< threads inside a post for which closing waits */
    _Atomic(uint64_t) thread;      /**< thread the loop is bound to by its first run; 0 before */
    atomic_bool closed;
    atomic_bool running;

    /* The loop's thread. */
    struct eddy__thread_state *state; /**< of the thread inside run_*(), else NULL */
    struct eddy_context *run_context; /**< borrowed: the one in which the run was begun */
    struct eddy__agenda agenda;
    struct eddy__list batch_end; /**< struct eddy__ready, for the end of the batch that runs */
    struct eddy__timers timers;
    struct eddy__ready due;     /**< in the agenda while timers are due (due.h) */
    uint32_t current;           /**< slot of the timer or watcher that runs now, or 0 */
    void *current_place;        /**< debug mode: where the call that runs now was scheduled */
    struct eddy__list live;     /**< struct eddy__live */
    struct eddy__claims claims; /**< whose the sockets are */
    struct eddy__lingering lingering;
    struct eddy__list tasks; /**< not done, struct eddy__task */
    struct eddy__task *current_task;
    struct eddy__list generators;
    struct eddy__stack_pool stacks;
    size_t futures;             /**< of this loop that are not freed: they hold a reference */
    struct eddy__blocks blocks; /**< memory of futures, tasks and their callbacks, for reuse */
    struct eddy__coroutine thread_coroutine; /**< the stack of run_*(), to which steps return */
    eddy_executor *default_executor;
    size_t foreign_work; /**< work on other threads whose outcome is still to come */
    unsigned skipped_waits;
    eddy_time skipping_since;
    eddy_time clock_seen; /**< what the clock said when an iteration asked last (iteration.c) */
    uint64_t ticks_seen;  /**< the processor's counter before that */
    eddy_time slow_callback_duration;
    int exit_code;
    bool exit_requested;
    bool stopping;
    bool debug;
    bool executor_shut_down;
    bool generators_shut_down;
    bool closing;  /**< inside eddy_loop_close() */
    void *scratch; /**< receive buffer of EDDY__SCRATCH_SIZE, lent to callbacks */
    struct eddy__child_room child_room;
    struct eddy__datagram_room *datagram_room; /**< made with the first endpoint, or NULL */
    void *lent; /**< what a buffered protocol gave for the receive in progress, or NULL */
    struct eddy__tls_lane *tls_lanes;     /**< what the TLS transports have in common, or NULL */
    struct eddy_tls_context *tls_default; /**< made when first needed, or NULL */

    int (*exception_handler)(eddy_loop *, const eddy_exception_context *, void *);
    void *exception_handler_arg;
    eddy_task_factory task_factory;
    void *task_factory_arg;

    /* Any thread, and written all the time: not beside what the loop works with. */
    char apart[EDDY__CACHE_LINE];
    struct eddy__inbox inbox;
};

/** TR-16: at most this much a read. */
#define EDDY__SCRATCH_SIZE ((size_t)256 * 1024)

/** Append to the ready queue; nothing happens if it is already there. Cannot fail. */
static inline void eddy__loop_enqueue(struct eddy_loop *loop, struct eddy__ready *ready)
{
    if (!eddy__list_is_linked(&ready->node))
        eddy__agenda_append(&loop->agenda, ready);
}

/**
 * Run `ready` when all that runs in this iteration has, or an exit request ends it; soon, if the
 * loop does not run now; never in a forked child. Nothing happens if it is enqueued already.
 * Cannot fail.
 */
static inline void eddy__loop_enqueue_end(struct eddy_loop *loop, struct eddy__ready *ready)
{
    if (loop->state == NULL)
        eddy__loop_enqueue(loop, ready);
    else if (!eddy__list_is_linked(&ready->node))
        eddy__list_append(&loop->batch_end, &ready->node);
}

/** Take out of the ready queue, if it is there. Cannot fail. */
static inline void eddy__loop_dequeue(struct eddy__ready *ready)
{
    eddy__list_remove(&ready->node);
}

/** Take what other threads posted, so that it runs before what becomes ready later (LOOP-41). */
static inline void eddy__loop_take_posts(struct eddy_loop *loop)
{
    if (eddy__inbox_has_posts(&loop->inbox))
        eddy__inbox_take(&loop->inbox, &loop->agenda, loop->debug);
}

/**
 * The same where what counts are posts that were made before now: each of them has set
 * `wake_pending`, or was taken after that was cleared.
 */
static inline void eddy__loop_take_earlier_posts(struct eddy_loop *loop)
{
    if (atomic_load(&loop->inbox.wake_pending))
        eddy__loop_take_posts(loop);
}

/** The calls that serve the channel's socket. */
static inline const struct eddy__socket_ops *eddy__channel_ops(const struct eddy__channel *channel)
{
    return channel->events->ops != NULL ? channel->events->ops : channel->loop->backend->sockets;
}

/** Have the next iteration look for events, also if it could do without as callbacks are ready. */
static inline void eddy__loop_look_soon(struct eddy_loop *loop)
{
    loop->skipped_waits = UINT_MAX;
}

/** The loop's clock. */
static inline eddy_time eddy__loop_now(struct eddy_loop *loop)
{
    return loop->backend->now(loop);
}

/**
 * Post from any thread, waking the loop if needed. EDDY_EBADSTATE when the loop is closed. The
 * reference to the loop may be the post's own, and gone with it.
 */
int eddy__loop_post(struct eddy_loop *loop, struct eddy__post *post);

/** The same for less, where the caller holds a reference of its own until this returns. */
int eddy__loop_post_held(struct eddy_loop *loop, struct eddy__post *post);

/** Wake the loop after a post for which the inbox said so. Any thread. */
void eddy__loop_wake(struct eddy_loop *loop);

/** Call a scheduled callback; in debug mode timed, and named if it was slow. */
int eddy__loop_call_timed(struct eddy_loop *loop, eddy_callback callback, void *arg);

static inline int eddy__loop_call(struct eddy_loop *loop, eddy_callback callback, void *arg)
{
    return loop->debug ? eddy__loop_call_timed(loop, callback, arg) : callback(arg);
}

/**
 * Whether calls may go the short way, past what is rare: not in debug mode, nor in a forked child,
 * nor while a context is current or if the run was begun in one. Whatever of that has changed calls
 * this.
 */
void eddy__loop_choose_way(struct eddy_loop *loop);

/** In the child of a fork inside this loop's run: it ends with the present callback (LOOP-2). */
void eddy__loop_forked(struct eddy_loop *loop);

/** Debug mode: log that `what` took longer than slow_callback_duration, if it did (LOOP-34). */
void eddy__loop_report_slow(struct eddy_loop *loop, eddy_time took, const char *what);

/** The loop closes: drop `ready` and return true if it is a post's (threadsafe.c). */
bool eddy__threadsafe_drop_ready(struct eddy__ready *ready);

/*
 * What closing a loop asks of the modules, in this order. None of them calls user code but release
 * functions and the exception handler; none can fail.
 */

/** Drop a scheduled done callback: true if `ready` was one (future.c). */
bool eddy__future_drop_ready(struct eddy__ready *ready);
/** Free the stacks of unfinished tasks and report them (TASK-16). */
void eddy__tasks_abandon(struct eddy_loop *loop);
void eddy__generators_abandon(struct eddy_loop *loop);
/** Let go of every descriptor that the program has watched (watcher.c). */
void eddy__watchers_abandon(struct eddy_loop *loop);
/** Shut the default executor down without waiting (EXEC-8). */
void eddy__executor_close(struct eddy_loop *loop);
/** When the loop's memory goes: free what is kept for reuse. */
void eddy__futures_trim(struct eddy_loop *loop);

/** True if the loop was made before a fork that lies between it and this process (LOOP-2). */
static inline bool eddy__loop_is_foreign(const struct eddy_loop *loop)
{
    return loop->fork_count != eddy__fork_count();
}

/** What eddy__loop_check_open() says when it refuses. */
int eddy__loop_refuse(const struct eddy_loop *loop);

/** EDDY_EBADSTATE, with a text, for a loop that is closed or belongs to another process. */
static inline int eddy__loop_check_open(const struct eddy_loop *loop)
{
    if (!atomic_load_explicit(&loop->closed, memory_order_relaxed) && !eddy__loop_is_foreign(loop))
        return 0;
    return eddy__loop_refuse(loop);
}

/** LOOP-7: why `loop` cannot run here and now, checked in that order; 0 if it can. */
int eddy__loop_check_run(struct eddy_loop *loop);

/** The loop's receive buffer, made at its first use; NULL if out of memory. */
void *eddy__loop_scratch(struct eddy_loop *loop);

/** a + b without overflow: sums saturate (LOOP-28). */
static inline eddy_time eddy__time_add(eddy_time a, eddy_time b)
{
    if (b > 0 && a > INT64_MAX - b)
        return INT64_MAX;
    if (b < 0 && a < INT64_MIN - b)
        return INT64_MIN;
    return a + b;
}

#endif
