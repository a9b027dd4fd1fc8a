/* SPDX-License-Identifier: MIT */
/* Getting a loop and running it: LOOP-1..LOOP-15. Closing is test_close.c's. */
#include "common/thread.h"
#include "support/support.h"
#include <string.h>

/* Runs a second, fresh loop on the backend under test; the fixture does not know it. */
static eddy_loop *other_loop(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop = NULL;

    must(eddy_loop_new(&options, &loop));
    return loop;
}

static void free_loop(eddy_loop *loop)
{
    assert_int_equal(eddy_loop_close(loop), 0);
    eddy_loop_unref(loop);
}

static void assert_text_contains(const char *part)
{
    if (strstr(eddy_error_text(), part) == NULL)
        fail_msg("\"%s\" does not contain \"%s\"", eddy_error_text(), part);
}

static int on_call_check_running(void *loop)
{
    record(eddy_get_running_loop() == loop ? "running" : "not running");
    record(eddy_loop_is_running(loop) ? "is_running" : "not is_running");
    return 0;
}

/* LOOP-1, LOOP-6, LOOP-15 */
static void test_running_loop_is_known_inside_callbacks_only(struct fixture *f)
{
    assert_null(eddy_get_running_loop());
    assert_true(strlen(eddy_error_text()) > 0);
    assert_false(eddy_loop_is_running(f->loop));
    must(eddy_loop_call_soon(f->loop, on_call_check_running, f->loop, NULL));
    must(eddy_loop_call_later(f->loop, 0, on_call_check_running, f->loop, NULL));
    run_iterations(f->loop, 1);
    assert_recorded("running", "is_running", "running", "is_running");
    assert_null(eddy_get_running_loop());
    assert_false(eddy_loop_is_running(f->loop));
}

static int on_call_exit(void *loop)
{
    record("exit");
    eddy_loop_exit(loop, EDDY_EUSER - 7);
    return 0;
}

/* LOOP-6: the mark goes also when a callback makes the run unwind. */
static void test_running_loop_is_forgotten_after_exit(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call_exit, f->loop, NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EUSER - 7);
    assert_null(eddy_get_running_loop());
    assert_false(eddy_loop_is_running(f->loop));
    assert_recorded("exit");
}

struct fork_case {
    struct fixture *f;
    struct fork_seen {
        bool asked;
        bool running;
        int run;
        int call_soon;
        int close;
    } * seen;
    enum platform_end end;
};

static void in_child(void *arg)
{
    struct fork_case *test = arg;

    test->seen->asked = true;
    test->seen->running = eddy_get_running_loop() != NULL;
    test->seen->run = eddy_loop_run_forever(test->f->loop);
    test->seen->call_soon = eddy_loop_call_soon(test->f->loop, on_call, "child", NULL);
    test->seen->close = eddy_loop_close(test->f->loop);
    if (test->f->sim == NULL)
        eddy_loop_unref(test->f->loop);
}

static int on_call_fork(void *arg)
{
    struct fork_case *test = arg;
    char output[256];

    test->end = platform_run(in_child, test, 10, output, sizeof output);
    return 0;
}

/* LOOP-2: the child sees no running loop, may only free it, and the parent notices nothing. */
static void test_forked_child_sees_no_running_loop(struct fixture *f)
{
    struct fork_case test = {.f = f, .seen = platform_share(sizeof *test.seen)};

    if (test.seen == NULL)
        skip();
    must(eddy_loop_call_soon(f->loop, on_call_fork, &test, NULL));
    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(2), on_call_stop, f->loop, NULL));
    must(eddy_loop_run_forever(f->loop));
    assert_int_equal(test.end, PLATFORM_RETURNED);
    assert_true(test.seen->asked);
    assert_false(test.seen->running);
    assert_int_equal(test.seen->run, EDDY_EBADSTATE);
    assert_int_equal(test.seen->call_soon, EDDY_EBADSTATE);
    assert_int_equal(test.seen->close, EDDY_EBADSTATE);
    platform_unshare(test.seen, sizeof *test.seen);
}

static int on_call_get_event_loop(void *loop)
{
    eddy_loop *got = NULL;

    record(eddy_get_event_loop(&got) == 0 && got == loop ? "got it" : "did not");
    return 0;
}

static int on_call_set_event_loop(void *other)
{
    assert_int_equal(eddy_set_event_loop(other), 0);
    record("set");
    return 0;
}

/* LOOP-3, LOOP-4: the running loop wins over the policy's current one. */
static void test_set_event_loop_does_not_change_what_runs(struct fixture *f)
{
    eddy_loop *other = other_loop(f);
    eddy_loop *got = NULL;

    if (eddy_loop_call_soon(f->loop, on_call_set_event_loop, other, NULL) == 0 &&
        eddy_loop_call_soon(f->loop, on_call_get_event_loop, f->loop, NULL) == 0)
        run_iterations(f->loop, 1);
    assert_recorded("set", "got it");
    assert_int_equal(eddy_get_event_loop(&got), 0);
    assert_ptr_equal(got, other);
    assert_int_equal(eddy_set_event_loop(NULL), 0);
    assert_int_equal(eddy_get_event_loop(&got), EDDY_EBADSTATE);
    free_loop(other);
}

/* LOOP-5 */
static void test_new_event_loop_is_neither_current_nor_running(struct fixture *f)
{
    eddy_loop *loop = NULL, *got = NULL;

    (void)f;
    must(eddy_new_event_loop(&loop));
    assert_false(eddy_loop_is_running(loop));
    assert_false(eddy_loop_is_closed(loop));
    assert_int_equal(eddy_get_event_loop(&got), EDDY_EBADSTATE);
    assert_null(got);
    free_loop(loop);
}

static void test_unknown_backend_is_invalid(struct fixture *f)
{
    eddy_loop_options options = {.backend = "steam"};
    eddy_loop *loop = NULL;

    (void)f;
    assert_int_equal(eddy_loop_new(&options, &loop), EDDY_EINVALID);
    assert_null(loop);
    assert_text_contains("steam");
}

/* POL-6: EDDY_BACKEND chooses where the program does not. */
static void test_environment_chooses_the_backend(struct fixture *f)
{
    eddy_loop *loop = NULL, *none = NULL;
    int error, refused;

    platform_set_environment("EDDY_BACKEND", "steam");
    refused = eddy_loop_new(NULL, &none);
    platform_set_environment("EDDY_BACKEND", eddy_loop_get_backend(f->loop));
    error = eddy_loop_new(NULL, &loop);
    platform_set_environment("EDDY_BACKEND", NULL);
    must(error);
    assert_string_equal(eddy_loop_get_backend(loop), eddy_loop_get_backend(f->loop));
    free_loop(loop);
    assert_int_equal(refused, EDDY_EINVALID);
    assert_null(none);
}

struct nested_case {
    eddy_loop *outer;
    eddy_loop *other;
};

static int on_call_run_nested(void *arg)
{
    struct nested_case *test = arg;
    eddy_future *future = eddy_loop_create_future(test->other);

    assert_int_equal(eddy_loop_run_forever(test->outer), EDDY_EBADSTATE);
    assert_text_contains("already running");
    assert_int_equal(eddy_loop_run_forever(test->other), EDDY_EBADSTATE);
    assert_text_contains("another");
    eddy_future_ref(future);
    assert_int_equal(eddy_loop_run_until_complete(test->other, future, NULL), EDDY_EBADSTATE);
    assert_false(eddy_future_done(future));
    eddy_future_unref(future);
    assert_ptr_equal(eddy_get_running_loop(), test->outer);
    assert_false(eddy_loop_is_running(test->other));
    record("nested");
    return 0;
}

/* LOOP-7, LOOP-14: a run inside a run fails, of this loop and of another, and changes nothing. */
static void test_run_inside_a_run_fails(struct fixture *f)
{
    struct nested_case test = {.outer = f->loop, .other = other_loop(f)};

    if (eddy_loop_call_soon(f->loop, on_call_run_nested, &test, NULL) == 0)
        run_iterations(f->loop, 2);
    assert_recorded("nested");
    free_loop(test.other);
}

static int on_call_run_closed(void *arg)
{
    struct nested_case *test = arg;

    assert_int_equal(eddy_loop_run_forever(test->other), EDDY_EBADSTATE);
    assert_text_contains("closed");
    record("closed first");
    return 0;
}

/* LOOP-7: "closed" is looked at before "another loop runs here". */
static void test_run_preconditions_are_checked_in_order(struct fixture *f)
{
    struct nested_case test = {.outer = f->loop, .other = other_loop(f)};

    assert_int_equal(eddy_loop_close(test.other), 0);
    if (eddy_loop_call_soon(f->loop, on_call_run_closed, &test, NULL) == 0)
        run_iterations(f->loop, 1);
    assert_recorded("closed first");
    eddy_loop_unref(test.other);
}

struct thread_case {
    eddy_loop *loop; /* the thread's own */
    eddy_loop *main;
    int posted, ran;
    bool saw_itself;
};

static int on_call_in_thread(void *arg)
{
    struct thread_case *test = arg;

    test->saw_itself = eddy_get_running_loop() == test->loop;
    eddy_loop_stop(test->loop);
    return 0;
}

/* Post, and once more if memory was short: without it the other thread would run for ever. */
static int post(eddy_loop *loop, eddy_callback callback, void *arg)
{
    int error = eddy_loop_call_soon_threadsafe(loop, callback, arg, NULL);

    return error == EDDY_ENOMEM ? eddy_loop_call_soon_threadsafe(loop, callback, arg, NULL) : error;
}

static void run_other_loop(void *arg)
{
    struct thread_case *test = arg;

    test->posted = post(test->main, on_call_stop, test->main);
    test->ran = eddy_loop_run_forever(test->loop);
}

static int on_call_post_to_thread(void *arg)
{
    struct thread_case *test = arg;

    return post(test->loop, on_call_in_thread, test);
}

/* LOOP-14: threads may each run a loop of their own at the same time. */
static void test_two_threads_run_their_loops_at_once(struct fixture *f)
{
    struct thread_case test = {.loop = other_loop(f), .main = f->loop};
    struct eddy__thread thread;

    if (fixture_backend_is(f, "sim")) {
        free_loop(test.loop);
        skip(); /* with nothing outstanding a simulated loop takes waiting for a deadlock */
    }
    assert_int_equal(eddy_loop_call_soon(f->loop, on_call_post_to_thread, &test, NULL), 0);
    assert_int_equal(eddy__thread_start(&thread, "other", run_other_loop, &test), 0);
    assert_int_equal(eddy_loop_run_forever(f->loop), 0);
    eddy__thread_join(&thread);
    assert_int_equal(test.posted, 0);
    assert_int_equal(test.ran, 0);
    assert_true(test.saw_itself);
    free_loop(test.loop);
}

static void run_in_thread(void *arg)
{
    struct thread_case *test = arg;

    test->ran = eddy_loop_run_forever(test->loop);
}

/* LOOP-7: the first run binds the loop to its thread. */
static void test_loop_stays_with_the_thread_that_ran_it(struct fixture *f)
{
    struct thread_case test = {.loop = f->loop};
    struct eddy__thread thread;

    run_iterations(f->loop, 1);
    must(eddy__thread_start(&thread, "wrong", run_in_thread, &test));
    eddy__thread_join(&thread);
    assert_int_equal(test.ran, EDDY_EBADSTATE);
    run_iterations(f->loop, 1);
}

static int on_call_stop_and_schedule(void *loop)
{
    record("stop");
    eddy_loop_stop(loop);
    eddy_loop_stop(loop);
    return eddy_loop_call_soon(loop, on_call, "next run", NULL);
}

/* LOOP-8, LOOP-9: stop() ends the run after the whole iteration; the rest carries over. */
static void test_stop_finishes_the_iteration_in_progress(struct fixture *f)
{
    eddy_time due;

    must(eddy_loop_call_soon(f->loop, on_call_stop_and_schedule, f->loop, NULL));
    must(eddy_loop_call_soon(f->loop, on_call, "same run", NULL));
    due = eddy_loop_time(f->loop) + EDDY_MILLISECONDS(100); /* not in the first run */
    must(eddy_loop_call_at(f->loop, due, on_call, "timer", NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), 0);
    assert_recorded("stop", "same run");
    must(eddy_loop_call_at(f->loop, due + 1, on_call_stop, f->loop, NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), 0);
    assert_recorded("next run", "timer");
}

/* LOOP-10: one iteration that does not wait, although a timer is an hour away. */
static void test_stop_before_run_means_one_iteration(struct fixture *f)
{
    eddy_time begun = eddy_loop_time(f->loop);

    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(3600), on_call, "hour", NULL));
    must(eddy_loop_call_soon(f->loop, on_call_stop_and_schedule, f->loop, NULL));
    eddy_loop_stop(f->loop);
    assert_int_equal(eddy_loop_run_forever(f->loop), 0);
    assert_recorded("stop");
    assert_true(eddy_loop_time(f->loop) - begun < EDDY_SECONDS(60));
    run_iterations(f->loop, 1);
    assert_recorded("next run");
}

/* LOOP-9: the flag is gone after the run it ended. */
static void test_stop_flag_is_cleared_by_the_run(struct fixture *f)
{
    eddy_loop_stop(f->loop);
    must(eddy_loop_run_forever(f->loop));
    must(eddy_loop_call_later(f->loop, EDDY_MILLISECONDS(1), on_call_exit, f->loop, NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EUSER - 7);
    assert_recorded("exit");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_running_loop_is_known_inside_callbacks_only),
        TEST(test_running_loop_is_forgotten_after_exit),
        TEST(test_forked_child_sees_no_running_loop),
        TEST(test_set_event_loop_does_not_change_what_runs),
        TEST(test_new_event_loop_is_neither_current_nor_running),
        TEST(test_unknown_backend_is_invalid),
        TEST(test_environment_chooses_the_backend),
        TEST(test_run_inside_a_run_fails),
        TEST(test_run_preconditions_are_checked_in_order),
        TEST(test_two_threads_run_their_loops_at_once),
        TEST(test_loop_stays_with_the_thread_that_ran_it),
        TEST(test_stop_finishes_the_iteration_in_progress),
        TEST(test_stop_before_run_means_one_iteration),
        TEST(test_stop_flag_is_cleared_by_the_run),
    };

    return run_suite("loop", tests);
}
