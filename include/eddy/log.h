/* SPDX-License-Identifier: MIT */
/** The one hook through which the library says anything to anybody. */
#ifndef EDDY_LOG_H
#define EDDY_LOG_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eddy_log_level {
    EDDY_LOG_DEBUG = 1, /**< only produced by loops in debug mode */
    EDDY_LOG_INFO,
    EDDY_LOG_WARNING,
    EDDY_LOG_ERROR
} eddy_log_level;

/** Receives one record, without a newline at its end; lends `text`. Any thread, also at once. */
typedef void (*eddy_log_handler)(eddy_log_level level, const char *text, void *arg);

/**
 * Replace the log handler of the process; NULL restores the default, which writes warnings and
 * errors to standard error.
 *
 * `arg` stays the caller's. Any thread, but a record already on its way may still reach the
 * previous handler.
 */
EDDY_API void eddy_set_log_handler(eddy_log_handler handler, void *arg);

#ifdef __cplusplus
}
#endif

#endif
