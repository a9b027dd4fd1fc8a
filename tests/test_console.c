/* SPDX-License-Identifier: MIT */
/* Console events as signals (SIG-8), and Ctrl-C for eddy_run() (RUN-1); see also test_signal.c. */
#include "support/support.h"

#if defined(_WIN32)
#include "common/loop.h"
#include "common/signal.h"
#include <signal.h>
#include <windows.h>

static atomic_int own_count;

static BOOL WINAPI own_handler(DWORD event)
{
    if (event != CTRL_C_EVENT)
        return FALSE;
    atomic_fetch_add(&own_count, 1);
    return TRUE;
}

/* Press Ctrl-C; without a console there is none to press. The handlers run in a thread that the
 * system makes, some time later. */
static void press_ctrl_c(void)
{
    if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0))
        skip();
}

static int on_signal(void *arg)
{
    record("%s", (const char *)arg);
    return 0;
}

/* SIG-8: Ctrl-C wakes a wait that would last long, and runs the callback. */
static void test_ctrl_c_runs_the_callback(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGINT, on_signal, "int"));
    press_ctrl_c();
    for (int i = 0; i < 100 && recorded(NULL) == 0; i++)
        run_for(f->loop, EDDY_MILLISECONDS(50));
    assert_recorded("int");
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGINT), 1);
}

/* SIG-8: what the console has an event for is delivered, the rest is not. */
static void test_only_console_events_are_signals(struct fixture *f)
{
    must(eddy_loop_add_signal_handler(f->loop, SIGBREAK, on_signal, "break"));
    must(eddy_loop_add_signal_handler(f->loop, EDDY_SIGHUP, on_signal, "hup"));
    must(eddy_loop_add_signal_handler(f->loop, SIGTERM, on_signal, "term"));
    assert_int_equal(eddy_loop_add_signal_handler(f->loop, SIGSEGV, on_signal, "segv"),
                     EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGSEGV), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGBREAK), 1);
}

static void test_stopping_restores_the_handler_before(struct fixture *f)
{
    atomic_store(&own_count, 0);
    assert_true(SetConsoleCtrlHandler(own_handler, TRUE));
    must(eddy__signal_add_polite(f->loop, SIGINT, on_signal, "int"));
    eddy__signal_remove_polite(f->loop, SIGINT, on_signal);
    eddy__signal_remove_polite(f->loop, SIGINT, on_signal);
    press_ctrl_c();
    for (int i = 0; i < 1000 && atomic_load(&own_count) == 0; i++)
        run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_int_equal(atomic_load(&own_count), 1);
    assert_nothing_recorded();
    assert_true(SetConsoleCtrlHandler(own_handler, FALSE));
}

/* SIG-3. */
static void test_only_one_loop_has_it_at_a_time(struct fixture *f)
{
    eddy_loop *other;

    must(eddy_loop_new(NULL, &other));
    must(eddy_loop_add_signal_handler(f->loop, SIGINT, on_signal, "int"));
    assert_int_equal(eddy_loop_add_signal_handler(other, SIGINT, on_signal, "other"),
                     EDDY_EBADSTATE);
    assert_int_equal(eddy_loop_remove_signal_handler(f->loop, SIGINT), 1);
    assert_int_equal(eddy_loop_add_signal_handler(other, SIGINT, on_signal, "other"), 0);
    must(eddy_loop_close(other));
    eddy_loop_unref(other);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_ctrl_c_runs_the_callback),
        TEST(test_only_console_events_are_signals),
        TEST(test_stopping_restores_the_handler_before),
        TEST(test_only_one_loop_has_it_at_a_time),
    };

    return run_suite("console", tests);
}
#else

int main(void)
{
    print_message("skipped: this system has no console of that kind\n");
    return 0;
}
#endif
