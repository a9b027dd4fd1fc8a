/* SPDX-License-Identifier: MIT */
/* Asynchronous generators: AGEN-1..AGEN-4. */
#include "common/thread.h"
#include "support/support.h"

/* The tests hold generators, so that out of memory ends them by an assertion. */
#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1 };

/* Run `function(arg)` as a task to its end. */
static int run_task(struct fixture *f, eddy_function function, void *arg)
{
    return eddy_loop_run_until_complete(f->loop,
                                        eddy_loop_create_task(f->loop, function, arg, NULL), NULL);
}

static void on_release(void *text)
{
    record("release:%s", (const char *)text);
}

static eddy_generator *generator_of(eddy_function function, void *arg)
{
    eddy_generator *generator = NULL;

    ok(eddy_generator_new(function, arg, NULL, &generator));
    return generator;
}

/* Yields 1, 2, 3; sleeps before each; says so when it is closed. */
static int count_to_three(void *name, eddy_value *result)
{
    int error = 0;

    (void)result;
    for (int i = 1; i <= 3 && error == 0; i++) {
        error = eddy_await(eddy_sleep(EDDY_MILLISECONDS(1)), NULL);
        if (error == 0)
            error = eddy_yield((eddy_value){.integer = i});
    }
    if (error)
        record("%s:%s", (const char *)name, eddy_err_name(error));
    return error;
}

static int consume_all(void *generator, eddy_value *result)
{
    eddy_value value;
    int error;

    (void)result;
    while ((error = eddy_generator_next(generator, &value)) == 0)
        record("%d", (int)value.integer);
    record("%s", eddy_err_name(error));
    record("%s", eddy_err_name(eddy_generator_next(generator, &value)));
    return 0;
}

/* AGEN-1, AGEN-2: an exhausted one is forgotten. */
static void test_a_generator_yields_until_it_is_exhausted(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");

    ok(run_task(f, consume_all, generator));
    assert_recorded("1", "2", "3", "EDDY_EEXHAUSTED", "EDDY_EEXHAUSTED");
    eddy_generator_unref(generator);
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
}

static int fail_at_second(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    ok(eddy_yield((eddy_value){.integer = 1}));
    return eddy_error(ECUSTOM, "no second");
}

static int consume_failing(void *generator, eddy_value *result)
{
    (void)result;
    ok(eddy_generator_next(generator, NULL));
    assert_int_equal(eddy_generator_next(generator, NULL), ECUSTOM);
    assert_string_equal(eddy_error_text(), "no second");
    assert_int_equal(eddy_generator_next(generator, NULL), EDDY_EEXHAUSTED);
    return 0;
}

/* The body's error comes once. */
static void test_a_failing_generator_gives_its_error_once(struct fixture *f)
{
    eddy_generator *generator = generator_of(fail_at_second, NULL);

    ok(run_task(f, consume_failing, generator));
    eddy_generator_unref(generator);
}

static int next_once(void *generator, eddy_value *result)
{
    int error = eddy_generator_next(generator, result);

    record("next:%s", error == 0 ? "0" : eddy_err_name(error));
    return 0;
}

/* AGEN-1: it is driven by whichever task asks, but by one at a time; it is no task. */
static void test_a_second_advance_at_the_same_time_is_bad_state(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");
    eddy_future *first = eddy_loop_create_task(f->loop, next_once, generator, NULL);
    eddy_future *second = eddy_loop_create_task(f->loop, next_once, generator, NULL);

    run_iterations(f->loop, 1);
    assert_recorded("next:EDDY_EBADSTATE");
    assert_int_equal(eddy_all_tasks(f->loop, NULL, 0), 1);
    ok(eddy_loop_run_until_complete(f->loop, first, NULL));
    ok(eddy_loop_run_until_complete(f->loop, second, NULL));
    assert_recorded("next:0");
    /* Another task goes on with it, to 2. */
    ok(run_task(f, next_once, generator));
    assert_recorded("next:0");
    eddy_generator_unref(generator);
    run_iterations(f->loop, 3);
    assert_recorded("g:EDDY_ECANCELED");
}

static int close_after_first(void *generator, eddy_value *result)
{
    (void)result;
    ok(eddy_generator_next(generator, NULL));
    ok(eddy_generator_close(generator));
    ok(eddy_generator_close(generator));
    assert_int_equal(eddy_generator_next(generator, NULL), EDDY_EEXHAUSTED);
    return 0;
}

/* AGEN-2: resumed once with CANCELLED from its yield. */
static void test_close_resumes_it_once_with_cancelled(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");

    ok(run_task(f, close_after_first, generator));
    assert_recorded("g:EDDY_ECANCELED");
    eddy_generator_unref(generator);
}

static int yield_when_closed(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    record("%s", eddy_err_name(eddy_yield((eddy_value){.integer = 1})));
    record("%s", eddy_err_name(eddy_yield((eddy_value){.integer = 2})));
    record("%d", eddy_await(eddy_sleep(0), NULL));
    return 0;
}

/* It cannot yield any more then, but it can await. */
static void test_a_generator_being_closed_cannot_yield(struct fixture *f)
{
    eddy_generator *generator = generator_of(yield_when_closed, NULL);

    ok(run_task(f, close_after_first, generator));
    assert_recorded("EDDY_ECANCELED", "EDDY_EBADSTATE", "0");
    eddy_generator_unref(generator);
}

/* An unstarted body never runs; outside tasks and generators the calls are refused. */
static void test_an_unstarted_generator_and_calls_out_of_place(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_generator *generator = NULL;

    assert_int_equal(eddy_generator_new(NULL, NULL, NULL, &generator), EDDY_EINVALID);
    ok(eddy_generator_new(count_to_three, "arg", &options, &generator));
    assert_int_equal(eddy_generator_next(generator, NULL), EDDY_EBADSTATE);
    assert_int_equal(eddy_generator_close(generator), EDDY_EBADSTATE);
    assert_int_equal(eddy_yield((eddy_value){.integer = 1}), EDDY_EBADSTATE);
    eddy_generator_unref(eddy_generator_ref(generator));
    eddy_generator_unref(generator);
    eddy_generator_unref(NULL);
    assert_recorded("release:arg");
    run_iterations(f->loop, 1);
}

static int double_values(void *inner, eddy_value *result)
{
    eddy_value value;

    (void)result;
    while (eddy_generator_next(inner, &value) == 0) {
        value.integer *= 2;
        ok(eddy_yield(value));
    }
    return 0;
}

/* A generator that is advanced by another one. */
static void test_generators_nest(struct fixture *f)
{
    eddy_generator *inner = generator_of(count_to_three, "inner");
    eddy_generator *outer = generator_of(double_values, inner);

    ok(run_task(f, consume_all, outer));
    assert_recorded("2", "4", "6", "EDDY_EEXHAUSTED", "EDDY_EEXHAUSTED");
    eddy_generator_unref(outer);
    eddy_generator_unref(inner);
}

/* A cancelled task: the await inside the generator is what returns EDDY_ECANCELED. */
static void test_cancelling_the_task_cancels_the_wait_inside_the_generator(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");
    eddy_future *task = eddy_loop_create_task(f->loop, next_once, generator, NULL);

    run_iterations(f->loop, 1);
    assert_true(eddy_future_cancel(task, NULL));
    ok(eddy_loop_run_until_complete(f->loop, task, NULL));
    assert_recorded("g:EDDY_ECANCELED", "next:EDDY_ECANCELED");
    eddy_generator_unref(generator);
}

/* AGEN-2: half-iterated and dropped, it is cleaned up in the next iterations. */
static void test_a_dropped_generator_is_closed_by_a_task(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");

    ok(run_task(f, next_once, generator));
    eddy_generator_unref(generator);
    assert_recorded("next:0");
    run_iterations(f->loop, 2);
    assert_recorded("g:EDDY_ECANCELED");
}

static void drop_generator(void *generator)
{
    eddy_generator_unref(generator);
}

/* AGEN-2: the drop may happen in another thread, also in debug mode. */
static void test_a_generator_may_be_dropped_on_another_thread(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");
    struct eddy__thread thread;

    eddy_loop_set_debug(f->loop, true);
    ok(run_task(f, next_once, generator));
    ok(eddy__thread_start(&thread, "dropper", drop_generator, generator));
    eddy__thread_join(&thread);
    assert_recorded("next:0");
    run_iterations(f->loop, 2);
    assert_recorded("g:EDDY_ECANCELED");
}

/* AGEN-2: nothing is cleaned up on a closed loop, only freed. */
static void test_a_generator_dropped_after_close_is_only_freed(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_generator *generator = NULL;

    ok(eddy_generator_new(count_to_three, "arg", &options, &generator));
    ok(run_task(f, next_once, generator));
    ok(eddy_loop_close(f->loop));
    assert_recorded("next:0", "release:arg");
    eddy_generator_unref(generator);
    assert_nothing_recorded();
}

/* AGEN-2: dropped just before the close, so that the post is on its way. */
static void test_a_generator_dropped_before_close_is_only_freed(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");

    ok(run_task(f, next_once, generator));
    eddy_generator_unref(generator);
    ok(eddy_loop_close(f->loop));
    assert_recorded("next:0");
}

static int fail_in_cleanup(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    assert_int_equal(eddy_yield((eddy_value){.integer = 1}), EDDY_ECANCELED);
    return eddy_error(ECUSTOM, "clean-up went wrong");
}

/* AGEN-3: both are finalised; a failing clean-up is reported, the call does not fail. */
static void test_shutdown_closes_all_generators(struct fixture *f)
{
    eddy_generator *a = generator_of(count_to_three, "a");
    eddy_generator *bad = generator_of(fail_in_cleanup, NULL);
    eddy_generator *b = generator_of(count_to_three, "b");

    ok(run_task(f, next_once, a));
    ok(run_task(f, next_once, bad));
    ok(run_task(f, next_once, b));
    recorder_reset();
    ok(eddy_loop_run_until_complete(f->loop, eddy_loop_shutdown_asyncgens(f->loop), NULL));
    assert_recorded("a:EDDY_ECANCELED", "b:EDDY_ECANCELED");
    assert_string_equal(assert_reported("closing a generator", ECUSTOM)->text,
                        "clean-up went wrong");
    eddy_generator_unref(a);
    eddy_generator_unref(b);
    eddy_generator_unref(bad);
    /* None alive, and a second time. */
    ok(eddy_loop_run_until_complete(f->loop, eddy_loop_shutdown_asyncgens(f->loop), NULL));
}

/* AGEN-3, AGEN-2: one that was dropped, whose post has not arrived yet. */
static void test_shutdown_adopts_a_generator_just_dropped(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");

    ok(run_task(f, next_once, generator));
    recorder_reset();
    eddy_generator_unref(generator);
    ok(eddy_loop_run_until_complete(f->loop, eddy_loop_shutdown_asyncgens(f->loop), NULL));
    assert_recorded("g:EDDY_ECANCELED");
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
}

/* AGEN-4 */
static void test_a_generator_begun_after_shutdown_is_warned_about(struct fixture *f)
{
    eddy_generator *generator;

    ok(eddy_loop_run_until_complete(f->loop, eddy_loop_shutdown_asyncgens(f->loop), NULL));
    generator = generator_of(count_to_three, "g");
    ok(run_task(f, next_once, generator));
    assert_logged(EDDY_LOG_WARNING, "after the generators were shut down");
    eddy_generator_unref(generator);
    run_iterations(f->loop, 2);
    assert_recorded("next:0", "g:EDDY_ECANCELED");
}

/* LOOP-17, TASK-16: a task that waits inside a generator while the loop closes. */
static void test_closing_the_loop_frees_a_generator_that_runs(struct fixture *f)
{
    eddy_generator *generator = generator_of(count_to_three, "g");
    eddy_future *task = eddy_loop_create_task(f->loop, next_once, generator, NULL);

    run_iterations(f->loop, 1);
    ok(eddy_loop_close(f->loop));
    assert_reported("destroyed while it was pending", 0);
    eddy_future_unref(task);
    eddy_generator_unref(generator);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_generator_yields_until_it_is_exhausted),
        TEST(test_a_failing_generator_gives_its_error_once),
        TEST(test_a_second_advance_at_the_same_time_is_bad_state),
        TEST(test_close_resumes_it_once_with_cancelled),
        TEST(test_a_generator_being_closed_cannot_yield),
        TEST(test_an_unstarted_generator_and_calls_out_of_place),
        TEST(test_generators_nest),
        TEST(test_cancelling_the_task_cancels_the_wait_inside_the_generator),
        TEST(test_a_dropped_generator_is_closed_by_a_task),
        TEST(test_a_generator_may_be_dropped_on_another_thread),
        TEST(test_a_generator_dropped_after_close_is_only_freed),
        TEST(test_a_generator_dropped_before_close_is_only_freed),
        TEST(test_shutdown_closes_all_generators),
        TEST(test_shutdown_adopts_a_generator_just_dropped),
        TEST(test_a_generator_begun_after_shutdown_is_warned_about),
        TEST(test_closing_the_loop_frees_a_generator_that_runs),
    };

    return run_suite("generator", tests);
}
