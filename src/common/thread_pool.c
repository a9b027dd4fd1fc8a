/* SPDX-License-Identifier: MIT */
/*
 * The thread pool: an executor whose threads start when there is more work than idle threads, and
 * end when it is shut down and its queue is empty.
 *
 * Work holds a reference to its executor until its outcome has been delivered or dropped. So when
 * the last reference goes, the queue is empty and no thread runs a program's function any more; at
 * most it is on its way out of eddy_work_run(). Joining the threads is then a matter of moments,
 * and the loop's thread may do it. One exception: the last reference may go inside eddy_work_run()
 * on a thread of the pool itself, after the loop has closed. That thread then ends the others,
 * detaches itself and frees the pool when it is back (`frees_pool`).
 */
#include "common/executor.h"
#include "common/thread.h"
#include <stdio.h>
#include <string.h>

struct thread_pool;

struct pool_thread {
    struct thread_pool *pool;
    struct eddy__thread thread;
    uint64_t id; /**< eddy__thread_self() of it; 0 until it runs */
    /** It dropped the last reference. Its own alone: others may still be on their way back. */
    bool frees_pool;
};

struct thread_pool {
    eddy_executor executor;

    /* Set once. */
    unsigned fork_count;
    int threads_max;
    char name[16];

    /* Any thread under the lock. */
    struct eddy__mutex mutex;
    struct eddy__condition work_ready;
    struct eddy__condition ended; /**< `alive` became 0 */
    eddy_work *first;
    eddy_work *last;
    int queued;
    int idle;
    int started; /**< entries of `threads` to be joined */
    int alive;
    bool shut_down;

    struct pool_thread threads[];
};

static struct thread_pool *pool_of(eddy_executor *executor)
{
    return (struct thread_pool *)(void *)executor;
}

/** True in a child process: the threads are not here, and the lock may be held by one of them. */
static bool pool_is_foreign(const struct thread_pool *pool)
{
    return pool->fork_count != eddy__fork_count();
}

static void pool_destroy(struct thread_pool *pool)
{
    eddy__condition_fini(&pool->ended);
    eddy__condition_fini(&pool->work_ready);
    eddy__mutex_fini(&pool->mutex);
    eddy__free(pool);
}

/** The next work; NULL when there is none and none will come. Under the lock. */
static eddy_work *pool_wait_for_work(struct thread_pool *pool)
{
    eddy_work *work;

    while (pool->first == NULL && !pool->shut_down) {
        pool->idle++;
        eddy__condition_wait(&pool->work_ready, &pool->mutex);
        pool->idle--;
    }
    work = pool->first;
    if (work == NULL)
        return NULL;
    pool->first = eddy_work_get_next(work);
    if (pool->first == NULL)
        pool->last = NULL;
    pool->queued--;
    return work;
}

static void pool_thread_main(void *arg)
{
    struct pool_thread *self = arg;
    struct thread_pool *pool = self->pool;
    eddy_work *work;

    eddy__mutex_lock(&pool->mutex);
    self->id = eddy__thread_self();
    while ((work = pool_wait_for_work(pool)) != NULL) {
        eddy__mutex_unlock(&pool->mutex);
        eddy_work_run(work);
        if (self->frees_pool) {
            pool_destroy(pool);
            return;
        }
        eddy__mutex_lock(&pool->mutex);
    }
    if (--pool->alive == 0)
        eddy__condition_broadcast(&pool->ended);
    eddy__mutex_unlock(&pool->mutex);
}

/** One more thread, if there is more work than idle threads. Under the lock. */
static int pool_grow(struct thread_pool *pool)
{
    struct pool_thread *thread = &pool->threads[pool->started];
    char name[32];
    int error;

    if (pool->queued <= pool->idle || pool->started == pool->threads_max)
        return 0;
    snprintf(name, sizeof name, "%s-%d", pool->name, pool->started);
    thread->pool = pool;
    error = eddy__thread_start(&thread->thread, name, pool_thread_main, thread);
    if (error)
        return pool->alive > 0
                   ? 0
                   : eddy_error(error, "cannot start a thread: %s", eddy_strerror(error));
    pool->started++;
    pool->alive++;
    return 0;
}

/** Take `work` out of the queue, if it is there. Linear in the length of the queue. */
static bool pool_unlink(struct thread_pool *pool, eddy_work *work)
{
    eddy_work *previous = NULL;
    eddy_work *at = pool->first;
    eddy_work *next;

    while (at != NULL && at != work) {
        previous = at;
        at = eddy_work_get_next(at);
    }
    if (at == NULL)
        return false;
    next = eddy_work_get_next(work);
    if (previous != NULL)
        eddy_work_set_next(previous, next);
    else
        pool->first = next;
    if (pool->last == work)
        pool->last = previous;
    pool->queued--;
    return true;
}

static int pool_submit(eddy_executor *executor, eddy_work *work)
{
    struct thread_pool *pool = pool_of(executor);
    int error = 0;

    if (pool_is_foreign(pool))
        return eddy_error(EDDY_EBADSTATE, "the thread pool belongs to the parent process");
    eddy__mutex_lock(&pool->mutex);
    if (pool->shut_down) {
        error = eddy_error(EDDY_EBADSTATE, "the thread pool was shut down");
    } else {
        eddy_work_set_next(work, NULL);
        if (pool->last != NULL)
            eddy_work_set_next(pool->last, work);
        else
            pool->first = work;
        pool->last = work;
        pool->queued++;
        error = pool_grow(pool);
        if (error)
            pool_unlink(pool, work);
        else
            eddy__condition_signal(&pool->work_ready);
    }
    eddy__mutex_unlock(&pool->mutex);
    return error;
}

static bool pool_withdraw(eddy_executor *executor, eddy_work *work)
{
    struct thread_pool *pool = pool_of(executor);
    bool found;

    eddy__mutex_lock(&pool->mutex);
    found = pool_unlink(pool, work);
    eddy__mutex_unlock(&pool->mutex);
    return found;
}

static void pool_shutdown(eddy_executor *executor, bool wait)
{
    struct thread_pool *pool = pool_of(executor);
    int started = 0;

    if (pool_is_foreign(pool))
        return;
    eddy__mutex_lock(&pool->mutex);
    pool->shut_down = true;
    eddy__condition_broadcast(&pool->work_ready);
    if (wait) {
        while (pool->alive > 0)
            eddy__condition_wait(&pool->ended, &pool->mutex);
        /* Several may wait, one joins. */
        started = pool->started;
        pool->started = 0;
    }
    eddy__mutex_unlock(&pool->mutex);
    for (int i = 0; i < started; i++)
        eddy__thread_join(&pool->threads[i].thread);
}

/** No work holds the pool any more. May be called on one of its own threads. */
static void pool_free(eddy_executor *executor)
{
    struct thread_pool *pool = pool_of(executor);
    struct pool_thread *own = NULL;
    uint64_t self = eddy__thread_self();

    if (pool_is_foreign(pool)) {
        eddy__free(pool);
        return;
    }
    pool_shutdown(executor, false);
    for (int i = 0; i < pool->started; i++) {
        struct pool_thread *thread = &pool->threads[i];
        bool is_self;

        eddy__mutex_lock(&pool->mutex);
        is_self = thread->id == self;
        eddy__mutex_unlock(&pool->mutex);
        if (!is_self) {
            eddy__thread_join(&thread->thread);
            continue;
        }
        eddy__thread_detach(&thread->thread);
        own = thread;
    }
    if (own != NULL)
        own->frees_pool = true;
    else
        pool_destroy(pool);
}

static const eddy_executor_callbacks pool_callbacks = {
    .submit = pool_submit,
    .withdraw = pool_withdraw,
    .shutdown = pool_shutdown,
    .free = pool_free,
};

static int pool_init(struct thread_pool *pool)
{
    int error = eddy__mutex_init(&pool->mutex);

    if (error)
        return error;
    error = eddy__condition_init(&pool->work_ready);
    if (error)
        goto no_work_ready;
    error = eddy__condition_init(&pool->ended);
    if (error)
        goto no_ended;
    return 0;
no_ended:
    eddy__condition_fini(&pool->work_ready);
no_work_ready:
    eddy__mutex_fini(&pool->mutex);
    return error;
}

/** EXEC-2. */
static int pool_default_size(void)
{
    int processors = eddy__cpu_count();

    return processors < 32 - 4 ? processors + 4 : 32;
}

int eddy_thread_pool_new(const eddy_thread_pool_options *options, eddy_executor **executor)
{
    static const eddy_thread_pool_options defaults;
    struct thread_pool *pool;
    size_t threads;
    int error;

    if (options == NULL)
        options = &defaults;
    if (options->threads_max < 0 || options->threads_max > 4096)
        return eddy_error(EDDY_EINVALID, "a thread pool cannot have %d threads",
                          options->threads_max);
    threads = (size_t)(options->threads_max > 0 ? options->threads_max : pool_default_size());
    pool = eddy__alloc_zeroed(sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL)
        return eddy_error(EDDY_ENOMEM, "no memory for a thread pool");
    error = eddy__fork_watch();
    if (error == 0)
        error = pool_init(pool);
    if (error) {
        eddy__free(pool);
        return error;
    }
    eddy_executor_init(&pool->executor, &pool_callbacks);
    pool->fork_count = eddy__fork_count();
    pool->threads_max = (int)threads;
    snprintf(pool->name, sizeof pool->name, "%s",
             options->thread_name != NULL ? options->thread_name : "eddy");
    *executor = &pool->executor;
    return 0;
}
