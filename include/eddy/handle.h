/* SPDX-License-Identifier: MIT */
/** Handles: what call_soon(), call_later() and call_at() hand out, to cancel and to ask. */
#ifndef EDDY_HANDLE_H
#define EDDY_HANDLE_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A scheduled callback, by value. Nobody frees it; every use after the callback ran, or after a
 * cancel, is harmless. Usable while a reference to the loop is held. All zero refers to nothing.
 */
typedef struct eddy_handle {
    eddy_loop *loop;
    void *slot;
    uint64_t generation;
    eddy_time when; /**< due time of a timer (LOOP-40); else 0 */
} eddy_handle;

/** What is known of a handle. Its slot may have been given to another callback since. */
typedef enum eddy_handle_state {
    EDDY_HANDLE_GONE = 0, /**< ran, or was cancelled; the slot serves another callback by now */
    EDDY_HANDLE_SCHEDULED,
    EDDY_HANDLE_DONE, /**< ran, or is running */
    EDDY_HANDLE_CANCELLED
} eddy_handle_state;

/**
 * Cancel: the callback will not run if it has not started (LOOP-39).
 *
 * Idempotent; harmless in every state; releases the captured context at once. Cannot fail.
 */
EDDY_API void eddy_handle_cancel(eddy_handle handle);

/** What became of it: LOOP-39's cancelled(), as far as the slot still remembers. */
EDDY_API eddy_handle_state eddy_handle_get_state(eddy_handle handle);

/** True if it is known to have been cancelled, before or after it ran. */
EDDY_API bool eddy_handle_cancelled(eddy_handle handle);

/** The context it runs in, borrowed; NULL if empty, or no longer known. */
EDDY_API eddy_context *eddy_handle_get_context(eddy_handle handle);

/** The due time of a timer on eddy_loop_time()'s clock (LOOP-40); 0 for call_soon(). */
EDDY_API eddy_time eddy_handle_when(eddy_handle handle);

/** True if both refer to the same scheduled callback (LOOP-40). */
EDDY_API bool eddy_handle_equal(eddy_handle a, eddy_handle b);

/** A callback posted from another thread; reference-counted, usable from any thread. */
typedef struct eddy_threadsafe_handle eddy_threadsafe_handle;

typedef enum eddy_cancel_outcome {
    EDDY_CANCEL_DONE = 0,  /**< too late: it has finished */
    EDDY_CANCEL_CANCELLED, /**< it will never run */
    EDDY_CANCEL_RUNNING    /**< too late: it runs right now */
} eddy_cancel_outcome;

/** Cancel without ever blocking, and say how it stands (LOOP-41). Any thread. Cannot fail. */
EDDY_API eddy_cancel_outcome eddy_threadsafe_handle_cancel(eddy_threadsafe_handle *handle);

/**
 * Cancel, and if the callback runs right now, wait until it has finished (LOOP-41).
 *
 * From inside that callback it returns EDDY_CANCEL_RUNNING at once. Do not call it while holding
 * a lock that the callback takes: both would wait for ever. Any thread. Cannot fail.
 */
EDDY_API eddy_cancel_outcome eddy_threadsafe_handle_cancel_sync(eddy_threadsafe_handle *handle);

/** Any thread; NULL is allowed. */
EDDY_API eddy_threadsafe_handle *eddy_threadsafe_handle_ref(eddy_threadsafe_handle *handle);
EDDY_API void eddy_threadsafe_handle_unref(eddy_threadsafe_handle *handle);

#ifdef __cplusplus
}
#endif

#endif
