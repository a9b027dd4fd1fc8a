/* SPDX-License-Identifier: MIT */
/*
 * Context switches, without a loop. All implementations of the switch run this file.
 */
#include "support/coroutine.h"
#include <eddy/error.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

static void ping_pong_entry(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < 3; i++) {
        step(f, 'c');
        fixture_suspend(f);
    }
    step(f, 'e');
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_control_goes_back_and_forth(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, ping_pong_entry);
    step(&f, 'i');
    for (int i = 0; i < 4; i++) {
        step(&f, 't');
        fixture_resume(&f);
    }
    assert_string_equal(f.steps, "itctctcte");
    fixture_end(&f);
    fixture_fini(&f);
}

#define RING 5

/* Coroutines that hand over to each other; the thread sees only the first and the last. */
struct ring {
    struct fixture f;
    struct eddy__stack stacks[RING];
    struct eddy__coroutine members[RING];
    size_t next;
};

static void ring_entry(void *arg)
{
    struct ring *ring = arg;
    size_t own = ring->next++;

    step(&ring->f, (char)('0' + own));
    if (own + 1 < RING) {
        eddy__coroutine_switch(&ring->members[own], &ring->members[own + 1]);
    }
    step(&ring->f, (char)('a' + own));
    eddy__coroutine_exit_to(&ring->members[own],
                            own > 0 ? &ring->members[own - 1] : &ring->f.thread);
}

static void test_coroutines_switch_to_each_other(void **state)
{
    struct ring ring = {.next = 0};
    (void)state;

    fixture_init(&ring.f);
    for (size_t i = 0; i < RING; i++) {
        assert_int_equal(eddy__stack_pool_acquire(&ring.f.pool, 0, &ring.stacks[i]), 0);
        assert_int_equal(eddy__coroutine_init(&ring.members[i], &ring.stacks[i], ring_entry, &ring),
                         0);
    }
    eddy__coroutine_switch(&ring.f.thread, &ring.members[0]);
    assert_string_equal(ring.f.steps, "01234edcba");
    for (size_t i = 0; i < RING; i++) {
        eddy__coroutine_fini(&ring.members[i]);
        eddy__stack_pool_release(&ring.f.pool, &ring.stacks[i]);
    }
    fixture_fini(&ring.f);
}

/* Threads, and tools that look at every stack, are slower by orders of magnitude. */
#if defined(EDDY_COROUTINE_THREAD) || defined(EDDY_COROUTINE_FIBER) || defined(EDDY_VALGRIND)
#define MANY 300
#elif defined(EDDY__TSAN)
#define MANY 1000
#else
#define MANY 10000
#endif

struct one_of_many {
    struct fixture *f;
    struct eddy__stack stack;
    struct eddy__coroutine co;
    size_t sum;
};

static void one_of_many_entry(void *arg)
{
    struct one_of_many *self = arg;
    volatile unsigned char local[1000];

    memset((void *)local, 1, sizeof local);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof local; j++) {
            self->sum += local[j];
        }
        eddy__coroutine_switch(&self->co, &self->f->thread);
    }
    eddy__coroutine_exit_to(&self->co, &self->f->thread);
}

static void test_many_coroutines_live_at_once(void **state)
{
    struct fixture f;
    struct one_of_many *all = calloc(MANY, sizeof *all);
    (void)state;

    assert_non_null(all);
    fixture_init(&f);
    for (size_t i = 0; i < MANY; i++) {
        all[i].f = &f;
        assert_int_equal(eddy__stack_pool_acquire(&f.pool, 0, &all[i].stack), 0);
        assert_int_equal(
            eddy__coroutine_init(&all[i].co, &all[i].stack, one_of_many_entry, &all[i]), 0);
    }
    for (size_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < MANY; i++) {
            eddy__coroutine_switch(&f.thread, &all[i].co);
        }
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(all[i].sum, 3000);
        eddy__coroutine_fini(&all[i].co);
        eddy__stack_pool_release(&f.pool, &all[i].stack);
    }
    fixture_fini(&f);
    free(all);
}

/* Keeps its frame alive across the call below it, so that no tail call is made of it. */
static size_t use_stack(size_t bytes)
{
    volatile unsigned char frame[1024];

    frame[0] = 1;
    frame[sizeof frame - 1] = 1;
    if (bytes <= sizeof frame) {
        return frame[0];
    }
    return use_stack(bytes - sizeof frame) + frame[sizeof frame - 1];
}

/* Frames are larger than what they hold, with sanitizers several times. */
#define DEEP ((size_t)64 * 1024)

static void recursion_entry(void *arg)
{
    struct fixture *f = arg;

    f->number = use_stack(DEEP);
    fixture_suspend(f);
    f->number += use_stack(DEEP);
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_recursion_may_go_deep_and_again_on_a_used_stack(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    for (int i = 0; i < 3; i++) {
        fixture_start(&f, recursion_entry);
        fixture_resume(&f);
        assert_int_equal(f.number, DEEP / 1024);
        fixture_resume(&f);
        assert_int_equal(f.number, 2 * DEEP / 1024);
        fixture_end(&f);
    }
    assert_int_equal(f.pool.cached_count, f.stack.base != NULL ? 1 : f.pool.cached_count);
    fixture_fini(&f);
}

static void test_prepared_coroutine_is_freed_without_running(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, ping_pong_entry);
    fixture_end(&f);
    assert_string_equal(f.steps, "");
    fixture_fini(&f);
}

/* Deep in frames with locals, some of which a sanitizer keeps elsewhere. */
static void abandon_deep(struct fixture *f, int depth)
{
    volatile char local[100];

    local[0] = (char)depth;
    if (depth > 0) {
        abandon_deep(f, depth - 1);
    } else {
        fixture_suspend(f);
    }
    f->number += (unsigned char)local[0];
}

static void abandoned_entry(void *arg)
{
    struct fixture *f = arg;

    abandon_deep(f, 20);
    step(f, '!');
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_abandoned_coroutine_is_not_unwound_and_its_stack_is_reused(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    for (int i = 0; i < 3; i++) {
        fixture_start(&f, abandoned_entry);
        fixture_resume(&f);
        fixture_end(&f);
        assert_string_equal(f.steps, "");
        assert_int_equal(f.number, 0);
    }
    assert_int_equal(eddy__stack_pool_acquire(&f.pool, 0, &f.stack), 0);
#if !defined(_WIN32)
    /* Frames that never returned have left no byte poisoned for sanitizers. */
    memset(f.stack.base, 0, f.stack.size);
#endif
    assert_int_equal(eddy__coroutine_init(&f.co, &f.stack, recursion_entry, &f), 0);
    fixture_resume(&f);
    fixture_resume(&f);
    fixture_end(&f);
    fixture_fini(&f);
}

/* Where in which order does the library's error text live: with the thread's state, always. */
static void error_entry(void *arg)
{
    struct fixture *f = arg;

    f->flag = strcmp(eddy_error_text(), "from the thread") == 0;
    (void)eddy_error(EDDY_EFAILED, "from the coroutine");
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_thread_state_is_seen_inside(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, error_entry);
    (void)eddy_error(EDDY_EFAILED, "from the thread");
    fixture_resume(&f);
    assert_true(f.flag);
    assert_string_equal(eddy_error_text(), "from the coroutine");
    fixture_end(&f);
    fixture_fini(&f);
}

#if defined(_WIN32)

/* Grows far below what was committed at first, so the kernel must have believed our block. */
static void growth_entry(void *arg)
{
    struct fixture *f = arg;

    f->number = use_stack((size_t)700 * 1024);
    f->flag = true;
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_stack_grows_beyond_its_first_commitment(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(eddy__stack_pool_acquire(&f.pool, 1024 * 1024, &f.stack), 0);
        assert_int_equal(eddy__coroutine_init(&f.co, &f.stack, growth_entry, &f), 0);
        f.flag = false;
        fixture_resume(&f);
        assert_true(f.flag);
        eddy__coroutine_fini(&f.co);
        if (f.stack.base != NULL) {
            assert_true(f.stack.limit < f.stack.base + f.stack.size - 700 * 1024);
        }
        eddy__stack_pool_release(&f.pool, &f.stack);
    }
    fixture_fini(&f);
}

static void backtrace_entry(void *arg)
{
    struct fixture *f = arg;
    void *frames[62];

    f->number = CaptureStackBackTrace(0, 62, frames, NULL);
    eddy__coroutine_exit_to(&f->co, &f->thread);
}

static void test_backtrace_ends_at_the_entry(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, backtrace_entry);
    fixture_resume(&f);
    /* backtrace_entry, eddy__coroutine_main, and the system's or our first frames. */
    assert_in_range(f.number, 2, 8);
    fixture_end(&f);
    fixture_fini(&f);
}

#else

static void overflow_entry(void *arg)
{
    struct fixture *f = arg;

    f->number = use_stack((size_t)64 * 1024 * 1024);
    _exit(0);
}

/* The signal handler needs a stack of its own: the one in use is full. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    _exit(info->si_addr != NULL ? 42 : 43);
}

static void overflow_in_child(void)
{
    static unsigned char signal_stack[65536];
    struct fixture f;
    stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK, .sa_sigaction = on_fault};

    (void)sigaltstack(&alternate, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    fixture_init(&f);
    /* Three neighbours, so that a missing guard runs into one of them and not into a hole. */
    struct eddy__stack neighbours[2];
    (void)eddy__stack_pool_acquire(&f.pool, 0, &neighbours[0]);
    fixture_start(&f, overflow_entry);
    (void)eddy__stack_pool_acquire(&f.pool, 0, &neighbours[1]);
    fixture_resume(&f);
    _exit(1);
}

static void test_overflow_faults_on_the_guard_page(void **state)
{
    int status;
    (void)state;

    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        overflow_in_child();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
#if defined(EDDY_COROUTINE_THREAD)
    /* sigaltstack() is per thread: without one the kernel ends the child by the signal itself. */
    if (WIFSIGNALED(status)) {
        assert_true(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
        return;
    }
#endif
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

/* DESIGN: in a forked child all loops are foreign, and only freeing works. */
static void test_suspended_coroutine_is_freed_in_a_forked_child(void **state)
{
    struct fixture f;
    int status;
    (void)state;

    fixture_init(&f);
    fixture_start(&f, abandoned_entry);
    fixture_resume(&f);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(20);
        fixture_end(&f);
        eddy__coroutine_fini(&f.thread);
        eddy__stack_pool_fini(&f.pool);
        _exit(f.steps[0] == '\0' ? 42 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    fixture_end(&f);
    fixture_fini(&f);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_goes_back_and_forth),
        cmocka_unit_test(test_coroutines_switch_to_each_other),
        cmocka_unit_test(test_many_coroutines_live_at_once),
        cmocka_unit_test(test_recursion_may_go_deep_and_again_on_a_used_stack),
        cmocka_unit_test(test_prepared_coroutine_is_freed_without_running),
        cmocka_unit_test(test_abandoned_coroutine_is_not_unwound_and_its_stack_is_reused),
        cmocka_unit_test(test_thread_state_is_seen_inside),
#if defined(_WIN32)
        cmocka_unit_test(test_stack_grows_beyond_its_first_commitment),
        cmocka_unit_test(test_backtrace_ends_at_the_entry),
#else
        cmocka_unit_test(test_overflow_faults_on_the_guard_page),
        cmocka_unit_test(test_suspended_coroutine_is_freed_in_a_forked_child),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
