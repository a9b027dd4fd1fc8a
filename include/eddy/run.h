/* SPDX-License-Identifier: MIT */
/** The small layer on top that every program needs (RUN-1..RUN-8). */
#ifndef EDDY_RUN_H
#define EDDY_RUN_H

#include <eddy/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_run_options {
    const char *backend;   /**< as in eddy_loop_options */
    bool debug;            /**< run the loop in debug mode */
    bool ignore_interrupt; /**< leave SIGINT (Ctrl-C) alone */
    size_t stack_size;     /**< of the main task; 0: the default */
    void *reserved[4];
} eddy_run_options;

/**
 * Make a loop, run `main(arg, &result)` as a task on it, shut everything down in order, and
 * return main's error (RUN-1, LOOP-21).
 *
 * `result` may be NULL. The first SIGINT (Ctrl-C) cancels the main task, a second one while it
 * shuts down ends at once with EDDY_EEXIT. EDDY_EBADSTATE inside a running loop. Any thread.
 */
EDDY_API int eddy_run(eddy_function main, void *arg, eddy_value *result,
                      const eddy_run_options *options);

/** A future of the running loop that is done after `delay`; 0: in the next iteration (RUN-2). */
EDDY_API eddy_future *eddy_sleep(eddy_time delay);

/**
 * eddy_await() with a limit: what is not done in time is cancelled, and the call returns when it
 * has ended: EDDY_ETIMEDOUT, or its result if that came all the same (RUN-3).
 *
 * `limit` <= 0: only what is done already succeeds. Being cancelled cancels `future` and waits.
 * Only inside a task; takes the caller's reference, as eddy_await() does.
 */
EDDY_API int eddy_await_for(eddy_future *future, eddy_time limit, eddy_value *value);

/** The same until `when` of eddy_loop_time() (RUN-4). */
EDDY_API int eddy_await_until(eddy_future *future, eddy_time when, eddy_value *value);

typedef struct eddy_gather_options {
    bool return_exceptions; /**< never fail: a member's error is its value's `integer` */
    void *reserved[2];
} eddy_gather_options;

/**
 * A future that is done when all of `futures` are (RUN-5).
 *
 * Takes the caller's reference to each member, on every path. Its value is `values`: the results
 * in the order given, freed with eddy_values_free(). The first error ends it, the others run
 * on. Cancelling it cancels all members. Only while the loop runs: EDDY_EBADSTATE.
 */
EDDY_API eddy_future *eddy_gather(eddy_future *const *futures, size_t count,
                                  const eddy_gather_options *options);

/** Free the array that eddy_gather() made; what the results own is the caller's. */
EDDY_API void eddy_values_free(eddy_value *values);

typedef enum eddy_wait_until {
    EDDY_WAIT_ALL = 0,
    EDDY_WAIT_FIRST_COMPLETED,
    EDDY_WAIT_FIRST_ERROR
} eddy_wait_until;

/**
 * A future that is done when all of `futures` are, or the first, or the first that fails, or
 * after `limit` (EDDY_FOREVER: none) (RUN-6).
 *
 * Refs the members, which stay the caller's; never fails because of them, never cancels them. The
 * value's `size` is how many are done; eddy_future_done() tells which.
 */
EDDY_API eddy_future *eddy_wait(eddy_future *const *futures, size_t count, eddy_time limit,
                                eddy_wait_until until);

/**
 * A future that ends as `future` does, but whose cancelling does not reach it (RUN-7). Takes the
 * caller's reference. The result goes to the outer one, if that still waits. EDDY_EBADSTATE when
 * the loop is closed.
 */
EDDY_API eddy_future *eddy_shield(eddy_future *future);

/** Start a task that nobody waits for; its error is reported when it ends (RUN-8, ERR-1). */
EDDY_API int eddy_loop_spawn(eddy_loop *loop, eddy_function function, void *arg);

#ifdef __cplusplus
}
#endif

#endif
