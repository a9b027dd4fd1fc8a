/* SPDX-License-Identifier: MIT */
/**
 * Posting from other threads (LOOP-36, LOOP-41).
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
    struct eddy__mutex mutex;
    struct eddy__condition finished;
};

eddy_threadsafe_handle *eddy_threadsafe_handle_ref(eddy_threadsafe_handle *handle)
{
    if (handle != NULL)
        atomic_fetch_add_explicit(&handle->references, 1, memory_order_relaxed);
    return handle;
}

void eddy_threadsafe_handle_unref(eddy_threadsafe_handle *handle)
{
    if (handle == NULL ||
        atomic_fetch_sub_explicit(&handle->references, 1, memory_order_acq_rel) != 1)
        return;
    eddy__condition_fini(&handle->finished);
    eddy__mutex_fini(&handle->mutex);
    eddy_context_unref(handle->context);
    eddy__free(handle);
}

static void threadsafe_finish(struct eddy_threadsafe_handle *handle)
{
    eddy__mutex_lock(&handle->mutex);
    atomic_store(&handle->state, POSTED_DONE);
    eddy__condition_broadcast(&handle->finished);
    eddy__mutex_unlock(&handle->mutex);
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

/** Make a handle with the queue's reference. */
static int threadsafe_new(struct eddy_loop *loop, eddy_callback callback, void *arg,
                          struct eddy_threadsafe_handle **made)
{
    struct eddy_threadsafe_handle *handle = eddy__alloc_zeroed(sizeof *handle);
    int error;

    if (handle == NULL)
        return EDDY_ENOMEM;
    error = eddy__mutex_init(&handle->mutex);
    if (error)
        goto free_handle;
    error = eddy__condition_init(&handle->finished);
    if (error)
        goto fini_mutex;
    handle->post.ready.run = threadsafe_run;
    handle->post.drop = threadsafe_drop;
    handle->loop = loop;
    handle->callback = callback;
    handle->arg = arg;
    handle->context = eddy_context_ref(eddy_get_context());
    atomic_init(&handle->state, POSTED_PENDING);
    atomic_init(&handle->references, 1);
    *made = handle;
    return 0;

fini_mutex:
    eddy__mutex_fini(&handle->mutex);
free_handle:
    eddy__free(handle);
    return error;
}

int eddy_loop_call_soon_threadsafe(eddy_loop *loop, eddy_callback callback, void *arg,
                                   eddy_threadsafe_handle **handle)
{
    struct eddy_threadsafe_handle *made;
    int error;

    if (loop == NULL || callback == NULL)
        return eddy_error(EDDY_EINVALID, loop == NULL ? "no loop" : "no callback");
    error = threadsafe_new(loop, callback, arg, &made);
    if (error)
        return error;
    made->created_at = EDDY__CALLER(); /* whether the loop debugs is its thread's to ask */
    /* The caller's reference must exist before the loop can drop its own. */
    eddy_threadsafe_handle_ref(made);
    error = eddy__loop_post(loop, &made->post);
    if (error) {
        eddy_threadsafe_handle_unref(made);
        eddy_threadsafe_handle_unref(made);
        return error;
    }
    if (handle != NULL)
        *handle = made;
    else
        eddy_threadsafe_handle_unref(made);
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

eddy_cancel_outcome eddy_threadsafe_handle_cancel_sync(eddy_threadsafe_handle *handle)
{
    eddy_cancel_outcome outcome = eddy_threadsafe_handle_cancel(handle);

    if (outcome != EDDY_CANCEL_RUNNING || handle->runner == eddy__thread_self())
        return outcome;
    eddy__mutex_lock(&handle->mutex);
    while (atomic_load(&handle->state) == POSTED_RUNNING)
        eddy__condition_wait(&handle->finished, &handle->mutex);
    eddy__mutex_unlock(&handle->mutex);
    return EDDY_CANCEL_DONE;
}
