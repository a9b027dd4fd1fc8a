/* SPDX-License-Identifier: MIT */
/** Errors that reach nobody else: reports to a loop's exception handler (ERR-1..ERR-6). */
#ifndef EDDY_EXCEPTION_H
#define EDDY_EXCEPTION_H

#include <eddy/handle.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A key of a program's own in a report. */
typedef struct eddy_exception_item {
    const char *key;
    const char *value;
} eddy_exception_item;

/**
 * A report (ERR-1): lent to the handler. Absent keys are zero. All texts and objects are borrowed
 * for the call.
 */
typedef struct eddy_exception_context {
    const char *message;
    int exception;              /**< the error's code */
    const char *exception_text; /**< what eddy_error_text() said of it */
    eddy_future *future;
    eddy_future *task;
    const eddy_handle *handle;
    eddy_protocol *protocol;
    eddy_transport *transport;
    const eddy_socket *socket;
    eddy_generator *asyncgen;
    const char *source_traceback; /**< debug mode: where the object was created */
    const char *handle_traceback; /**< debug mode: where the callback was scheduled */
    const eddy_exception_item *items;
    size_t item_count;
    void *reserved[4];
} eddy_exception_context;

/**
 * Receives a report, in the loop's thread, in the context of the task, future or handle it names
 * (ERR-2). A negative result is an error of the handler: the default handler then reports both
 * (ERR-4).
 */
typedef int (*eddy_exception_handler)(eddy_loop *loop, const eddy_exception_context *context,
                                      void *arg);

/** Report something; programs may, with keys of their own (ERR-1). Never fails. */
EDDY_API void eddy_loop_call_exception_handler(eddy_loop *loop,
                                               const eddy_exception_context *context);

/** Replace the handler; NULL restores the default (ERR-2). `arg` stays the caller's. */
EDDY_API void eddy_loop_set_exception_handler(eddy_loop *loop, eddy_exception_handler handler,
                                              void *arg);

/** The handler in use, NULL when it is the default; `arg` (may be NULL) receives its argument. */
EDDY_API eddy_exception_handler eddy_loop_get_exception_handler(const eddy_loop *loop, void **arg);

/** What happens by default: one log record at error level (ERR-3). Never fails. */
EDDY_API void eddy_loop_default_exception_handler(eddy_loop *loop,
                                                  const eddy_exception_context *context);

#ifdef __cplusplus
}
#endif

#endif
