/* SPDX-License-Identifier: MIT */
/** How long a wait may last, in the two forms in which systems want to hear it (LOOP-29). */
#ifndef EDDY_POSIX_LIMIT_H
#define EDDY_POSIX_LIMIT_H

#include <eddy/base.h>
#include <time.h>

/**
 * In milliseconds, rounded up, as a limit is never cut short; -1 for EDDY_FOREVER.
 *
 * What does not fit becomes the longest that does: a wait may end early for no reason.
 */
int eddy__limit_ms(eddy_time timeout);

/**
 * Exactly, in `*limit`; returns `limit`, or NULL for EDDY_FOREVER.
 *
 * At most a million seconds, as some systems refuse more than a hundred million.
 */
const struct timespec *eddy__limit_ns(eddy_time timeout, struct timespec *limit);

#endif
