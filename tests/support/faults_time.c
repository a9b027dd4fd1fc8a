/* SPDX-License-Identifier: MIT */
#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "support/faults_time.h"
#include "posix/sys.h"
#include "support/faults_calls.h"
#include <stdatomic.h>

/* Nanoseconds: what reading the clock takes, so that who looks again and again gets somewhere. */
static const int64_t SECOND = 1000000000, READING = 20000;

enum { FASTER = 20 };

static struct eddy__sys_table time_real;

/* Our clock, while there is neither thread nor child. */
static _Atomic(int64_t) time_ours;

/* Afterwards: by how much ours is ahead of the system's. */
static const int64_t UNKNOWN = INT64_MIN;
static _Atomic(int64_t) time_ahead;

static int64_t time_system(clockid_t clock)
{
    struct timespec now = {0, 0};

    time_real.clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

static void time_put(struct timespec *time, int64_t nanoseconds)
{
    time->tv_sec = (time_t)(nanoseconds / SECOND);
    time->tv_nsec = (long)(nanoseconds % SECOND);
}

/* Whoever asks first once it is the system's clock: it goes on where ours stands. */
static int64_t time_find_ahead(clockid_t clock)
{
    int64_t unknown = UNKNOWN;

    if (atomic_load(&time_ahead) == UNKNOWN)
        atomic_compare_exchange_strong(&time_ahead, &unknown,
                                       atomic_load(&time_ours) - time_system(clock));
    return atomic_load(&time_ahead);
}

static int time_clock_gettime(clockid_t clock, struct timespec *now)
{
    int64_t nanoseconds = faults_may_hurry() ? atomic_fetch_add(&time_ours, READING) + READING
                                             : time_find_ahead(clock) + time_system(clock);

    time_put(now, nanoseconds);
    return 0;
}

/* For how long a wait of `limit` really waits; negative: without a limit. */
static int64_t time_shorten(int64_t limit)
{
    return limit > FASTER && faults_may_hurry() ? limit / FASTER : limit;
}

/* Nothing came in all of `limit`. */
static void time_pass(int64_t limit)
{
    atomic_fetch_add(&time_ours, limit);
}

/* The limit is a moment of our clock, and the system waits by its own. */
static int time_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                       const struct timespec *limit)
{
    int64_t moment = (int64_t)limit->tv_sec * SECOND + limit->tv_nsec;
    int64_t span = moment - atomic_load(&time_ours);
    struct timespec real;
    int error;

    if (!faults_may_hurry()) {
        time_put(&real, moment - time_find_ahead(CLOCK_MONOTONIC));
        return time_real.pthread_cond_timedwait(condition, mutex, &real);
    }
    time_put(&real, time_system(CLOCK_MONOTONIC) + (span > 0 ? time_shorten(span) : 0));
    error = time_real.pthread_cond_timedwait(condition, mutex, &real);
    if (error != 0 && span > 0)
        time_pass(span);
    return error;
}

#if defined(__linux__)
static int time_epoll_wait(int epoll, struct epoll_event *events, int max, int limit)
{
    int count = time_real.epoll_wait(epoll, events, max, (int)time_shorten(limit));

    if (count == 0)
        time_pass(limit * (SECOND / 1000));
    return count;
}

static int time_epoll_wait_ns(int epoll, struct epoll_event *events, int max,
                              const int64_t limit[2])
{
    int64_t whole = limit[0] * SECOND + limit[1];
    int64_t part = time_shorten(whole);
    int64_t part_limit[2] = {part / SECOND, part % SECOND};
    int count = time_real.epoll_wait_ns(epoll, events, max, part_limit);

    if (count == 0)
        time_pass(whole);
    return count;
}
#endif

#if defined(EDDY__HAVE_KQUEUE)
static int time_kevent(int queue, const struct kevent *changes, int change_count,
                       struct kevent *events, int event_count, const struct timespec *limit)
{
    int64_t whole = limit != NULL ? (int64_t)limit->tv_sec * SECOND + limit->tv_nsec : 0;
    struct timespec part;
    int count;

    time_put(&part, time_shorten(whole));
    count = time_real.kevent(queue, changes, change_count, events, event_count,
                             limit != NULL ? &part : NULL);
    if (count == 0 && event_count > 0)
        time_pass(whole);
    return count;
}
#endif

void faults_time_install(void)
{
    time_real = eddy__sys;
    atomic_store(&time_ours, time_system(CLOCK_MONOTONIC));
    atomic_store(&time_ahead, UNKNOWN);
    eddy__sys.clock_gettime = time_clock_gettime;
    eddy__sys.pthread_cond_timedwait = time_pthread_cond_timedwait;
#if defined(__linux__)
    eddy__sys.epoll_wait = time_epoll_wait;
    eddy__sys.epoll_wait_ns = time_epoll_wait_ns;
#endif
#if defined(EDDY__HAVE_KQUEUE)
    eddy__sys.kevent = time_kevent;
#endif
}

#else
/* A translation unit must not be empty. */
extern int faults_time_is_empty_without_hooks;
#endif
