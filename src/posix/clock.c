/* SPDX-License-Identifier: MIT */
#include "common/clock.h"
#include "posix/sys.h"

/* macOS: its CLOCK_MONOTONIC steps in microseconds, and goes on while the machine sleeps, which
 * that of Linux does not. */
#if defined(__APPLE__)
#define CLOCK CLOCK_UPTIME_RAW
#else
#define CLOCK CLOCK_MONOTONIC
#endif

eddy_time eddy__clock_now(void)
{
    struct timespec now = {0, 0};

    /* Fails only for a clock that does not exist. */
    EDDY__SYS(clock_gettime)(CLOCK, &now);
    return EDDY_SECONDS(now.tv_sec) + now.tv_nsec;
}

eddy_time eddy__clock_resolution(void)
{
    struct timespec step = {0, 0};

    if (clock_getres(CLOCK, &step) != 0 || (step.tv_sec == 0 && step.tv_nsec == 0))
        return 1;
    return EDDY_SECONDS(step.tv_sec) + step.tv_nsec;
}
