/* SPDX-License-Identifier: MIT */
/* Closing and freeing a loop: LOOP-16..LOOP-20. */
#include "common/thread.h"
#include "support/support.h"
#include <stdatomic.h>
#include <string.h>

static int on_call_close(void *loop)
{
    assert_int_equal(eddy_loop_close(loop), EDDY_EBADSTATE);
    assert_false(eddy_loop_is_closed(loop));
    record("refused");
    return 0;
}

/* LOOP-16: not while it runs, and then the loop keeps working. */
static void test_close_while_running_is_refused(struct fixture *f)
{
    must(eddy_loop_call_soon(f->loop, on_call_close, f->loop, NULL));
    run_iterations(f->loop, 1);
    must(eddy_loop_call_soon(f->loop, on_call, "still works", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("refused", "still works");
}

/* LOOP-16, LOOP-15 */
static void test_close_three_times_is_fine(struct fixture *f)
{
    assert_false(eddy_loop_is_closed(f->loop));
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_true(eddy_loop_is_closed(f->loop));
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_true(eddy_loop_is_closed(f->loop));
    assert_false(eddy_loop_is_running(f->loop));
}

static void release_and_record(void *text)
{
    record("%s", (const char *)text);
}

/* LOOP-16: callbacks, timers and posts are dropped unrun, and what they held is released. */
static void test_close_drops_what_is_scheduled(struct fixture *f)
{
    eddy_threadsafe_handle *posted = NULL;
    eddy_handle soon = {0}, later = {0};
    eddy_context *context = NULL;
    int scheduled;

    must(eddy_context_new("released", release_and_record, &context));
    scheduled = eddy_loop_call_soon_in_context(f->loop, on_call, "soon", context, &soon);
    if (scheduled == 0)
        scheduled = eddy_loop_call_later_in_context(f->loop, 0, on_call, "later", context, &later);
    if (scheduled == 0)
        scheduled = eddy_loop_call_soon_threadsafe(f->loop, on_call, "posted", &posted);
    eddy_context_unref(context);
    if (scheduled == 0)
        assert_nothing_recorded();
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_recorded("released");
    must(scheduled);
    assert_int_not_equal(eddy_handle_get_state(soon), EDDY_HANDLE_SCHEDULED);
    assert_int_not_equal(eddy_handle_get_state(later), EDDY_HANDLE_SCHEDULED);
    assert_int_equal(eddy_threadsafe_handle_cancel(posted), EDDY_CANCEL_CANCELLED);
    eddy_threadsafe_handle_unref(posted);
}

static int never(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    record("started");
    return 0;
}

static void release_arg(void *arg)
{
    record("released %s", (const char *)arg);
}

/* LOOP-18: one by one, what is refused after close. */
static void test_closed_loop_refuses_to_schedule(struct fixture *f)
{
    eddy_threadsafe_handle *posted = NULL;
    eddy_handle handle = {0};

    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_int_equal(eddy_loop_call_soon(f->loop, on_call, "a", &handle), EDDY_EBADSTATE);
    assert_int_equal(eddy_loop_call_later(f->loop, 0, on_call, "a", &handle), EDDY_EBADSTATE);
    assert_int_equal(eddy_loop_call_at(f->loop, 0, on_call, "a", &handle), EDDY_EBADSTATE);
    assert_null(handle.loop);
    give_up_if(eddy_loop_call_soon_threadsafe(f->loop, on_call, "a", &posted) == EDDY_ENOMEM);
    assert_int_equal(eddy_loop_call_soon_threadsafe(f->loop, on_call, "a", &posted),
                     EDDY_EBADSTATE);
    assert_null(posted);
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EBADSTATE);
    assert_nothing_recorded();
}

/* LOOP-18: and what still works. */
static void test_closed_loop_still_answers(struct fixture *f)
{
    eddy_future *future;
    eddy_handle handle;
    eddy_time before;

    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(1), on_call, "a", &handle));
    before = eddy_loop_time(f->loop);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_true(eddy_loop_time(f->loop) >= before);
    assert_true(eddy_loop_clock_resolution(f->loop) >= 1);
    assert_false(eddy_loop_get_debug(f->loop));
    eddy_loop_set_debug(f->loop, true);
    assert_true(eddy_loop_get_debug(f->loop));
    eddy_handle_cancel(handle);
    assert_true(eddy_handle_when(handle) >= before);
    future = eddy_loop_create_future(f->loop);
    give_up_if(eddy_future_exception(future) == EDDY_ENOMEM);
    assert_false(eddy_future_done(future));
    assert_ptr_equal(eddy_future_get_loop(future), f->loop);
    eddy_future_unref(future);
}

/* LOOP-18, LOOP-19: a task is refused; its argument is released, unstarted and uncomplained. */
static void test_task_on_a_closed_loop_is_released_unstarted(struct fixture *f)
{
    eddy_task_options options = {.release = release_arg};
    eddy_future *task;
    int error;

    assert_int_equal(eddy_loop_close(f->loop), 0);
    task = eddy_loop_create_task(f->loop, never, "argument", &options);
    assert_recorded("released argument");
    error = eddy_future_exception(task);
    eddy_future_unref(task);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_EBADSTATE);
}

/* LOOP-18: the executor is refused at the call, not later. */
static void test_executor_on_a_closed_loop_is_refused_at_the_call(struct fixture *f)
{
    eddy_future *future;
    int error;

    assert_int_equal(eddy_loop_close(f->loop), 0);
    future = eddy_loop_run_in_executor(f->loop, NULL, never, "argument", release_arg);
    assert_recorded("released argument");
    error = eddy_future_exception(future);
    eddy_future_unref(future);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_EBADSTATE);
}

/* LOOP-20: freeing a loop that was never closed closes it; debug mode says so. */
static void test_unclosed_loop_is_closed_and_reported_in_debug(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop = NULL;
    eddy_context *context = NULL;
    int error;

    must(eddy_context_new("released", release_and_record, &context));
    error = eddy_loop_new(&options, &loop);
    if (error == 0)
        error = eddy_loop_call_soon_in_context(loop, on_call, "never", context, NULL);
    eddy_context_unref(context);
    if (loop != NULL)
        eddy_loop_set_debug(loop, true);
    eddy_loop_unref(loop);
    assert_recorded("released");
    if (loop != NULL)
        assert_logged(EDDY_LOG_WARNING, "never closed");
    must(error);
}

/* LOOP-20: without debug mode there is no warning. */
static void test_unclosed_loop_is_closed_silently_without_debug(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop = NULL;

    must(eddy_loop_new(&options, &loop));
    eddy_loop_unref(loop);
}

/* LOOP-16: close and free are two steps; what refers to the loop keeps its memory. */
static void test_future_keeps_a_closed_loop_alive(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop = NULL;
    eddy_future *future;

    must(eddy_loop_new(&options, &loop));
    future = eddy_loop_create_future(loop);
    assert_int_equal(eddy_loop_close(loop), 0);
    eddy_loop_unref(loop);
    if (eddy_future_get_loop(future) != NULL)
        assert_true(eddy_loop_is_closed(eddy_future_get_loop(future)));
    eddy_future_unref(future);
}

struct poster {
    eddy_loop *loop;
    atomic_int waiting; /* posts that have not run: bounded, or a slow loop would never catch up */
    int refused;
};

enum { POSTS_WAITING_MAX = 1000 };

static int on_posted(void *arg)
{
    atomic_fetch_sub((atomic_int *)arg, 1);
    return 0;
}

/* Posts until the loop closes under its feet. */
static void post_until_closed(void *arg)
{
    struct poster *poster = arg;
    int error;

    do {
        while (atomic_load(&poster->waiting) >= POSTS_WAITING_MAX &&
               !eddy_loop_is_closed(poster->loop))
            eddy__thread_yield();
        error = eddy_loop_call_soon_threadsafe(poster->loop, on_posted, &poster->waiting, NULL);
        if (error == 0)
            atomic_fetch_add(&poster->waiting, 1);
    } while (error == 0 || error == EDDY_ENOMEM);
    poster->refused = error;
    eddy_loop_unref(poster->loop);
}

/* LOOP-16, LOOP-18: other threads may post while the loop closes. */
static void test_close_while_another_thread_posts(struct fixture *f)
{
    struct poster poster = {.loop = f->loop, .waiting = 0};
    struct eddy__thread thread;

    eddy_loop_ref(f->loop);
    if (eddy__thread_start(&thread, "poster", post_until_closed, &poster) != 0) {
        eddy_loop_unref(f->loop);
        give_up_if(true);
        fail();
    }
    run_iterations(f->loop, 20);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    eddy__thread_join(&thread);
    assert_int_equal(poster.refused, EDDY_EBADSTATE);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_close_while_running_is_refused),
        TEST(test_close_three_times_is_fine),
        TEST(test_close_drops_what_is_scheduled),
        TEST(test_closed_loop_refuses_to_schedule),
        TEST(test_closed_loop_still_answers),
        TEST(test_task_on_a_closed_loop_is_released_unstarted),
        TEST(test_executor_on_a_closed_loop_is_refused_at_the_call),
        TEST(test_unclosed_loop_is_closed_and_reported_in_debug),
        TEST(test_unclosed_loop_is_closed_silently_without_debug),
        TEST(test_future_keeps_a_closed_loop_alive),
        TEST(test_close_while_another_thread_posts),
    };

    return run_suite("close", tests);
}
