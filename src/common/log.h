/* SPDX-License-Identifier: MIT */
/** What the library has to say, on its way to the log hook. */
#ifndef EDDY_COMMON_LOG_H
#define EDDY_COMMON_LOG_H

#include <eddy/log.h>

/**
 * Hand one record to the log handler. No newline at the end of the text. Cut off after 1023 bytes
 * if there is no memory for more. Any thread, but no signal handler.
 */
void eddy__log(eddy_log_level level, const char *format, ...) EDDY_PRINTF(2, 3);

#endif
