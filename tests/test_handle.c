/* SPDX-License-Identifier: MIT */
/* Handles of scheduled callbacks: LOOP-39..LOOP-41. */
#include "common/slot.h"
#include "common/thread.h"
#include "support/support.h"
#include <stdatomic.h>

static void release_context(void *text)
{
    record("released %s", (const char *)text);
}

/* LOOP-39: it does not run, and what it held is released at once. */
static void test_cancelled_callback_does_not_run(struct fixture *f)
{
    eddy_context *context = NULL;
    eddy_handle soon = {0}, later = {0};
    int error;

    must(eddy_context_new("context", release_context, &context));
    error = eddy_loop_call_soon_in_context(f->loop, on_call, "soon", context, &soon);
    if (error == 0)
        error = eddy_loop_call_later_in_context(f->loop, 0, on_call, "later", context, &later);
    eddy_context_unref(context);
    must(error);
    eddy_handle_cancel(soon);
    assert_nothing_recorded();
    eddy_handle_cancel(later);
    assert_recorded("released context");
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
}

static void release_asked(void *handle)
{
    record(eddy_handle_get_context(*(eddy_handle *)handle) == NULL ? "none" : "what goes");
}

/* get_context(): not what is just being released, asked from there. */
static void test_a_context_that_goes_is_no_longer_known(struct fixture *f)
{
    static eddy_handle handle;
    eddy_context *context = NULL;
    int error;

    handle = (eddy_handle){0};
    must(eddy_context_new(&handle, release_asked, &context));
    error = eddy_loop_call_later_in_context(f->loop, 0, on_call, "ran", context, &handle);
    eddy_context_unref(context);
    must(error);
    run_iterations(f->loop, 3);
    assert_recorded("ran", "none");
}

/* LOOP-39: idempotent, and cancelled() tells whether cancel() was called. */
static void test_cancel_twice_is_harmless(struct fixture *f)
{
    eddy_handle handle;

    must(eddy_loop_call_soon(f->loop, on_call, "a", &handle));
    assert_int_equal(eddy_handle_get_state(handle), EDDY_HANDLE_SCHEDULED);
    assert_false(eddy_handle_cancelled(handle));
    eddy_handle_cancel(handle);
    eddy_handle_cancel(handle);
    assert_true(eddy_handle_cancelled(handle));
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    assert_true(eddy_handle_cancelled(handle));
}

/* LOOP-39: after it ran a cancel only sets the mark. */
static void test_cancel_after_the_run_only_marks(struct fixture *f)
{
    eddy_handle handle;

    must(eddy_loop_call_soon(f->loop, on_call, "ran", &handle));
    run_iterations(f->loop, 1);
    assert_int_equal(eddy_handle_get_state(handle), EDDY_HANDLE_DONE);
    assert_false(eddy_handle_cancelled(handle));
    eddy_handle_cancel(handle);
    assert_true(eddy_handle_cancelled(handle));
    assert_recorded("ran");
}

static int on_call_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* Schedule and run other callbacks until nothing is known of `handle` any more. */
static void outlive(struct fixture *f, eddy_handle handle)
{
    enum { MORE_THAN_REMEMBERED = 10000 };
    int i;

    for (i = 0; i < MORE_THAN_REMEMBERED && eddy_handle_get_state(handle) != EDDY_HANDLE_GONE;
         i++) {
        must(eddy_loop_call_soon(f->loop, on_call_nothing, NULL, NULL));
        run_iterations(f->loop, 1);
    }
    assert_int_equal(eddy_handle_get_state(handle), EDDY_HANDLE_GONE);
}

/* LOOP-39: once its place serves another callback the handle says so, and reaches it no more. */
static void test_old_handle_does_not_reach_a_new_callback(struct fixture *f)
{
    eddy_handle old, young;

    must(eddy_loop_call_soon(f->loop, on_call, "old", &old));
    run_iterations(f->loop, 1);
    outlive(f, old);
    must(eddy_loop_call_soon(f->loop, on_call, "young", &young));
    eddy_handle_cancel(old);
    assert_false(eddy_handle_cancelled(old));
    assert_null(eddy_handle_get_context(old));
    assert_int_equal(eddy_handle_get_state(young), EDDY_HANDLE_SCHEDULED);
    run_iterations(f->loop, 1);
    assert_recorded("old", "young");
}

/* The same of timers. */
static void test_old_timer_handle_does_not_reach_a_new_timer(struct fixture *f)
{
    eddy_handle old, young;

    must(eddy_loop_call_later(f->loop, 0, on_call, "old", &old));
    run_iterations(f->loop, 1);
    must(eddy_loop_call_later(f->loop, 0, on_call, "young", &young));
    assert_int_equal(eddy_handle_get_state(old), EDDY_HANDLE_GONE);
    eddy_handle_cancel(old);
    assert_false(eddy_handle_cancelled(old));
    assert_null(eddy_handle_get_context(old));
    assert_int_equal(eddy_handle_get_state(young), EDDY_HANDLE_SCHEDULED);
    run_iterations(f->loop, 1);
    assert_recorded("old", "young");
}

static int on_call_cancel(void *handle)
{
    record("cancel");
    eddy_handle_cancel(*(eddy_handle *)handle);
    return 0;
}

/* LOOP-25, LOOP-39: a callback cancels a later one of its own batch, and itself. */
static void test_callback_cancels_one_behind_it(struct fixture *f)
{
    eddy_handle own, next;

    must(eddy_loop_call_soon(f->loop, on_call_cancel, &next, NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "next", &next));
    must(eddy_loop_call_soon(f->loop, on_call_cancel, &own, &own));
    must(eddy_loop_call_soon(f->loop, on_call, "last", NULL));
    run_iterations(f->loop, 2);
    assert_recorded("cancel", "cancel", "last");
}

/* LOOP-39: a timer that is due already but has not run can still be cancelled. */
static void test_due_timer_can_be_cancelled(struct fixture *f)
{
    eddy_handle second;

    must(eddy_loop_call_later(f->loop, -2, on_call_cancel, &second, NULL));
    must(eddy_loop_call_later(f->loop, -1, on_call, "second", &second));
    run_iterations(f->loop, 2);
    assert_recorded("cancel");
}

static void test_empty_handle_is_harmless(struct fixture *f)
{
    eddy_handle handle = {0};

    (void)f;
    eddy_handle_cancel(handle);
    assert_int_equal(eddy_handle_get_state(handle), EDDY_HANDLE_GONE);
    assert_false(eddy_handle_cancelled(handle));
    assert_null(eddy_handle_get_context(handle));
    assert_true(eddy_handle_when(handle) == 0);
}

/* LOOP-39: get_context() */
static void test_handle_knows_its_context(struct fixture *f)
{
    eddy_context *context = NULL;
    eddy_handle handle = {0};
    int error;

    must(eddy_context_new("it", NULL, &context));
    error = eddy_loop_call_soon_in_context(f->loop, on_call, "a", context, &handle);
    eddy_context_unref(context);
    must(error);
    assert_ptr_equal(eddy_handle_get_context(handle), context);
    eddy_handle_cancel(handle);
    assert_null(eddy_handle_get_context(handle));
}

/* LOOP-40: the due time, also after running and after cancelling. */
static void test_timer_handle_remembers_when(struct fixture *f)
{
    eddy_time when = eddy_loop_time(f->loop) - 5;
    eddy_handle ran, cancelled, soon;

    must(eddy_loop_call_at(f->loop, when, on_call, "ran", &ran));
    must(eddy_loop_call_at(f->loop, when + 7, on_call, "cancelled", &cancelled));
    must(eddy_loop_call_soon(f->loop, on_call, "soon", &soon));
    eddy_handle_cancel(cancelled);
    run_iterations(f->loop, 1);
    assert_true(eddy_handle_when(ran) == when);
    assert_true(eddy_handle_when(cancelled) == when + 7);
    assert_true(eddy_handle_when(soon) == 0);
    assert_recorded("soon", "ran");
}

/* LOOP-40: equality is identity, not likeness. */
static void test_handles_equal_only_themselves(struct fixture *f)
{
    eddy_time when = eddy_loop_time(f->loop);
    eddy_handle a, b;

    must(eddy_loop_call_at(f->loop, when, on_call, "same", &a));
    must(eddy_loop_call_at(f->loop, when, on_call, "same", &b));
    assert_true(eddy_handle_equal(a, a));
    assert_false(eddy_handle_equal(a, b));
    eddy_handle_cancel(a);
    assert_true(eddy_handle_equal(a, a));
}

/* What tells a handle of call_soon() from a timer's is no address, which in low memory could be the
 * number of a timer's slot. */
static void test_handles_do_not_depend_on_where_the_loop_lies(struct fixture *f)
{
    eddy_loop *other;
    eddy_handle a, b;
    int error;

    must(eddy_loop_call_soon(f->loop, on_call, "runs", &a));
    must(eddy_loop_new(NULL, &other));
    error = eddy_loop_call_soon(other, on_call, "never", &b);
    if (error == 0) {
        assert_ptr_equal(a.slot, b.slot);
        assert_true((uintptr_t)a.slot >> EDDY__SLOT_NUMBER_BITS != 0);
        assert_false(eddy_handle_equal(a, b));
    }
    eddy_loop_unref(other);
    must(error);
    run_iterations(f->loop, 1);
    assert_recorded("runs");
}

/* LOOP-41: a posted callback is cancelled before it runs, and told apart from one that ran. */
static void test_posted_callback_can_be_cancelled(struct fixture *f)
{
    eddy_threadsafe_handle *first = NULL, *second = NULL;
    int error;

    must(eddy_loop_call_soon_threadsafe(f->loop, on_call, "first", &first));
    error = eddy_loop_call_soon_threadsafe(f->loop, on_call, "second", &second);
    if (error == 0) {
        assert_int_equal(eddy_threadsafe_handle_cancel(first), EDDY_CANCEL_CANCELLED);
        assert_int_equal(eddy_threadsafe_handle_cancel(first), EDDY_CANCEL_CANCELLED);
        run_iterations(f->loop, 1);
        assert_int_equal(eddy_threadsafe_handle_cancel(second), EDDY_CANCEL_DONE);
        assert_int_equal(eddy_threadsafe_handle_cancel_sync(second), EDDY_CANCEL_DONE);
        assert_recorded("second");
    }
    eddy_threadsafe_handle_unref(first);
    eddy_threadsafe_handle_unref(second);
    must(error);
}

static int on_call_cancel_itself(void *arg)
{
    eddy_threadsafe_handle **handle = arg;

    record("%d", eddy_threadsafe_handle_cancel(*handle) == EDDY_CANCEL_RUNNING);
    record("%d", eddy_threadsafe_handle_cancel_sync(*handle) == EDDY_CANCEL_RUNNING);
    return 0;
}

/* LOOP-41: from inside the callback neither verb waits for it. */
static void test_posted_callback_cancels_itself_without_waiting(struct fixture *f)
{
    eddy_threadsafe_handle *handle = NULL;

    must(eddy_loop_call_soon_threadsafe(f->loop, on_call_cancel_itself, &handle, &handle));
    run_iterations(f->loop, 1);
    assert_recorded("1", "1");
    eddy_threadsafe_handle_unref(handle);
}

/* A callback that lets a thread cancel it, and goes on until that thread is about to. */
struct sync_case {
    eddy_threadsafe_handle *handle;
    struct eddy__thread thread;
    atomic_int about_to_cancel;
    atomic_int finished;
    int plain, sync, finished_before_sync_returned;
    int error;
};

static void cancel_running(void *arg)
{
    struct sync_case *test = arg;

    test->plain = (int)eddy_threadsafe_handle_cancel(test->handle);
    atomic_store(&test->about_to_cancel, 1);
    test->sync = (int)eddy_threadsafe_handle_cancel_sync(test->handle);
    test->finished_before_sync_returned = atomic_load(&test->finished);
}

static int on_call_be_cancelled(void *arg)
{
    struct sync_case *test = arg;
    int i;

    test->error = eddy__thread_start(&test->thread, "cancels", cancel_running, test);
    if (test->error != 0)
        return 0;
    while (!atomic_load(&test->about_to_cancel))
        eddy__thread_yield();
    for (i = 0; i < 100; i++)
        eddy__thread_yield();
    atomic_store(&test->finished, 1);
    return 0;
}

/* LOOP-41: from another thread, cancel() never blocks and cancel_sync() waits for the end. */
static void test_cancel_sync_waits_until_the_callback_has_finished(struct fixture *f)
{
    struct sync_case test = {0};

    must(eddy_loop_call_soon_threadsafe(f->loop, on_call_be_cancelled, &test, &test.handle));
    run_iterations(f->loop, 1);
    if (test.error == 0) {
        eddy__thread_join(&test.thread);
        assert_int_equal(test.plain, EDDY_CANCEL_RUNNING);
        assert_int_equal(test.sync, EDDY_CANCEL_DONE);
        assert_true(test.finished_before_sync_returned);
    }
    eddy_threadsafe_handle_unref(test.handle);
    must(test.error);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_cancelled_callback_does_not_run),
        TEST(test_a_context_that_goes_is_no_longer_known),
        TEST(test_cancel_twice_is_harmless),
        TEST(test_cancel_after_the_run_only_marks),
        TEST(test_old_handle_does_not_reach_a_new_callback),
        TEST(test_old_timer_handle_does_not_reach_a_new_timer),
        TEST(test_callback_cancels_one_behind_it),
        TEST(test_due_timer_can_be_cancelled),
        TEST(test_empty_handle_is_harmless),
        TEST(test_handle_knows_its_context),
        TEST(test_timer_handle_remembers_when),
        TEST(test_handles_equal_only_themselves),
        TEST(test_handles_do_not_depend_on_where_the_loop_lies),
        TEST(test_posted_callback_can_be_cancelled),
        TEST(test_posted_callback_cancels_itself_without_waiting),
        TEST(test_cancel_sync_waits_until_the_callback_has_finished),
    };

    return run_suite("handle", tests);
}
