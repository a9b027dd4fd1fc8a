/* SPDX-License-Identifier: MIT */
#include "common/error.h"
#include "common/loop.h"
#include "common/thread.h"

/** The default policy has no state of its own: the current loop is the thread's. */
static const eddy_policy_callbacks policy_default_callbacks = {
    .get_event_loop = eddy_default_policy_get_event_loop,
    .set_event_loop = eddy_default_policy_set_event_loop,
    .new_event_loop = eddy_default_policy_new_event_loop,
};

/**
 * "A fresh default" (POL-2) must have forgotten the current loops of all threads: each thread
 * remembers for which default it set its loop.
 */
static eddy_policy policy_default = {.callbacks = &policy_default_callbacks};
static atomic_uint policy_default_age;
static _Atomic(eddy_policy *) policy_current = &policy_default;

eddy_policy *eddy_get_event_loop_policy(void)
{
    return atomic_load(&policy_current);
}

int eddy_set_event_loop_policy(eddy_policy *policy)
{
    if (policy != NULL && policy->callbacks == NULL)
        return eddy_error(EDDY_EINVALID, "a policy needs callbacks");
    if (policy == NULL) {
        atomic_fetch_add(&policy_default_age, 1);
        policy = &policy_default;
    }
    atomic_store(&policy_current, policy);
    return 0;
}

int eddy_default_policy_get_event_loop(eddy_policy *policy, eddy_loop **loop)
{
    struct eddy__thread_state *state = eddy__thread_state();

    (void)policy;
    if (state->current == NULL || state->current_age != atomic_load(&policy_default_age))
        return eddy_error(EDDY_EBADSTATE, "there is no current event loop in thread %llu",
                          (unsigned long long)eddy__thread_self());
    *loop = state->current;
    return 0;
}

int eddy_default_policy_set_event_loop(eddy_policy *policy, eddy_loop *loop)
{
    struct eddy__thread_state *state = eddy__thread_state();

    (void)policy;
    state->current = loop;
    state->current_age = atomic_load(&policy_default_age);
    return 0;
}

int eddy_default_policy_new_event_loop(eddy_policy *policy, eddy_loop **loop)
{
    (void)policy;
    return eddy_loop_new(NULL, loop);
}

eddy_loop *eddy_get_running_loop(void)
{
    eddy_loop *loop = eddy__thread_state()->running;

    if (loop == NULL)
        eddy_error(EDDY_EBADSTATE, "no running event loop");
    return loop;
}

int eddy_get_event_loop(eddy_loop **loop)
{
    eddy_loop *running = eddy__thread_state()->running;
    eddy_policy *policy = eddy_get_event_loop_policy();
    eddy_loop *answer = NULL;
    int error;

    if (running != NULL) {
        *loop = running;
        return 0;
    }
    if (policy->callbacks->get_event_loop == NULL)
        return eddy_error(EDDY_ENOTSUPPORTED, "the policy has no get_event_loop");
    error = policy->callbacks->get_event_loop(policy, &answer);
    if (error)
        return error;
    if (answer == NULL)
        return eddy_error(EDDY_EBADSTATE, "the policy's get_event_loop gave no loop");
    *loop = answer;
    return 0;
}

int eddy_set_event_loop(eddy_loop *loop)
{
    eddy_policy *policy = eddy_get_event_loop_policy();

    if (policy->callbacks->set_event_loop == NULL)
        return eddy_error(EDDY_ENOTSUPPORTED, "the policy has no set_event_loop");
    return policy->callbacks->set_event_loop(policy, loop);
}

int eddy_new_event_loop(eddy_loop **loop)
{
    eddy_policy *policy = eddy_get_event_loop_policy();

    if (policy->callbacks->new_event_loop == NULL)
        return eddy_error(EDDY_ENOTSUPPORTED, "the policy has no new_event_loop");
    return policy->callbacks->new_event_loop(policy, loop);
}
