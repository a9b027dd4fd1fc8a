/* SPDX-License-Identifier: MIT */
/* Tasks started from other threads: TASK-18, FUT-10. */
#include "common/loop.h"
#include "common/thread.h"
#include "support/support.h"
#include <stdio.h>

#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1 };

static atomic_int released;

static void on_release(void *arg)
{
    (void)arg;
    atomic_fetch_add(&released, 1);
}

/* What another thread does while the loop runs, and what it saw; read after it was joined. */
struct visit {
    eddy_loop *loop;
    eddy_function function;
    void *arg;
    bool cancel;
    int error;
    char text[64];
    eddy_value value;
};

static int on_call_end(void *loop)
{
    eddy_loop_stop(loop);
    return 0;
}

static void visit_main(void *arg)
{
    struct visit *visit = arg;
    eddy_task_options options = {.name = "visitor", .release = on_release};
    eddy_thread_future *future = NULL;

    visit->error =
        eddy_run_coroutine_threadsafe(visit->loop, visit->function, visit->arg, &options, &future);
    if (visit->error == 0) {
        if (visit->cancel)
            eddy_thread_future_cancel(future);
        visit->error = eddy_thread_future_result(future, EDDY_FOREVER, &visit->value);
        snprintf(visit->text, sizeof visit->text, "%s", eddy_error_text());
        eddy_thread_future_unref(future);
    }
    /* Again if there was no memory, or else the loop would run for ever. */
    while (eddy_loop_call_soon_threadsafe(visit->loop, on_call_end, visit->loop, NULL) ==
           EDDY_ENOMEM)
        eddy__thread_yield();
}

/* A loop that runs while a thread visits it; a simulated one would find that nothing can happen. */
static void visit_loop(struct fixture *f, struct visit *visit)
{
    struct eddy__thread thread;

    visit->loop = f->loop;
    if (f->sim != NULL)
        ((struct eddy_loop *)f->loop)->foreign_work++;
    ok(eddy__thread_start(&thread, "visitor", visit_main, visit));
    ok(eddy_loop_run_forever(f->loop));
    eddy__thread_join(&thread);
    if (f->sim != NULL)
        ((struct eddy_loop *)f->loop)->foreign_work--;
}

static int add_one(void *arg, eddy_value *result)
{
    record("%s", eddy_task_get_name(eddy_current_task(NULL)));
    ok(eddy_await(eddy_sleep(0), NULL));
    result->integer = *(int *)arg + 1;
    return 0;
}

/* TASK-18, FUT-10: the result travels back. */
static void test_a_task_started_from_another_thread(struct fixture *f)
{
    int number = 41;
    struct visit visit = {.function = add_one, .arg = &number};

    atomic_store(&released, 0);
    visit_loop(f, &visit);
    ok(visit.error);
    assert_int_equal(visit.value.integer, 42);
    assert_int_equal(atomic_load(&released), 1);
    assert_recorded("visitor");
}

static int fail_custom(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_error(ECUSTOM, "not today");
}

/* FUT-10: the error, with its text. */
static void test_the_error_of_the_task_travels_to_the_thread(struct fixture *f)
{
    struct visit visit = {.function = fail_custom};

    visit_loop(f, &visit);
    assert_int_equal(visit.error, ECUSTOM);
    assert_string_equal(visit.text, "not today");
}

static int wait_for_ever(void *arg, eddy_value *result)
{
    (void)arg;
    return eddy_await(eddy_loop_create_future(eddy_get_running_loop()), result);
}

/* FUT-10: cancelling travels to the task, and its end back. */
static void test_cancelling_from_the_thread_cancels_the_task(struct fixture *f)
{
    struct visit visit = {.function = wait_for_ever, .cancel = true};

    visit_loop(f, &visit);
    assert_int_equal(visit.error, EDDY_ECANCELED);
}

/* TASK-18: refused calls give the argument back. */
static void test_a_closed_loop_refuses_and_releases(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_thread_future *future = NULL;

    atomic_store(&released, 0);
    assert_int_equal(eddy_run_coroutine_threadsafe(f->loop, NULL, NULL, &options, &future),
                     EDDY_EINVALID);
    ok(eddy_loop_close(f->loop));
    assert_int_equal(eddy_run_coroutine_threadsafe(f->loop, wait_for_ever, NULL, &options, &future),
                     EDDY_EBADSTATE);
    assert_null(future);
    assert_int_equal(atomic_load(&released), 2);
}

/* FUT-10: who waits is told when the loop closes, before the start and in the middle. */
static void test_closing_the_loop_ends_the_threads_future(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_thread_future *running = NULL, *posted = NULL;

    atomic_store(&released, 0);
    ok(eddy_run_coroutine_threadsafe(f->loop, wait_for_ever, NULL, &options, &running));
    run_iterations(f->loop, 2);
    ok(eddy_run_coroutine_threadsafe(f->loop, wait_for_ever, NULL, &options, &posted));
    assert_false(eddy_thread_future_done(running));
    ok(eddy_loop_close(f->loop));
    assert_reported("destroyed while it was pending", 0);
    assert_true(eddy_thread_future_done(running));
    assert_int_equal(eddy_thread_future_result(running, 0, NULL), EDDY_EBADSTATE);
    assert_int_equal(eddy_thread_future_result(posted, 0, NULL), EDDY_EBADSTATE);
    assert_false(eddy_thread_future_cancel(posted));
    assert_int_equal(atomic_load(&released), 2);
    eddy_thread_future_unref(running);
    eddy_thread_future_unref(posted);
}

static int give_seven(void *arg, eddy_value *result)
{
    (void)arg;
    result->integer = 7;
    return 0;
}

/* FUT-10: the task had ended, only the news of it was still scheduled. */
static void test_closing_the_loop_keeps_an_outcome_that_is_there(struct fixture *f)
{
    eddy_thread_future *future = NULL;
    eddy_value value;

    ok(eddy_run_coroutine_threadsafe(f->loop, give_seven, NULL, NULL, &future));
    run_iterations(f->loop, 2);
    assert_int_equal(eddy_all_tasks(f->loop, NULL, 0), 0);
    assert_false(eddy_thread_future_done(future));
    ok(eddy_loop_close(f->loop));
    ok(eddy_thread_future_result(future, 0, &value));
    assert_int_equal(value.integer, 7);
    eddy_thread_future_unref(future);
}

static eddy_future *refuse(eddy_loop *loop, eddy_function function, void *arg,
                           const eddy_task_options *options, void *factory_arg)
{
    (void)loop;
    (void)function;
    (void)factory_arg;
    options->release(arg);
    return NULL;
}

/* TASK-18: a creation that fails there reaches the caller's future and ERR-1. */
static void test_a_creation_that_fails_is_told_to_both(struct fixture *f)
{
    eddy_task_options options = {.release = on_release};
    eddy_thread_future *future = NULL;

    eddy_loop_set_task_factory(f->loop, refuse, NULL);
    ok(eddy_run_coroutine_threadsafe(f->loop, wait_for_ever, NULL, &options, &future));
    run_iterations(f->loop, 1);
    assert_reported("not started for another thread", EDDY_EINVALID);
    assert_int_equal(eddy_thread_future_result(future, 0, NULL), EDDY_EINVALID);
    eddy_thread_future_unref(future);
}

/* The loop's own thread would wait for itself; a limit is not for ever. */
static void test_waiting_is_refused_in_the_loops_thread_and_limited_elsewhere(struct fixture *f)
{
    eddy_thread_future *future = NULL;

    ok(eddy_run_coroutine_threadsafe(f->loop, wait_for_ever, NULL, NULL, &future));
    /* Before its first run the loop is bound to no thread. */
    assert_int_equal(eddy_thread_future_result(future, EDDY_MILLISECONDS(1), NULL), EDDY_ETIMEDOUT);
    run_iterations(f->loop, 1);
    assert_int_equal(eddy_thread_future_result(future, EDDY_FOREVER, NULL), EDDY_EBADSTATE);
    assert_true(eddy_thread_future_cancel(future));
    assert_true(eddy_thread_future_cancel(future));
    run_iterations(f->loop, 4);
    assert_int_equal(eddy_thread_future_result(future, 0, NULL), EDDY_ECANCELED);
    eddy_thread_future_unref(eddy_thread_future_ref(future));
    eddy_thread_future_unref(future);
}

/* FUT-8: nobody holds the future: an error is reported as every other. */
static void test_an_error_no_thread_waits_for_is_reported(struct fixture *f)
{
    ok(eddy_run_coroutine_threadsafe(f->loop, fail_custom, NULL, NULL, NULL));
    run_iterations(f->loop, 3);
    assert_reported("nobody asked", ECUSTOM);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_task_started_from_another_thread),
        TEST(test_the_error_of_the_task_travels_to_the_thread),
        TEST(test_cancelling_from_the_thread_cancels_the_task),
        TEST(test_a_closed_loop_refuses_and_releases),
        TEST(test_closing_the_loop_ends_the_threads_future),
        TEST(test_closing_the_loop_keeps_an_outcome_that_is_there),
        TEST(test_a_creation_that_fails_is_told_to_both),
        TEST(test_waiting_is_refused_in_the_loops_thread_and_limited_elsewhere),
        TEST(test_an_error_no_thread_waits_for_is_reported),
    };

    return run_suite("thread_future", tests);
}
