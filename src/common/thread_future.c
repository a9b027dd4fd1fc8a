/* SPDX-License-Identifier: MIT */
/*
 * Starting a task from another thread, and waiting for it there (TASK-18, FUT-10).
 *
 * Two posts travel to the loop: the start, and at most one request to cancel at a time. Posts are
 * in order, so that a request never overtakes the start. The outcome travels back under the lock.
 * References: the caller's; one of the start until the task has ended or the loop is closed; one of
 * a request on its way.
 */
#include "common/clock.h"
#include "common/future.h"
#include "common/task.h"
#include "common/thread.h"
#include <string.h>

struct eddy_thread_future {
    atomic_uint references;
    struct eddy_loop *loop; /**< a reference */

    /* Under the lock. */
    struct eddy__mutex mutex;
    struct eddy__condition condition;
    bool done;
    bool taken;
    bool cancelling; /**< the request's post is on its way */
    int error;
    eddy_value value;
    eddy_disposer dispose;
    struct eddy__failure *failure;

    /* The loop's thread, once the start has been posted. */
    struct eddy__post start;
    struct eddy__post request;
    struct eddy__live live;
    struct eddy__watch watch;
    eddy_future *task; /**< a reference, until it is done */
    eddy_function function;
    void *arg;
    eddy_task_options options;
    char *name;
};

eddy_thread_future *eddy_thread_future_ref(eddy_thread_future *future)
{
    if (future != NULL)
        atomic_fetch_add_explicit(&future->references, 1, memory_order_relaxed);
    return future;
}

void eddy_thread_future_unref(eddy_thread_future *future)
{
    if (future == NULL ||
        atomic_fetch_sub_explicit(&future->references, 1, memory_order_acq_rel) != 1)
        return;
    if (future->error == 0 && !future->taken && future->dispose != NULL)
        future->dispose(future->value);
    eddy__condition_fini(&future->condition);
    eddy__mutex_fini(&future->mutex);
    eddy_context_unref(future->options.context);
    eddy__free(future->failure);
    eddy__free(future->name);
    eddy_loop_unref(future->loop);
    eddy__free(future);
}

/** The outcome is there: wake who waits for it. Takes `failure`. */
static void thread_future_finish(eddy_thread_future *future, int error,
                                 struct eddy__failure *failure)
{
    eddy__mutex_lock(&future->mutex);
    future->done = true;
    future->error = error;
    future->failure = failure;
    eddy__condition_broadcast(&future->condition);
    eddy__mutex_unlock(&future->mutex);
}

/** The task has ended: move its outcome over. */
static void thread_future_on_done(struct eddy__watch *watch)
{
    eddy_thread_future *future = EDDY__OWNER(watch, struct eddy_thread_future, watch);
    eddy_future *task = future->task;
    int error;

    eddy__list_remove(&future->live.node);
    future->task = NULL;
    /* With our reference alone nobody can ask any more: the outcome stays the task's, whose error
     * is reported and whose result is disposed of. */
    if (atomic_load(&future->references) > 1) {
        error = eddy_future_result(task, &future->value);
        future->dispose = error == 0 ? task->dispose : NULL;
        thread_future_finish(future, error, error ? eddy__failure_capture(error) : NULL);
    }
    eddy_future_unref(task);
    eddy_thread_future_unref(future);
}

/** The loop is closed, and the task will not go on. */
static void thread_future_abandon(struct eddy__live *live)
{
    eddy_thread_future *future = EDDY__OWNER(live, struct eddy_thread_future, live);

    eddy__future_unwatch(&future->watch);
    if (eddy_future_done(future->task)) { /* only the news of it was still on its way */
        thread_future_on_done(&future->watch);
        return;
    }
    eddy__list_remove(&live->node);
    eddy_future_unref(future->task);
    future->task = NULL;
    thread_future_finish(future, EDDY_EBADSTATE, eddy__failure_new("the event loop was closed"));
    eddy_thread_future_unref(future);
}

/** The task could not be made: both the caller and the exception handler hear of it. */
static void thread_future_report(eddy_thread_future *future)
{
    eddy_loop_call_exception_handler(future->loop,
                                     &(eddy_exception_context){
                                         .message = "a task was not started for another thread",
                                         .exception = future->task->error,
                                         .exception_text = eddy_future_error_text(future->task),
                                     });
}

static void thread_future_on_start(struct eddy__ready *ready)
{
    struct eddy__post *post = EDDY__OWNER(ready, struct eddy__post, ready);
    eddy_thread_future *future = EDDY__OWNER(post, struct eddy_thread_future, start);
    struct eddy_loop *loop = future->loop;
    bool closed = atomic_load(&loop->closed);

    /* On a loop that closes right now this fails, and gives `arg` back. */
    future->task = eddy_loop_create_task(loop, future->function, future->arg, &future->options);
    future->live.abandon = thread_future_abandon;
    future->watch.on_done = thread_future_on_done;
    /* A plain future that has failed is the refusal; a task that has failed did start (eagerly). */
    if (closed || future->task->loop == NULL ||
        (future->task->state == EDDY__FAILED && !eddy_future_is_task(future->task))) {
        if (!closed)
            thread_future_report(future);
        thread_future_on_done(&future->watch);
        return;
    }
    eddy__list_append(&loop->live, &future->live.node);
    eddy__future_watch(future->task, &future->watch);
}

/** The loop closes before the start has arrived. */
static void thread_future_drop_start(struct eddy__post *post)
{
    eddy_thread_future *future = EDDY__OWNER(post, struct eddy_thread_future, start);

    if (future->options.release != NULL)
        future->options.release(future->arg);
    thread_future_finish(future, EDDY_EBADSTATE, eddy__failure_new("the event loop was closed"));
    eddy_thread_future_unref(future);
}

static eddy_thread_future *thread_future_alloc(void)
{
    eddy_thread_future *future = eddy__alloc_zeroed(sizeof *future);

    if (future == NULL)
        return NULL;
    if (eddy__mutex_init(&future->mutex) != 0) {
        eddy__free(future);
        return NULL;
    }
    if (eddy__condition_init(&future->condition) != 0) {
        eddy__mutex_fini(&future->mutex);
        eddy__free(future);
        return NULL;
    }
    atomic_init(&future->references, 1);
    return future;
}

static eddy_thread_future *thread_future_new(struct eddy_loop *loop, eddy_function function,
                                             void *arg, const eddy_task_options *options)
{
    eddy_thread_future *future = thread_future_alloc();

    if (future == NULL)
        return NULL;
    if (options != NULL)
        future->options = *options;
    if (future->options.context == NULL)
        future->options.context = eddy_get_context();
    eddy_context_ref(future->options.context);
    future->loop = eddy_loop_ref(loop);
    future->function = function;
    future->arg = arg;
    future->start.ready.run = thread_future_on_start;
    future->start.drop = thread_future_drop_start;
    if (future->options.name == NULL)
        return future;
    future->name = eddy__copy_text(future->options.name, strlen(future->options.name));
    future->options.name = future->name;
    if (future->name != NULL)
        return future;
    eddy_thread_future_unref(future);
    return NULL;
}

int eddy_run_coroutine_threadsafe(eddy_loop *loop, eddy_function function, void *arg,
                                  const eddy_task_options *options, eddy_thread_future **future)
{
    eddy_thread_future *made = NULL;
    int error = 0;

    if (loop == NULL || function == NULL)
        error = eddy_error(EDDY_EINVALID, loop == NULL ? "no loop" : "no function");
    if (error == 0) {
        made = thread_future_new(loop, function, arg, options);
        if (made == NULL)
            error = eddy_error(EDDY_ENOMEM, "no memory to start a task from another thread");
    }
    if (error == 0) {
        eddy_thread_future_ref(made); /* the caller's; the first one is the start's */
        error = eddy__loop_post(loop, &made->start);
    }
    if (error == 0) {
        if (future != NULL)
            *future = made;
        else
            eddy_thread_future_unref(made);
        return 0;
    }
    if (made != NULL) {
        eddy_thread_future_unref(made);
        eddy_thread_future_unref(made);
    }
    if (options != NULL && options->release != NULL)
        options->release(arg);
    return error;
}

static void thread_future_on_request(struct eddy__ready *ready)
{
    struct eddy__post *post = EDDY__OWNER(ready, struct eddy__post, ready);
    eddy_thread_future *future = EDDY__OWNER(post, struct eddy_thread_future, request);

    eddy__mutex_lock(&future->mutex);
    future->cancelling = false;
    eddy__mutex_unlock(&future->mutex);
    if (future->task != NULL)
        eddy_future_cancel(future->task, NULL);
    eddy_thread_future_unref(future);
}

static void thread_future_drop_request(struct eddy__post *post)
{
    eddy_thread_future_unref(EDDY__OWNER(post, struct eddy_thread_future, request));
}

bool eddy_thread_future_cancel(eddy_thread_future *future)
{
    bool post;

    eddy__mutex_lock(&future->mutex);
    if (future->done) {
        eddy__mutex_unlock(&future->mutex);
        return false;
    }
    post = !future->cancelling;
    future->cancelling = true;
    eddy__mutex_unlock(&future->mutex);
    if (!post)
        return true;
    future->request.ready.run = thread_future_on_request;
    future->request.drop = thread_future_drop_request;
    eddy_thread_future_ref(future);
    if (eddy__loop_post(future->loop, &future->request) != 0)
        eddy_thread_future_unref(future); /* closed: it will be told so at once */
    return true;
}

bool eddy_thread_future_done(eddy_thread_future *future)
{
    bool done;

    eddy__mutex_lock(&future->mutex);
    done = future->done;
    eddy__mutex_unlock(&future->mutex);
    return done;
}

/** Wait under the lock; false if `limit` passed before it was done. */
static bool thread_future_wait(eddy_thread_future *future, eddy_time limit)
{
    eddy_time end;

    if (limit == EDDY_FOREVER) {
        while (!future->done)
            eddy__condition_wait(&future->condition, &future->mutex);
        return true;
    }
    end = eddy__time_add(eddy__clock_now(), limit);
    while (!future->done) {
        eddy_time left = end - eddy__clock_now();

        if (left <= 0 || !eddy__condition_wait_for(&future->condition, &future->mutex, left))
            break;
    }
    return future->done;
}

int eddy_thread_future_result(eddy_thread_future *future, eddy_time limit, eddy_value *value)
{
    struct eddy_loop *loop = future->loop;
    bool own = atomic_load(&loop->thread) == eddy__thread_self();
    int error = 0;

    eddy__mutex_lock(&future->mutex);
    if (own && !future->done)
        error = eddy_error(EDDY_EBADSTATE, "the loop's own thread would wait for itself");
    else if (!thread_future_wait(future, limit))
        error = eddy_error(EDDY_ETIMEDOUT, "not done in time");
    else if (future->error)
        eddy__failure_restore(future->error, future->failure);
    if (error == 0)
        error = future->error;
    if (error == 0 && value != NULL) {
        *value = future->value;
        future->taken = true;
    }
    eddy__mutex_unlock(&future->mutex);
    return error;
}
