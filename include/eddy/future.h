/* SPDX-License-Identifier: MIT */
/** Futures: results that come later (FUT-1..FUT-10). */
#ifndef EDDY_FUTURE_H
#define EDDY_FUTURE_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Called with a done future, always out of the loop, never from inside the completing call
 * (FUT-5). Lends `future`. A negative result is reported (ERR-1).
 */
typedef int (*eddy_future_callback)(eddy_future *future, void *arg);

/**
 * Make a pending future; the caller owns a reference (FUT-1).
 *
 * Never NULL: out of memory gives a failed one that always exists. Works on a closed loop.
 */
EDDY_API eddy_future *eddy_loop_create_future(eddy_loop *loop);

/** Counts belong to the loop's thread. NULL is allowed. */
EDDY_API eddy_future *eddy_future_ref(eddy_future *future);

/**
 * Drop a reference. With the last one, an error that nobody asked for is reported (FUT-8) and a
 * result nobody took out goes to its disposer. A NULL `future` is allowed.
 */
EDDY_API void eddy_future_unref(eddy_future *future);

/** The loop it belongs to, borrowed; NULL for the failed future of a call without a loop. */
EDDY_API eddy_loop *eddy_future_get_loop(const eddy_future *future);

/**
 * Complete it (FUT-2). Takes what `result` owns only when it returns 0.
 *
 * EDDY_EINVALIDSTATE unless pending; EDDY_EBADSTATE for a task (TASK-6). On a closed loop a future
 * with callbacks changes its state and EDDY_EBADSTATE is returned (FUT-9).
 */
EDDY_API int eddy_future_set_result(eddy_future *future, eddy_value result);

/**
 * Fail it with a negative `code`, else EDDY_EINVALID; EDDY_ECANCELED is refused likewise, that is
 * what eddy_future_cancel() is for. Copies eddy_error_text() if that belongs to `code`. Otherwise
 * as eddy_future_set_result().
 */
EDDY_API int eddy_future_set_exception(eddy_future *future, int code);

/**
 * Have `dispose` called with a result that is not taken out (FUT-1); NULL: nothing. Set it before
 * the result.
 */
EDDY_API void eddy_future_set_disposer(eddy_future *future, eddy_disposer dispose);

/**
 * Cancel (FUT-3; for tasks TASK-7). True if that had an effect.
 *
 * An operation of the system has its cancellation submitted when this returns, and no memory of
 * the caller is touched afterwards. `message` (may be NULL) becomes the error's text; copied.
 */
EDDY_API bool eddy_future_cancel(eddy_future *future, const char *message);

/** FUT-4. Cannot fail. */
EDDY_API bool eddy_future_done(const eddy_future *future);
EDDY_API bool eddy_future_cancelled(const eddy_future *future);

/**
 * The outcome: 0 and the result, the stored error, EDDY_ECANCELED, or EDDY_EINVALIDSTATE while it
 * is pending (FUT-4). Counts as retrieval.
 *
 * The first call with a `value` takes the result out: what it owns is the caller's. Later ones
 * see the same value, borrowed. With NULL the result stays for others, or for the disposer.
 */
EDDY_API int eddy_future_result(eddy_future *future, eddy_value *value);

/** The same without the result: 0, the error, EDDY_ECANCELED or EDDY_EINVALIDSTATE. */
EDDY_API int eddy_future_exception(eddy_future *future);

/**
 * Have `callback(future, arg)` scheduled once it is done; at once if it is (FUT-5).
 *
 * Refs the future until then. Runs in the context that is current now. EDDY_ENOMEM; EDDY_EINVALID
 * without a callback; EDDY_EBADSTATE if it is done and the loop closed.
 */
EDDY_API int eddy_future_add_done_callback(eddy_future *future, eddy_future_callback callback,
                                           void *arg);
EDDY_API int eddy_future_add_done_callback_in_context(eddy_future *future,
                                                      eddy_future_callback callback, void *arg,
                                                      eddy_context *context);

/** Remove every entry equal in both; how many there were (FUT-6). Cannot fail. */
EDDY_API size_t eddy_future_remove_done_callback(eddy_future *future, eddy_future_callback callback,
                                                 void *arg);

/** What eddy_error_text() would say of a failed future; "" otherwise. Borrowed. */
EDDY_API const char *eddy_future_error_text(const eddy_future *future);

/**
 * A result that any thread may wait for: what eddy_run_coroutine_threadsafe() returns. Atomically
 * counted; every function below may be called from any thread.
 */
EDDY_API eddy_thread_future *eddy_thread_future_ref(eddy_thread_future *future);
EDDY_API void eddy_thread_future_unref(eddy_thread_future *future);

/** Ask for cancellation: travels to the task by a post (FUT-10). False if it is done already. */
EDDY_API bool eddy_thread_future_cancel(eddy_thread_future *future);

EDDY_API bool eddy_thread_future_done(eddy_thread_future *future);

/**
 * Block until done or `limit` (EDDY_FOREVER: none) has passed: EDDY_ETIMEDOUT, and the work goes
 * on. Never from the loop's own thread: EDDY_EBADSTATE. Otherwise as eddy_future_result().
 */
EDDY_API int eddy_thread_future_result(eddy_thread_future *future, eddy_time limit,
                                       eddy_value *value);

#ifdef __cplusplus
}
#endif

#endif
