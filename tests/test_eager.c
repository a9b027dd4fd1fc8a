/* SPDX-License-Identifier: MIT */
/* Tasks that start at once: TASK-15. */
#include "support/support.h"

/* The tests hold tasks, so that out of memory ends them by an assertion. */
#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1 };

static int return_42(void *text, eddy_value *result)
{
    record("%s", (const char *)text);
    result->integer = 42;
    return 0;
}

/* Run `function(arg)` as a task to its end. */
static int run_task(struct fixture *f, eddy_function function, void *arg)
{
    return eddy_loop_run_until_complete(f->loop,
                                        eddy_loop_create_task(f->loop, function, arg, NULL), NULL);
}

static int eager_child(void *future, eddy_value *result)
{
    (void)result;
    record("child:%s", eddy_task_get_name(eddy_current_task(NULL)));
    if (future == NULL)
        return eddy_error(ECUSTOM, "eager failure");
    return eddy_await(eddy_future_ref(future), NULL);
}

static int eager_parent(void *future, eddy_value *result)
{
    eddy_task_options options = {.name = "eager", .eager_start = true};
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *self = eddy_current_task(NULL);
    eddy_future *failed = eddy_loop_create_task(loop, eager_child, NULL, &options);
    eddy_future *pending;

    (void)result;
    assert_ptr_equal(eddy_current_task(NULL), self);
    assert_true(eddy_future_done(failed));
    assert_int_equal(eddy_future_exception(failed), ECUSTOM);
    assert_int_equal(eddy_all_tasks(loop, NULL, 0), 1);
    eddy_future_unref(failed);

    pending = eddy_loop_create_task(loop, eager_child, future, &options);
    record("parent");
    assert_ptr_equal(eddy_current_task(NULL), self);
    assert_false(eddy_future_done(pending));
    assert_int_equal(eddy_all_tasks(loop, NULL, 0), 2);
    return eddy_await(pending, NULL);
}

static int on_call_finish(void *future)
{
    record("finish");
    return eddy_future_set_result(future, (eddy_value){.integer = 1});
}

/* TASK-15: the first step runs inside create_task(); then it is a task like any other. */
static void test_an_eager_task_starts_at_once(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_future *task = eddy_loop_create_task(f->loop, eager_parent, future, NULL);

    run_iterations(f->loop, 1);
    assert_recorded("child:eager", "child:eager", "parent");
    ok(eddy_loop_call_soon(f->loop, on_call_finish, future, NULL));
    ok(eddy_loop_run_until_complete(f->loop, task, NULL));
    assert_recorded("finish");
    eddy_future_unref(future);
}

static int eager_nested(void *depth, eddy_value *result)
{
    eddy_task_options options = {.eager_start = true};
    int *left = depth;
    eddy_future *inner;

    (void)result;
    if (--*left == 0)
        return eddy_await(eddy_sleep(0), NULL);
    inner = eddy_loop_create_task(eddy_get_running_loop(), eager_nested, depth, &options);
    assert_false(eddy_future_done(inner));
    record("back");
    return eddy_await(inner, NULL);
}

/* TASK-15 */
static void test_eager_starts_nest(struct fixture *f)
{
    int depth = 3;

    ok(run_task(f, eager_nested, &depth));
    assert_recorded("back", "back");
}

static int cancel_itself(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    assert_true(eddy_future_cancel(eddy_current_task(NULL), NULL));
    return 0;
}

static int cancel_eagerly(void *arg, eddy_value *result)
{
    eddy_task_options options = {.eager_start = true};
    eddy_future *task =
        eddy_loop_create_task(eddy_get_running_loop(), cancel_itself, NULL, &options);

    (void)arg;
    (void)result;
    assert_true(eddy_future_cancelled(task));
    eddy_future_unref(task);
    return 0;
}

/* TASK-15, TASK-6 */
static void test_an_eager_task_may_cancel_itself(struct fixture *f)
{
    ok(run_task(f, cancel_eagerly, NULL));
}

/* TASK-15: on a loop that does not run it starts like any other. */
static void test_an_eager_task_of_a_loop_that_does_not_run_starts_later(struct fixture *f)
{
    eddy_task_options options = {.eager_start = true};
    eddy_future *task = eddy_loop_create_task(f->loop, return_42, "later", &options);

    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("later");
    eddy_future_unref(task);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_an_eager_task_starts_at_once),
        TEST(test_eager_starts_nest),
        TEST(test_an_eager_task_may_cancel_itself),
        TEST(test_an_eager_task_of_a_loop_that_does_not_run_starts_later),
    };

    return run_suite("eager", tests);
}
