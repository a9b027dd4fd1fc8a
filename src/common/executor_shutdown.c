/* SPDX-License-Identifier: MIT */
/*
 * shutdown_default_executor(): the executor is waited for on a thread of its own, that of a pool
 * made for this one wait. The pool's only reference is the work's, so it goes with it.
 */
#include "common/executor.h"
#include "common/future.h"
#include "common/later.h"
#include "common/log.h"

struct shutdown {
    struct eddy_future future;
    struct eddy__live live; /**< linked while the loop holds a reference */
    struct eddy__timer limit;
    struct eddy__watch watch;
    struct eddy_future *waiting; /**< the work that waits; a reference */
    eddy_executor *executor;     /**< a reference */
};

/** Nothing more will happen here. The thread that waits is left to itself. */
static void shutdown_leave(struct shutdown *shutdown)
{
    eddy__list_remove(&shutdown->live.node);
    eddy__timer_stop(&shutdown->future.loop->timers, &shutdown->limit);
    eddy__future_unwatch(&shutdown->watch);
    eddy_future_unref(shutdown->waiting);
    eddy_executor_unref(shutdown->executor);
    eddy_future_unref(&shutdown->future);
}

static void shutdown_on_ended(struct eddy__watch *watch)
{
    struct shutdown *shutdown = EDDY__OWNER(watch, struct shutdown, watch);

    eddy__future_finish_like(&shutdown->future, shutdown->waiting);
    shutdown_leave(shutdown);
}

static void shutdown_on_limit(struct eddy__ready *ready)
{
    struct shutdown *shutdown = EDDY__OWNER(ready, struct shutdown, limit.ready);

    eddy__log(EDDY_LOG_WARNING, "the default executor did not end in time: no longer waiting");
    shutdown->executor->callbacks->shutdown(shutdown->executor, false);
    eddy__future_finish(&shutdown->future, (eddy_value){0});
    shutdown_leave(shutdown);
}

static bool shutdown_cancel(struct eddy_future *future, const char *message)
{
    eddy__future_finish_cancelled(future, message);
    shutdown_leave((struct shutdown *)future);
    return true;
}

static void shutdown_abandon(struct eddy__live *live)
{
    shutdown_leave(EDDY__OWNER(live, struct shutdown, live));
}

static const struct eddy__future_kind shutdown_kind = {
    .name = "shutdown of the default executor",
    .cancel = shutdown_cancel,
};

static int shutdown_wait(void *arg, eddy_value *result)
{
    eddy_executor *executor = arg;

    (void)result;
    executor->callbacks->shutdown(executor, true);
    return 0;
}

static void shutdown_release(void *arg)
{
    eddy_executor_unref(arg);
}

/** Have a thread wait for `executor`. Never NULL. */
static struct eddy_future *shutdown_start_waiting(struct eddy_loop *loop, eddy_executor *executor)
{
    eddy_thread_pool_options options = {.threads_max = 1, .thread_name = "eddy-shutdown"};
    struct eddy__work_order order = {
        .function = shutdown_wait,
        .arg = executor,
        .release = shutdown_release,
    };
    struct eddy_future *future;
    eddy_executor *pool;
    int error = eddy_thread_pool_new(&options, &pool);

    if (error)
        return eddy__future_failed(loop, error);
    eddy_executor_ref(executor);
    future = eddy__work_start(loop, pool, &order);
    eddy_executor_unref(pool);
    return future;
}

/** Make the future and its timer, before anything happens. NULL: EDDY_ENOMEM. */
static struct shutdown *shutdown_new(struct eddy_loop *loop, eddy_time limit)
{
    struct eddy_future *future = eddy__future_new(loop, sizeof(struct shutdown), &shutdown_kind);
    struct shutdown *shutdown = (struct shutdown *)future;

    if (future == NULL)
        return NULL;
    shutdown->limit.ready.run = shutdown_on_limit;
    if (limit != EDDY_FOREVER) {
        eddy_time when = eddy__time_add(eddy__loop_now(loop), limit);

        if (eddy__timer_start(&loop->timers, &shutdown->limit, when) != 0) {
            eddy_future_unref(future);
            return NULL;
        }
    }
    shutdown->watch.on_done = shutdown_on_ended;
    shutdown->live.abandon = shutdown_abandon;
    shutdown->executor = eddy_executor_ref(loop->default_executor);
    return shutdown;
}

/** Nobody waits for it, for want of memory or threads: nothing has happened. */
static struct eddy_future *shutdown_refuse(struct shutdown *shutdown)
{
    struct eddy_future *refusal = shutdown->waiting;

    eddy__timer_stop(&shutdown->future.loop->timers, &shutdown->limit);
    eddy_executor_unref(shutdown->executor);
    eddy_future_unref(&shutdown->future);
    return refusal;
}

eddy_future *eddy_loop_shutdown_default_executor(eddy_loop *loop, eddy_time limit)
{
    int error = loop == NULL ? eddy_error(EDDY_EINVALID, "no loop") : eddy__loop_check_open(loop);
    struct shutdown *shutdown;

    if (error == 0 && limit < 0)
        error = eddy_error(EDDY_EINVALID, "a limit cannot be negative");
    if (error)
        return eddy__future_failed(loop, error);
    /* A simulated loop does the work itself: what was submitted runs before the next iteration. */
    if (loop->default_executor == NULL) {
        struct eddy_future *later = eddy__later(loop);

        if (later->state != EDDY__FAILED)
            loop->executor_shut_down = true;
        return later;
    }
    shutdown = shutdown_new(loop, limit);
    if (shutdown == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    shutdown->waiting = shutdown_start_waiting(loop, loop->default_executor);
    if (shutdown->waiting->state == EDDY__FAILED)
        return shutdown_refuse(shutdown);
    loop->executor_shut_down = true;
    eddy_future_ref(&shutdown->future);
    eddy__list_append(&loop->live, &shutdown->live.node);
    eddy__future_watch(shutdown->waiting, &shutdown->watch);
    return &shutdown->future;
}
