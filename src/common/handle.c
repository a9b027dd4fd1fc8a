/* SPDX-License-Identifier: MIT */
/** Scheduling in the loop's thread, and what its handles can do. */
#include "common/context.h"
#include "common/due.h"
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

    if (state != NULL)
        return state->context;
    return eddy__context_is_unused() ? NULL : eddy_get_context();
}

/** What is to be called, in which context, and who says so. */
struct handle_order {
    struct eddy__slot_call call;
    eddy_context *context;
    void *caller;
};

/** The flags of a mark for that. */
static inline unsigned handle_flags(const struct eddy_loop *loop, const struct handle_order *order)
{
    return (order->context != NULL ? EDDY__MARK_HAS_CONTEXT : 0u) |
           (loop->debug ? EDDY__MARK_HAS_PLACE : 0u);
}

static inline void handle_fill(struct eddy_loop *loop, const struct handle_order *order,
                               uint32_t slot)
{
    struct eddy__slot_chunk *chunk = eddy__slot_chunk(&loop->timers.slots, slot);
    uint32_t at = slot % EDDY__SLOT_CHUNK;

    chunk->calls[at] = order->call;
    if (order->context != NULL)
        chunk->contexts[at] = eddy_context_ref(order->context);
    if (loop->debug)
        chunk->places[at] = order->caller;
}

int eddy__slot_hold(struct eddy_loop *loop, eddy_callback callback, void *arg, void *caller,
                    uint32_t *held)
{
    struct handle_order order = {{callback, arg}, eddy__schedule_context(loop), caller};
    int error = eddy__schedule_check(loop, callback);

    if (error)
        return error;
    *held = eddy__slot_take(&loop->timers.slots);
    if (*held == 0)
        return EDDY_ENOMEM;
    /* There is no handle by which a program could cancel it. */
    eddy__slot_begin(&loop->timers.slots, *held, handle_flags(loop, &order) | EDDY_HANDLE_DONE);
    handle_fill(loop, &order, *held);
    return 0;
}

static int handle_at(struct eddy_loop *loop, eddy_time when, const struct handle_order *order,
                     eddy_handle *handle)
{
    int error = eddy__schedule_check(loop, order->call.callback);
    uint32_t slot;

    if (error || (error = eddy__timers_prepare(&loop->timers)) != 0)
        return error;
    slot = eddy__slot_take(&loop->timers.slots);
    if (slot == 0)
        return EDDY_ENOMEM;
    eddy__timers_enter(&loop->timers, slot, handle_flags(loop, order), when);
    handle_fill(loop, order, slot);
    if (handle != NULL)
        *handle = (eddy_handle){.loop = loop,
                                .slot = (void *)(uintptr_t)slot,
                                .generation = loop->timers.slots.generation,
                                .when = when};
    return 0;
}

/** True if posts that were made before now wait to be taken. */
static inline bool handle_has_earlier_posts(struct eddy_loop *loop)
{
    /* Each of them has set `wake_pending`, or was taken after that was cleared. */
    return atomic_load(&loop->inbox.wake_pending) && eddy__inbox_has_posts(&loop->inbox);
}

/*
 * A running loop that has nothing to check and nothing to capture lets calls enter its agenda
 * plainly. All else is a call in another file, so that this one saves no registers.
 */
int eddy_loop_call_soon(eddy_loop *loop, eddy_callback callback, void *arg, eddy_handle *handle)
{
    if (loop == NULL || callback == NULL || handle_has_earlier_posts(loop) ||
        !eddy__agenda_add_plain(&loop->agenda, callback, arg))
        return eddy__soon_schedule(loop, callback, arg, EDDY__CALLER(), handle);
    if (handle != NULL)
        *handle = eddy__soon_handle(loop, eddy__agenda_tail(&loop->agenda) - 1);
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
    struct handle_order order = {{callback, arg}, eddy__schedule_context(loop), EDDY__CALLER()};

    return handle_at(loop, handle_after(loop, delay), &order, handle);
}

int eddy_loop_call_later_in_context(eddy_loop *loop, eddy_time delay, eddy_callback callback,
                                    void *arg, eddy_context *context, eddy_handle *handle)
{
    struct handle_order order = {{callback, arg}, context, EDDY__CALLER()};

    return handle_at(loop, handle_after(loop, delay), &order, handle);
}

int eddy_loop_call_at(eddy_loop *loop, eddy_time when, eddy_callback callback, void *arg,
                      eddy_handle *handle)
{
    struct handle_order order = {{callback, arg}, eddy__schedule_context(loop), EDDY__CALLER()};

    return handle_at(loop, when, &order, handle);
}

int eddy_loop_call_at_in_context(eddy_loop *loop, eddy_time when, eddy_callback callback, void *arg,
                                 eddy_context *context, eddy_handle *handle)
{
    struct handle_order order = {{callback, arg}, context, EDDY__CALLER()};

    return handle_at(loop, when, &order, handle);
}

/** The slot that `handle`, which is not of call_soon(), refers to; else 0. */
static inline uint32_t handle_slot(const eddy_handle *handle)
{
    return handle->slot == NULL ? 0 : eddy__slot_of_handle(&handle->loop->timers.slots, handle);
}

/** Cancel what is not just a timer that is still to come. */
static void handle_cancel_other(eddy_handle handle)
{
    uint32_t slot;

    if (eddy__soon_owns(handle)) {
        eddy__soon_cancel(handle);
        return;
    }
    slot = handle_slot(&handle);
    if (slot == 0)
        return;
    if (eddy__slot_state(&handle.loop->timers.slots, slot) == EDDY_HANDLE_SCHEDULED)
        eddy__slot_drop(handle.loop, slot);
    else /* after it ran this is only a mark */
        eddy__slot_set_state(&handle.loop->timers.slots, slot, EDDY_HANDLE_CANCELLED);
}

/*
 * Of a crowd of timers it is the lines of memory that make cancelling dear. That of the handle and
 * that of the mark are all that is touched here, and the fewer instructions are between two calls,
 * the more of them a processor waits for at once: so the common case is written out.
 */
void eddy_handle_cancel(eddy_handle handle)
{
    struct eddy__timers *timers;
    uint64_t *mark;

    if (handle.slot == NULL)
        return;
    timers = &handle.loop->timers;
    mark = eddy__slots_find(&timers->slots, &handle); /* NULL for those of call_soon(), too */
    if (mark == NULL ||
        (*mark & (EDDY__MARK_STATE | EDDY__MARK_HAS_CONTEXT)) != EDDY_HANDLE_SCHEDULED) {
        handle_cancel_other(handle);
        return;
    }
    *mark |= EDDY_HANDLE_CANCELLED; /* all bits of a state */
    eddy__timers_forget(timers, (uint32_t)(uintptr_t)handle.slot);
    eddy__slot_give(&timers->slots, (uint32_t)(uintptr_t)handle.slot);
}

eddy_handle_state eddy_handle_get_state(eddy_handle handle)
{
    uint32_t slot;

    if (eddy__soon_owns(handle))
        return eddy__soon_get_state(handle);
    slot = handle_slot(&handle);
    return slot == 0 ? EDDY_HANDLE_GONE : eddy__slot_state(&handle.loop->timers.slots, slot);
}

bool eddy_handle_cancelled(eddy_handle handle)
{
    return eddy_handle_get_state(handle) == EDDY_HANDLE_CANCELLED;
}

eddy_context *eddy_handle_get_context(eddy_handle handle)
{
    uint32_t slot;

    if (eddy__soon_owns(handle))
        return eddy__soon_get_context(handle);
    slot = handle_slot(&handle);
    return slot == 0 ? NULL : eddy__slot_context(handle.loop, slot);
}

eddy_time eddy_handle_when(eddy_handle handle)
{
    return handle.when;
}

bool eddy_handle_equal(eddy_handle a, eddy_handle b)
{
    return a.slot == b.slot && a.generation == b.generation && a.loop == b.loop;
}
