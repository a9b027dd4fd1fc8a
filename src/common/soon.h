/* SPDX-License-Identifier: MIT */
/** Calls that run in the next iteration: how the loop runs one, and what handles ask of them. */
#ifndef EDDY_COMMON_SOON_H
#define EDDY_COMMON_SOON_H

#include "common/context.h"
#include "common/loop.h"

/** Schedule in whatever state the loop is, or say why not. As eddy_loop_call_soon(). */
int eddy__soon_schedule(struct eddy_loop *loop, eddy_callback callback, void *arg, void *caller,
                        eddy_handle *handle);

/** Run the call at the head of the agenda with all that debug mode and contexts ask for. */
void eddy__soon_run_with_care(struct eddy_loop *loop);

/** Report that the call before the head failed (LOOP-42). */
void eddy__soon_report(struct eddy_loop *loop, int error);

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

/**
 * Run the calls at the head of the agenda, of which at least one is there, as long as there is
 * nothing to look at between them.
 */
static inline void eddy__soon_run_plain(struct eddy_loop *loop)
{
    struct eddy__agenda *agenda = &loop->agenda;
    struct eddy__agenda_cell *cell = agenda->head;

    eddy__agenda_begin_run(agenda);
    do {
        eddy_callback callback = cell->callback;
        void *arg = cell->arg;
        int error;

        if (callback == NULL)
            break;
        agenda->head = ++cell; /* from here on it has run */
        error = callback(arg);
        if (error < 0)
            eddy__soon_report(loop, error);
    } while ((uintptr_t)cell < agenda->run_end);
    if (loop->state->context != NULL) /* the last one has set it: that ends with it */
        eddy__context_leave(loop->state, NULL);
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
