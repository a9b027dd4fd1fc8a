/* SPDX-License-Identifier: MIT */
/*
 * Coroutines by swapcontext(), for processors without a hand-written switch.
 *
 * Saving happens in a local variable of the switch: the frame of a suspended context lives as long
 * as the context. Only a first context needs a place before it runs; it gets the upper end of its
 * own stack. So nothing is allocated and nothing here can fail. Each switch costs two system calls
 * for the signal mask, which thus belongs to the coroutine.
 */
#include "common/switch.h"

#if defined(EDDY_COROUTINE_UCONTEXT)

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

/* makecontext() passes nothing wider than int. */
static void switch_start(unsigned high, unsigned low)
{
    eddy__coroutine_main((void *)(uintptr_t)((uint64_t)high << 32 | low));
}

int eddy__switch_init(struct eddy__coroutine *co)
{
    size_t room = (sizeof(ucontext_t) + 63) & ~(size_t)63;
    void *top = co->stack->base + co->stack->size - room;
    ucontext_t *context = top;
    uint64_t word = (uintptr_t)co;

    (void)getcontext(context); /* Neither getcontext() nor swapcontext() has a reason to fail. */
    context->uc_stack.ss_sp = co->stack->base;
    context->uc_stack.ss_size = co->stack->size - room;
    context->uc_link = NULL;
    makecontext(context, (void (*)(void))switch_start, 2, (unsigned)(word >> 32), (unsigned)word);
    co->context = context;
    return 0;
}

int eddy__switch_init_thread(struct eddy__coroutine *co)
{
    (void)co;
    return 0;
}

void eddy__switch_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    ucontext_t here;

    from->context = &here;
    (void)swapcontext(&here, to->context);
}

_Noreturn void eddy__switch_exit_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    (void)from;
    (void)setcontext(to->context);
    abort();
}

void eddy__switch_fini(struct eddy__coroutine *co)
{
    (void)co;
}

#endif
