/* SPDX-License-Identifier: MIT */
#include "common/thread_state.h"

/* MSVC knows the C11 word only since 2023. */
#if defined(_MSC_VER) && !defined(__clang__)
#define THREAD_LOCAL __declspec(thread)
#else
#define THREAD_LOCAL _Thread_local
#endif

static THREAD_LOCAL struct eddy__thread_state thread_own;
static THREAD_LOCAL struct eddy__thread_state *thread_current; /* NULL before the first use */

struct eddy__thread_state *eddy__thread_state(void)
{
    struct eddy__thread_state *state = thread_current;

    if (state != NULL)
        return state;
    /* The address of a thread-local is no constant, so that this is no initialiser. */
    if (thread_own.error == NULL)
        thread_own.error = &thread_own.own_error;
    thread_current = &thread_own;
    return thread_current;
}

void eddy__thread_state_borrow(struct eddy__thread_state *state)
{
    thread_current = state;
}
