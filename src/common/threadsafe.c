/* SPDX-License-Identifier: MIT */
/**
 * Posting from other threads (LOOP-36, LOOP-41). What follows is for calls with a handle, and for
 * those that find no room in the ring of the inbox.
 *
 * Two references: the poster's, if it asked for the handle, and the queue's, which ends when the
 * loop has met the post. The state moves PENDING -> RUNNING -> DONE in the loop's thread, or
 * PENDING -> CANCELLED in any; whoever moves it away from PENDING owns the callback from there.
 */
#include "common/context.h"
#include "common/error.h"
#include "common/loop.h"
#include "common/place.h"
#include "common/thread.h"
#include "common/threadsafe.h"

enum { POSTED_PENDING, POSTED_RUNNING, POSTED_DONE, POSTED_CANCELLED };

struct eddy_threadsafe_handle {
    struct eddy__post post;
    struct eddy_loop *loop; /**< borrowed while the post is queued: only `post` uses it */
    eddy_callback callback;
    void *arg;
    eddy_context *context;
    void *created_at; /**< return address of the posting call */
    atomic_int state;
    atomic_uint references;
    uint64_t runner; /**< thread that runs it; written before RUNNING is visible */
    /** Threads that wait for its end; &threadsafe_finished once it has come. */
    _Atomic(struct threadsafe_waiter *) waiters;
};

/** A thread in cancel_sync(), on its stack: what few wait for costs the many posts nothing. */
struct threadsafe_waiter {
    struct threadsafe_waiter *next;
    struct eddy__mutex mutex;
    struct eddy__condition woken;
    bool is_finished; /**< under the mutex */
};

static struct threadsafe_waiter threadsafe_finished;

eddy_threadsafe_handle *eddy_threadsafe_handle_ref(eddy_threadsafe_handle *handle)
{
    if (handle != NULL)
        atomic_fetch_add_explicit(&handle->references, 1, memory_order_relaxed);
    return handle;
}

void eddy_threadsafe_handle_unref(eddy_threadsafe_handle *handle)
{
    if (handle == NULL)
        return;
    /* Who holds the only one needs no exchange to find that out: nobody can take another. */
    if (atomic_load_explicit(&handle->references, memory_order_acquire) != 1 &&
        atomic_fetch_sub_explicit(&handle->references, 1, memory_order_acq_rel) != 1)
        return;
    eddy__context_unref(handle->context);
    eddy__free(handle);
}

static void threadsafe_finish(struct eddy_threadsafe_handle *handle)
{
    struct threadsafe_waiter *waiter;

    atomic_store(&handle->state, POSTED_DONE);
    waiter = atomic_exchange(&handle->waiters, &threadsafe_finished);
    while (waiter != NULL) {
        struct threadsafe_waiter *next = waiter->next;

        eddy__mutex_lock(&waiter->mutex);
        waiter->is_finished = true;
        eddy__condition_broadcast(&waiter->woken);
        eddy__mutex_unlock(&waiter->mutex); /* from here on it may be gone */
        waiter = next;
    }
}

/** Report a posted callback that failed (LOOP-42). */
static void threadsafe_report(struct eddy_threadsafe_handle *handle, int error)
{
    void *created_at = handle->loop->debug ? handle->created_at : NULL;
    char place[EDDY__PLACE_TEXT_SIZE];

    eddy_loop_call_exception_handler(handle->loop,
                                     &(eddy_exception_context){
                                         .message = "posted callback failed",
                                         .exception = error,
                                         .handle_traceback = eddy__place_text(created_at, place),
                                     });
}

static void threadsafe_run(struct eddy__ready *ready)
{
    struct eddy_threadsafe_handle *handle =
        EDDY__OWNER(ready, struct eddy_threadsafe_handle, post.ready);
    struct eddy__thread_state *state = eddy__thread_state();
    eddy_context *outer;
    int pending = POSTED_PENDING;
    int error;

    handle->runner = eddy__thread_self();
    if (atomic_compare_exchange_strong(&handle->state, &pending, POSTED_RUNNING)) {
        outer = eddy__context_enter(state, handle->context);
        error = eddy__loop_call(handle->loop, handle->callback, handle->arg);
        if (error < 0)
            threadsafe_report(handle, error);
        eddy__context_leave(state, outer);
        threadsafe_finish(handle);
    }
    eddy_threadsafe_handle_unref(handle);
}

/** The loop closed first: as if it had been cancelled. */
static void threadsafe_drop(struct eddy__post *post)
{
    struct eddy_threadsafe_handle *handle = EDDY__OWNER(post, struct eddy_threadsafe_handle, post);
    int pending = POSTED_PENDING;

    atomic_compare_exchange_strong(&handle->state, &pending, POSTED_CANCELLED);
    eddy_threadsafe_handle_unref(handle);
}

bool eddy__threadsafe_drop_ready(struct eddy__ready *ready)
{
    if (ready->run != threadsafe_run)
        return false;
    threadsafe_drop(EDDY__OWNER(ready, struct eddy__post, ready));
    return true;
}

/** Make a handle; `references` are the queue's and, if it asked for the handle, the poster's. */
static struct eddy_threadsafe_handle *threadsafe_new(struct eddy_loop *loop, eddy_callback callback,
                                                     void *arg, unsigned references)
{
    struct eddy_threadsafe_handle *handle = eddy__alloc(sizeof *handle);

    if (handle == NULL)
        return NULL;
    handle->post = (struct eddy__post){.ready.run = threadsafe_run, .drop = threadsafe_drop};
    handle->loop = loop;
    handle->callback = callback;
    handle->arg = arg;
    handle->context = eddy__context_ref(eddy_get_context());
    atomic_init(&handle->state, POSTED_PENDING);
    atomic_init(&handle->references, references);
    atomic_init(&handle->waiters, NULL);
    return handle;
}

/** Post by way of the ring; false if there is no room, or the loop is closed or foreign. */
static bool threadsafe_post_call(struct eddy_loop *loop, eddy_callback callback, void *arg,
                                 void *caller)
{
    eddy_context *context;

    if (eddy__loop_is_foreign(loop)) /* the wake-up would be the parent's */
        return false;
    context = eddy__context_ref(eddy_get_context());
    if (!eddy__post_ring_add(&loop->inbox.ring, callback, arg, context, caller)) {
        eddy__context_unref(context);
        eddy__post_ring_refused(&loop->inbox.ring);
        return false;
    }
    if (eddy__inbox_must_wake(&loop->inbox))
        eddy__loop_wake(loop);
    return true;
}

int eddy__threadsafe_post(struct eddy_loop *loop, eddy_callback callback, void *arg,
                          eddy_threadsafe_handle **handle, void *caller)
{
    struct eddy_threadsafe_handle *made;
    int error;

    if (loop == NULL || callback == NULL)
        return eddy_error(EDDY_EINVALID, loop == NULL ? "no loop" : "no callback");
    if (handle == NULL && threadsafe_post_call(loop, callback, arg, caller))
        return 0;
    made = threadsafe_new(loop, callback, arg, handle != NULL ? 2 : 1);
    if (made == NULL)
        return EDDY_ENOMEM;
    made->created_at = caller; /* whether the loop debugs is its thread's to ask */
    error = eddy__loop_post_held(loop, &made->post);
    if (error) {
        atomic_store(&made->references, 1); /* nobody else has seen it */
        eddy_threadsafe_handle_unref(made);
        return error;
    }
    if (handle != NULL)
        *handle = made;
    return 0;
}

static eddy_cancel_outcome threadsafe_outcome(int state)
{
    switch (state) {
    case POSTED_RUNNING:
        return EDDY_CANCEL_RUNNING;
    case POSTED_DONE:
        return EDDY_CANCEL_DONE;
    default:
        return EDDY_CANCEL_CANCELLED;
    }
}

eddy_cancel_outcome eddy_threadsafe_handle_cancel(eddy_threadsafe_handle *handle)
{
    int state = POSTED_PENDING;

    if (atomic_compare_exchange_strong(&handle->state, &state, POSTED_CANCELLED))
        return EDDY_CANCEL_CANCELLED;
    return threadsafe_outcome(state);
}

/** Enter `waiter`; false if it has finished meanwhile. */
static bool threadsafe_enter(struct eddy_threadsafe_handle *handle,
                             struct threadsafe_waiter *waiter)
{
    struct threadsafe_waiter *first = atomic_load(&handle->waiters);

    do {
        if (first == &threadsafe_finished)
            return false;
        waiter->next = first;
    } while (!atomic_compare_exchange_weak(&handle->waiters, &first, waiter));
    return true;
}

/** Wait until the callback, which runs, has finished. */
static void threadsafe_wait(struct eddy_threadsafe_handle *handle)
{
    struct threadsafe_waiter waiter = {.is_finished = false};

    if (eddy__mutex_init(&waiter.mutex) != 0)
        goto spin;
    if (eddy__condition_init(&waiter.woken) != 0) {
        eddy__mutex_fini(&waiter.mutex);
        goto spin;
    }
    if (threadsafe_enter(handle, &waiter)) {
        eddy__mutex_lock(&waiter.mutex);
        while (!waiter.is_finished)
            eddy__condition_wait(&waiter.woken, &waiter.mutex);
        eddy__mutex_unlock(&waiter.mutex);
    }
    eddy__condition_fini(&waiter.woken);
    eddy__mutex_fini(&waiter.mutex);
    return;

spin: /* The system has nothing to wait with, but waiting cannot fail. */
    while (atomic_load(&handle->state) == POSTED_RUNNING)
        eddy__thread_yield();
}

eddy_cancel_outcome eddy_threadsafe_handle_cancel_sync(eddy_threadsafe_handle *handle)
{
    eddy_cancel_outcome outcome = eddy_threadsafe_handle_cancel(handle);

    if (outcome != EDDY_CANCEL_RUNNING || handle->runner == eddy__thread_self())
        return outcome;
    threadsafe_wait(handle);
    return EDDY_CANCEL_DONE;
}
