/* SPDX-License-Identifier: MIT */
/*
 * Coroutines by the fibers of Windows, for compilers that do not read the assembly.
 *
 * A fiber brings its own stack, so the pool hands out sizes only. A thread must become a fiber
 * before it can switch; if the program has done that already, its fiber is used and left alone.
 * The rounding mode is exchanged here, as not every system's fibers do it (Wine's do not).
 */
#include "common/switch.h"

#if defined(EDDY_COROUTINE_FIBER)

#include "common/error.h"
#include <fenv.h>
#include <stdlib.h>
#include <windows.h>

static void CALLBACK switch_start(void *arg)
{
    (void)fesetround(FE_TONEAREST);
    eddy__coroutine_main(arg);
}

int eddy__switch_init(struct eddy__coroutine *co)
{
    co->context = CreateFiberEx(0, co->stack->size, FIBER_FLAG_FLOAT_SWITCH, switch_start, co);
    if (co->context == NULL) {
        (void)eddy__system_error((int64_t)GetLastError());
        return eddy_error(EDDY_ENOMEM, "no task stack of %zu KiB: the system refuses a fiber",
                          co->stack->size / 1024);
    }
    return 0;
}

/* GCC 12 takes the read relative to the gs segment in MinGW's header for one of address 0. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
#endif

int eddy__switch_init_thread(struct eddy__coroutine *co)
{
    /* co->arg is free in a thread's context; it remembers who made the fiber. */
    if (IsThreadAFiber()) {
        co->context = GetCurrentFiber();
        return 0;
    }
    co->context = ConvertThreadToFiberEx(NULL, FIBER_FLAG_FLOAT_SWITCH);
    if (co->context == NULL) {
        (void)eddy__system_error((int64_t)GetLastError());
        return eddy_error(EDDY_ENOMEM, "the system refuses to make this thread a fiber");
    }
    co->arg = co;
    return 0;
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

void eddy__switch_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    int rounding = fegetround();

    (void)from;
    SwitchToFiber(to->context);
    (void)fesetround(rounding);
}

_Noreturn void eddy__switch_exit_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    (void)from;
    SwitchToFiber(to->context);
    abort(); /* Somebody continued what was finished. */
}

void eddy__switch_fini(struct eddy__coroutine *co)
{
    if (co->stack != NULL) {
        DeleteFiber(co->context);
    } else if (co->arg == co) {
        (void)ConvertFiberToThread();
    }
}

#endif
