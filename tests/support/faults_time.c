/* SPDX-License-Identifier: MIT */
#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "support/faults_time.h"
#include "posix/sys.h"
#include "support/faults_calls.h"
#include <stdatomic.h>

enum { FASTER = 20 };

static struct eddy__sys_table time_real;

/* By how much the clock is ahead of the system's, in nanoseconds. */
static _Atomic(int64_t) time_ahead;

static const int64_t NANOSECONDS = 1000000000;

static void time_move(struct timespec *time, int64_t span)
{
    int64_t sum = (int64_t)time->tv_sec * NANOSECONDS + time->tv_nsec + span;

    time->tv_sec = (time_t)(sum / NANOSECONDS);
    time->tv_nsec = (long)(sum % NANOSECONDS);
}

static int time_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = time_real.clock_gettime(clock, now);

    if (result == 0)
        time_move(now, atomic_load(&time_ahead));
    return result;
}

/* The limit is a moment of our clock, and the system waits by its own. */
static int time_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                       const struct timespec *limit)
{
    struct timespec moment = *limit;

    time_move(&moment, -atomic_load(&time_ahead));
    return time_real.pthread_cond_timedwait(condition, mutex, &moment);
}

/* For how long a wait of `limit` really waits. */
static int64_t time_shorten(int64_t limit)
{
    return limit > FASTER && faults_may_hurry() ? limit / FASTER : limit;
}

#if defined(__linux__)
static int time_epoll_wait(int epoll, struct epoll_event *events, int max, int limit)
{
    int part = (int)time_shorten(limit);
    int count = time_real.epoll_wait(epoll, events, max, part);

    if (count == 0)
        atomic_fetch_add(&time_ahead, (int64_t)(limit - part) * (NANOSECONDS / 1000));
    return count;
}

static int time_epoll_wait_ns(int epoll, struct epoll_event *events, int max,
                              const int64_t limit[2])
{
    int64_t whole = limit[0] * NANOSECONDS + limit[1];
    int64_t part = time_shorten(whole);
    int64_t part_limit[2] = {part / NANOSECONDS, part % NANOSECONDS};
    int count = time_real.epoll_wait_ns(epoll, events, max, part_limit);

    if (count == 0)
        atomic_fetch_add(&time_ahead, whole - part);
    return count;
}
#endif

void faults_time_install(void)
{
    time_real = eddy__sys;
    eddy__sys.clock_gettime = time_clock_gettime;
    eddy__sys.pthread_cond_timedwait = time_pthread_cond_timedwait;
#if defined(__linux__)
    eddy__sys.epoll_wait = time_epoll_wait;
    eddy__sys.epoll_wait_ns = time_epoll_wait_ns;
#endif
}

#else
/* A translation unit must not be empty. */
extern int faults_time_is_empty_without_hooks;
#endif
