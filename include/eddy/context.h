/* SPDX-License-Identifier: MIT */
/** The scheduling context: one opaque value that follows a chain of callbacks and tasks. */
#ifndef EDDY_CONTEXT_H
#define EDDY_CONTEXT_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make an immutable context that holds `value`, with one reference for the caller.
 *
 * Takes `value`: `release` (may be NULL) is called once, with the last reference, on whatever
 * thread drops it. EDDY_ENOMEM: nothing was taken. Any thread.
 */
EDDY_API int eddy_context_new(void *value, eddy_release release, eddy_context **context);

/** Contexts are counted atomically; NULL is allowed and stands for the empty context. */
EDDY_API eddy_context *eddy_context_ref(eddy_context *context);
EDDY_API void eddy_context_unref(eddy_context *context);

/** The value inside; NULL for the empty context. Any thread. */
EDDY_API void *eddy_context_value(const eddy_context *context);

/**
 * The current context: of the callback or task step that runs, or of this thread outside loops.
 *
 * Borrowed until the current context changes; NULL is the empty one. Any thread.
 */
EDDY_API eddy_context *eddy_get_context(void);

/**
 * Replace the current context. Refs `context` (NULL: the empty one).
 *
 * What is scheduled from here on captures it (LOOP-35). A task keeps it across its awaits;
 * neither its creator nor done callbacks see it (TASK-17). Ends with the callback. Any thread.
 */
EDDY_API void eddy_set_context(eddy_context *context);

#ifdef __cplusplus
}
#endif

#endif
