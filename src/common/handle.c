/* SPDX-License-Identifier: MIT */
/** Scheduling in the loop's thread, and what its handles can do. */
#include "common/context.h"
#include "common/error.h"
#include "common/place.h"
#include "common/schedule.h"
#include "common/soon.h"
#include "common/thread.h"

/** LOOP-33 (a): in debug mode only the loop's own thread may schedule. */
static int handle_check_thread(const struct eddy_loop *loop)
{
    if (atomic_load(&loop->running) && atomic_load(&loop->thread) != eddy__thread_self())
        return eddy_error(EDDY_EBADSTATE, "the loop runs in another thread: use "
                                          "eddy_loop_call_soon_threadsafe()");
    return 0;
}

int eddy__schedule_check(struct eddy_loop *loop, eddy_callback callback)
{
    int error;

    if (loop == NULL || callback == NULL)
        return eddy_error(EDDY_EINVALID, loop == NULL ? "no loop" : "no callback");
    if ((error = eddy__loop_check_open(loop)) ||
        (loop->debug && (error = handle_check_thread(loop))))
        return error;
    /* A post that came before this call also runs before it (LOOP-41). */
    eddy__loop_take_earlier_posts(loop);
    return 0;
}

eddy_context *eddy__schedule_context(const struct eddy_loop *loop)
{
    const struct eddy__thread_state *state = loop != NULL && !loop->debug ? loop->state : NULL;

    return state != NULL ? state->context : eddy_get_context();
}

/** A slot for the callback, not yet scheduled; NULL and `*error`. */
static inline struct eddy__slot *handle_take(struct eddy_loop *loop, eddy_callback callback,
                                             void *arg, eddy_context *context, int *error)
{
    struct eddy__slot *slot;

    *error = eddy__schedule_check(loop, callback);
    if (*error)
        return NULL;
    slot = eddy__slot_take(&loop->slots);
    if (slot == NULL) {
        *error = EDDY_ENOMEM;
        return NULL;
    }
    slot->callback = callback;
    slot->arg = arg;
    slot->context = eddy__context_ref(context);
    return slot;
}

int eddy__slot_hold(struct eddy_loop *loop, eddy_callback callback, void *arg, void *caller,
                    struct eddy__slot **held)
{
    int error;
    struct eddy__slot *slot =
        handle_take(loop, callback, arg, eddy__schedule_context(loop), &error);

    if (slot == NULL)
        return error;
    slot->state = EDDY_HANDLE_DONE; /* there is no handle by which a program could cancel it */
    slot->created_at = loop->debug ? caller : NULL;
    *held = slot;
    return 0;
}

/** When a timer is due and in which context it runs: what a timer asks for beside its callback. */
struct handle_timing {
    eddy_time when;
    eddy_context *context;
    void *caller;
};

static int handle_at(struct eddy_loop *loop, eddy_callback callback, void *arg,
                     const struct handle_timing *timing, eddy_handle *handle)
{
    int error;
    struct eddy__slot *slot = handle_take(loop, callback, arg, timing->context, &error);

    if (slot == NULL)
        return error;
    slot->created_at = loop->debug ? timing->caller : NULL;
    error = eddy__timer_start(&loop->timers, &slot->timer, timing->when);
    if (error) {
        eddy__slot_drop(loop, slot);
        return error;
    }
    if (handle != NULL) {
        *handle = eddy__slot_handle(loop, slot);
        handle->when = timing->when;
    }
    return 0;
}

/** True if there is nothing to check and nothing to capture: a plain call in a running loop. */
static inline bool handle_is_plain(struct eddy_loop *loop, eddy_callback callback)
{
    const struct eddy__thread_state *state = loop != NULL ? loop->quick : NULL;

    /* What was posted before this has set `wake_pending`, or was taken after that was cleared. */
    return state != NULL && state->context == NULL && callback != NULL &&
           !(atomic_load(&loop->inbox.wake_pending) && eddy__inbox_has_posts(&loop->inbox)) &&
           eddy__agenda_has_room(&loop->agenda);
}

/* Everything out of the ordinary is a call in another file, so that this one saves no registers. */
int eddy_loop_call_soon(eddy_loop *loop, eddy_callback callback, void *arg, eddy_handle *handle)
{
    if (!handle_is_plain(loop, callback))
        return eddy__soon_schedule(loop, callback, arg, EDDY__CALLER(), handle);
    if (handle != NULL)
        *handle = eddy__soon_handle(loop, loop->agenda.tail);
    eddy__agenda_add_call(&loop->agenda, callback, arg, NULL);
    return 0;
}

/** The due time of a delay; the clock is only read for a loop that exists. */
static eddy_time handle_after(struct eddy_loop *loop, eddy_time delay)
{
    return loop == NULL ? 0 : eddy__time_add(eddy__loop_now(loop), delay);
}

int eddy_loop_call_later(eddy_loop *loop, eddy_time delay, eddy_callback callback, void *arg,
                         eddy_handle *handle)
{
    struct handle_timing timing = {handle_after(loop, delay), eddy__schedule_context(loop),
                                   EDDY__CALLER()};

    return handle_at(loop, callback, arg, &timing, handle);
}

int eddy_loop_call_later_in_context(eddy_loop *loop, eddy_time delay, eddy_callback callback,
                                    void *arg, eddy_context *context, eddy_handle *handle)
{
    struct handle_timing timing = {handle_after(loop, delay), context, EDDY__CALLER()};

    return handle_at(loop, callback, arg, &timing, handle);
}

int eddy_loop_call_at(eddy_loop *loop, eddy_time when, eddy_callback callback, void *arg,
                      eddy_handle *handle)
{
    struct handle_timing timing = {when, eddy__schedule_context(loop), EDDY__CALLER()};

    return handle_at(loop, callback, arg, &timing, handle);
}

int eddy_loop_call_at_in_context(eddy_loop *loop, eddy_time when, eddy_callback callback, void *arg,
                                 eddy_context *context, eddy_handle *handle)
{
    struct handle_timing timing = {when, context, EDDY__CALLER()};

    return handle_at(loop, callback, arg, &timing, handle);
}

void eddy_handle_cancel(eddy_handle handle)
{
    struct eddy__slot *slot;

    if (eddy__soon_owns(handle)) {
        eddy__soon_cancel(handle);
        return;
    }
    slot = eddy__slot_of_handle(handle);
    if (slot == NULL)
        return;
    if (slot->state == EDDY_HANDLE_SCHEDULED)
        eddy__slot_drop(handle.loop, slot);
    else
        slot->state = EDDY_HANDLE_CANCELLED; /* after it ran this is only a mark */
}

eddy_handle_state eddy_handle_get_state(eddy_handle handle)
{
    struct eddy__slot *slot;

    if (eddy__soon_owns(handle))
        return eddy__soon_get_state(handle);
    slot = eddy__slot_of_handle(handle);
    return slot == NULL ? EDDY_HANDLE_GONE : (eddy_handle_state)slot->state;
}

bool eddy_handle_cancelled(eddy_handle handle)
{
    return eddy_handle_get_state(handle) == EDDY_HANDLE_CANCELLED;
}

eddy_context *eddy_handle_get_context(eddy_handle handle)
{
    struct eddy__slot *slot;

    if (eddy__soon_owns(handle))
        return eddy__soon_get_context(handle);
    slot = eddy__slot_of_handle(handle);
    return slot == NULL ? NULL : slot->context;
}

eddy_time eddy_handle_when(eddy_handle handle)
{
    return handle.when;
}

bool eddy_handle_equal(eddy_handle a, eddy_handle b)
{
    return a.slot == b.slot && a.generation == b.generation && a.loop == b.loop;
}
