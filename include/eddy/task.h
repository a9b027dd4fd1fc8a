/* SPDX-License-Identifier: MIT */
/** Tasks: straight-line code on a stack of its own (TASK-1..TASK-18). */
#ifndef EDDY_TASK_H
#define EDDY_TASK_H

#include <eddy/future.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_task_options {
    const char *name;      /**< copied; NULL: "Task-" and a number */
    eddy_context *context; /**< refs; NULL: the current one */
    eddy_release release;  /**< called with `arg` when the task has ended or was never started */
    size_t stack_size;     /**< bytes; 0: 256 KiB, committed as it is touched */
    bool eager_start;      /**< run the first step inside create_task() (TASK-15) */
    void *reserved[4];
} eddy_task_options;

/**
 * Make a task that runs `function(arg, &result)` on a stack of its own (TASK-1, TASK-2).
 *
 * A task is a future: everything that takes a future takes a task. The caller owns a reference;
 * the task keeps itself alive until it is done. Never NULL: EDDY_EBADSTATE (closed), EDDY_EINVALID
 * and EDDY_ENOMEM (text says what was exhausted) are failed futures, and `options->release` has
 * been called then (LOOP-19). Asks the task factory, if there is one (TASK-3).
 */
EDDY_API eddy_future *eddy_loop_create_task(eddy_loop *loop, eddy_function function, void *arg,
                                            const eddy_task_options *options);

/**
 * Wait for `future` and take its outcome: 0 and `*value` (may be NULL), or its error.
 *
 * Takes the caller's reference, on every path. Inside a task: suspends it until the future is
 * done; a done one does not suspend (TASK-4). Returns EDDY_ECANCELED when the task is cancelled
 * meanwhile, having cancelled the future (TASK-7). Outside a task: EDDY_EBADSTATE.
 * So whoever is to complete the future holds a reference of its own (eddy_future_ref()).
 * The value belongs to the caller; with NULL, to the future's disposer.
 */
EDDY_API int eddy_await(eddy_future *future, eddy_value *value);

/** The task whose step runs now on `loop` (NULL: the running one), borrowed; or NULL (TASK-14). */
EDDY_API eddy_future *eddy_current_task(eddy_loop *loop);

/**
 * The tasks of `loop` (NULL: the running one) that are not done (TASK-14).
 *
 * Writes at most `max` of them, each with a reference for the caller, and returns how many there
 * are in all; `tasks` may be NULL with `max` 0.
 */
EDDY_API size_t eddy_all_tasks(eddy_loop *loop, eddy_future **tasks, size_t max);

/** True if `future` is a task; the calls below are EDDY_EINVALID (or NULL) on a plain future. */
EDDY_API bool eddy_future_is_task(const eddy_future *future);

/** Cancel requests not taken back (TASK-12). */
EDDY_API int eddy_task_cancelling(const eddy_future *task);

/** Take one back, not below 0; returns the rest (TASK-12). */
EDDY_API int eddy_task_uncancel(eddy_future *task);

/** Borrowed until the name is changed (TASK-13). */
EDDY_API const char *eddy_task_get_name(const eddy_future *task);
EDDY_API int eddy_task_set_name(eddy_future *task, const char *name);

/** The function and argument it was made from (TASK-13); `arg` may be NULL. */
EDDY_API eddy_function eddy_task_get_coro(const eddy_future *task, void **arg);

/** Its context, borrowed (TASK-13). */
EDDY_API eddy_context *eddy_task_get_context(const eddy_future *task);

/**
 * Makes the tasks of a loop (TASK-3): returns a future or task of `loop`, owned by who asked.
 * Gets all options, never NULL. Negative conditions are failed futures.
 */
typedef eddy_future *(*eddy_task_factory)(eddy_loop *loop, eddy_function function, void *arg,
                                          const eddy_task_options *options, void *factory_arg);

/** Replace the factory; NULL restores the default (TASK-3). `factory_arg` stays the caller's. */
EDDY_API void eddy_loop_set_task_factory(eddy_loop *loop, eddy_task_factory factory,
                                         void *factory_arg);
EDDY_API eddy_task_factory eddy_loop_get_task_factory(const eddy_loop *loop, void **factory_arg);

/** What create_task() does without a factory; for factories to call. */
EDDY_API eddy_future *eddy_task_new(eddy_loop *loop, eddy_function function, void *arg,
                                    const eddy_task_options *options);

/**
 * Start a task from another thread (TASK-18); copies `options`' name, refs its context.
 *
 * `*future` (may be NULL) is a reference for the caller. EDDY_EBADSTATE when closed, EDDY_ENOMEM;
 * `options->release` has been called then. Any thread.
 */
EDDY_API int eddy_run_coroutine_threadsafe(eddy_loop *loop, eddy_function function, void *arg,
                                           const eddy_task_options *options,
                                           eddy_thread_future **future);

#ifdef __cplusplus
}
#endif

#endif
