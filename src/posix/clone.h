/* SPDX-License-Identifier: MIT */
/**
 * A child without signal handlers, as the kernel can make it in one step: Linux 5.5, by clone3()
 * with CLONE_CLEAR_SIGHAND. glibc's clone() cannot ask for that, and nobody has a wrapper for the
 * raw call that may share memory: two processes would return from it through one stack. So the call
 * is made here, in assembly, for processors on which this can be tried.
 *
 * https://man7.org/linux/man-pages/man2/clone.2.html
 */
#ifndef EDDY_POSIX_CLONE_H
#define EDDY_POSIX_CLONE_H

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>

#if defined(SYS_clone3) && defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
#define EDDY__HAVE_CLONE3 1
#endif

/** What clone3() is asked for; the first version of it, which all kernels know. */
struct eddy__clone_request {
    uint64_t flags;
    uint64_t pidfd; /**< where it goes */
    uint64_t child_tid;
    uint64_t parent_tid;
    uint64_t exit_signal;
    uint64_t stack; /**< its lowest address */
    uint64_t stack_size;
    uint64_t tls;
};

#if !defined(EDDY__HAVE_CLONE3)
static inline long eddy__clone_call(const struct eddy__clone_request *request,
                                    int (*main)(void *arg), void *arg)
{
    (void)request, (void)main, (void)arg;
    return -ENOSYS;
}
#elif defined(__x86_64__)
/**
 * Make the call; the child runs main(arg) on its own stack and ends with what that returns. Its id,
 * or a negative error. All in one statement: the child never comes back into C that the compiler
 * has arranged for one process.
 */
static inline long eddy__clone_call(const struct eddy__clone_request *request,
                                    int (*main)(void *arg), void *arg)
{
    long result = SYS_clone3;

    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "mov %[main], %%rax\n\t"
        "mov %[arg], %%rdi\n\t"
        "xor %%ebp, %%ebp\n\t" /* no frame above this one */
        "call *%%rax\n\t"
        "mov %%eax, %%edi\n\t"
        "mov %[exit], %%eax\n\t"
        "syscall\n\t"
        "hlt\n"
        "1:"
        : "+a"(result)
        : "D"(request),
          "S"(sizeof *request), [main] "r"(main), [arg] "r"(arg), [exit] "i"(SYS_exit_group)
        : "rcx", "r11", "cc", "memory");
    return result;
}
#else
static inline long eddy__clone_call(const struct eddy__clone_request *request,
                                    int (*main)(void *arg), void *arg)
{
    register long number __asm__("x8") = SYS_clone3;
    register long result __asm__("x0") = (long)request;
    register size_t size __asm__("x1") = sizeof *request;
    register int (*child_main)(void *) __asm__("x9") = main;
    register void *child_arg __asm__("x10") = arg;

    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t" /* no frame above this one */
                     "mov x0, x10\n\t"
                     "blr x9\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc #0\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(result)
                     : "r"(number), "r"(size), "r"(child_main),
                       "r"(child_arg), [exit] "i"(SYS_exit_group)
                     : "cc", "memory");
    return result;
}
#endif

#endif
