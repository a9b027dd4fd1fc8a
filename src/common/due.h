/* SPDX-License-Identifier: MIT */
/** Callbacks in slots: how they are called and dropped, and how timers that are due are run. */
#ifndef EDDY_COMMON_DUE_H
#define EDDY_COMMON_DUE_H

#include "common/loop.h"

/**
 * Take a slot for a callback that is called again and again, in the context that is current now.
 * EDDY_EINVALID, EDDY_EBADSTATE as eddy_loop_call_soon(); EDDY_ENOMEM. In handle.c.
 */
int eddy__slot_hold(struct eddy_loop *loop, eddy_callback callback, void *arg, void *caller,
                    uint32_t *held);

/** The context in a slot that is taken, borrowed; NULL if it has none. */
eddy_context *eddy__slot_context(const struct eddy_loop *loop, uint32_t slot);

/** The handle that refers to what a slot serves now. */
static inline eddy_handle eddy__slot_handle(struct eddy_loop *loop, uint32_t slot)
{
    uint64_t mark = *eddy__slot_mark(&loop->timers.slots, slot);

    return (eddy_handle){.loop = loop,
                         .slot = (void *)(uintptr_t)slot,
                         .generation = mark >> EDDY__MARK_GENERATION_SHIFT};
}

/** Where the callback of a slot was scheduled; NULL if that is not known. */
void *eddy__slot_place(const struct eddy_loop *loop, uint32_t slot);

/** Call the callback of a slot, which stays taken. */
void eddy__slot_run(struct eddy_loop *loop, uint32_t slot);

/** Drop what a slot, whose state says already what became of it, has beside its call. */
void eddy__slot_empty(struct eddy_loop *loop, uint32_t slot);

/** Cancel the callback of a slot, scheduled or held: release its context, give the slot back. */
static inline void eddy__slot_drop(struct eddy_loop *loop, uint32_t slot)
{
    uint64_t *mark = eddy__slot_mark(&loop->timers.slots, slot);

    if ((*mark & EDDY__MARK_STATE) == EDDY_HANDLE_SCHEDULED)
        eddy__timers_forget(&loop->timers, slot);
    *mark |= EDDY_HANDLE_CANCELLED; /* all its bits */
    if ((*mark & EDDY__MARK_HAS_CONTEXT) != 0)
        eddy__slot_empty(loop, slot);
    else
        eddy__slot_give(&loop->timers.slots, slot);
}

/** Run the timers that are due: `run` of the loop's `due`. */
void eddy__due_run(struct eddy__ready *ready);

/** Drop all timers of the program; those of the library have been stopped. */
void eddy__due_drop_all(struct eddy_loop *loop);

#endif
