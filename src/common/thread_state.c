/* SPDX-License-Identifier: MIT */
#include "common/thread_state.h"

static EDDY__THREAD_LOCAL struct eddy__thread_state thread_own;
EDDY__THREAD_LOCAL struct eddy__thread_state *eddy__thread_current;

struct eddy__thread_state *eddy__thread_state_begin(void)
{
    /* The address of a thread-local is no constant, so that this is no initialiser. */
    if (thread_own.error == NULL)
        thread_own.error = &thread_own.own_error;
    eddy__thread_current = &thread_own;
    return eddy__thread_current;
}

void eddy__thread_state_borrow(struct eddy__thread_state *state)
{
    eddy__thread_current = state;
}
