/* SPDX-License-Identifier: MIT */
/**
 * What a thread knows: its running loop, its current context, and the text of its last error.
 *
 * One struct a thread, reached through one thread-local pointer. The hand-off coroutine fallback
 * (a system thread per coroutine) makes its threads use the loop thread's struct.
 */
#ifndef EDDY_COMMON_THREAD_STATE_H
#define EDDY_COMMON_THREAD_STATE_H

#include <eddy/address.h>

/** Text of the last failed call (eddy_error_text()); tasks have one of their own. */
struct eddy__error_record {
    int code;
    bool is_of_peer; /**< there is no text yet: see eddy__error_of_peer() */
    int64_t number;  /**< the system's own number, or 0 */
    union {
        char text[256]; /**< empty: eddy_strerror(code) says it; ask eddy__error_said() */
        eddy_address peer;
    };
};

struct eddy__thread_state {
    struct eddy_loop *running;        /**< the loop inside run_*() in this thread, or NULL */
    struct eddy_context *context;     /**< current context; a reference, or NULL */
    struct eddy_loop *current;        /**< of the default policy (POL-4); borrowed */
    unsigned current_age;             /**< which default policy that was */
    struct eddy__error_record *error; /**< the current task's record, else &own_error */
    struct eddy__error_record own_error;
    int system_code;       /**< code that eddy__system_error() made last ... */
    int64_t system_number; /**< ... and the number it was made from */
};

/* MSVC knows the C11 word only since 2023. */
#if defined(_MSC_VER) && !defined(__clang__)
#define EDDY__THREAD_LOCAL __declspec(thread)
#else
#define EDDY__THREAD_LOCAL _Thread_local
#endif

/** For the functions below: the state that the thread uses, NULL before the first use. */
extern EDDY__THREAD_LOCAL struct eddy__thread_state *eddy__thread_current;

/** The first use in this thread. Cannot fail. */
struct eddy__thread_state *eddy__thread_state_begin(void);

/** This thread's state. Cannot fail. */
static inline struct eddy__thread_state *eddy__thread_state(void)
{
    struct eddy__thread_state *state = eddy__thread_current;

    return state != NULL ? state : eddy__thread_state_begin();
}

/** Make the calling thread use `state` (of the thread it stands in for), NULL: its own again. */
void eddy__thread_state_borrow(struct eddy__thread_state *state);

#endif
