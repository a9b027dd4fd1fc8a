/* SPDX-License-Identifier: MIT */
/**
 * What the library says: log records, and reports to the exception handler of the fixture's loop.
 *
 * Both are kept until a test claims them. A report, a warning or an error that nobody claimed fails
 * the test at its end.
 */
#ifndef TESTS_SUPPORT_REPORTS_H
#define TESTS_SUPPORT_REPORTS_H

#include <eddy/eddy.h>

/** A report as it was; the objects may be gone by now, only their addresses mean something. */
struct report {
    char message[256];
    char text[256]; /**< exception_text */
    char source_traceback[256];
    char handle_traceback[256];
    int exception;
    const eddy_future *future;
    const eddy_future *task;
    const eddy_protocol *protocol;
    const eddy_transport *transport;
    bool has_handle;
    bool has_socket;
    bool claimed;
};

/** Claim the first report whose message contains `text` and whose error is `code`, or fail. */
#define assert_reported(text, code) reports_claim(text, code, __FILE__, __LINE__)

/** Claim the first record of `level` that contains `text`, or fail. Returns the record. */
#define assert_logged(level, text) logs_claim(level, text, __FILE__, __LINE__)

/** How many records of `level` contain `text`, claimed or not. */
size_t logged(eddy_log_level level, const char *text);

/** How many reports there were, claimed or not. */
size_t reported(void);

const struct report *reports_claim(const char *text, int code, const char *file, int line);
const char *logs_claim(eddy_log_level level, const char *text, const char *file, int line);

/** The fixture's exception handler. */
int reports_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg);

/** Forget everything and take the log over. */
void reports_reset(void);

/** Print what nobody claimed; returns how much that is. */
int reports_print_unclaimed(void);

#endif
