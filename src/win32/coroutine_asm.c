/* SPDX-License-Identifier: MIT */
/*
 * Coroutines by a hand-written switch, Windows. All knowledge of registers and of the frame that a
 * suspended context leaves on its stack is in switch_x86_64.S and switch_arm64.S.
 *
 * The thread information block says where the current stack lies; the switch exchanges that too.
 * Its lower limit sinks as the stack grows, and is read back when the coroutine ends, so that the
 * stack's next user knows how far it is committed.
 */
#include "common/switch.h"

#if defined(EDDY_COROUTINE_ASM)

#include <stdlib.h>

/* What the assembly needs to lay the first frame, in this order. */
struct switch_start {
    void *stack_base;
    void *stack_limit;
    void *deallocation_stack;
    size_t guaranteed;
};

/* In the assembly: lays the first frame below start->stack_base; returns its address. */
void *eddy__switch_prepare(struct eddy__coroutine *co, const struct switch_start *start);

/* In the assembly: the stack limit in the frame of a suspended context. */
void *eddy__switch_stack_limit(const void *context);

int eddy__switch_init(struct eddy__coroutine *co)
{
    struct eddy__stack *stack = co->stack;
    struct switch_start start = {
        .stack_base = stack->base + stack->size,
        .stack_limit = stack->limit,
        .deallocation_stack = stack->base - stack->guard_size,
        .guaranteed = stack->guaranteed,
    };

    co->context = eddy__switch_prepare(co, &start);
    return 0;
}

int eddy__switch_init_thread(struct eddy__coroutine *co)
{
    (void)co;
    return 0;
}

_Noreturn void eddy__switch_exit_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    eddy__switch_to(from, to);
    abort(); /* Somebody continued what was finished. */
}

void eddy__switch_fini(struct eddy__coroutine *co)
{
    if (co->stack != NULL) {
        co->stack->limit = eddy__switch_stack_limit(co->context);
    }
}

#endif
