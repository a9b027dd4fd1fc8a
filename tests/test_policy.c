/* SPDX-License-Identifier: MIT */
/* Policies: POL-1..POL-7, LOOP-3..LOOP-5 as far as they ask one. */
#include "common/thread.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

/* A policy that records what it is asked, fails, or gives what it has. */
struct own_policy {
    eddy_policy policy;
    eddy_loop *loop;
    int error;
};

static int own_get(eddy_policy *policy, eddy_loop **loop)
{
    struct own_policy *own = (struct own_policy *)(void *)policy;

    record("get");
    *loop = own->loop;
    return own->error;
}

static int own_set(eddy_policy *policy, eddy_loop *loop)
{
    record("set");
    ((struct own_policy *)(void *)policy)->loop = loop;
    return 0;
}

static int own_new(eddy_policy *policy, eddy_loop **loop)
{
    record("new");
    return eddy_default_policy_new_event_loop(policy, loop);
}

static const eddy_policy_callbacks own_callbacks = {
    .get_event_loop = own_get,
    .set_event_loop = own_set,
    .new_event_loop = own_new,
};

/* POL-1, POL-7: part of the API, never NULL, the same until it is replaced. */
static void test_default_policy_is_always_the_same(struct fixture *f)
{
    eddy_policy *policy = eddy_get_event_loop_policy();

    (void)f;
    assert_non_null(policy);
    assert_ptr_equal(eddy_get_event_loop_policy(), policy);
}

/* POL-2: NULL restores a fresh default, which knows no current loop. */
static void test_null_restores_a_fresh_default_policy(struct fixture *f)
{
    struct own_policy own = {.policy = {.callbacks = &own_callbacks}};
    eddy_loop *loop = NULL;

    assert_int_equal(eddy_set_event_loop(f->loop), 0);
    assert_int_equal(eddy_set_event_loop_policy(&own.policy), 0);
    assert_ptr_equal(eddy_get_event_loop_policy(), &own.policy);
    assert_int_equal(eddy_set_event_loop_policy(NULL), 0);
    assert_ptr_not_equal(eddy_get_event_loop_policy(), &own.policy);
    assert_int_equal(eddy_get_event_loop(&loop), EDDY_EBADSTATE);
}

/* POL-2: not a policy; nothing changes. */
static void test_policy_without_callbacks_is_refused(struct fixture *f)
{
    eddy_policy *before = eddy_get_event_loop_policy();
    eddy_policy empty = {.callbacks = NULL};

    (void)f;
    assert_int_equal(eddy_set_event_loop_policy(&empty), EDDY_EINVALID);
    assert_ptr_equal(eddy_get_event_loop_policy(), before);
}

/* POL-3: each function that is not overridden. */
static void test_abstract_policy_supports_nothing(struct fixture *f)
{
    static const eddy_policy_callbacks nothing = {.get_event_loop = NULL};
    eddy_policy abstract = {.callbacks = &nothing};
    eddy_loop *loop = NULL;

    assert_int_equal(eddy_set_event_loop_policy(&abstract), 0);
    assert_int_equal(eddy_get_event_loop(&loop), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_set_event_loop(f->loop), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_new_event_loop(&loop), EDDY_ENOTSUPPORTED);
    assert_null(loop);
    assert_int_equal(eddy_set_event_loop_policy(NULL), 0);
}

/* POL-3: get_event_loop() gives a loop or fails, never none. */
static void test_policy_that_gives_no_loop_is_in_a_bad_state(struct fixture *f)
{
    struct own_policy own = {.policy = {.callbacks = &own_callbacks}};
    eddy_loop *loop = f->loop;

    assert_int_equal(eddy_set_event_loop_policy(&own.policy), 0);
    assert_int_equal(eddy_get_event_loop(&loop), EDDY_EBADSTATE);
    assert_ptr_equal(loop, f->loop);
    assert_int_equal(eddy_set_event_loop_policy(NULL), 0);
    assert_recorded("get");
}

/* LOOP-3, LOOP-4, LOOP-5: all three go to the policy in force. */
static void test_calls_go_to_the_current_policy(struct fixture *f)
{
    struct own_policy own = {.policy = {.callbacks = &own_callbacks}};
    eddy_loop *loop = NULL, *made = NULL;
    int error;

    assert_int_equal(eddy_set_event_loop_policy(&own.policy), 0);
    assert_int_equal(eddy_set_event_loop(f->loop), 0);
    assert_int_equal(eddy_get_event_loop(&loop), 0);
    error = eddy_new_event_loop(&made);
    assert_int_equal(eddy_set_event_loop_policy(NULL), 0);
    assert_ptr_equal(loop, f->loop);
    assert_recorded("set", "get", "new");
    if (made != NULL)
        assert_int_equal(eddy_loop_close(made), 0);
    eddy_loop_unref(made);
    must(error);
}

static int on_call_get(void *loop)
{
    eddy_loop *got = NULL;

    assert_int_equal(eddy_get_event_loop(&got), 0);
    assert_ptr_equal(got, loop);
    record("inside");
    return 0;
}

/* LOOP-3: a policy that fails is not consulted inside a run, and fails again afterwards. */
static void test_failing_policy_is_not_asked_inside_a_run(struct fixture *f)
{
    struct own_policy own = {.policy = {.callbacks = &own_callbacks}, .error = EDDY_EUSER - 3};
    eddy_loop *loop = NULL;

    must(eddy_loop_call_soon(f->loop, on_call_get, f->loop, NULL));
    assert_int_equal(eddy_set_event_loop_policy(&own.policy), 0);
    assert_int_equal(eddy_get_event_loop(&loop), EDDY_EUSER - 3);
    run_iterations(f->loop, 1);
    assert_int_equal(eddy_get_event_loop(&loop), EDDY_EUSER - 3);
    assert_int_equal(eddy_set_event_loop_policy(NULL), 0);
    assert_recorded("get", "inside", "get");
}

/* POL-4: setting NULL clears it; neither closes nor owns the loop. */
static void test_default_policy_keeps_no_ownership(struct fixture *f)
{
    eddy_loop *loop = NULL;

    assert_int_equal(eddy_set_event_loop(f->loop), 0);
    assert_int_equal(eddy_get_event_loop(&loop), 0);
    assert_ptr_equal(loop, f->loop);
    assert_int_equal(eddy_set_event_loop(NULL), 0);
    assert_false(eddy_loop_is_closed(f->loop));
    loop = NULL;
    assert_int_equal(eddy_get_event_loop(&loop), EDDY_EBADSTATE);
    assert_null(loop);
}

struct thread_answer {
    eddy_loop *own;
    eddy_loop *got;
    int before, after;
    char text[256];
};

static void ask_in_thread(void *arg)
{
    struct thread_answer *answer = arg;

    answer->before = eddy_get_event_loop(&answer->got);
    snprintf(answer->text, sizeof answer->text, "%s", eddy_error_text());
    eddy_set_event_loop(answer->own);
    answer->after = eddy_get_event_loop(&answer->got);
    eddy_set_event_loop(NULL);
}

/* POL-4, POL-5: current for the calling thread alone; a fresh thread has none, nor gets one. */
static void test_current_loop_belongs_to_its_thread(struct fixture *f)
{
    struct thread_answer answer = {.own = f->loop};
    struct eddy__thread thread;
    eddy_loop *loop = NULL;
    int error;

    assert_int_equal(eddy_set_event_loop(f->loop), 0);
    error = eddy__thread_start(&thread, "asks", ask_in_thread, &answer);
    if (error == 0)
        eddy__thread_join(&thread);
    assert_int_equal(eddy_get_event_loop(&loop), 0);
    assert_ptr_equal(loop, f->loop);
    assert_int_equal(eddy_set_event_loop(NULL), 0);
    must(error);
    assert_int_equal(answer.before, EDDY_EBADSTATE);
    assert_non_null(strstr(answer.text, "thread"));
    assert_int_equal(answer.after, 0);
    assert_ptr_equal(answer.got, f->loop);
}

/* POL-6: the platform's best backend, or what EDDY_BACKEND asks for. */
static void test_new_event_loop_takes_the_best_backend(struct fixture *f)
{
    eddy_loop *by_policy = NULL, *by_hand = NULL;
    int error;

    (void)f;
    must(eddy_new_event_loop(&by_policy));
    error = eddy_loop_new(NULL, &by_hand);
    if (error == 0)
        assert_string_equal(eddy_loop_get_backend(by_policy), eddy_loop_get_backend(by_hand));
    eddy_loop_close(by_policy);
    eddy_loop_unref(by_policy);
    if (error == 0)
        eddy_loop_close(by_hand);
    eddy_loop_unref(by_hand);
    must(error);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_default_policy_is_always_the_same),
        TEST(test_null_restores_a_fresh_default_policy),
        TEST(test_policy_without_callbacks_is_refused),
        TEST(test_abstract_policy_supports_nothing),
        TEST(test_policy_that_gives_no_loop_is_in_a_bad_state),
        TEST(test_calls_go_to_the_current_policy),
        TEST(test_failing_policy_is_not_asked_inside_a_run),
        TEST(test_default_policy_keeps_no_ownership),
        TEST(test_current_loop_belongs_to_its_thread),
        TEST(test_new_event_loop_takes_the_best_backend),
    };

    return run_suite("policy", tests);
}
