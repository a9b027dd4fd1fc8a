/* SPDX-License-Identifier: MIT */
/* Signals as callbacks (SIG-1..SIG-8) and Ctrl-C for eddy_run() (RUN-1), as POSIX does them. */
#include "support/oom.h"
#include "support/support.h"
#include <stdio.h>

#if !defined(_WIN32)

#include "common/loop.h"
#include "common/signal.h"
#include <signal.h>

static int own_count;

static void own_handler(int number)
{
    (void)number;
    own_count++;
}

/* What is in force for a signal. */
static void (*in_force(int number))(int)
{
    struct sigaction now;

    assert_int_equal(sigaction(number, NULL, &now), 0);
    return now.sa_handler;
}

static int on_signal(void *arg)
{
    record("%s", (const char *)arg);
    return 0;
}

static int on_signal_fail(void *arg)
{
    (void)arg;
    return eddy_error(EDDY_EUSER - 1, "the handler's own trouble");
}

static int raise_usr1(void *arg)
{
    (void)arg;
    return raise(SIGUSR1);
}

/* SIG-1: numbers that are no signal, and those that cannot be caught. */
static void test_bad_signals_are_refused(struct fixture *f)
{
    static const int none[] = {0, -1, 65, EDDY__SIGNAL_MAX + 1, 1000000};

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(eddy_loop_add_signal_handler(f->loop, none[i], on_signal, "x"),
                         EDDY_EINVALID);
        assert_int_equal(eddy_loop_remove_signal_handler(f->loop, none[i]), EDDY_EINVALID);
    }
    assert_int_equal(eddy_loop_add_signal_handler(f->loop, SIGUSR1, NULL, NULL), EDDY_EINVALID);
    assert_int_equal(eddy_loop_add_signal_handler(NULL, SIGUSR1, on_signal, NULL), EDDY_EINVALID);
    assert_int_equal(eddy_loop_add_signal_handler(f->loop, SIGKILL, on_signal, "x"),
                     allocations_failed() ? EDDY_ENOMEM : EDDY_EBADSTATE);
    assert_int_equal(eddy_loop_add_signal_handler(f->loop, SIGSTOP, on_signal, "x"),
                     allocations_failed() ? EDDY_ENOMEM : EDDY_EBADSTATE);
    /* SIG-4: no handler can be there, and that is no error. */
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGKILL), 0);
}

/* SIG-1, LOOP-18. */
static void test_a_closed_loop_handles_no_signal(struct fixture *f)
{
    must(eddy_loop_close(f->loop));
    assert_int_equal(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "x"),
                     EDDY_EBADSTATE);
    assert_true(in_force(SIGUSR1) == SIG_DFL);
}

/* SIG-2: the callback runs in the loop, in a later step than the one that got the signal. */
static void test_signal_runs_its_callback_in_the_loop(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    assert_int_equal(raise(SIGUSR1), 0);
    assert_nothing_recorded();
    run_until_recorded(f->loop, "usr1");
    assert_recorded("usr1");
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGUSR1), 1);
}

/* SIG-2: a wait that would last an hour ends. */
static void test_signal_ends_the_wait(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(f->loop->backend->wait(f->loop, EDDY_SECONDS(3600)), 0);
    f->loop->backend->dispatch(f->loop);
    run_until_recorded(f->loop, "usr1");
    assert_recorded("usr1");
}

/* SIG-2: system calls of the program go on after the signal. */
static void test_interrupted_calls_are_restarted(struct fixture *f)
{
    struct sigaction now;

    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    assert_int_equal(sigaction(SIGUSR1, NULL, &now), 0);
    assert_true(now.sa_flags & SA_RESTART);
}

/* SIG-1: one callback for a signal, the last one. */
static void test_second_handler_replaces_the_first(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "first"));
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "second"));
    assert_int_equal(raise(SIGUSR1), 0);
    run_until_recorded(f->loop, "second");
    assert_recorded("second");
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGUSR1), 1);
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGUSR1), 0);
}

/* SIG-3: a signal belongs to one loop. */
static void test_only_one_loop_has_a_signal(struct fixture *f)
{
    eddy_loop *other;

    need_whole_test();
    must(eddy_loop_new(NULL, &other));
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    assert_int_equal(eddy_loop_add_signal_handler(other, SIGUSR1, on_signal, "other"),
                     allocations_failed() ? EDDY_ENOMEM : EDDY_EBADSTATE);
    assert_int_equal(eddy_loop_remove_signal_handler(other, SIGUSR1), 0);
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGUSR1), 1);
    assert_int_equal(eddy_loop_add_signal_handler(other, SIGUSR1, on_signal, "other"),
                     allocations_failed() ? EDDY_ENOMEM : 0);
    must(eddy_loop_close(other));
    eddy_loop_unref(other);
    assert_true(in_force(SIGUSR1) == SIG_DFL);
}

/* SIG-4: the default comes back, not what was there before. */
static void test_removing_restores_the_default(struct fixture *f)
{
    signal(SIGUSR1, own_handler);
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGUSR1), 1);
    assert_true(in_force(SIGUSR1) == SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
}

/* SIG-5: a refused registration changes nothing, also for a handler that was there. */
static void test_refused_registration_leaves_nothing_behind(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    assert_true(eddy_loop_add_signal_handler(f->loop, SIGKILL, on_signal, "kill") < 0);
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGKILL), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    run_until_recorded(f->loop, "usr1");
    assert_recorded("usr1");
}

/* SIG-6: repeated before the loop looks, it may be told once; removed meanwhile, not at all. */
static void test_signal_of_a_removed_handler_is_ignored(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGUSR1), 1);
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "again"));
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
}

/* SIG-7. */
static void test_closing_the_loop_removes_the_handlers(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal, "usr1"));
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR2, on_signal, "usr2"));
    assert_int_equal(raise(SIGUSR1), 0);
    must(eddy_loop_close(f->loop));
    assert_true(in_force(SIGUSR1) == SIG_DFL);
    assert_true(in_force(SIGUSR2) == SIG_DFL);
    assert_nothing_recorded();
}

static int remove_self(void *arg)
{
    record("removed: %d", eddy_loop_remove_signal_handler(arg, SIGUSR1));
    return 0;
}

/* SIG-2: the callback may remove its own handler. */
static void test_handler_may_remove_itself(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, remove_self, f->loop));
    must(eddy_loop_call_soon(f->loop, raise_usr1, NULL, NULL));
    run_until_recorded(f->loop, "removed: 1");
    assert_recorded("removed: 1");
}

/* SIG-2, LOOP-42: a handler that fails is reported. */
static void test_failing_handler_is_reported(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGUSR1, on_signal_fail, NULL));
    must(eddy_loop_call_soon(f->loop, raise_usr1, NULL, NULL));
    run_iterations(f->loop, 4);
    assert_reported("signal handler failed", EDDY_EUSER - 1);
}

/* RUN-1: eddy_run() gives back what was in force before. */
static void test_polite_handler_restores_the_one_before(struct fixture *f)
{
    own_count = 0;
    signal(SIGINT, own_handler);
    must(eddy__signal_add_polite(f->loop, SIGINT, on_signal, "int"));
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(own_count, 0);
    eddy__signal_remove_polite(f->loop, SIGINT, on_signal);
    eddy__signal_remove_polite(f->loop, SIGINT, on_signal);
    assert_true(in_force(SIGINT) == own_handler);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(own_count, 1);
    signal(SIGINT, SIG_DFL);
}

/* RUN-1: a handler that the program set meanwhile stays. */
static void test_handler_set_meanwhile_stays(struct fixture *f)
{
    signal(SIGINT, SIG_DFL);
    must(eddy__signal_add_polite(f->loop, SIGINT, on_signal, "int"));
    signal(SIGINT, own_handler);
    eddy__signal_remove_polite(f->loop, SIGINT, on_signal);
    assert_true(in_force(SIGINT) == own_handler);
    signal(SIGINT, SIG_DFL);
}

/* RUN-1: whoever started the program with Ctrl-C ignored does not want it to end that way. */
static void test_ignored_interrupt_stays_ignored(struct fixture *f)
{
    signal(SIGINT, SIG_IGN);
    must(eddy__signal_add_polite(f->loop, SIGINT, on_signal, "int"));
    assert_true(in_force(SIGINT) == SIG_IGN);
    assert_int_equal(raise(SIGINT), 0);
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    eddy__signal_remove_polite(f->loop, SIGINT, on_signal);
    assert_true(in_force(SIGINT) == SIG_IGN);
    signal(SIGINT, SIG_DFL);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_bad_signals_are_refused),
        TEST(test_a_closed_loop_handles_no_signal),
        TEST(test_signal_runs_its_callback_in_the_loop),
        TEST(test_signal_ends_the_wait),
        TEST(test_interrupted_calls_are_restarted),
        TEST(test_second_handler_replaces_the_first),
        TEST(test_only_one_loop_has_a_signal),
        TEST(test_removing_restores_the_default),
        TEST(test_refused_registration_leaves_nothing_behind),
        TEST(test_signal_of_a_removed_handler_is_ignored),
        TEST(test_closing_the_loop_removes_the_handlers),
        TEST(test_handler_may_remove_itself),
        TEST(test_failing_handler_is_reported),
        TEST(test_polite_handler_restores_the_one_before),
        TEST(test_handler_set_meanwhile_stays),
        TEST(test_ignored_interrupt_stays_ignored),
    };

    return run_suite("signal", tests);
}

#else

int main(void)
{
    puts("no tests: this system has no signals of that kind");
    return 0;
}

#endif
