/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* CMocka leaves these to its users. */
#include "common/clock.h"
#include "common/thread.h"
#include "common/thread_state.h"
#include <cmocka.h>
#include <eddy/error.h>
#if !defined(_WIN32)
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

struct baton {
    struct eddy__mutex mutex;
    struct eddy__condition condition;
    int turn;
    uint64_t self;
};

static void baton_init(struct baton *baton)
{
    memset(baton, 0, sizeof *baton);
    assert_int_equal(eddy__mutex_init(&baton->mutex), 0);
    assert_int_equal(eddy__condition_init(&baton->condition), 0);
}

static void baton_fini(struct baton *baton)
{
    eddy__condition_fini(&baton->condition);
    eddy__mutex_fini(&baton->mutex);
}

/* Hand the baton over and wait until it is back. */
static void baton_pass(struct baton *baton, int to, int from)
{
    eddy__mutex_lock(&baton->mutex);
    baton->turn = to;
    eddy__condition_broadcast(&baton->condition);
    while (baton->turn != from)
        eddy__condition_wait(&baton->condition, &baton->mutex);
    eddy__mutex_unlock(&baton->mutex);
}

static void baton_other(void *arg)
{
    struct baton *baton = arg;

    eddy__mutex_lock(&baton->mutex);
    while (baton->turn != 1)
        eddy__condition_wait(&baton->condition, &baton->mutex);
    baton->self = eddy__thread_self();
    baton->turn = 2;
    eddy__condition_signal(&baton->condition);
    eddy__mutex_unlock(&baton->mutex);
}

static void test_two_threads_take_turns_and_have_numbers(void **state)
{
    struct eddy__thread thread;
    struct baton baton;

    (void)state;
    baton_init(&baton);
    assert_int_equal(eddy__thread_start(&thread, "a name that is too long", baton_other, &baton),
                     0);
    baton_pass(&baton, 1, 2);
    eddy__thread_join(&thread);
    assert_int_not_equal(baton.self, 0);
    assert_int_not_equal(eddy__thread_self(), 0);
    assert_true(baton.self != eddy__thread_self());
    baton_fini(&baton);
}

/* By real time. */
static void test_a_limited_wait_ends_and_is_not_early_by_real_time(void **state)
{
    struct baton baton;
    eddy_time begin = eddy__clock_now();
    eddy_time limit = EDDY_MILLISECONDS(20);

    (void)state;
    baton_init(&baton);
    eddy__mutex_lock(&baton.mutex);
    while (eddy__condition_wait_for(&baton.condition, &baton.mutex, limit))
        ;
    assert_true(eddy__clock_now() - begin >= limit - eddy__clock_resolution());
    assert_false(eddy__condition_wait_for(&baton.condition, &baton.mutex, -5));
    eddy__mutex_unlock(&baton.mutex);
    baton_fini(&baton);
}

static void wake_other(void *arg)
{
    struct baton *baton = arg;

    eddy__mutex_lock(&baton->mutex);
    baton->turn = 1;
    eddy__condition_signal(&baton->condition);
    eddy__mutex_unlock(&baton->mutex);
}

static void test_a_wait_of_centuries_does_not_overflow(void **state)
{
    struct eddy__thread thread;
    struct baton baton;

    (void)state;
    baton_init(&baton);
    eddy__mutex_lock(&baton.mutex);
    assert_int_equal(eddy__thread_start(&thread, "wake", wake_other, &baton), 0);
    while (baton.turn != 1)
        assert_true(eddy__condition_wait_for(&baton.condition, &baton.mutex, EDDY_FOREVER - 1));
    eddy__mutex_unlock(&baton.mutex);
    eddy__thread_join(&thread);
    baton_fini(&baton);
}

static void borrow(void *arg)
{
    struct baton *baton = arg;
    struct eddy__thread_state *own = eddy__thread_state();

    eddy__thread_state_borrow((struct eddy__thread_state *)(uintptr_t)baton->self);
    baton->self = eddy__thread_self();
    eddy__thread_state_borrow(NULL);
    baton->turn = eddy__thread_state() == own;
}

static void test_a_thread_may_stand_in_for_another(void **state)
{
    struct eddy__thread thread;
    struct baton baton = {.self = (uint64_t)(uintptr_t)eddy__thread_state()};

    (void)state;
    assert_int_equal(eddy__thread_start(&thread, "borrow", borrow, &baton), 0);
    eddy__thread_join(&thread);
    assert_true(baton.self == eddy__thread_self());
    assert_int_equal(baton.turn, 1);
}

static void test_the_clock_never_goes_back(void **state)
{
    eddy_time before = eddy__clock_now();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        eddy_time now = eddy__clock_now();

        assert_true(now >= before);
        before = now;
    }
    assert_true(eddy__clock_resolution() >= 1);
    assert_true(eddy__cpu_count() >= 1);
}

/* What loops rely on that ask the clock less often (LOOP-25). The clock is read in between. */
static void test_a_brief_time_of_the_counter_is_brief_by_the_clock(void **state)
{
    int i;

    (void)state;
    /* Wherever that is asked: there are counters of 806 MHz. */
    assert_true(EDDY__CLOCK_TICKS_BRIEF * 1000 / 800 <= EDDY__CLOCK_BRIEF);
    if (eddy__clock_ticks() == 0)
        skip();
    for (i = 0; i < 1000; i++) {
        uint64_t ticks = eddy__clock_ticks();
        eddy_time begun = eddy__clock_now();
        eddy_time took;

        do
            took = eddy__clock_now() - begun;
        while (took < EDDY_MICROSECONDS(i % 30));
        if (eddy__clock_ticks() - ticks < EDDY__CLOCK_TICKS_BRIEF)
            assert_true(took <= EDDY__CLOCK_BRIEF);
    }
}

#if !defined(_WIN32)

static void look_at_signals(void *arg)
{
    sigset_t *blocked = arg;

    pthread_sigmask(SIG_SETMASK, NULL, blocked);
}

static void test_signals_are_left_to_the_threads_of_the_program(void **state)
{
    struct eddy__thread thread;
    sigset_t blocked;
    sigset_t mine;

    (void)state;
    assert_int_equal(eddy__thread_start(&thread, "signals", look_at_signals, &blocked), 0);
    eddy__thread_join(&thread);
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_int_equal(sigismember(&blocked, SIGINT), 1);
    assert_int_equal(sigismember(&blocked, SIGCHLD), 1);
    assert_int_equal(sigismember(&blocked, SIGSEGV), 0);
    assert_int_equal(sigismember(&mine, SIGINT), 0);
}

/* LOOP-2 */
static void test_a_fork_is_counted_in_the_child(void **state)
{
    unsigned before = eddy__fork_count();
    int status = -1;
    pid_t child;

    (void)state;
    assert_int_equal(eddy__fork_watch(), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        eddy__global_lock();
        eddy__global_unlock();
        _exit(eddy__fork_count() == before + 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(eddy__fork_count(), before);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_threads_take_turns_and_have_numbers),
        cmocka_unit_test(test_a_limited_wait_ends_and_is_not_early_by_real_time),
        cmocka_unit_test(test_a_wait_of_centuries_does_not_overflow),
        cmocka_unit_test(test_a_thread_may_stand_in_for_another),
        cmocka_unit_test(test_the_clock_never_goes_back),
        cmocka_unit_test(test_a_brief_time_of_the_counter_is_brief_by_the_clock),
#if !defined(_WIN32)
        cmocka_unit_test(test_signals_are_left_to_the_threads_of_the_program),
        cmocka_unit_test(test_a_fork_is_counted_in_the_child),
#endif
    };

    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
