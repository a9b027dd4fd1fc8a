/* SPDX-License-Identifier: MIT */
/** Waiting inside a task: eddy_await(), and the same with a limit (RUN-3, RUN-4). */
#include "common/task.h"

int eddy__task_cancelled(struct eddy__task *task)
{
    eddy__failure_restore(EDDY_ECANCELED, task->cancel_message);
    return EDDY_ECANCELED;
}

/** Why the current task cannot wait for `future`; NULL if it can. */
static const char *await_refusal(const struct eddy__task *task, const struct eddy_future *future)
{
    if (future == NULL)
        return "a task cannot wait for nothing";
    if (future->state != EDDY__PENDING)
        return NULL;
    if (future == &task->future)
        return "a task cannot wait for itself";
    if (future->loop != task->future.loop)
        return "a task cannot wait for a future of another loop";
    return NULL;
}

/**
 * Find the current task and make sure that it can wait for `future`; else drop that and say why,
 * in the next iteration (TASK-5).
 */
static int await_begin(struct eddy_future *future, struct eddy__task **current)
{
    struct eddy__task *task = eddy__task_current();
    const char *refusal;

    if (task == NULL) {
        eddy_future_unref(future);
        return eddy_error(EDDY_EBADSTATE, "awaiting is for tasks only");
    }
    refusal = await_refusal(task, future);
    *current = task;
    if (refusal == NULL)
        return 0;
    eddy_future_unref(future);
    if (eddy__task_yield(task))
        return eddy__task_cancelled(task);
    return eddy_error(EDDY_EBADSTATE, "%s", refusal);
}

/** Drop a future whose outcome the task does not want, because it was cancelled. */
static int await_give_up(struct eddy__task *task, struct eddy_future *future)
{
    if (future->state > EDDY__FINISHED)
        eddy_future_exception(future); /* whoever waits for it has asked for its error */
    eddy_future_unref(future);
    return eddy__task_cancelled(task);
}

int eddy_await(eddy_future *future, eddy_value *value)
{
    struct eddy__task *task = NULL;
    int error = await_begin(future, &task);

    if (error)
        return error;
    if (future->state == EDDY__PENDING && eddy__task_wait(task, future) &&
        future->state != EDDY__CANCELLED)
        return await_give_up(task, future);
    return eddy__future_take(future, value);
}

/** A limit has passed: what the task waits for is cancelled. */
static void await_on_timer(struct eddy__ready *ready)
{
    struct eddy__timer *timer = EDDY__OWNER(ready, struct eddy__timer, ready);
    struct eddy__task_frame *frame = EDDY__OWNER(timer, struct eddy__task_frame, timer);

    frame->limit_passed = true;
    if (frame->waiting_for != NULL)
        eddy_future_cancel(frame->waiting_for, NULL);
}

/** Wait until `future` has ended, whatever requests to cancel the task come: true if one did. */
static bool await_end(struct eddy__task *task, struct eddy_future *future)
{
    bool cancelled = false;

    /* Each round ends with a cancel request that the future refused, or is the last. */
    while (future->state == EDDY__PENDING)
        cancelled = eddy__task_wait(task, future) || cancelled;
    return cancelled;
}

/** Wait for a pending future until it has ended, and cancel it at `when`. */
static int await_limited(struct eddy__task *task, struct eddy_future *future, eddy_time when,
                         bool *cancelled)
{
    struct eddy_loop *loop = task->future.loop;
    struct eddy__task_frame *frame = task->frame;
    int error = 0;

    frame->limit_passed = when <= eddy__loop_now(loop);
    if (frame->limit_passed) {
        eddy_future_cancel(future, NULL);
        *cancelled = await_end(task, future);
        return 0;
    }
    frame->timer.ready.run = await_on_timer;
    if (when != EDDY_FOREVER)
        error = eddy__timer_start(&loop->timers, &frame->timer, when);
    if (error)
        return eddy_error(error, "no memory for a limit");
    *cancelled = await_end(task, future);
    eddy__timer_stop(&loop->timers, &frame->timer);
    return 0;
}

int eddy_await_until(eddy_future *future, eddy_time when, eddy_value *value)
{
    struct eddy__task *task = NULL;
    bool cancelled = false;
    int requests;
    int error = await_begin(future, &task);

    if (error)
        return error;
    if (future->state != EDDY__PENDING)
        return eddy__future_take(future, value);
    requests = task->cancel_requests;
    error = await_limited(task, future, when, &cancelled);
    if (error) {
        eddy_future_cancel(future, NULL);
        eddy_future_unref(future);
        return error;
    }
    if (cancelled && future->state != EDDY__CANCELLED)
        return await_give_up(task, future);
    /* What was cancelled by us alone, and by nobody else, is a limit that has passed. */
    if (future->state == EDDY__CANCELLED && task->frame->limit_passed &&
        task->cancel_requests <= requests) {
        eddy_future_unref(future);
        return eddy_error(EDDY_ETIMEDOUT, "not done in time");
    }
    return eddy__future_take(future, value);
}

int eddy_await_for(eddy_future *future, eddy_time limit, eddy_value *value)
{
    struct eddy_loop *loop = eddy__thread_state()->running;
    eddy_time now = loop != NULL ? eddy__loop_now(loop) : 0;

    if (limit < 0)
        limit = 0;
    return eddy_await_until(future, eddy__time_add(now, limit), value);
}
