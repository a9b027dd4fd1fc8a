/* SPDX-License-Identifier: MIT */
/* Futures: FUT-1..FUT-9. */
#include "common/future.h"
#include "common/coroutine.h"
#include "support/support.h"
#include <string.h>

/* The tests hold futures, so that out of memory ends them by an assertion. */
#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1 };

static eddy_value integer(int64_t number)
{
    return (eddy_value){.integer = number};
}

/* A done callback that records its argument, a text. */
static int on_done(eddy_future *future, void *text)
{
    assert_true(eddy_future_done(future));
    record("%s", (const char *)text);
    return 0;
}

static void dispose(eddy_value value)
{
    record("dispose:%d", (int)value.integer);
}

/* A pending future, or the end of the test. */
static eddy_future *future_of(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    ok(eddy_future_done(future) ? eddy_future_exception(future) : 0);
    return future;
}

/* FUT-1 */
static void test_a_new_future_is_pending_and_knows_its_loop(struct fixture *f)
{
    eddy_future *future = future_of(f);

    assert_false(eddy_future_done(future));
    assert_false(eddy_future_cancelled(future));
    assert_ptr_equal(eddy_future_get_loop(future), f->loop);
    eddy_future_unref(future);
}

/* FUT-1, LOOP-18: also on a closed loop. */
static void test_a_future_can_be_made_and_completed_on_a_closed_loop(struct fixture *f)
{
    eddy_future *future;
    eddy_value value;

    ok(eddy_loop_close(f->loop));
    future = future_of(f);
    assert_int_equal(eddy_future_set_result(future, integer(3)), 0);
    assert_int_equal(eddy_future_result(future, &value), 0);
    assert_int_equal(value.integer, 3);
    eddy_future_unref(future);
}

/* FUT-1: a result that nobody takes out goes to the disposer, once. */
static void test_a_result_is_disposed_of_unless_it_was_taken(struct fixture *f)
{
    eddy_future *future = future_of(f);
    eddy_value value;

    eddy_future_set_disposer(future, dispose);
    assert_int_equal(eddy_future_set_result(future, integer(1)), 0);
    assert_int_equal(eddy_future_result(future, NULL), 0);
    eddy_future_unref(future);
    assert_recorded("dispose:1");

    future = future_of(f);
    eddy_future_set_disposer(future, dispose);
    assert_int_equal(eddy_future_set_result(future, integer(2)), 0);
    assert_int_equal(eddy_future_result(future, &value), 0);
    assert_int_equal(eddy_future_result(future, &value), 0);
    assert_int_equal(value.integer, 2);
    eddy_future_unref(future);
    assert_nothing_recorded();
}

/* FUT-4: everything that can be asked, while it is pending. */
static void test_a_pending_future_has_no_outcome(struct fixture *f)
{
    eddy_future *future = future_of(f);
    eddy_value value = integer(9);

    assert_int_equal(eddy_future_result(future, &value), EDDY_EINVALIDSTATE);
    assert_int_equal(eddy_future_exception(future), EDDY_EINVALIDSTATE);
    assert_int_equal(value.integer, 9);
    assert_string_equal(eddy_future_error_text(future), "");
    eddy_future_unref(future);
}

/* FUT-2, FUT-4 */
static void test_a_result_is_set_once(struct fixture *f)
{
    eddy_future *future = future_of(f);
    eddy_value value;

    assert_int_equal(eddy_future_set_result(future, integer(42)), 0);
    assert_true(eddy_future_done(future));
    assert_int_equal(eddy_future_set_result(future, integer(43)), EDDY_EINVALIDSTATE);
    assert_int_equal(eddy_future_set_exception(future, ECUSTOM), EDDY_EINVALIDSTATE);
    assert_false(eddy_future_cancel(future, NULL));
    assert_int_equal(eddy_future_result(future, &value), 0);
    assert_int_equal(value.integer, 42);
    assert_int_equal(eddy_future_exception(future), 0);
    eddy_future_unref(future);
}

/* FUT-2, FUT-4: the text travels along. */
static void test_an_error_is_set_once_with_its_text(struct fixture *f)
{
    eddy_future *future = future_of(f);

    assert_int_equal(eddy_future_set_exception(future, eddy_error(ECUSTOM, "no %s", "luck")), 0);
    assert_int_equal(eddy_future_set_exception(future, ECUSTOM), EDDY_EINVALIDSTATE);
    assert_int_equal(eddy_future_set_result(future, integer(1)), EDDY_EINVALIDSTATE);
    assert_int_equal(eddy_future_result(future, NULL), ECUSTOM);
    eddy_error(EDDY_EFAILED, "something else");
    assert_int_equal(eddy_future_exception(future), ECUSTOM);
    if (!allocations_failed()) {
        assert_string_equal(eddy_error_text(), "no luck");
        assert_string_equal(eddy_future_error_text(future), "no luck");
    }
    assert_false(eddy_future_cancelled(future));
    eddy_future_unref(future);
}

/* FUT-2: what is no failure cannot be set as one. */
static void test_only_failures_are_errors(struct fixture *f)
{
    eddy_future *future = future_of(f);

    assert_int_equal(eddy_future_set_exception(future, 0), EDDY_EINVALID);
    assert_int_equal(eddy_future_set_exception(future, 5), EDDY_EINVALID);
    assert_int_equal(eddy_future_set_exception(future, EDDY_ECANCELED), EDDY_EINVALID);
    assert_false(eddy_future_done(future));
    eddy_future_unref(future);
}

/* FUT-3, FUT-4 */
static void test_cancel_ends_a_pending_future_once(struct fixture *f)
{
    eddy_future *future = future_of(f);

    assert_true(eddy_future_cancel(future, "never mind"));
    assert_true(eddy_future_done(future));
    assert_true(eddy_future_cancelled(future));
    assert_false(eddy_future_cancel(future, NULL));
    assert_int_equal(eddy_future_set_result(future, integer(1)), EDDY_EINVALIDSTATE);
    assert_int_equal(eddy_future_set_exception(future, ECUSTOM), EDDY_EINVALIDSTATE);
    assert_int_equal(eddy_future_result(future, NULL), EDDY_ECANCELED);
    assert_int_equal(eddy_future_exception(future), EDDY_ECANCELED);
    if (!allocations_failed())
        assert_string_equal(eddy_error_text(), "never mind");
    eddy_future_unref(future);
}

/* FUT-5: through the queue, in order, as often as it was added. */
static void test_done_callbacks_come_later_and_in_order(struct fixture *f)
{
    eddy_future *future = future_of(f);

    ok(eddy_future_add_done_callback(future, on_done, "a"));
    ok(eddy_future_add_done_callback(future, on_done, "b"));
    ok(eddy_future_add_done_callback(future, on_done, "a"));
    assert_int_equal(eddy_future_set_result(future, integer(0)), 0);
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("a", "b", "a");
    eddy_future_unref(future);
}

/* FUT-5 */
static void test_a_callback_added_to_a_done_future_is_scheduled_at_once(struct fixture *f)
{
    eddy_future *future = future_of(f);

    assert_true(eddy_future_cancel(future, NULL));
    ok(eddy_future_add_done_callback(future, on_done, "late"));
    eddy_future_unref(future);
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("late");
}

/* FUT-5: a callback is a kind of call_soon, before what is scheduled afterwards. */
static void test_done_callbacks_keep_their_place_among_other_callbacks(struct fixture *f)
{
    eddy_future *future = future_of(f);

    ok(eddy_future_add_done_callback(future, on_done, "done"));
    ok(eddy_loop_call_soon(f->loop, on_call, "before", NULL));
    assert_int_equal(eddy_future_set_result(future, integer(0)), 0);
    ok(eddy_loop_call_soon(f->loop, on_call, "after", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("before", "done", "after");
    eddy_future_unref(future);
}

static void test_a_callback_is_needed(struct fixture *f)
{
    eddy_future *future = future_of(f);

    assert_int_equal(eddy_future_add_done_callback(future, NULL, NULL), EDDY_EINVALID);
    eddy_future_unref(future);
}

static int on_done_fail(eddy_future *future, void *arg)
{
    (void)future;
    (void)arg;
    return eddy_error(ECUSTOM, "bad callback");
}

/* LOOP-42, ERR-5: the others still run. */
static void test_a_failing_done_callback_is_reported(struct fixture *f)
{
    eddy_future *future = future_of(f);
    const struct report *report;

    ok(eddy_future_add_done_callback(future, on_done_fail, NULL));
    ok(eddy_future_add_done_callback(future, on_done, "next"));
    assert_int_equal(eddy_future_set_result(future, integer(0)), 0);
    run_iterations(f->loop, 1);
    assert_recorded("next");
    report = assert_reported("callback failed", ECUSTOM);
    assert_ptr_equal(report->future, future);
    assert_string_equal(report->text, "bad callback");
    eddy_future_unref(future);
}

/* FUT-6 */
static void test_removing_a_callback_returns_how_many(struct fixture *f)
{
    eddy_future *future = future_of(f);
    static char a[] = "a", b[] = "b";

    ok(eddy_future_add_done_callback(future, on_done, a));
    ok(eddy_future_add_done_callback(future, on_done, b));
    ok(eddy_future_add_done_callback(future, on_done, a));
    assert_int_equal(eddy_future_remove_done_callback(future, on_done, a), 2);
    assert_int_equal(eddy_future_remove_done_callback(future, on_done, a), 0);
    assert_int_equal(eddy_future_remove_done_callback(future, on_done_fail, b), 0);
    assert_int_equal(eddy_future_set_result(future, integer(0)), 0);
    /* Once it is done the list is empty; what is scheduled still runs. */
    assert_int_equal(eddy_future_remove_done_callback(future, on_done, b), 0);
    run_iterations(f->loop, 1);
    assert_recorded("b");
    eddy_future_unref(future);
}

static int on_done_change(eddy_future *future, void *text)
{
    record("change");
    assert_int_equal(eddy_future_remove_done_callback(future, on_done, text), 0);
    return eddy_future_add_done_callback(future, on_done, "added");
}

/* FUT-6: later ones are scheduled already; one that is added comes in the next iteration. */
static void test_a_callback_may_add_and_remove_callbacks(struct fixture *f)
{
    eddy_future *future = future_of(f);
    static char later[] = "later";

    ok(eddy_future_add_done_callback(future, on_done_change, later));
    ok(eddy_future_add_done_callback(future, on_done, later));
    assert_int_equal(eddy_future_set_result(future, integer(0)), 0);
    run_iterations(f->loop, 1);
    assert_recorded("change", "later");
    run_iterations(f->loop, 1);
    assert_recorded("added");
    eddy_future_unref(future);
}

/* FUT-5: the callback keeps its future alive. */
static void test_a_callback_outlives_the_last_reference_of_the_program(struct fixture *f)
{
    eddy_future *future = future_of(f);

    eddy_future_set_disposer(future, dispose);
    ok(eddy_future_add_done_callback(future, on_done, "done"));
    assert_int_equal(eddy_future_set_result(future, integer(5)), 0);
    eddy_future_unref(future);
    run_iterations(f->loop, 1);
    assert_recorded("done", "dispose:5");
}

/* FUT-8 */
static void test_an_error_nobody_asked_for_is_reported_once(struct fixture *f)
{
    eddy_future *future = future_of(f);
    const struct report *report;

    eddy_future_ref(future);
    assert_int_equal(eddy_future_set_exception(future, eddy_error(ECUSTOM, "lost")), 0);
    eddy_future_unref(future);
    assert_int_equal(reported(), 0);
    eddy_future_unref(future);
    report = assert_reported("nobody asked", ECUSTOM);
    assert_ptr_equal(report->future, future);
    assert_string_equal(report->source_traceback, "");
    if (!allocations_failed())
        assert_string_equal(report->text, "lost");
    assert_int_equal(reported(), 1);
}

/* FUT-8: in debug mode it says where the future was made. */
static void test_an_unretrieved_error_names_the_place_in_debug_mode(struct fixture *f)
{
    eddy_future *future;

    eddy_loop_set_debug(f->loop, true);
    future = future_of(f);
    assert_int_equal(eddy_future_set_exception(future, ECUSTOM), 0);
    eddy_future_unref(future);
    assert_true(strlen(assert_reported("nobody asked", ECUSTOM)->source_traceback) > 0);
}

/* FUT-8, FUT-3: retrieved errors, results, cancelled and silenced futures say nothing. */
static void test_what_is_not_reported(struct fixture *f)
{
    eddy_future *asked = future_of(f);
    eddy_future *silenced = future_of(f);
    eddy_future *cancelled = future_of(f);
    eddy_future *finished = future_of(f);

    assert_int_equal(eddy_future_set_exception(asked, ECUSTOM), 0);
    assert_int_equal(eddy_future_exception(asked), ECUSTOM);
    assert_int_equal(eddy_future_set_exception(silenced, ECUSTOM), 0);
    assert_false(eddy_future_cancel(silenced, NULL));
    assert_true(eddy_future_cancel(cancelled, NULL));
    assert_int_equal(eddy_future_set_result(finished, integer(0)), 0);
    eddy_future_unref(asked);
    eddy_future_unref(silenced);
    eddy_future_unref(cancelled);
    eddy_future_unref(finished);
    assert_int_equal(reported(), 0);
}

static eddy_future *kept;

static int keep_future(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    (void)loop;
    (void)arg;
    record("report");
    kept = eddy_future_ref(context->future);
    return 0;
}

/* FUT-8: the handler may keep what it is lent; there is no second report. */
static void test_the_exception_handler_may_keep_the_future(struct fixture *f)
{
    eddy_future *future = future_of(f);

    eddy_loop_set_exception_handler(f->loop, keep_future, NULL);
    assert_int_equal(eddy_future_set_exception(future, ECUSTOM), 0);
    eddy_future_unref(future);
    assert_recorded("report");
    assert_int_equal(eddy_future_exception(kept), ECUSTOM);
    eddy_future_unref(kept);
    assert_nothing_recorded();
}

/* FUT-9 */
static void test_completing_with_callbacks_on_a_closed_loop_is_bad_state(struct fixture *f)
{
    eddy_future *result = future_of(f);
    eddy_future *error = future_of(f);
    eddy_future *alone = future_of(f);

    ok(eddy_future_add_done_callback(result, on_done, "never"));
    ok(eddy_future_add_done_callback(error, on_done, "never"));
    ok(eddy_loop_close(f->loop));
    assert_int_equal(eddy_future_set_result(result, integer(1)), EDDY_EBADSTATE);
    assert_true(eddy_future_done(result));
    assert_int_equal(eddy_future_set_exception(error, ECUSTOM), EDDY_EBADSTATE);
    assert_int_equal(eddy_future_exception(error), ECUSTOM);
    assert_int_equal(eddy_future_set_result(alone, integer(1)), 0);
    assert_int_equal(eddy_future_add_done_callback(alone, on_done, "never"), EDDY_EBADSTATE);
    eddy_future_unref(result);
    eddy_future_unref(error);
    eddy_future_unref(alone);
    assert_nothing_recorded();
}

/* FUT-9, LOOP-16: what was scheduled goes with the loop, and lets go of its future. */
static void test_closing_the_loop_drops_scheduled_callbacks(struct fixture *f)
{
    eddy_future *future = future_of(f);

    eddy_future_set_disposer(future, dispose);
    ok(eddy_future_add_done_callback(future, on_done, "never"));
    assert_int_equal(eddy_future_set_result(future, integer(7)), 0);
    eddy_future_unref(future);
    ok(eddy_loop_close(f->loop));
    assert_recorded("dispose:7");
}

/* FUT-7: a future of one loop cannot end the run of another. */
static void test_a_future_belongs_to_one_loop(struct fixture *f)
{
    eddy_future *future;
    eddy_loop *other;

    ok(eddy_loop_new(NULL, &other));
    future = eddy_loop_create_future(other);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EINVALID);
    assert_int_equal(eddy_loop_close(other), 0);
    eddy_loop_unref(other);
}

/* FUT-2: the failed futures of calls without a loop are nobody's, and shared by all. */
static void test_an_immortal_future_refuses_everything_politely(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(NULL);

    (void)f;
    assert_true(eddy_future_done(future));
    assert_null(eddy_future_get_loop(future));
    assert_int_equal(eddy_future_exception(future), EDDY_EINVALID);
    assert_int_equal(eddy_future_set_result(future, integer(1)), EDDY_EINVALIDSTATE);
    assert_false(eddy_future_cancel(future, NULL));
    assert_int_equal(eddy_future_add_done_callback(future, on_done, NULL), EDDY_EBADSTATE);
    assert_int_equal(eddy_future_remove_done_callback(future, on_done, NULL), 0);
    eddy_future_set_disposer(future, dispose);
    eddy_future_unref(eddy_future_ref(future));
    eddy_future_unref(future);
    eddy_future_unref(future);
    assert_int_equal(eddy_future_exception(future), EDDY_EINVALID);
}

static int on_done_count(eddy_future *future, void *count)
{
    (void)future;
    ++*(int *)count;
    return 0;
}

/* Create, complete, call back: nothing is allocated once it is warm (the budget of the design). */
static void test_a_warm_loop_allocates_nothing_for_a_future(struct fixture *f)
{
    int count = 0;
    size_t made = 0;

#if defined(EDDY_COROUTINE_THREAD)
    skip(); /* The last resort of context switches needs memory for each run. */
#endif
    for (int i = 0; i < 8; i++) {
        eddy_future *future = future_of(f);

        ok(eddy_future_add_done_callback(future, on_done_count, &count));
        assert_int_equal(eddy_future_set_result(future, integer(i)), 0);
        eddy_future_unref(future);
        run_iterations(f->loop, 1);
        if (i == 3)
            made = allocations_made();
    }
    assert_int_equal(count, 8);
    assert_int_equal(allocations_made(), made);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_new_future_is_pending_and_knows_its_loop),
        TEST(test_a_future_can_be_made_and_completed_on_a_closed_loop),
        TEST(test_a_result_is_disposed_of_unless_it_was_taken),
        TEST(test_a_pending_future_has_no_outcome),
        TEST(test_a_result_is_set_once),
        TEST(test_an_error_is_set_once_with_its_text),
        TEST(test_only_failures_are_errors),
        TEST(test_cancel_ends_a_pending_future_once),
        TEST(test_done_callbacks_come_later_and_in_order),
        TEST(test_a_callback_added_to_a_done_future_is_scheduled_at_once),
        TEST(test_done_callbacks_keep_their_place_among_other_callbacks),
        TEST(test_a_callback_is_needed),
        TEST(test_a_failing_done_callback_is_reported),
        TEST(test_removing_a_callback_returns_how_many),
        TEST(test_a_callback_may_add_and_remove_callbacks),
        TEST(test_a_callback_outlives_the_last_reference_of_the_program),
        TEST(test_an_error_nobody_asked_for_is_reported_once),
        TEST(test_an_unretrieved_error_names_the_place_in_debug_mode),
        TEST(test_what_is_not_reported),
        TEST(test_the_exception_handler_may_keep_the_future),
        TEST(test_completing_with_callbacks_on_a_closed_loop_is_bad_state),
        TEST(test_closing_the_loop_drops_scheduled_callbacks),
        TEST(test_a_future_belongs_to_one_loop),
        TEST(test_an_immortal_future_refuses_everything_politely),
        TEST(test_a_warm_loop_allocates_nothing_for_a_future),
    };

    return run_suite("future", tests);
}
