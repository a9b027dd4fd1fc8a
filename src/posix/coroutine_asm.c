/* SPDX-License-Identifier: MIT */
/*
 * Coroutines by a hand-written switch, System V and Apple. All knowledge of registers and of the
 * frame that a suspended context leaves on its stack is in switch_x86_64.S and switch_arm64.S.
 */
#include "common/switch.h"

#if defined(EDDY_COROUTINE_ASM)

#include <stdlib.h>

/* In the assembly: lays the first frame below `top` (aligned to 16); returns its address. */
void *eddy__switch_prepare(void *top, struct eddy__coroutine *co);

int eddy__switch_init(struct eddy__coroutine *co)
{
    co->context = eddy__switch_prepare(co->stack->base + co->stack->size, co);
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
    (void)co;
}

#endif
