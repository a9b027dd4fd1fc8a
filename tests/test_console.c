/* SPDX-License-Identifier: MIT */
/* Ctrl-C for eddy_run() (RUN-1), as the console of Windows does it; see also test_interrupt.c. */
#include "support/support.h"

#if defined(_WIN32)
#include "common/interrupt.h"
#include "common/loop.h"
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

static void test_ctrl_c_is_counted_and_wakes_the_loop(struct fixture *f)
{
    must(eddy__interrupt_start(f->loop));
    if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) {
        eddy__interrupt_stop(f->loop);
        skip();
    }
    for (int i = 0; i < 100 && atomic_load(&f->loop->interrupts) == 0; i++) {
        /* The wake-up ends the wait. */
        assert_int_equal(f->loop->backend->wait(f->loop, EDDY_SECONDS(10)), 0);
        f->loop->backend->dispatch(f->loop);
    }
    assert_int_equal(atomic_load(&f->loop->interrupts), 1);
    eddy__interrupt_stop(f->loop);
}

static void test_stopping_restores_the_handler_before(struct fixture *f)
{
    atomic_store(&own_count, 0);
    assert_true(SetConsoleCtrlHandler(own_handler, TRUE));
    must(eddy__interrupt_start(f->loop));
    eddy__interrupt_stop(f->loop);
    eddy__interrupt_stop(f->loop);
    press_ctrl_c();
    for (int i = 0; i < 1000 && atomic_load(&own_count) == 0; i++)
        run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_int_equal(atomic_load(&own_count), 1);
    assert_int_equal(atomic_load(&f->loop->interrupts), 0);
    assert_true(SetConsoleCtrlHandler(own_handler, FALSE));
}

static void test_only_one_loop_has_it_at_a_time(struct fixture *f)
{
    eddy_loop *other;

    must(eddy_loop_new(NULL, &other));
    must(eddy__interrupt_start(f->loop));
    assert_int_equal(eddy__interrupt_start(other), EDDY_EBADSTATE);
    eddy__interrupt_stop(other);
    assert_int_equal(eddy__interrupt_start(other), EDDY_EBADSTATE);
    eddy__interrupt_stop(f->loop);
    assert_int_equal(eddy__interrupt_start(other), 0);
    eddy__interrupt_stop(other);
    must(eddy_loop_close(other));
    eddy_loop_unref(other);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_ctrl_c_is_counted_and_wakes_the_loop),
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
