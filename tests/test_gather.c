/* SPDX-License-Identifier: MIT */
/* Several futures at once: gather (RUN-5), wait (RUN-6), shield (RUN-7). */
#include "support/support.h"

/* The tests hold futures, so that out of memory ends them by an assertion. */
#define ok(call) assert_int_equal(call, 0)

enum { ECUSTOM = EDDY_EUSER - 1, MEMBERS = 3 };

/* Futures and the task that waits for them. */
struct scene {
    struct fixture *f;
    eddy_future *members[MEMBERS];
    eddy_future *task;
};

static void scene_begin(struct scene *s, struct fixture *f, eddy_function function)
{
    s->f = f;
    for (int i = 0; i < MEMBERS; i++)
        s->members[i] = eddy_loop_create_future(f->loop);
    s->task = eddy_loop_create_task(f->loop, function, s, NULL);
    run_iterations(f->loop, 1);
}

static void scene_end(struct scene *s)
{
    assert_true(eddy_future_done(s->task));
    eddy_future_unref(s->task);
    for (int i = 0; i < MEMBERS; i++)
        eddy_future_unref(s->members[i]);
}

static void finish(struct scene *s, int i)
{
    ok(eddy_future_set_result(s->members[i], (eddy_value){.integer = 10 + i}));
}

static void dispose(eddy_value value)
{
    record("dispose:%d", (int)value.integer);
}

/* The members with a reference each for a call that takes them. */
static eddy_future *const *referenced(struct scene *s)
{
    for (int i = 0; i < MEMBERS; i++)
        eddy_future_ref(s->members[i]);
    return s->members;
}

static void record_values(int error, eddy_value value)
{
    record("%s", error == 0 ? "0" : error == ECUSTOM ? "custom" : eddy_err_name(error));
    for (int i = 0; error == 0 && i < MEMBERS; i++)
        record("%d", (int)value.values[i].integer);
    if (error == 0)
        eddy_values_free(value.values);
}

static int gather_all(void *arg, eddy_value *result)
{
    eddy_value value = {0};
    int error = eddy_await(eddy_gather(referenced(arg), MEMBERS, NULL), &value);

    (void)result;
    record_values(error, value);
    return error;
}

static int gather_outcomes(void *arg, eddy_value *result)
{
    eddy_gather_options options = {.return_exceptions = true};
    eddy_value value = {0};
    int error = eddy_await(eddy_gather(referenced(arg), MEMBERS, &options), &value);

    (void)result;
    record_values(error, value);
    return error;
}

/* RUN-5: in the order given, whatever the order of completion. */
static void test_gather_gives_the_results_in_order(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_all);
    finish(&s, 2);
    finish(&s, 0);
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    finish(&s, 1);
    run_iterations(f->loop, 2);
    assert_recorded("0", "10", "11", "12");
    scene_end(&s);
}

/* RUN-5: the first error ends it at once, the others run on. */
static void test_the_first_error_ends_gather_and_the_others_run_on(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_all);
    ok(eddy_future_set_exception(s.members[1], eddy_error(ECUSTOM, "second")));
    run_iterations(f->loop, 2);
    assert_recorded("custom");
    assert_int_equal(eddy_future_exception(s.task), ECUSTOM);
    assert_string_equal(eddy_error_text(), "second");
    assert_false(eddy_future_done(s.members[0]));
    finish(&s, 0);
    /* An error after the end is nobody's, and is not reported. */
    ok(eddy_future_set_exception(s.members[2], ECUSTOM));
    run_iterations(f->loop, 2);
    scene_end(&s);
}

/* RUN-5: the option collects errors; a cancelled member is one, too. */
static void test_gather_collects_errors_if_asked_to(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_outcomes);
    ok(eddy_future_set_exception(s.members[0], ECUSTOM));
    assert_true(eddy_future_cancel(s.members[1], NULL));
    finish(&s, 2);
    run_iterations(f->loop, 2);
    assert_recorded("0", "-100001", "-5", "12");
    scene_end(&s);
}

/* RUN-5: cancelling it cancels all. */
static void test_cancelling_gather_cancels_all_members(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_all);
    finish(&s, 0);
    assert_true(eddy_future_cancel(s.task, NULL));
    assert_true(eddy_future_cancelled(s.members[1]));
    assert_true(eddy_future_cancelled(s.members[2]));
    run_iterations(f->loop, 2);
    assert_recorded("EDDY_ECANCELED");
    assert_true(eddy_future_cancelled(s.task));
    scene_end(&s);
}

/* RUN-5: also when errors are collected. */
static void test_cancelling_a_collecting_gather_is_cancelled(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_outcomes);
    assert_true(eddy_future_cancel(s.task, NULL));
    run_iterations(f->loop, 3);
    assert_recorded("EDDY_ECANCELED");
    scene_end(&s);
}

static int gather_nothing_and_nonsense(void *arg, eddy_value *result)
{
    struct scene *s = arg;
    eddy_future *with_null[2] = {eddy_future_ref(s->members[0]), NULL};
    eddy_value value;

    (void)result;
    ok(eddy_await(eddy_gather(NULL, 0, NULL), &value));
    eddy_values_free(value.values);
    eddy_values_free(NULL);
    assert_int_equal(eddy_await(eddy_gather(with_null, 2, NULL), NULL), EDDY_EINVALID);
    return 0;
}

/* RUN-5: empty list: done. Nonsense takes the references all the same. */
static void test_gather_of_nothing_is_done(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_nothing_and_nonsense);
    scene_end(&s);
    assert_int_equal(eddy_future_exception(eddy_gather(NULL, 0, NULL)), EDDY_EBADSTATE);
}

static int gather_and_drop(void *arg, eddy_value *result)
{
    struct scene *s = arg;

    (void)result;
    eddy_future_set_disposer(s->members[0], dispose);
    eddy_future_set_disposer(s->members[1], dispose);
    ok(eddy_future_result(s->members[2], NULL) == EDDY_EINVALIDSTATE ? 0 : -1);
    eddy_future_unref(eddy_gather(referenced(s), MEMBERS, NULL));
    return 0;
}

/* RUN-5, FUT-1: nobody takes the array: each result goes to its own disposer. */
static void test_results_of_a_dropped_gather_are_disposed_of(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_and_drop);
    for (int i = 0; i < MEMBERS; i++)
        finish(&s, i);
    run_iterations(f->loop, 1);
    assert_recorded("dispose:10", "dispose:11");
    scene_end(&s);
    assert_nothing_recorded();
}

/* LOOP-17: the loop closes over all of them. */
static void test_closing_the_loop_frees_what_waits_for_several(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, gather_and_drop);
    assert_true(eddy_future_done(s.task));
    ok(eddy_loop_close(f->loop));
    scene_end(&s);
}

struct waiting {
    eddy_wait_until until;
    eddy_time limit;
    struct scene scene;
};

static int wait_some(void *arg, eddy_value *result)
{
    struct scene *s = arg;
    struct waiting *waiting = (struct waiting *)((char *)s - offsetof(struct waiting, scene));
    eddy_value value = {0};
    int error = eddy_await(eddy_wait(s->members, MEMBERS, waiting->limit, waiting->until), &value);

    (void)result;
    record("%s:%d", error == 0 ? "0" : eddy_err_name(error), (int)value.size);
    return error;
}

/* RUN-6 */
static void test_wait_for_the_first(struct fixture *f)
{
    struct waiting w = {.until = EDDY_WAIT_FIRST_COMPLETED, .limit = EDDY_FOREVER};

    scene_begin(&w.scene, f, wait_some);
    assert_true(eddy_future_cancel(w.scene.members[1], NULL));
    run_iterations(f->loop, 2);
    assert_recorded("0:1");
    assert_false(eddy_future_done(w.scene.members[0]));
    scene_end(&w.scene);
}

/* RUN-6: never fails because of a member; a cancelled one is no error. */
static void test_wait_for_the_first_error(struct fixture *f)
{
    struct waiting w = {.until = EDDY_WAIT_FIRST_ERROR, .limit = EDDY_FOREVER};

    scene_begin(&w.scene, f, wait_some);
    assert_true(eddy_future_cancel(w.scene.members[0], NULL));
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    ok(eddy_future_set_exception(w.scene.members[1], ECUSTOM));
    run_iterations(f->loop, 2);
    assert_recorded("0:2");
    assert_int_equal(eddy_future_exception(w.scene.members[1]), ECUSTOM);
    scene_end(&w.scene);
}

/* RUN-6 */
static void test_wait_for_all(struct fixture *f)
{
    struct waiting w = {.until = EDDY_WAIT_ALL, .limit = EDDY_SECONDS(60)};

    scene_begin(&w.scene, f, wait_some);
    finish(&w.scene, 0);
    finish(&w.scene, 1);
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    finish(&w.scene, 2);
    run_iterations(f->loop, 2);
    assert_recorded("0:3");
    scene_end(&w.scene);
}

/* RUN-6: the limit cancels nobody. */
static void test_wait_with_a_limit(struct fixture *f)
{
    struct waiting w = {.until = EDDY_WAIT_ALL, .limit = EDDY_MILLISECONDS(1)};

    scene_begin(&w.scene, f, wait_some);
    finish(&w.scene, 1);
    ok(eddy_loop_run_until_complete(f->loop, eddy_future_ref(w.scene.task), NULL));
    assert_recorded("0:1");
    assert_false(eddy_future_done(w.scene.members[0]));
    scene_end(&w.scene);
}

/* RUN-6: nor does its own cancelling. */
static void test_a_cancelled_wait_cancels_no_member(struct fixture *f)
{
    struct waiting w = {.until = EDDY_WAIT_ALL, .limit = EDDY_SECONDS(60)};

    scene_begin(&w.scene, f, wait_some);
    assert_true(eddy_future_cancel(w.scene.task, NULL));
    run_iterations(f->loop, 1);
    assert_recorded("EDDY_ECANCELED:0");
    for (int i = 0; i < MEMBERS; i++)
        assert_false(eddy_future_done(w.scene.members[i]));
    scene_end(&w.scene);
}

static int wait_for_done_and_none(void *arg, eddy_value *result)
{
    struct scene *s = arg;
    eddy_value value;

    (void)result;
    assert_int_equal(eddy_await(eddy_wait(NULL, 0, EDDY_FOREVER, EDDY_WAIT_ALL), NULL),
                     EDDY_EINVALID);
    finish(s, 0);
    ok(eddy_await(eddy_wait(s->members, 2, EDDY_FOREVER, EDDY_WAIT_FIRST_COMPLETED), &value));
    record("%d", (int)value.size);
    return 0;
}

/* RUN-6: what is the case already does not suspend. */
static void test_wait_for_what_is_done_is_over_at_once(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, wait_for_done_and_none);
    assert_recorded("1");
    scene_end(&s);
}

static int shield_first(void *arg, eddy_value *result)
{
    struct scene *s = arg;
    int error = eddy_await(eddy_shield(eddy_future_ref(s->members[0])), result);

    record("outer:%s", error == 0 ? "0" : eddy_err_name(error));
    return error;
}

/* RUN-7 */
static void test_a_shield_keeps_a_cancel_away(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, shield_first);
    assert_true(eddy_future_cancel(s.task, NULL));
    run_iterations(f->loop, 1);
    assert_recorded("outer:EDDY_ECANCELED");
    assert_false(eddy_future_done(s.members[0]));
    finish(&s, 0);
    run_iterations(f->loop, 1);
    scene_end(&s);
}

/* RUN-7: result, and the inner one's own cancelling. */
static void test_a_shield_ends_as_the_inner_future_does(struct fixture *f)
{
    struct scene s;
    eddy_value value;

    scene_begin(&s, f, shield_first);
    eddy_future_set_disposer(s.members[0], dispose);
    finish(&s, 0);
    run_iterations(f->loop, 2);
    ok(eddy_future_result(s.task, &value));
    assert_int_equal(value.integer, 10);
    scene_end(&s);
    assert_recorded("outer:0");

    scene_begin(&s, f, shield_first);
    assert_true(eddy_future_cancel(s.members[0], NULL));
    run_iterations(f->loop, 2);
    assert_recorded("outer:EDDY_ECANCELED");
    scene_end(&s);
}

/* RUN-7, FUT-8: an inner error that nobody sees. */
static void test_an_inner_error_nobody_sees_is_reported(struct fixture *f)
{
    struct scene s;

    scene_begin(&s, f, shield_first);
    assert_true(eddy_future_cancel(s.task, NULL));
    run_iterations(f->loop, 1);
    assert_recorded("outer:EDDY_ECANCELED");
    ok(eddy_future_set_exception(s.members[0], ECUSTOM));
    eddy_future_unref(s.members[0]);
    s.members[0] = NULL;
    run_iterations(f->loop, 1);
    assert_reported("nobody asked", ECUSTOM);
    scene_end(&s);
}

/* RUN-7: what is done needs no shield. */
static void test_a_shield_over_a_done_future_is_that_future(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    ok(eddy_future_set_result(future, (eddy_value){.integer = 1}));
    assert_ptr_equal(eddy_shield(future), future);
    eddy_future_unref(future);
    assert_int_equal(eddy_future_exception(eddy_shield(NULL)), EDDY_EINVALID);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_gather_gives_the_results_in_order),
        TEST(test_the_first_error_ends_gather_and_the_others_run_on),
        TEST(test_gather_collects_errors_if_asked_to),
        TEST(test_cancelling_gather_cancels_all_members),
        TEST(test_cancelling_a_collecting_gather_is_cancelled),
        TEST(test_gather_of_nothing_is_done),
        TEST(test_results_of_a_dropped_gather_are_disposed_of),
        TEST(test_closing_the_loop_frees_what_waits_for_several),
        TEST(test_wait_for_the_first),
        TEST(test_wait_for_the_first_error),
        TEST(test_wait_for_all),
        TEST(test_wait_with_a_limit),
        TEST(test_a_cancelled_wait_cancels_no_member),
        TEST(test_wait_for_what_is_done_is_over_at_once),
        TEST(test_a_shield_keeps_a_cancel_away),
        TEST(test_a_shield_ends_as_the_inner_future_does),
        TEST(test_an_inner_error_nobody_sees_is_reported),
        TEST(test_a_shield_over_a_done_future_is_that_future),
    };

    return run_suite("gather", tests);
}
