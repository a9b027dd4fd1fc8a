/* SPDX-License-Identifier: MIT */
#include "common/due.h"
#include "common/context.h"
#include "common/error.h"

void *eddy__slot_place(const struct eddy_loop *loop, uint32_t slot)
{
    const struct eddy__slot_chunk *chunk = eddy__slot_chunk(&loop->timers.slots, slot);

    return (chunk->marks[slot % EDDY__SLOT_CHUNK] & EDDY__MARK_HAS_PLACE) != 0
               ? chunk->places[slot % EDDY__SLOT_CHUNK]
               : NULL;
}

eddy_context *eddy__slot_context(const struct eddy_loop *loop, uint32_t slot)
{
    const struct eddy__slot_chunk *chunk = eddy__slot_chunk(&loop->timers.slots, slot);

    return (chunk->marks[slot % EDDY__SLOT_CHUNK] & EDDY__MARK_HAS_CONTEXT) != 0
               ? chunk->contexts[slot % EDDY__SLOT_CHUNK]
               : NULL;
}

/** Report a callback that failed (LOOP-42). */
static void slot_report(struct eddy_loop *loop, uint32_t slot, int error)
{
    eddy_handle handle = eddy__slot_handle(loop, slot);

    eddy_loop_call_exception_handler(loop, &(eddy_exception_context){
                                               .message = "callback failed",
                                               .exception = error,
                                               .handle = &handle,
                                           });
}

void eddy__slot_run(struct eddy_loop *loop, uint32_t slot)
{
    struct eddy__thread_state *state = loop->state;
    struct eddy__slot_call call = *eddy__slot_call(&loop->timers.slots, slot);
    eddy_context *outer = eddy__context_enter(state, eddy__slot_context(loop, slot));
    int error;

    loop->current = slot;
    error = eddy__loop_call(loop, call.callback, call.arg);
    if (error < 0)
        slot_report(loop, slot, error);
    eddy__context_leave(state, outer);
    loop->current = 0;
}

void eddy__slot_empty(struct eddy_loop *loop, uint32_t slot)
{
    eddy_context *context = eddy__slot_context(loop, slot);

    *eddy__slot_mark(&loop->timers.slots, slot) &= ~(uint64_t)EDDY__MARK_HAS_CONTEXT;
    eddy__slot_give(&loop->timers.slots, slot);
    eddy__context_unref(context); /* last, as it may call the program */
}

/** Run a timer that is due, of the program or of the library. */
static inline void due_run_one(struct eddy_loop *loop, uint32_t slot)
{
    struct eddy__slot_call call = *eddy__slot_call(&loop->timers.slots, slot);

    if (call.callback == NULL) {
        eddy__timer_run(&loop->timers, call.arg);
        return;
    }
    eddy__slot_run(loop, slot);
    eddy__slot_empty(loop, slot);
}

void eddy__due_run(struct eddy__ready *ready)
{
    struct eddy_loop *loop = EDDY__OWNER(ready, struct eddy_loop, due);
    uint32_t slot;

    while ((slot = eddy__timers_shift(&loop->timers)) != 0) {
        due_run_one(loop, slot);
        if (!loop->exit_requested)
            continue;
        /* The rest survives in place: before what else is in the list that runs (LOOP-42). */
        if (loop->timers.due.first != NULL)
            eddy__list_append(eddy__agenda_head_nodes(&loop->agenda)->next, &ready->node);
        return;
    }
}

void eddy__due_drop_all(struct eddy_loop *loop)
{
    struct eddy__slots *slots = &loop->timers.slots;

    for (uint32_t slot = 1; slot < slots->limit; slot++)
        if (eddy__slot_chunk(slots, slot) != NULL &&
            eddy__slot_state(slots, slot) == EDDY_HANDLE_SCHEDULED)
            eddy__slot_drop(loop, slot);
}
