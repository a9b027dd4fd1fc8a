/* SPDX-License-Identifier: MIT */
/*
 * Keeping a future from being cancelled by who waits for it (RUN-7). The shield keeps the inner
 * future, and itself, alive until that is done, whatever becomes of the outer one.
 */
#include "common/future.h"
#include "common/place.h"

struct shield_operation {
    struct eddy_future future;
    struct eddy__watch watch; /**< of the inner future, to which it has a reference */
    struct eddy__live live;
};

/** Let go of the inner future, and of itself. */
static void shield_end(struct shield_operation *operation)
{
    eddy__future_unwatch(&operation->watch);
    eddy__list_remove(&operation->live.node);
    /* An error that did not reach the outer one has been seen by nobody: it is reported here. */
    eddy_future_unref(operation->watch.future);
    eddy_future_unref(&operation->future);
}

static void shield_on_done(struct eddy__watch *watch)
{
    struct shield_operation *operation = EDDY__OWNER(watch, struct shield_operation, watch);

    if (operation->future.state == EDDY__PENDING)
        eddy__future_finish_like(&operation->future, watch->future);
    shield_end(operation);
}

static void shield_abandon(struct eddy__live *live)
{
    shield_end(EDDY__OWNER(live, struct shield_operation, live));
}

static const struct eddy__future_kind shield_kind = {.name = "shield"};

eddy_future *eddy_shield(eddy_future *future)
{
    struct shield_operation *operation;
    struct eddy_future *outer;
    struct eddy_loop *loop;
    int error;

    if (future == NULL)
        return eddy__future_failed(NULL, eddy_error(EDDY_EINVALID, "no future"));
    /* What is done cannot be cancelled. */
    if (eddy_future_done(future))
        return future;
    loop = future->loop;
    error = eddy__loop_check_open(loop);
    if (error) { /* nothing would ever end the two, which hold each other */
        eddy_future_unref(future);
        return eddy__future_failed(loop, error);
    }
    outer = eddy__future_new(loop, sizeof *operation, &shield_kind);
    if (outer == NULL) {
        eddy_future_unref(future);
        return eddy__future_failed(loop, EDDY_ENOMEM);
    }
    outer->created_at = loop->debug ? EDDY__CALLER() : NULL;
    operation = EDDY__OWNER(outer, struct shield_operation, future);
    operation->watch.on_done = shield_on_done;
    operation->live.abandon = shield_abandon;
    eddy__future_watch(future, &operation->watch);
    eddy__list_append(&loop->live, &operation->live.node);
    return eddy_future_ref(outer); /* the other reference is its own */
}
