/* SPDX-License-Identifier: MIT */
#include "common/thread.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/loop.h"
#include "common/memory.h"
#include "common/thread_state.h"
#include "posix/sys.h"
#include "posix/thread_mask.h"
#include <assert.h>
#include <stdio.h>
#if defined(__linux__)
#include <sched.h>
#elif defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
#include <pthread_np.h>
#endif

static_assert(sizeof(pthread_mutex_t) <= sizeof(struct eddy__mutex), "room for a mutex");
static_assert(sizeof(pthread_cond_t) <= sizeof(struct eddy__condition), "room for a condition");
static_assert(sizeof(pthread_t) <= sizeof(struct eddy__thread), "room for a thread");

static pthread_mutex_t *thread_mutex(struct eddy__mutex *mutex)
{
    return (pthread_mutex_t *)(void *)&mutex->room;
}

static pthread_cond_t *thread_condition(struct eddy__condition *condition)
{
    return (pthread_cond_t *)(void *)&condition->room;
}

static pthread_t *thread_native(struct eddy__thread *thread)
{
    return (pthread_t *)(void *)&thread->room;
}

int eddy__mutex_init(struct eddy__mutex *mutex)
{
    int error = pthread_mutex_init(thread_mutex(mutex), NULL);

    return error == 0 ? 0 : eddy__system_error(error);
}

void eddy__mutex_fini(struct eddy__mutex *mutex)
{
    pthread_mutex_destroy(thread_mutex(mutex));
}

void eddy__mutex_lock(struct eddy__mutex *mutex)
{
    pthread_mutex_lock(thread_mutex(mutex));
}

void eddy__mutex_unlock(struct eddy__mutex *mutex)
{
    pthread_mutex_unlock(thread_mutex(mutex));
}

int eddy__condition_init(struct eddy__condition *condition)
{
    pthread_condattr_t options;
    int error = pthread_condattr_init(&options);

    if (error != 0)
        return eddy__system_error(error);
#if !defined(__APPLE__)
    /* macOS has no such call, but a wait that takes a span of time. */
    error = pthread_condattr_setclock(&options, CLOCK_MONOTONIC);
#endif
    if (error == 0)
        error = pthread_cond_init(thread_condition(condition), &options);
    pthread_condattr_destroy(&options);
    return error == 0 ? 0 : eddy__system_error(error);
}

void eddy__condition_fini(struct eddy__condition *condition)
{
    pthread_cond_destroy(thread_condition(condition));
}

void eddy__condition_wait(struct eddy__condition *condition, struct eddy__mutex *mutex)
{
    pthread_cond_wait(thread_condition(condition), thread_mutex(mutex));
}

bool eddy__condition_wait_for(struct eddy__condition *condition, struct eddy__mutex *mutex,
                              eddy_time limit)
{
    struct timespec span;

    if (limit == EDDY_FOREVER) {
        eddy__condition_wait(condition, mutex);
        return true;
    }
    if (limit < 0)
        limit = 0;
#if !defined(__APPLE__)
    /* From span to point in time, which has to fit into a time_t of 32 bits: after thirty years
     * the caller may look again. */
    if (limit > EDDY_SECONDS(1000000000))
        limit = EDDY_SECONDS(1000000000);
    limit += eddy__clock_now();
#endif
    span.tv_sec = (time_t)(limit / EDDY_SECONDS(1));
    span.tv_nsec = (long)(limit % EDDY_SECONDS(1));
#if defined(__APPLE__)
    return pthread_cond_timedwait_relative_np(thread_condition(condition), thread_mutex(mutex),
                                              &span) != ETIMEDOUT;
#else
    return EDDY__SYS(pthread_cond_timedwait)(thread_condition(condition), thread_mutex(mutex),
                                             &span) != ETIMEDOUT;
#endif
}

void eddy__condition_signal(struct eddy__condition *condition)
{
    pthread_cond_signal(thread_condition(condition));
}

void eddy__condition_broadcast(struct eddy__condition *condition)
{
    pthread_cond_broadcast(thread_condition(condition));
}

struct thread_start {
    void (*main)(void *arg);
    void *arg;
    sigset_t mask; /* of the thread that started this one */
    char name[16];
};

/* Of a thread that the library has made; NULL in those of the program. */
static _Thread_local const sigset_t *thread_mask;

const sigset_t *eddy__thread_program_mask(void)
{
    return thread_mask;
}

static void thread_set_name(const char *name)
{
#if defined(__APPLE__)
    pthread_setname_np(name);
#elif defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#elif defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
    pthread_set_name_np(pthread_self(), name);
#else
    (void)name;
#endif
}

static void *thread_main(void *arg)
{
    struct thread_start start = *(struct thread_start *)arg;

    eddy__free(arg);
    thread_mask = &start.mask;
    thread_set_name(start.name);
    start.main(start.arg);
    return NULL;
}

/* Signals are for the program's own threads. Those that report a fault of the very instruction
 * stay open: the kernel would kill the process past every crash handler. */
static void thread_signals(sigset_t *set)
{
    static const int faults[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

    sigfillset(set);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(set, faults[i]);
}

int eddy__thread_start(struct eddy__thread *thread, const char *name, void (*main)(void *arg),
                       void *arg)
{
    struct thread_start *start = eddy__alloc_zeroed(sizeof *start);
    sigset_t blocked;
    sigset_t before;
    int error;

    if (start == NULL)
        return EDDY_ENOMEM;
    start->main = main;
    start->arg = arg;
    snprintf(start->name, sizeof start->name, "%s", name);
    thread_signals(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    start->mask = thread_mask != NULL ? *thread_mask : before;
    error = EDDY__SYS(pthread_create)(thread_native(thread), NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return 0;
    eddy__free(start);
    return eddy__system_error(error);
}

void eddy__thread_join(struct eddy__thread *thread)
{
    pthread_join(*thread_native(thread), NULL);
}

void eddy__thread_detach(struct eddy__thread *thread)
{
    pthread_detach(*thread_native(thread));
}

uint64_t eddy__thread_self(void)
{
    /* A thread that carries a coroutine of another one counts as that other one. */
    return (uint64_t)(uintptr_t)eddy__thread_state();
}

int eddy__cpu_count(void)
{
    long count;
#if defined(__linux__) && defined(CPU_COUNT)
    cpu_set_t set;

    /* Fails on systems with more processors than the set has room for. */
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
#endif
    count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

static pthread_mutex_t thread_global = PTHREAD_MUTEX_INITIALIZER;

void eddy__thread_yield(void)
{
    sched_yield();
}

void eddy__global_lock(void)
{
    pthread_mutex_lock(&thread_global);
}

void eddy__global_unlock(void)
{
    pthread_mutex_unlock(&thread_global);
}

unsigned eddy__fork_counter;

static void thread_fork_child(void)
{
    struct eddy__thread_state *state = eddy__thread_state();

    eddy__fork_counter++;
    if (state->running != NULL)
        eddy__loop_forked(state->running);
    state->running = NULL; /* LOOP-2: no loop runs in the child */
    eddy__global_unlock();
}

/* Holding the lock over a fork keeps the child from inheriting it from a thread it has not got. */
int eddy__fork_watch(void)
{
    static bool watched;
    int error = 0;

    eddy__global_lock();
    if (!watched) {
        error = pthread_atfork(eddy__global_lock, eddy__global_unlock, thread_fork_child);
        watched = error == 0;
    }
    eddy__global_unlock();
    return error == 0 ? 0 : eddy_error(EDDY_ENOMEM, "no memory for watching forks");
}
