/* SPDX-License-Identifier: MIT */
/**
 * What sanitizers and valgrind have to be told about stacks that change under them.
 *
 * Design note. AddressSanitizer keeps the bounds of the current stack and a "fake stack" for
 * frames that it checks after return; both must be exchanged around a switch: "leave" before it,
 * "arrive" after it, in the context that continues. The bounds of a thread's own stack are unknown
 * to us; the sanitizer hands them out when somebody arrives from there, which is why each context
 * remembers the previous one. ThreadSanitizer has one object a fiber, named before each switch.
 * Everything here is empty in ordinary builds. What is about switches is also empty with hand-off
 * threads, which sanitizers understand by themselves, and with fibers, whose stack we do not know.
 */
#ifndef EDDY_COMMON_SANITIZER_H
#define EDDY_COMMON_SANITIZER_H

#include "common/coroutine.h"
#include <stdbool.h>

#if defined(EDDY__ASAN)
#include <sanitizer/asan_interface.h>
#endif
#if defined(EDDY__COROUTINE_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(EDDY_VALGRIND)
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif

#if defined(EDDY__COROUTINE_ASAN)

/**
 * Free the fake stack of an abandoned coroutine. The sanitizer only frees the current one, so we
 * pretend to switch there and away again, without going anywhere.
 */
static inline void eddy__sanitizer_drop_fake_stack(void *abandoned)
{
    void *mine;
    const void *bottom;
    size_t size;

    __sanitizer_start_switch_fiber(&mine, NULL, 0);
    __sanitizer_finish_switch_fiber(abandoned, &bottom, &size);
    __sanitizer_start_switch_fiber(NULL, bottom, size);
    __sanitizer_finish_switch_fiber(mine, NULL, NULL);
}

#endif

/**
 * Nobody will return to the frames that are on this stack: it is plain memory again. A child
 * process is started on one, too, so this is there however coroutines are made.
 */
static inline void eddy__sanitizer_forget_stack(void *stack, size_t size)
{
#if defined(EDDY__ASAN)
    __asan_unpoison_memory_region(stack, size);
#else
    (void)stack;
    (void)size;
#endif
}

/** A new context; co->stack is set. */
static inline void eddy__sanitizer_init(struct eddy__coroutine *co)
{
#if defined(EDDY__COROUTINE_ASAN)
    co->previous = NULL;
    co->fake_stack = NULL;
    co->stack_bottom = co->stack != NULL ? co->stack->base : NULL;
    co->stack_size = co->stack != NULL ? co->stack->size : 0;
#endif
#if defined(EDDY__COROUTINE_TSAN)
    co->tsan_fiber = co->stack != NULL ? __tsan_create_fiber(0) : __tsan_get_current_fiber();
#endif
    (void)co;
}

/** Directly before a switch. */
static inline void eddy__sanitizer_leave(struct eddy__coroutine *from, struct eddy__coroutine *to,
                                         bool for_ever)
{
#if defined(EDDY__COROUTINE_ASAN)
    to->previous = from;
    from->fake_stack = NULL;
    __sanitizer_start_switch_fiber(for_ever ? NULL : &from->fake_stack, to->stack_bottom,
                                   to->stack_size);
#endif
#if defined(EDDY__COROUTINE_TSAN)
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
    (void)from;
    (void)to;
    (void)for_ever;
}

/** Directly after a switch, in the context that continues. */
static inline void eddy__sanitizer_arrive(struct eddy__coroutine *self)
{
#if defined(EDDY__COROUTINE_ASAN)
    struct eddy__coroutine *previous = self->previous;

    __sanitizer_finish_switch_fiber(self->fake_stack, &previous->stack_bottom,
                                    &previous->stack_size);
    self->fake_stack = NULL;
#endif
    (void)self;
}

/** The context ends; it is not the current one, unless it is a thread's. */
static inline void eddy__sanitizer_fini(struct eddy__coroutine *co)
{
#if defined(EDDY__COROUTINE_ASAN)
    if (co->stack != NULL && co->fake_stack != NULL) {
        eddy__sanitizer_drop_fake_stack(co->fake_stack);
        co->fake_stack = NULL;
    }
#endif
#if defined(EDDY__COROUTINE_TSAN)
    if (co->stack != NULL) {
        __tsan_destroy_fiber(co->tsan_fiber);
    }
#endif
    (void)co;
}

static inline void eddy__sanitizer_stack_mapped(struct eddy__stack *stack)
{
#if defined(EDDY_VALGRIND)
    stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->base, stack->base + stack->size);
#endif
    (void)stack;
}

/** Frames that never returned left poison behind, which would hurt the next user or mapping. */
static inline void eddy__sanitizer_stack_released(const struct eddy__stack *stack)
{
#if defined(EDDY__COROUTINE_ASAN)
    __asan_unpoison_memory_region(stack->base, stack->size);
#endif
#if defined(EDDY_VALGRIND)
    (void)VALGRIND_MAKE_MEM_UNDEFINED(stack->base, stack->size);
#endif
    (void)stack;
}

static inline void eddy__sanitizer_stack_unmapped(const struct eddy__stack *stack)
{
#if defined(EDDY_VALGRIND)
    VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#endif
    (void)stack;
}

#endif
