/* SPDX-License-Identifier: MIT */
#include "common/clock.h"
#include "win32/sys.h"
#include <stdatomic.h>

enum { NANOSECONDS = 1000000000 };

/* Counts a second: fixed at boot, so that threads which race here store the same number. */
static int64_t clock_frequency(void)
{
    static _Atomic(int64_t) known;
    int64_t frequency = atomic_load_explicit(&known, memory_order_relaxed);
    LARGE_INTEGER answer;

    if (frequency != 0)
        return frequency;
    /* Documented never to fail since Windows XP. */
    QueryPerformanceFrequency(&answer);
    frequency = answer.QuadPart > 0 ? answer.QuadPart : NANOSECONDS;
    atomic_store_explicit(&known, frequency, memory_order_relaxed);
    return frequency;
}

eddy_time eddy__clock_now(void)
{
    int64_t frequency = clock_frequency();
    LARGE_INTEGER count;

    EDDY__SYS(QueryPerformanceCounter)(&count);
    /* Whole seconds apart from the rest: count * 10^9 would overflow after 15 minutes at 10 MHz.
     * The rest is below 10^9 * frequency, which fits up to 9.2 GHz. */
    return count.QuadPart / frequency * NANOSECONDS +
           count.QuadPart % frequency * NANOSECONDS / frequency;
}

eddy_time eddy__clock_resolution(void)
{
    int64_t frequency = clock_frequency();

    return (NANOSECONDS + frequency - 1) / frequency;
}
