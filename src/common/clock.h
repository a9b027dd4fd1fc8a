/* SPDX-License-Identifier: MIT */
/** The system's monotonic clock; src/posix/clock.c and src/win32/clock.c supply it. */
#ifndef EDDY_COMMON_CLOCK_H
#define EDDY_COMMON_CLOCK_H

#include <eddy/base.h>

/** Nanoseconds since an unspecified point; never goes back, no wall-clock jumps. Any thread. */
eddy_time eddy__clock_now(void);

/** The step of eddy__clock_now(), at least 1. */
eddy_time eddy__clock_resolution(void);

/**
 * A counter of the processor, read in less than half the time that the clock takes; 0 where there
 * is none. While it has moved on by less than EDDY__CLOCK_TICKS_BRIEF, no more than
 * EDDY__CLOCK_BRIEF have passed: it runs at 500 MHz or more (the slowest that we know of, at 806).
 * What it is else is unknown. Any thread.
 */
static inline uint64_t eddy__clock_ticks(void)
{
#if defined(__GNUC__) && defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0; /* that of arm64 may run at 24 MHz: too slow to tell microseconds apart */
#endif
}

#define EDDY__CLOCK_TICKS_BRIEF 10000u
#define EDDY__CLOCK_BRIEF EDDY_MICROSECONDS(20)

#endif
