/* SPDX-License-Identifier: MIT */
/** The event loop: getting one, running it, scheduling on it (LOOP-1..LOOP-42). */
#ifndef EDDY_LOOP_H
#define EDDY_LOOP_H

#include <eddy/context.h>
#include <eddy/exception.h>
#include <eddy/handle.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_loop_options {
    /**
     * "epoll", "iocp", "sim", ...; NULL: the environment variable EDDY_BACKEND (not in set-uid
     * programs), else the best that the system offers. A backend that is not here: EDDY_EINVALID.
     */
    const char *backend;
    void *reserved[4];
} eddy_loop_options;

/** The loop that runs in this thread (LOOP-1); NULL, with an error text, if none. Any thread. */
EDDY_API eddy_loop *eddy_get_running_loop(void);

/**
 * The running loop, else what the current policy says (LOOP-3). Borrowed. EDDY_EBADSTATE when
 * there is none. Any thread.
 */
EDDY_API int eddy_get_event_loop(eddy_loop **loop);

/** Make `loop` (or none: NULL) the policy's current one for this thread (LOOP-4). Any thread. */
EDDY_API int eddy_set_event_loop(eddy_loop *loop);

/**
 * Make a loop through the current policy (LOOP-5). The caller owns a reference and has to close
 * the loop before it gives that up. Any thread.
 */
EDDY_API int eddy_new_event_loop(eddy_loop **loop);

/** Make a loop without asking the policy; otherwise as eddy_new_event_loop(). Any thread. */
EDDY_API int eddy_loop_new(const eddy_loop_options *options, eddy_loop **loop);

/** Counted atomically; any thread. NULL is allowed. */
EDDY_API eddy_loop *eddy_loop_ref(eddy_loop *loop);

/**
 * Drop a reference. With the last one the memory goes; a loop that was never closed is closed
 * first, with a debug warning (LOOP-20).
 *
 * In a forked child only this works (LOOP-2). It frees a loop that nothing refers to. Transports,
 * tasks and calls that were under way refer to it, and as nothing can end them there, their memory
 * and the loop's stay until the child ends or starts another program.
 */
EDDY_API void eddy_loop_unref(eddy_loop *loop);

/** Name of the loop's backend; constant text. Any thread. */
EDDY_API const char *eddy_loop_get_backend(const eddy_loop *loop);

/**
 * Run until eddy_loop_stop() (LOOP-7, LOOP-8). May be called again afterwards.
 *
 * The first run binds the loop to its thread. Returns 0; the code given to eddy_loop_exit();
 * EDDY_EBADSTATE if it is closed or runs already, if another loop runs in this thread, or if it is
 * bound to another thread; EDDY_EDEADLOCK on a simulated loop when nothing can happen any more.
 */
EDDY_API int eddy_loop_run_forever(eddy_loop *loop);

/**
 * Run until `future` is done, and return its outcome as eddy_await() does (LOOP-11..LOOP-13).
 *
 * Takes the caller's reference to `future`, on every path. `value` may be NULL. EDDY_EBADSTATE
 * also if the loop was stopped before the future was done; who took a reference of its own can
 * run it again.
 */
EDDY_API int eddy_loop_run_until_complete(eddy_loop *loop, eddy_future *future, eddy_value *value);

/** End the run after the current iteration (LOOP-9, LOOP-10). Cannot fail. */
EDDY_API void eddy_loop_stop(eddy_loop *loop);

/**
 * End the run right after the current callback; what is ready stays for the next run (LOOP-42).
 *
 * run_forever() then returns `code` (0: EDDY_EEXIT). Outside a run it does nothing.
 */
EDDY_API void eddy_loop_exit(eddy_loop *loop, int code);

/**
 * Close for ever (LOOP-16..LOOP-18); idempotent. EDDY_EBADSTATE while it runs.
 *
 * Drops callbacks and timers, cancels what the system still has in flight and waits for its
 * confirmation, shuts the default executor down without waiting. Calls no connection_lost and
 * cancels no task. Every release function has run when it returns.
 */
EDDY_API int eddy_loop_close(eddy_loop *loop);

/** LOOP-15. Any thread. Cannot fail. */
EDDY_API bool eddy_loop_is_running(const eddy_loop *loop);
EDDY_API bool eddy_loop_is_closed(const eddy_loop *loop);

/** Nanoseconds on the loop's monotonic clock (LOOP-28); works after close. */
EDDY_API eddy_time eddy_loop_time(eddy_loop *loop);

/** The step of eddy_loop_time() (LOOP-24). */
EDDY_API eddy_time eddy_loop_clock_resolution(const eddy_loop *loop);

/** Debug mode (LOOP-32, LOOP-33): off, unless EDDY_DEBUG is non-empty when a loop is made. */
EDDY_API void eddy_loop_set_debug(eddy_loop *loop, bool enabled);
EDDY_API bool eddy_loop_get_debug(const eddy_loop *loop);

/** Debug mode reports callbacks that took at least this long (LOOP-34); 100 ms at first. */
EDDY_API void eddy_loop_set_slow_callback_duration(eddy_loop *loop, eddy_time duration);
EDDY_API eddy_time eddy_loop_get_slow_callback_duration(const eddy_loop *loop);

/**
 * Run `callback(arg)` once, in the next iteration, first in first out (LOOP-35).
 *
 * `arg` stays the caller's. `handle` may be NULL. Runs in the context that is current now.
 * EDDY_EINVALID without a callback, EDDY_EBADSTATE when closed or, in debug mode, on the wrong
 * thread, EDDY_ENOMEM; `*handle` is then untouched. Allocates nothing once warm.
 */
EDDY_API int eddy_loop_call_soon(eddy_loop *loop, eddy_callback callback, void *arg,
                                 eddy_handle *handle);

/** The same after `delay`, zero or negative: in the next iteration (LOOP-37). */
EDDY_API int eddy_loop_call_later(eddy_loop *loop, eddy_time delay, eddy_callback callback,
                                  void *arg, eddy_handle *handle);

/** The same at `when` of eddy_loop_time(); never early, any distance (LOOP-38). */
EDDY_API int eddy_loop_call_at(eddy_loop *loop, eddy_time when, eddy_callback callback, void *arg,
                               eddy_handle *handle);

/** The same three in a context of choice; refs `context`, NULL is the empty one. */
EDDY_API int eddy_loop_call_soon_in_context(eddy_loop *loop, eddy_callback callback, void *arg,
                                            eddy_context *context, eddy_handle *handle);
EDDY_API int eddy_loop_call_later_in_context(eddy_loop *loop, eddy_time delay,
                                             eddy_callback callback, void *arg,
                                             eddy_context *context, eddy_handle *handle);
EDDY_API int eddy_loop_call_at_in_context(eddy_loop *loop, eddy_time when, eddy_callback callback,
                                          void *arg, eddy_context *context, eddy_handle *handle);

/**
 * As eddy_loop_call_soon(), from any thread; wakes the loop (LOOP-36, LOOP-30).
 *
 * A `*handle` is a reference that the caller drops with eddy_threadsafe_handle_unref(); NULL if
 * nobody will cancel. The caller holds a reference to the loop. EDDY_EBADSTATE when closed.
 */
EDDY_API int eddy_loop_call_soon_threadsafe(eddy_loop *loop, eddy_callback callback, void *arg,
                                            eddy_threadsafe_handle **handle);

#ifdef __cplusplus
}
#endif

#endif
