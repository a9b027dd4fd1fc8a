/* SPDX-License-Identifier: MIT */
/** Running a loop until one future is done (LOOP-11..LOOP-13). */
#include "common/future.h"

static void run_on_done(struct eddy__watch *watch)
{
    eddy_loop_stop(watch->future->loop);
}

/** Why `future` cannot end a run of `loop`; 0 if it can. */
static int run_check_future(const struct eddy_loop *loop, const struct eddy_future *future)
{
    if (future == NULL)
        return eddy_error(EDDY_EINVALID, "no future");
    if (future->loop != loop && future->loop != NULL)
        return eddy_error(EDDY_EINVALID, "the future belongs to another loop");
    return 0;
}

int eddy_loop_run_until_complete(eddy_loop *loop, eddy_future *future, eddy_value *value)
{
    struct eddy__watch watch = {.on_done = run_on_done};
    int error = eddy__loop_check_run(loop);

    if (error == 0)
        error = run_check_future(loop, future);
    if (error) {
        eddy_future_unref(future);
        return error;
    }
    if (future->loop == NULL) /* the failed future of a call without memory */
        return eddy__future_take(future, value);
    eddy__future_watch(future, &watch);
    error = eddy_loop_run_forever(loop);
    eddy__future_unwatch(&watch);
    if (error == 0 && future->state != EDDY__PENDING)
        return eddy__future_take(future, value);
    if (error == 0)
        error = eddy_error(EDDY_EBADSTATE, "the loop was stopped before the future was done");
    else if (future->state == EDDY__FAILED)
        eddy_future_exception(future); /* LOOP-13: the end of the run hides it, nobody can ask */
    eddy_future_unref(future);
    return error;
}
