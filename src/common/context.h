/* SPDX-License-Identifier: MIT */
/** Entering and leaving a context around user code. */
#ifndef EDDY_COMMON_CONTEXT_H
#define EDDY_COMMON_CONTEXT_H

#include "common/thread_state.h"
#include <eddy/context.h>
#include <stdatomic.h>

/** How many contexts there are in the process. */
extern atomic_size_t eddy__context_count;

/**
 * True if the calling thread can have no other current context than the empty one: because there
 * is no other. For paths on which it is too dear to ask for the thread's state.
 */
static inline bool eddy__context_is_unused(void)
{
    return atomic_load_explicit(&eddy__context_count, memory_order_relaxed) == 0;
}

/** As eddy_context_ref() and _unref(), without a call for the empty context. */
static inline eddy_context *eddy__context_ref(eddy_context *context)
{
    return context == NULL ? NULL : eddy_context_ref(context);
}

static inline void eddy__context_unref(eddy_context *context)
{
    if (context != NULL)
        eddy_context_unref(context);
}

/** For eddy__context_put(). In loop.c. */
void eddy__loop_choose_way(struct eddy_loop *loop);

/** Exchange what is current in `state`, references and all; nothing else may write it. */
static inline void eddy__context_put(struct eddy__thread_state *state, eddy_context *context)
{
    if (state->context == context)
        return;
    state->context = context;
    if (state->running != NULL)
        eddy__loop_choose_way(state->running);
}

/** Make `context` current in `state`; returns the outer one for eddy__context_leave(). */
static inline eddy_context *eddy__context_enter(struct eddy__thread_state *state,
                                                eddy_context *context)
{
    eddy_context *outer = state->context;

    eddy__context_put(state, eddy__context_ref(context));
    return outer;
}

/** Back to `outer`, dropping whatever is current by now. */
static inline void eddy__context_leave(struct eddy__thread_state *state, eddy_context *outer)
{
    eddy_context *inner = state->context;

    eddy__context_put(state, outer);
    eddy__context_unref(inner);
}

#endif
