/* SPDX-License-Identifier: MIT */
/**
 * Stackful coroutines: the layer that tasks and generators stand on.
 *
 * A coroutine is a place where execution can be continued: a thread's ordinary stack, or a stack
 * of our own on which `entry` runs. Transfer is symmetric: whoever runs names who continues, and
 * nobody is anybody's parent. There is no scheduler here and no notion of a result.
 *
 *     init ──► prepared ──switch to it──► running ◄──switch──► suspended
 *                 │                          │                     │
 *                 │                       exit_to                  │
 *                 ▼                          ▼                     ▼
 *                fini  ◄──────────────── finished               abandoned by fini:
 *                                                               nothing is unwound
 *
 * Threads. A coroutine runs in the thread that first switched to it, always: compilers keep
 * addresses of thread-locals across calls, and fibers and sanitizers have state a thread.
 *
 * Floating point. Rounding mode and exception masks belong to the coroutine; a new one has those
 * of the moment of its init (a fiber: the defaults).
 *
 * Four implementations exist, one is compiled; CMake says which, or the choice falls below:
 *   EDDY_COROUTINE_ASM       a hand-written switch, x86-64 and arm64 (src/{posix,win32}/switch_*.S)
 *   EDDY_COROUTINE_UCONTEXT  swapcontext(): two system calls a switch, for the signal mask
 *   EDDY_COROUTINE_FIBER     the fibers of Windows; they own their stacks, ours stay empty
 *   EDDY_COROUTINE_THREAD    a thread per coroutine, of which one runs at a time; see below
 *
 * Thread-locals under EDDY_COROUTINE_THREAD are those of another thread. The library's own state
 * is shared: the hand-off thread borrows the one of the thread that first switched to it
 * (thread_state.h), so that the running loop and error texts are found. A program's thread-locals
 * do not travel, and a mutex locked in one coroutine cannot be unlocked in another. It is the
 * last resort.
 */
#ifndef EDDY_COMMON_COROUTINE_H
#define EDDY_COMMON_COROUTINE_H

#include "common/stack.h"
#include <stddef.h>

#if !defined(EDDY_COROUTINE_ASM) && !defined(EDDY_COROUTINE_UCONTEXT) &&                           \
    !defined(EDDY_COROUTINE_FIBER) && !defined(EDDY_COROUTINE_THREAD)
#if defined(_MSC_VER)
#define EDDY_COROUTINE_FIBER 1 /* MSVC has no inline or GNU assembler. */
#elif (defined(__x86_64__) && !defined(__ILP32__)) || (defined(__aarch64__) && defined(__LP64__))
#define EDDY_COROUTINE_ASM 1
#else
#error "define EDDY_COROUTINE_UCONTEXT, EDDY_COROUTINE_FIBER or EDDY_COROUTINE_THREAD"
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define EDDY__ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define EDDY__TSAN 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(EDDY__ASAN)
#define EDDY__ASAN 1
#endif
#if __has_feature(thread_sanitizer) && !defined(EDDY__TSAN)
#define EDDY__TSAN 1
#endif
#endif

/* They must be told of each switch, except for those that they see themselves (sanitizer.h). */
#if defined(EDDY__ASAN) && (defined(EDDY_COROUTINE_ASM) || defined(EDDY_COROUTINE_UCONTEXT))
#define EDDY__COROUTINE_ASAN 1
#endif
#if defined(EDDY__TSAN) && (defined(EDDY_COROUTINE_ASM) || defined(EDDY_COROUTINE_UCONTEXT))
#define EDDY__COROUTINE_TSAN 1
#endif

/** Never returns: it ends with eddy__coroutine_exit_to(). */
typedef void (*eddy__coroutine_entry)(void *arg);

/** Small, and at a fixed address from init to fini. Its fields belong to the implementation. */
struct eddy__coroutine {
    /** Where to continue: stack pointer, ucontext, fiber, thread. First: the assembly reads it. */
    void *context;
    /** NULL for the stack of a thread. */
    struct eddy__stack *stack;
    eddy__coroutine_entry entry;
    void *arg;
    /* What sanitizers are told; absent elsewhere, since it would double the size. */
#if defined(EDDY__COROUTINE_ASAN)
    struct eddy__coroutine *previous;
    const void *stack_bottom;
    size_t stack_size;
    void *fake_stack;
#endif
#if defined(EDDY__COROUTINE_TSAN)
    void *tsan_fiber;
#endif
};

/**
 * Prepare a coroutine on `stack`, which is borrowed until fini. Nothing runs yet.
 *
 * EDDY_ENOMEM or a system error (fiber and thread implementations only), with a text.
 */
int eddy__coroutine_init(struct eddy__coroutine *co, struct eddy__stack *stack,
                         eddy__coroutine_entry entry, void *arg);

/**
 * Make `co` stand for the calling thread and its own stack, so that one can switch away from it
 * and come back. Costs nothing with the assembly switch. Errors as eddy__coroutine_init().
 */
int eddy__coroutine_init_thread(struct eddy__coroutine *co);

/**
 * Suspend `from`, which is the one that runs, and continue `to`. Returns when somebody switches
 * to `from`. Cannot fail.
 */
void eddy__coroutine_switch(struct eddy__coroutine *from, struct eddy__coroutine *to);

/**
 * Leave `from` for ever and continue `to`, which may then call fini and release the stack.
 */
_Noreturn void eddy__coroutine_exit_to(struct eddy__coroutine *from, struct eddy__coroutine *to);

/**
 * Give back what init took: of a coroutine that is prepared, suspended or finished, or of the
 * calling thread. A suspended one is abandoned: its frames are not unwound. The stack is the
 * caller's again. Cannot fail.
 */
void eddy__coroutine_fini(struct eddy__coroutine *co);

#endif
