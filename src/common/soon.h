/* SPDX-License-Identifier: MIT */
/** Calls that run in the next iteration: how the loop runs one, and what handles ask of them. */
#ifndef EDDY_COMMON_SOON_H
#define EDDY_COMMON_SOON_H

#include "common/context.h"
#include "common/loop.h"

/** Schedule in whatever state the loop is, or say why not. As eddy_loop_call_soon(). */
int eddy__soon_schedule(struct eddy_loop *loop, eddy_callback callback, void *arg, void *caller,
                        eddy_handle *handle);

/** Run a call with all that debug mode and contexts ask for; its number is the one before head. */
void eddy__soon_run_with_care(struct eddy_loop *loop, eddy_callback callback, void *arg);

/** Report a call that failed (LOOP-42). */
void eddy__soon_report(struct eddy_loop *loop, uint64_t number, int error);

/**
 * What stands in the handle of a call for the slot. The number of none: a loop may lie so low in
 * memory that an address inside it would be one.
 */
#define EDDY__SOON_SLOT ((void *)UINTPTR_MAX)

/** The handle of a call. */
static inline eddy_handle eddy__soon_handle(struct eddy_loop *loop, uint64_t number)
{
    return (eddy_handle){.loop = loop, .slot = EDDY__SOON_SLOT, .generation = number};
}

/** Run the call at the head of the agenda. Inline, with what is rare out of line. */
static inline void eddy__soon_run(struct eddy_loop *loop, struct eddy__agenda_cell *cell)
{
    struct eddy__thread_state *state = loop->quick;
    uint64_t number = loop->agenda.head++;
    eddy_callback callback = cell->callback;
    int error;

    cell->callback = eddy__agenda_nothing; /* from here on it has run */
    if (state == NULL || cell->context != NULL) {
        eddy__soon_run_with_care(loop, callback, cell->arg);
        return;
    }
    error = callback(cell->arg);
    if (error < 0)
        eddy__soon_report(loop, number, error);
    if (state->context != NULL) /* it has set one: that ends with it */
        eddy__context_leave(state, NULL);
}

/** True if `handle` is one of call_soon(). */
static inline bool eddy__soon_owns(eddy_handle handle)
{
    return handle.slot == EDDY__SOON_SLOT;
}

/* As the calls on handles without the underscores; of such handles only. */
void eddy__soon_cancel(eddy_handle handle);
eddy_handle_state eddy__soon_get_state(eddy_handle handle);
eddy_context *eddy__soon_get_context(eddy_handle handle);

#endif
