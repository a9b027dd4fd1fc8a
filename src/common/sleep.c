/* SPDX-License-Identifier: MIT */
/** A future that is done after a while (RUN-2). */
#include "common/future.h"
#include "common/place.h"

struct sleep_operation {
    struct eddy_future future;
    struct eddy__timer timer; /**< a delay of 0 uses its ready node alone */
    struct eddy__live live;
    bool yields;
};

static struct sleep_operation *sleep_of(struct eddy_future *future)
{
    return EDDY__OWNER(future, struct sleep_operation, future);
}

/** Stop whatever would complete it. Harmless when it is done. */
static void sleep_stop(struct sleep_operation *operation)
{
    eddy__timer_stop(&operation->future.loop->timers, &operation->timer);
    eddy__list_remove(&operation->live.node);
}

static void sleep_on_timer(struct eddy__ready *ready)
{
    struct eddy__timer *timer = EDDY__OWNER(ready, struct eddy__timer, ready);
    struct sleep_operation *operation = EDDY__OWNER(timer, struct sleep_operation, timer);
    struct eddy_future *future = eddy_future_ref(&operation->future);
    eddy_value nothing = {0};

    eddy__list_remove(&operation->live.node);
    /* A bare yield costs one iteration, not one for the future and one for who waits (TASK-4). */
    if (operation->yields)
        eddy__future_finish_now(future, nothing);
    else
        eddy__future_finish(future, nothing);
    eddy_future_unref(future);
}

static bool sleep_cancel(struct eddy_future *future, const char *message)
{
    sleep_stop(sleep_of(future));
    eddy__future_finish_cancelled(future, message);
    return true;
}

static void sleep_fini(struct eddy_future *future)
{
    sleep_stop(sleep_of(future));
}

static void sleep_abandon(struct eddy__live *live)
{
    sleep_stop(EDDY__OWNER(live, struct sleep_operation, live));
}

static const struct eddy__future_kind sleep_kind = {
    .name = "sleep", .cancel = sleep_cancel, .fini = sleep_fini};

eddy_future *eddy_sleep(eddy_time delay)
{
    struct eddy_loop *loop = eddy_get_running_loop();
    struct eddy_future *future;
    struct sleep_operation *operation;

    if (loop == NULL)
        return eddy__future_failed(NULL, EDDY_EBADSTATE);
    future = eddy__future_new(loop, sizeof *operation, &sleep_kind);
    if (future == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    future->created_at = loop->debug ? EDDY__CALLER() : NULL;
    operation = sleep_of(future);
    operation->timer.ready.run = sleep_on_timer;
    operation->live.abandon = sleep_abandon;
    operation->yields = delay <= 0;
    if (operation->yields) {
        eddy__loop_enqueue(loop, &operation->timer.ready);
    } else if (eddy__timer_start(&loop->timers, &operation->timer,
                                 eddy__time_add(eddy__loop_now(loop), delay)) != 0) {
        eddy_future_unref(future);
        return eddy__future_failed(loop, eddy_error(EDDY_ENOMEM, "no memory for a timer"));
    }
    eddy__list_append(&loop->live, &operation->live.node);
    return future;
}
