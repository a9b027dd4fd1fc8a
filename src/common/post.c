/* SPDX-License-Identifier: MIT */
/** Posting to a loop from any thread: nodes of the library's own, and the program's calls. */
#include "common/context.h"
#include "common/error.h"
#include "common/loop.h"
#include "common/place.h"
#include "common/threadsafe.h"

int eddy__loop_post_held(struct eddy_loop *loop, struct eddy__post *post)
{
    int wake;

    if (eddy__loop_is_foreign(loop)) /* the wake-up would be the parent's */
        return eddy__loop_check_open(loop);
    wake = eddy__inbox_push(&loop->inbox, post);
    if (wake > 0)
        eddy__loop_wake(loop);
    return wake < 0 ? eddy_error(wake, "event loop is closed") : 0;
}

int eddy__loop_post(struct eddy_loop *loop, struct eddy__post *post)
{
    int error;

    /* The loop may have run the post, and with it dropped the last reference, before the push
     * returns: closing waits for us. */
    atomic_fetch_add(&loop->wakers, 1);
    error = eddy__loop_post_held(loop, post);
    atomic_fetch_sub(&loop->wakers, 1);
    return error;
}

/** True if a call can be posted without a handle, and if this process may. */
static inline bool post_is_plain(const struct eddy_loop *loop, eddy_callback callback,
                                 eddy_threadsafe_handle *const *handle)
{
    return handle == NULL && loop != NULL && callback != NULL && !eddy__loop_is_foreign(loop);
}

/* Everything out of the ordinary is a call in another file, so that this one saves no registers:
 * a post costs little more than the exchange by which it is claimed. */
int eddy_loop_call_soon_threadsafe(eddy_loop *loop, eddy_callback callback, void *arg,
                                   eddy_threadsafe_handle **handle)
{
    if (!post_is_plain(loop, callback, handle) || !eddy__context_is_unused() ||
        !eddy__post_ring_add(&loop->inbox.ring, callback, arg, NULL, EDDY__CALLER()))
        return eddy__threadsafe_post(loop, callback, arg, handle, EDDY__CALLER());
    if (eddy__inbox_must_wake(&loop->inbox))
        eddy__loop_wake(loop);
    return 0;
}
