/* SPDX-License-Identifier: MIT */
/* The scheduling context: LOOP-35, TASK-1, TASK-17. */
#include "support/support.h"

/* The tests hold contexts, so that out of memory ends them by an assertion. */
#define ok(call) assert_int_equal(call, 0)

static void on_release(void *text)
{
    record("release:%s", (const char *)text);
}

static eddy_context *context_of(const char *text)
{
    eddy_context *context = NULL;

    ok(eddy_context_new((void *)(uintptr_t)text, on_release, &context));
    return context;
}

/* Make a context of `text` the current one. */
static void set_context(const char *text)
{
    eddy_context *context = context_of(text);

    eddy_set_context(context);
    eddy_context_unref(context);
}

static const char *current(void)
{
    const char *text = eddy_context_value(eddy_get_context());

    return text != NULL ? text : "none";
}

/* LOOP-35: the value goes with the last reference. */
static void test_a_context_releases_its_value_with_the_last_reference(struct fixture *f)
{
    eddy_context *context = context_of("a");

    (void)f;
    assert_string_equal(eddy_context_value(context), "a");
    eddy_set_context(context);
    eddy_context_unref(context);
    assert_nothing_recorded();
    eddy_set_context(NULL);
    assert_recorded("release:a");
    assert_null(eddy_context_value(NULL));
    eddy_context_unref(eddy_context_ref(NULL));
}

static int on_done(eddy_future *future, void *name)
{
    (void)future;
    record("%s:%s", (const char *)name, current());
    set_context("changed");
    return 0;
}

/* FUT-5, TASK-17: a done callback runs in the context captured when it was added. */
static void test_done_callbacks_run_in_their_context(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);
    eddy_context *chosen = context_of("chosen");

    set_context("captured");
    ok(eddy_future_add_done_callback(future, on_done, "a"));
    eddy_set_context(NULL);
    ok(eddy_future_add_done_callback(future, on_done, "b"));
    ok(eddy_future_add_done_callback_in_context(future, on_done, "c", chosen));
    eddy_context_unref(chosen);
    ok(eddy_future_set_result(future, (eddy_value){.integer = 0}));
    run_iterations(f->loop, 1);
    assert_recorded("a:captured", "release:changed", "release:captured", "b:none",
                    "release:changed", "c:chosen", "release:changed", "release:chosen");
    assert_null(eddy_get_context());
    eddy_future_unref(future);
}

static int change_context(void *text, eddy_value *result)
{
    (void)result;
    record("in:%s", current());
    set_context(text);
    ok(eddy_await(eddy_sleep(0), NULL));
    record("out:%s", current());
    return 0;
}

/* TASK-1, TASK-17: a task starts in its creator's context and keeps its own changes. */
static void test_a_task_keeps_its_context_to_itself(struct fixture *f)
{
    eddy_context *chosen = context_of("chosen");
    eddy_task_options options = {.context = chosen};
    eddy_future *first, *second;

    set_context("mine");
    first = eddy_loop_create_task(f->loop, change_context, "first", NULL);
    second = eddy_loop_create_task(f->loop, change_context, "second", &options);
    eddy_context_unref(chosen);
    assert_true(eddy_future_is_task(first) && eddy_future_is_task(second));
    assert_string_equal(eddy_context_value(eddy_task_get_context(second)), "chosen");
    assert_string_equal(eddy_context_value(eddy_task_get_context(first)), "mine");
    run_iterations(f->loop, 1);
    assert_recorded("in:mine", "in:chosen", "release:chosen");
    assert_string_equal(current(), "mine");
    assert_string_equal(eddy_context_value(eddy_task_get_context(first)), "first");
    run_iterations(f->loop, 1);
    assert_recorded("out:first", "out:second");
    eddy_future_unref(first);
    eddy_future_unref(second);
    assert_recorded("release:first", "release:second");
    eddy_set_context(NULL);
    assert_recorded("release:mine");
}

static int run_eagerly(void *arg, eddy_value *result)
{
    eddy_task_options options = {.eager_start = true};
    eddy_future *task;

    (void)arg;
    (void)result;
    set_context("parent");
    task = eddy_loop_create_task(eddy_get_running_loop(), change_context, "child", &options);
    record("parent:%s", current());
    return eddy_await(task, NULL);
}

/* TASK-15, TASK-17: an eager first step runs in the context of the task. */
static void test_an_eager_step_does_not_change_the_creators_context(struct fixture *f)
{
    eddy_future *task = eddy_loop_create_task(f->loop, run_eagerly, NULL, NULL);

    ok(eddy_loop_run_until_complete(f->loop, task, NULL));
    assert_recorded("in:parent", "parent:parent", "out:child", "release:child", "release:parent");
}

enum { CROWD = 100 };

static int private_value(void *slot, eddy_value *result)
{
    eddy_context *context = NULL;

    (void)result;
    ok(eddy_context_new(slot, NULL, &context));
    eddy_set_context(context);
    eddy_context_unref(context);
    for (int i = 0; i < 3; i++) {
        ok(eddy_await(eddy_sleep(0), NULL));
        assert_ptr_equal(eddy_context_value(eddy_get_context()), slot);
    }
    ++*(int *)slot;
    return 0;
}

/* TASK-17: a hundred tasks with private values do not see each other's. */
static void test_a_hundred_tasks_have_private_contexts(struct fixture *f)
{
    int slots[CROWD] = {0};

    for (int i = 0; i < CROWD; i++)
        ok(eddy_loop_spawn(f->loop, private_value, &slots[i]));
    run_iterations(f->loop, 4);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(slots[i], 1);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_context_releases_its_value_with_the_last_reference),
        TEST(test_done_callbacks_run_in_their_context),
        TEST(test_a_task_keeps_its_context_to_itself),
        TEST(test_an_eager_step_does_not_change_the_creators_context),
        TEST(test_a_hundred_tasks_have_private_contexts),
    };

    return run_suite("context", tests);
}
