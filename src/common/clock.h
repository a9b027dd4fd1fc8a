/* SPDX-License-Identifier: MIT */
/** The system's monotonic clock; src/posix/clock.c and src/win32/clock.c supply it. */
#ifndef EDDY_COMMON_CLOCK_H
#define EDDY_COMMON_CLOCK_H

#include <eddy/base.h>

/** Nanoseconds since an unspecified point; never goes back, no wall-clock jumps. Any thread. */
eddy_time eddy__clock_now(void);

/** The step of eddy__clock_now(), at least 1. */
eddy_time eddy__clock_resolution(void);

#endif
