/* SPDX-License-Identifier: MIT */
/** Asynchronous generators: coroutine stacks that yield (AGEN-1..AGEN-4). */
#ifndef EDDY_GENERATOR_H
#define EDDY_GENERATOR_H

#include <eddy/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a generator; nothing runs yet. The caller owns a reference. Of `options` (may be NULL)
 * stack_size and release count. EDDY_ENOMEM: `release` has not been called.
 *
 * The body calls eddy_yield() and may eddy_await(): that suspends the task that advances it.
 */
EDDY_API int eddy_generator_new(eddy_function function, void *arg, const eddy_task_options *options,
                                eddy_generator **generator);

/**
 * Run it to its next eddy_yield() and take what that gave (AGEN-1). Only inside a task.
 *
 * EDDY_EEXHAUSTED after the body returned 0, the body's error once if it failed, EDDY_EBADSTATE
 * while another task advances it.
 */
EDDY_API int eddy_generator_next(eddy_generator *generator, eddy_value *value);

/**
 * Hand `value` to who advances this generator, and wait to be advanced again.
 *
 * 0, or EDDY_ECANCELED when the generator is being closed: clean up and return (AGEN-2). From then
 * on, and outside a generator, it is EDDY_EBADSTATE.
 */
EDDY_API int eddy_yield(eddy_value value);

/** Close it: resume it once with EDDY_ECANCELED and wait for its end. Only inside a task. */
EDDY_API int eddy_generator_close(eddy_generator *generator);

/** Counted atomically. */
EDDY_API eddy_generator *eddy_generator_ref(eddy_generator *generator);

/**
 * Drop a reference; with the last one an unfinished generator is closed by a task of its loop
 * (AGEN-2). NULL is allowed. Any thread.
 */
EDDY_API void eddy_generator_unref(eddy_generator *generator);

/**
 * Close all generators of the loop, at the same time, and wait for it (AGEN-3). A failing clean-up
 * is reported (ERR-1); the call itself fails only for want of memory.
 */
EDDY_API eddy_future *eddy_loop_shutdown_asyncgens(eddy_loop *loop);

#ifdef __cplusplus
}
#endif

#endif
