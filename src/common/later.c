/* SPDX-License-Identifier: MIT */
#include "common/later.h"
#include "common/future.h"

struct later {
    struct eddy_future future;
    struct eddy__live live; /**< linked while the loop holds a reference */
    struct eddy__ready ready;
};

static void later_leave(struct later *later)
{
    eddy__list_remove(&later->live.node);
    eddy__loop_dequeue(&later->ready);
    eddy_future_unref(&later->future);
}

static void later_run(struct eddy__ready *ready)
{
    struct later *later = EDDY__OWNER(ready, struct later, ready);

    eddy__future_finish(&later->future, (eddy_value){0});
    later_leave(later);
}

static bool later_cancel(struct eddy_future *future, const char *message)
{
    eddy__future_finish_cancelled(future, message);
    later_leave((struct later *)future);
    return true;
}

static void later_abandon(struct eddy__live *live)
{
    later_leave(EDDY__OWNER(live, struct later, live));
}

static const struct eddy__future_kind later_kind = {
    .name = "start of an operation",
    .cancel = later_cancel,
};

struct eddy_future *eddy__later(struct eddy_loop *loop)
{
    struct eddy_future *future = eddy__future_new(loop, sizeof(struct later), &later_kind);
    struct later *later = (struct later *)future;

    if (future == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    later->live.abandon = later_abandon;
    later->ready.run = later_run;
    eddy__list_append(&loop->live, &later->live.node);
    eddy__loop_enqueue(loop, &later->ready);
    return eddy_future_ref(future);
}
