/* SPDX-License-Identifier: MIT */
/** Waiting until enough of several futures are done (RUN-6). */
#include "common/future.h"
#include "common/place.h"

struct wait_operation;

struct wait_member {
    struct eddy__watch watch;
    struct wait_operation *operation;
};

struct wait_operation {
    struct eddy_future future;
    struct eddy__timer timer;
    struct eddy__live live;
    eddy_wait_until until;
    size_t count;
    size_t pending;
    struct wait_member members[]; /**< each watch has a reference to its future */
};

static struct wait_operation *wait_of(struct eddy_future *future)
{
    return EDDY__OWNER(future, struct wait_operation, future);
}

/**
 * Hear nothing any more, and let go of the members. Harmless when that was done.
 *
 * A member that has failed may be reported here, and the program's exception handler do anything:
 * whoever comes here before the last reference is gone holds one, and has completed the future if
 * that is what it wants.
 */
static void wait_stop(struct wait_operation *operation)
{
    size_t count = operation->count;

    operation->count = 0;
    eddy__timer_stop(&operation->future.loop->timers, &operation->timer);
    eddy__list_remove(&operation->live.node);
    for (size_t i = 0; i < count; i++) {
        eddy__future_unwatch(&operation->members[i].watch);
        eddy_future_unref(operation->members[i].watch.future);
    }
}

/** Enough are done, or the time is over: say how many are. */
static void wait_finish(struct wait_operation *operation)
{
    struct eddy_future *future = eddy_future_ref(&operation->future);
    eddy_value done = {0};

    for (size_t i = 0; i < operation->count; i++)
        done.size += eddy_future_done(operation->members[i].watch.future);
    eddy__future_finish(future, done);
    wait_stop(operation);
    eddy_future_unref(future);
}

/** True if the end of `member`, with `pending` others, is what was waited for. */
static bool wait_is_over(eddy_wait_until until, const struct eddy_future *member, size_t pending)
{
    if (pending == 0 || until == EDDY_WAIT_FIRST_COMPLETED)
        return true;
    /* A cancelled future has not failed. */
    return until == EDDY_WAIT_FIRST_ERROR && member->state == EDDY__FAILED;
}

static void wait_on_done(struct eddy__watch *watch)
{
    struct wait_operation *operation = EDDY__OWNER(watch, struct wait_member, watch)->operation;

    operation->pending--;
    if (wait_is_over(operation->until, watch->future, operation->pending))
        wait_finish(operation);
}

static void wait_on_timer(struct eddy__ready *ready)
{
    struct eddy__timer *timer = EDDY__OWNER(ready, struct eddy__timer, ready);

    wait_finish(EDDY__OWNER(timer, struct wait_operation, timer));
}

static bool wait_cancel(struct eddy_future *future, const char *message)
{
    eddy_future_ref(future);
    eddy__future_finish_cancelled(future, message);
    wait_stop(wait_of(future));
    eddy_future_unref(future);
    return true;
}

static void wait_fini(struct eddy_future *future)
{
    wait_stop(wait_of(future));
}

static void wait_abandon(struct eddy__live *live)
{
    struct wait_operation *operation = EDDY__OWNER(live, struct wait_operation, live);

    eddy_future_ref(&operation->future);
    wait_stop(operation);
    eddy_future_unref(&operation->future);
}

static const struct eddy__future_kind wait_kind = {
    .name = "wait for futures", .cancel = wait_cancel, .fini = wait_fini};

/** Watch those that are not done; true if what was waited for is the case already. */
static bool wait_begin(struct wait_operation *operation, eddy_future *const *futures, size_t count)
{
    bool over = false;

    operation->count = operation->pending = count;
    for (size_t i = 0; i < count; i++) {
        struct wait_member *member = &operation->members[i];

        member->operation = operation;
        member->watch.on_done = wait_on_done;
        member->watch.future = eddy_future_ref(futures[i]);
        if (eddy_future_done(futures[i])) {
            operation->pending--;
            over = wait_is_over(operation->until, futures[i], operation->pending) || over;
        } else {
            eddy__future_watch(futures[i], &member->watch);
        }
    }
    return over;
}

static int wait_check(const struct eddy_loop *loop, eddy_future *const *futures, size_t count)
{
    if (loop == NULL)
        return EDDY_EBADSTATE;
    if (count == 0)
        return eddy_error(EDDY_EINVALID, "no futures to wait for");
    return eddy__futures_check(loop, futures, count);
}

eddy_future *eddy_wait(eddy_future *const *futures, size_t count, eddy_time limit,
                       eddy_wait_until until)
{
    struct eddy_loop *loop = eddy_get_running_loop();
    struct wait_operation *operation;
    struct eddy_future *future = NULL;
    int error = wait_check(loop, futures, count);

    if (error)
        return eddy__future_failed(loop, error);
    if (count <= (UINT32_MAX - sizeof *operation) / sizeof operation->members[0])
        future = eddy__future_new(loop, sizeof *operation + count * sizeof operation->members[0],
                                  &wait_kind);
    if (future == NULL)
        return eddy__future_failed(
            loop, eddy_error(EDDY_ENOMEM, "no memory to wait for %zu futures", count));
    future->created_at = loop->debug ? EDDY__CALLER() : NULL;
    operation = wait_of(future);
    operation->until = until;
    operation->timer.ready.run = wait_on_timer;
    operation->live.abandon = wait_abandon;
    if (limit != EDDY_FOREVER &&
        eddy__timer_start(&loop->timers, &operation->timer,
                          eddy__time_add(eddy__loop_now(loop), limit)) != 0) {
        eddy_future_unref(future);
        return eddy__future_failed(loop, eddy_error(EDDY_ENOMEM, "no memory for a limit"));
    }
    eddy__list_append(&loop->live, &operation->live.node);
    if (wait_begin(operation, futures, count))
        wait_finish(operation);
    return future;
}
