/* SPDX-License-Identifier: MIT */
/* Ctrl-C for eddy_run() (RUN-1), as POSIX does it; the console of Windows has its own tests. */
#include "support/support.h"
#include <stdio.h>

#if !defined(_WIN32)

#include "common/interrupt.h"
#include "common/loop.h"
#include <signal.h>

static int own_count;

static void own_handler(int number)
{
    (void)number;
    own_count++;
}

/* What is in force for SIGINT, and nothing changed. */
static void (*current_handler(void))(int)
{
    struct sigaction now;

    assert_int_equal(sigaction(SIGINT, NULL, &now), 0);
    return now.sa_handler;
}

static int raise_interrupt(void *arg)
{
    (void)arg;
    return raise(SIGINT);
}

static void test_an_interrupt_is_counted_and_wakes_the_loop(struct fixture *f)
{
    signal(SIGINT, own_handler);
    must(eddy__interrupt_start(f->loop));
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(atomic_load(&f->loop->interrupts), 2);
    /* The wake-up ends the wait, which would last an hour. */
    assert_int_equal(f->loop->backend->wait(f->loop, EDDY_SECONDS(3600)), 0);
    f->loop->backend->dispatch(f->loop);
    eddy__interrupt_stop(f->loop);
    signal(SIGINT, SIG_DFL);
}

static void test_stopping_restores_the_handler_before(struct fixture *f)
{
    own_count = 0;
    signal(SIGINT, own_handler);
    must(eddy__interrupt_start(f->loop));
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(own_count, 0);
    eddy__interrupt_stop(f->loop);
    eddy__interrupt_stop(f->loop);
    assert_true(current_handler() == own_handler);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(own_count, 1);
    assert_int_equal(atomic_load(&f->loop->interrupts), 1);
    signal(SIGINT, SIG_DFL);
}

static void test_a_handler_set_meanwhile_stays(struct fixture *f)
{
    signal(SIGINT, SIG_DFL);
    must(eddy__interrupt_start(f->loop));
    signal(SIGINT, own_handler);
    eddy__interrupt_stop(f->loop);
    assert_true(current_handler() == own_handler);
    signal(SIGINT, SIG_DFL);
}

static void test_only_one_loop_has_it_at_a_time(struct fixture *f)
{
    eddy_loop *other;

    signal(SIGINT, SIG_DFL);
    must(eddy_loop_new(NULL, &other));
    must(eddy__interrupt_start(f->loop));
    assert_int_equal(eddy__interrupt_start(other), EDDY_EBADSTATE);
    eddy__interrupt_stop(other);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(atomic_load(&f->loop->interrupts), 1);
    eddy__interrupt_stop(f->loop);
    assert_int_equal(eddy__interrupt_start(other), 0);
    eddy__interrupt_stop(other);
    must(eddy_loop_close(other));
    eddy_loop_unref(other);
}

static void test_an_ignored_interrupt_stays_ignored(struct fixture *f)
{
    signal(SIGINT, SIG_IGN);
    must(eddy__interrupt_start(f->loop));
    assert_true(current_handler() == SIG_IGN);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(atomic_load(&f->loop->interrupts), 0);
    eddy__interrupt_stop(f->loop);
    assert_true(current_handler() == SIG_IGN);
    signal(SIGINT, SIG_DFL);
}

static void test_an_interrupt_in_a_callback_does_not_end_the_program(struct fixture *f)
{
    signal(SIGINT, SIG_DFL);
    must(eddy__interrupt_start(f->loop));
    must(eddy_loop_call_soon(f->loop, raise_interrupt, NULL, NULL));
    run_iterations(f->loop, 2);
    assert_int_equal(atomic_load(&f->loop->interrupts), 1);
    eddy__interrupt_stop(f->loop);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_an_interrupt_is_counted_and_wakes_the_loop),
        TEST(test_stopping_restores_the_handler_before),
        TEST(test_a_handler_set_meanwhile_stays),
        TEST(test_only_one_loop_has_it_at_a_time),
        TEST(test_an_ignored_interrupt_stays_ignored),
        TEST(test_an_interrupt_in_a_callback_does_not_end_the_program),
    };

    return run_suite("interrupt", tests);
}

#else

int main(void)
{
    puts("no tests: this system has no SIGINT of that kind");
    return 0;
}

#endif
