/* SPDX-License-Identifier: MIT */
/*
 * One piece of work and the future that waits for it.
 *
 * The work is shared by two sides, each with a reference: the loop, and whoever has to do the work
 * (the executor's queue, then a thread, then the post that brings the outcome). The side that lets
 * go last releases the argument and the memory, so that neither a closing loop nor a slow thread
 * has to wait for the other. `waiting` belongs to the loop's thread alone; a thread at work knows
 * nothing of the future.
 *
 *   submitted ── eddy_work_run() on a thread ── posted ── work_on_outcome(): both references go
 *       │                                        └ refused, dropped: the loop has closed (EXEC-5)
 *       └ withdrawn (EXEC-4), or the loop closes: the loop's reference goes
 */
#include "common/executor.h"
#include "common/future.h"

struct work_future {
    struct eddy_future future;
    struct eddy__live live;
    struct eddy__watch watch; /**< hears when the program cancels it */
    eddy_work *work;
};

struct eddy_work {
    /* Set once. */
    struct eddy_loop *loop;  /**< a reference */
    eddy_executor *executor; /**< a reference; NULL: the simulated loop itself */
    struct eddy__work_order order;

    /* The loop's thread. */
    struct work_future *waiting; /**< a reference */
    bool delivered;              /**< the result belongs to the future */

    /* Whoever does the work, then the loop. */
    atomic_uint references;
    eddy_work *next;
    struct eddy__post post;
    bool done;
    int error;
    eddy_value value;
    struct eddy__failure *failure;
};

static const struct eddy__future_kind work_future_kind = {.name = "work on an executor"};

static void work_unref(eddy_work *work)
{
    if (atomic_fetch_sub_explicit(&work->references, 1, memory_order_acq_rel) != 1)
        return;
    if (work->done && work->error >= 0 && !work->delivered && work->order.dispose != NULL)
        work->order.dispose(work->value);
    if (work->order.release != NULL)
        work->order.release(work->order.arg);
    eddy__free(work->failure);
    eddy_executor_unref(work->executor);
    eddy_loop_unref(work->loop);
    eddy__free(work);
}

/** The loop's side lets go: the future no longer waits. */
static void work_leave(eddy_work *work)
{
    struct work_future *waiting = work->waiting;

    eddy__list_remove(&waiting->live.node);
    eddy__future_unwatch(&waiting->watch);
    work->loop->foreign_work--;
    waiting->work = NULL;
    work->waiting = NULL;
    eddy_future_unref(&waiting->future);
    work_unref(work);
}

/** Complete the future, unless it was cancelled meanwhile. */
static void work_deliver(eddy_work *work)
{
    struct eddy_future *future = &work->waiting->future;

    if (eddy_future_done(future))
        return;
    /* It is not the program that ends it, so nobody need hear of it here. */
    eddy__future_unwatch(&work->waiting->watch);
    if (!work->done || work->error == EDDY_ECANCELED) {
        eddy__future_finish_cancelled(future, work->failure != NULL ? work->failure->text : NULL);
    } else if (work->error < 0) {
        eddy__failure_restore(work->error, work->failure);
        eddy__future_finish_failed(future, work->error);
    } else {
        work->delivered = true;
        eddy__future_finish(future, work->value);
    }
}

/** The outcome has arrived in the loop's thread. */
static void work_on_outcome(struct eddy__ready *ready)
{
    eddy_work *work = EDDY__OWNER(ready, eddy_work, post.ready);

    work_deliver(work);
    work_leave(work);
    work_unref(work);
}

/** The loop closed over the post: nobody hears of the outcome (EXEC-5). */
static void work_on_dropped(struct eddy__post *post)
{
    work_unref(EDDY__OWNER(post, eddy_work, post));
}

static void work_do(eddy_work *work)
{
    /* Of an error before this work, on the same thread, nothing may cling to it. */
    eddy__failure_restore(0, NULL);
    work->error = work->order.function(work->order.arg, &work->value);
    work->failure = work->error < 0 ? eddy__failure_capture(work->error) : NULL;
    work->done = true;
}

static void work_post(eddy_work *work)
{
    if (eddy__loop_post(work->loop, &work->post) < 0)
        work_unref(work);
}

void eddy_work_run(eddy_work *work)
{
    work_do(work);
    work_post(work);
}

void eddy_work_drop(eddy_work *work)
{
    work_post(work);
}

void eddy_work_set_next(eddy_work *work, eddy_work *next)
{
    work->next = next;
}

eddy_work *eddy_work_get_next(const eddy_work *work)
{
    return work->next;
}

/** A simulated loop does the work in its own thread, in the order of submission. */
static void work_on_turn(struct eddy__ready *ready)
{
    eddy_work *work = EDDY__OWNER(ready, eddy_work, post.ready);

    if (!eddy_future_done(&work->waiting->future))
        work_do(work);
    work_on_outcome(ready);
}

static bool work_withdraw(eddy_work *work)
{
    const eddy_executor *executor = work->executor;

    if (executor == NULL) {
        eddy__loop_dequeue(&work->post.ready);
        return true;
    }
    return executor->callbacks->withdraw != NULL &&
           executor->callbacks->withdraw(work->executor, work);
}

/** The future was cancelled: take the work back if nobody has begun it (EXEC-4). */
static void work_on_cancelled(struct eddy__watch *watch)
{
    eddy_work *work = EDDY__OWNER(watch, struct work_future, watch)->work;

    if (!work_withdraw(work))
        return;
    work_leave(work);
    work_unref(work);
}

static void work_abandon(struct eddy__live *live)
{
    eddy_work *work = EDDY__OWNER(live, struct work_future, live)->work;

    /* In the ready queue it is nobody's but the loop's; elsewhere the other side lives on. */
    if (eddy__list_is_linked(&work->post.ready.node)) {
        eddy__loop_dequeue(&work->post.ready);
        work_unref(work);
    }
    work_leave(work);
}

/** Make the work and its future, both sides' references included; `order` is not yet taken. */
static eddy_work *work_new(struct eddy_loop *loop, const struct eddy__work_order *order)
{
    eddy_work *work = eddy__alloc_zeroed(sizeof *work);
    struct eddy_future *future;

    if (work == NULL)
        return NULL;
    future = eddy__future_new(loop, sizeof(struct work_future), &work_future_kind);
    if (future == NULL) {
        eddy__free(work);
        return NULL;
    }
    future->dispose = order->dispose;
    work->waiting = (struct work_future *)future;
    work->waiting->work = work;
    work->waiting->live.abandon = work_abandon;
    work->waiting->watch.on_done = work_on_cancelled;
    work->loop = eddy_loop_ref(loop);
    work->order = *order;
    atomic_init(&work->references, 2);
    work->post.ready.run = work_on_outcome;
    work->post.drop = work_on_dropped;
    return work;
}

/** Hand it over. From the moment of the call the other side may be done with it. */
static int work_submit(eddy_work *work, eddy_executor *executor)
{
    struct eddy_loop *loop = work->loop;

    loop->foreign_work++;
    eddy__list_append(&loop->live, &work->waiting->live.node);
    eddy__future_watch(&work->waiting->future, &work->waiting->watch);
    if (executor == NULL) {
        work->post.ready.run = work_on_turn;
        eddy__loop_enqueue(loop, &work->post.ready);
        return 0;
    }
    work->executor = eddy_executor_ref(executor);
    return executor->callbacks->submit(executor, work);
}

static int work_check(struct eddy_loop *loop, eddy_executor **executor,
                      const struct eddy__work_order *order)
{
    int error;

    if (loop == NULL || order->function == NULL)
        return eddy_error(EDDY_EINVALID, "no %s", loop == NULL ? "loop" : "function");
    error = eddy__loop_check_open(loop);
    if (error == 0 && *executor == NULL)
        error = eddy__executor_default(loop, executor);
    return error;
}

struct eddy_future *eddy__work_start(struct eddy_loop *loop, eddy_executor *executor,
                                     const struct eddy__work_order *order)
{
    int error = work_check(loop, &executor, order);
    struct eddy_future *failed = NULL;
    struct eddy_future *future;
    eddy_work *work = NULL;

    if (error == 0) {
        work = work_new(loop, order);
        error = work != NULL ? 0 : EDDY_ENOMEM;
    }
    if (error) {
        failed = eddy__future_failed(loop, error);
        if (order->release != NULL)
            order->release(order->arg);
        return failed;
    }
    future = eddy_future_ref(&work->waiting->future);
    error = work_submit(work, executor);
    if (error >= 0)
        return future;
    failed = eddy__future_failed(loop, error);
    eddy_future_unref(future);
    work_leave(work);
    work_unref(work);
    return failed;
}
