/* SPDX-License-Identifier: MIT */
#include "common/context.h"
#include "common/memory.h"
#include <eddy/error.h>
#include <stdatomic.h>

struct eddy_context {
    atomic_size_t references;
    void *value;
    eddy_release release;
};

atomic_size_t eddy__context_count;

int eddy_context_new(void *value, eddy_release release, eddy_context **context)
{
    struct eddy_context *made = eddy__alloc(sizeof *made);

    if (made == NULL)
        return EDDY_ENOMEM;
    atomic_fetch_add_explicit(&eddy__context_count, 1, memory_order_relaxed);
    atomic_init(&made->references, 1);
    made->value = value;
    made->release = release;
    *context = made;
    return 0;
}

eddy_context *eddy_context_ref(eddy_context *context)
{
    if (context != NULL)
        atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
    return context;
}

void eddy_context_unref(eddy_context *context)
{
    if (context == NULL ||
        atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    if (context->release != NULL)
        context->release(context->value);
    eddy__free(context);
    atomic_fetch_sub_explicit(&eddy__context_count, 1, memory_order_relaxed);
}

void *eddy_context_value(const eddy_context *context)
{
    return context == NULL ? NULL : context->value;
}

eddy_context *eddy_get_context(void)
{
    return eddy__thread_state()->context;
}

void eddy_set_context(eddy_context *context)
{
    struct eddy__thread_state *state = eddy__thread_state();
    eddy_context *previous = state->context;

    eddy__context_put(state, eddy_context_ref(context));
    eddy_context_unref(previous);
}
