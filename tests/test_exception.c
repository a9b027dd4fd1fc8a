/* SPDX-License-Identifier: MIT */
/* Errors that nobody else hears of: LOOP-42, ERR-1..ERR-5. ERR-6 is test_stream_error.c's. */
#include "support/oom.h"
#include "support/support.h"
#include <string.h>

static int on_call_fail(void *arg)
{
    record("failing");
    return arg != NULL ? eddy_error(EDDY_EUSER - 5, "%s", (char *)arg) : EDDY_EUSER - 5;
}

/* LOOP-42, ERR-5: reported with message, error, text and handle; the iteration goes on. */
static void test_failing_callback_is_reported_and_the_loop_goes_on(struct fixture *f)
{
    const struct report *report;

    must(eddy_loop_call_soon(f->loop, on_call_fail, "tea is cold", NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "next", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("failing", "next");
    report = assert_reported("callback", EDDY_EUSER - 5);
    assert_string_equal(report->text, "tea is cold");
    assert_true(report->has_handle);
}

/* LOOP-42: a posted one is reported too. */
static void test_failing_posted_callback_is_reported(struct fixture *f)
{
    must(eddy_loop_call_soon_threadsafe(f->loop, on_call_fail, NULL, NULL));
    must(eddy_loop_call_later(f->loop, 0, on_call_fail, NULL, NULL));
    run_iterations(f->loop, 1);
    assert_reported("callback", EDDY_EUSER - 5);
    assert_reported("callback", EDDY_EUSER - 5);
}

static int on_call_exit(void *loop)
{
    record("exit");
    eddy_loop_exit(loop, 0);
    return eddy_loop_call_soon(loop, on_call, "meanwhile", NULL);
}

/* LOOP-42: an exit request ends the run at once; the rest of the queue survives, in order. */
static void test_exit_leaves_the_rest_for_the_next_run(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call_exit, f->loop, NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "rest 1", NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "rest 2", NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EEXIT);
    assert_recorded("exit");
    must(eddy_loop_call_soon(f->loop, on_call, "after", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("rest 1", "rest 2", "meanwhile", "after");
    eddy_loop_exit(f->loop, EDDY_EUSER);
    run_iterations(f->loop, 1);
}

static int recording_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    (void)loop;
    record("%s: %s, %d items", (const char *)arg, context->message, (int)context->item_count);
    return 0;
}

/* ERR-1, ERR-2: programs report with keys of their own; the handler and its argument are kept. */
static void test_program_may_report_with_its_own_keys(struct fixture *f)
{
    const eddy_exception_item items[] = {{"order", "4711"}, {"customer", "Ada"}};
    eddy_exception_context context = {.message = "spilt", .items = items, .item_count = 2};
    void *arg = NULL;

    eddy_loop_set_exception_handler(f->loop, recording_handler, "mine");
    assert_true(eddy_loop_get_exception_handler(f->loop, &arg) == recording_handler);
    assert_string_equal(arg, "mine");
    eddy_loop_call_exception_handler(f->loop, &context);
    assert_recorded("mine: spilt, 2 items");
}

/* ERR-2: NULL brings the default back, which get() says as NULL. */
static void test_null_restores_the_default_handler(struct fixture *f)
{
    eddy_exception_context context = {.message = "unheard"};

    eddy_loop_set_exception_handler(f->loop, recording_handler, "mine");
    eddy_loop_set_exception_handler(f->loop, NULL, NULL);
    assert_true(eddy_loop_get_exception_handler(f->loop, NULL) == NULL);
    eddy_loop_call_exception_handler(f->loop, &context);
    assert_nothing_recorded();
    assert_logged(EDDY_LOG_ERROR, "unheard");
}

/* ERR-3: one record; the message, the other keys in alphabetical order, then the error. */
static void test_default_handler_logs_one_record_in_order(struct fixture *f)
{
    const eddy_exception_item item = {"colour", "green"};
    eddy_socket socket = 5;
    eddy_exception_context context = {
        .message = "it broke",
        .exception = EDDY_ECONNRESET,
        .exception_text = "by a cat",
        .socket = &socket,
        .source_traceback = "made here",
        .handle_traceback = "scheduled there",
        .items = &item,
        .item_count = 1,
    };
    const char *order[] = {"it broke",         "handle_traceback", "scheduled there", "socket",
                           "source_traceback", "made here",        "EDDY_ECONNRESET", "by a cat"};
    const char *text, *at;
    size_t i;

    eddy_loop_set_exception_handler(f->loop, NULL, NULL);
    eddy_loop_default_exception_handler(f->loop, &context);
    text = assert_logged(EDDY_LOG_ERROR, "it broke");
    assert_int_equal(logged(EDDY_LOG_ERROR, ""), 1);
    assert_non_null(strstr(text, "colour: green"));
    for (at = text, i = 0; i < sizeof order / sizeof *order; i++) {
        at = strstr(at, order[i]);
        if (at == NULL)
            fail_msg("\"%s\" is missing or out of order in: %s", order[i], text);
    }
}

/* ERR-3: a generic message if there is none. */
static void test_default_handler_finds_words_of_its_own(struct fixture *f)
{
    eddy_exception_context context = {.exception = EDDY_EIO};

    eddy_loop_default_exception_handler(f->loop, &context);
    assert_logged(EDDY_LOG_ERROR, "unhandled");
}

static int on_call_report(void *loop)
{
    eddy_exception_context context = {.message = "from a callback"};

    eddy_loop_default_exception_handler(loop, &context);
    return 0;
}

/* ERR-3: a report without a place gets that of the callback that runs, if it is known. */
static void test_default_handler_adds_the_running_callbacks_place(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call_report, f->loop, NULL));
    run_iterations(f->loop, 1);
    assert_null(strstr(assert_logged(EDDY_LOG_ERROR, "from a callback"), "handle_traceback"));
    eddy_loop_set_debug(f->loop, true);
    must(eddy_loop_call_soon(f->loop, on_call_report, f->loop, NULL));
    run_iterations(f->loop, 1);
    assert_non_null(strstr(assert_logged(EDDY_LOG_ERROR, "from a callback"), "handle_traceback"));
}

static int failing_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    (void)loop;
    (void)arg;
    record("handler: %s", context->message);
    return eddy_error(EDDY_EUSER - 6, "handler is tired");
}

/* ERR-4: the default handler then reports both, the new error and the original. */
static void test_failing_handler_is_reported_with_the_original(struct fixture *f)
{
    eddy_loop_set_exception_handler(f->loop, failing_handler, NULL);
    must(eddy_loop_call_soon(f->loop, on_call_fail, "original trouble", NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "next", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("failing", "handler: callback failed", "next");
    assert_logged(EDDY_LOG_ERROR, "handler is tired");
    assert_logged(EDDY_LOG_ERROR, "original trouble");
}

static int exiting_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    (void)context;
    (void)arg;
    eddy_loop_exit(loop, EDDY_EUSER - 8);
    return 0;
}

/* ERR-4: an exit request of the handler passes through. */
static void test_handler_may_ask_for_exit(struct fixture *f)
{
    eddy_loop_set_exception_handler(f->loop, exiting_handler, NULL);
    must(eddy_loop_call_soon(f->loop, on_call_fail, NULL, NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EUSER - 8);
    assert_recorded("failing");
}

static int delegating_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    (void)arg;
    record("delegates");
    eddy_loop_default_exception_handler(loop, context);
    return 0;
}

/* ERR-2, ERR-3 */
static void test_handler_may_call_the_default(struct fixture *f)
{
    eddy_exception_context context = {.message = "passed on"};

    eddy_loop_set_exception_handler(f->loop, delegating_handler, NULL);
    eddy_loop_call_exception_handler(f->loop, &context);
    assert_recorded("delegates");
    assert_logged(EDDY_LOG_ERROR, "passed on");
}

static int context_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    (void)loop;
    (void)context;
    (void)arg;
    record("in %s",
           eddy_get_context() != NULL ? (char *)eddy_context_value(eddy_get_context()) : "none");
    return 0;
}

/* ERR-2: the handler runs in the context of what it is told of. */
static void test_handler_runs_in_the_context_of_the_handle(struct fixture *f)
{
    eddy_context *context = NULL;
    int error;

    eddy_loop_set_exception_handler(f->loop, context_handler, NULL);
    must(eddy_context_new("blue", NULL, &context));
    error = eddy_loop_call_soon_in_context(f->loop, on_call_fail, NULL, context, NULL);
    eddy_context_unref(context);
    must(error);
    run_iterations(f->loop, 1);
    assert_recorded("failing", "in blue");
    assert_null(eddy_get_context());
}

static int fail_in_task(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_error(EDDY_EFAILED, "failed in a task");
}

/* ERR-2, ERR-5: a task whose failure nobody asked about is reported as a future; its context too
 * is that of the report. */
static void test_handler_runs_in_the_context_of_the_failed_task(struct fixture *f)
{
    eddy_task_options options = {.name = "failing"};
    eddy_future *task;
    int error;

    need_whole_test();
    eddy_loop_set_exception_handler(f->loop, context_handler, NULL);
    must(eddy_context_new("blue", NULL, &options.context));
    task = eddy_loop_create_task(f->loop, fail_in_task, NULL, &options);
    error = eddy_future_is_task(task) ? 0 : EDDY_ENOMEM;
    eddy_context_unref(options.context);
    run_iterations(f->loop, 2);
    eddy_future_unref(task);
    must(error);
    assert_recorded("in blue");
    assert_null(eddy_get_context());
}

/* ERR-2: also when it is told of from somewhere else. */
static void test_report_from_elsewhere_runs_in_the_context_of_its_handle(struct fixture *f)
{
    eddy_exception_context report = {.message = "from elsewhere"};
    eddy_context *context = NULL;
    eddy_handle handle;
    int error;

    eddy_loop_set_exception_handler(f->loop, context_handler, NULL);
    must(eddy_context_new("blue", NULL, &context));
    error = eddy_loop_call_soon_in_context(f->loop, on_call, "ran", context, &handle);
    eddy_context_unref(context);
    must(error);
    eddy_loop_call_exception_handler(f->loop, &report);
    report.handle = &handle;
    eddy_loop_call_exception_handler(f->loop, &report);
    assert_recorded("in none", "in blue");
}

/* ERR-5, ERR-1: an error that nobody asked a future for names the future. */
static void test_unretrieved_error_of_a_future_is_reported(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    const eddy_future *address = future;
    int error = eddy_future_set_exception(future, EDDY_EUSER - 2);

    eddy_future_unref(future);
    give_up_if(error != 0);
    assert_ptr_equal(assert_reported("nobody asked", EDDY_EUSER - 2)->future, address);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_failing_callback_is_reported_and_the_loop_goes_on),
        TEST(test_failing_posted_callback_is_reported),
        TEST(test_exit_leaves_the_rest_for_the_next_run),
        TEST(test_program_may_report_with_its_own_keys),
        TEST(test_null_restores_the_default_handler),
        TEST(test_default_handler_logs_one_record_in_order),
        TEST(test_default_handler_finds_words_of_its_own),
        TEST(test_default_handler_adds_the_running_callbacks_place),
        TEST(test_failing_handler_is_reported_with_the_original),
        TEST(test_handler_may_ask_for_exit),
        TEST(test_handler_may_call_the_default),
        TEST(test_handler_runs_in_the_context_of_the_handle),
        TEST(test_handler_runs_in_the_context_of_the_failed_task),
        TEST(test_report_from_elsewhere_runs_in_the_context_of_its_handle),
        TEST(test_unretrieved_error_of_a_future_is_reported),
    };

    return run_suite("exception", tests);
}
