/* SPDX-License-Identifier: MIT */
#include "support/faults.h"

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)

#include "posix/sys.h"
#include "support/faults_calls.h"
#include "support/faults_time.h"
#include "support/support.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERRORS_MAX = 8, CALLS_MAX = 100, BURST = 10, SHORT = FAULTS_SHORT };

_Static_assert((int)EDDY__SYS_COUNT <= (int)SWEEP_COUNTERS, "a counter for each call");

#define READING EINTR, EAGAIN, ENOBUFS, ENOMEM, ECONNRESET, SHORT
#define WRITING EINTR, EAGAIN, ENOBUFS, ENOMEM, ECONNRESET, EPIPE, SHORT
#define OPENING EMFILE, ENFILE, ENOBUFS, ENOMEM
#define ACCEPTING EINTR, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED

/* What each call fails with; calls that are not here do not fail, or nobody could go on. */
static const int faults_errors[EDDY__SYS_COUNT][ERRORS_MAX] = {
    [EDDY__SYS_socket] = {OPENING},
    [EDDY__SYS_socketpair] = {OPENING},
    [EDDY__SYS_bind] = {ENOBUFS, ENOMEM, EADDRINUSE},
    [EDDY__SYS_listen] = {ENOBUFS, EADDRINUSE},
    [EDDY__SYS_connect] = {EINTR, EAGAIN, ENOBUFS, ENOMEM, ECONNREFUSED, ECONNRESET},
    [EDDY__SYS_accept] = {ACCEPTING},
    [EDDY__SYS_recv] = {READING},
    [EDDY__SYS_recvmsg] = {READING},
    [EDDY__SYS_send] = {WRITING},
    [EDDY__SYS_sendmsg] = {WRITING},
    [EDDY__SYS_shutdown] = {ENOTCONN, ENOBUFS},
    [EDDY__SYS_getsockname] = {ENOBUFS},
    [EDDY__SYS_getpeername] = {ENOBUFS, ENOTCONN},
    [EDDY__SYS_setsockopt] = {ENOBUFS, ENOMEM},
    [EDDY__SYS_getsockopt] = {ENOBUFS},
    [EDDY__SYS_fcntl] = {EMFILE},
    [EDDY__SYS_fstat] = {ENOMEM},
    [EDDY__SYS_open] = {EMFILE, ENFILE, ENOMEM},
    [EDDY__SYS_dup2] = {EINTR, EMFILE},
    [EDDY__SYS_chdir] = {ENOMEM, EACCES},
    [EDDY__SYS_execve] = {EAGAIN, ENOMEM, EMFILE},
    [EDDY__SYS_waitid] = {EINTR},
    [EDDY__SYS_spawn_child] = {EAGAIN, ENOMEM},
    [EDDY__SYS_spawn_clean_child] = {EAGAIN, ENOMEM, ENOSYS, EPERM, EINVAL},
    [EDDY__SYS_close_descriptors] = {EINTR, ENOSYS, ENOMEM},
    [EDDY__SYS_pipe] = {EMFILE, ENFILE},
    [EDDY__SYS_stat] = {ENOMEM, EACCES},
    [EDDY__SYS_unlink] = {ENOMEM, EACCES},
    [EDDY__SYS_read] = {READING},
    [EDDY__SYS_write] = {WRITING},
    [EDDY__SYS_writev] = {WRITING},
    [EDDY__SYS_close] = {EINTR, EIO},
    [EDDY__SYS_poll] = {EINTR, ENOMEM},
    [EDDY__SYS_pselect] = {EINTR, ENOMEM},
    [EDDY__SYS_getaddrinfo] = {EAI_AGAIN, EAI_MEMORY, EAI_FAIL},
    [EDDY__SYS_getnameinfo] = {EAI_AGAIN, EAI_MEMORY, EAI_FAIL},
    [EDDY__SYS_pthread_create] = {EAGAIN},
    [EDDY__SYS_mmap] = {ENOMEM},
    [EDDY__SYS_mprotect] = {ENOMEM},
    [EDDY__SYS_madvise] = {EAGAIN, ENOMEM},
#if defined(EDDY__HAVE_ACCEPT4)
    [EDDY__SYS_accept4] = {ACCEPTING},
    [EDDY__SYS_pipe2] = {EMFILE, ENFILE},
#endif
#if defined(EDDY__HAVE_PPOLL)
    [EDDY__SYS_ppoll] = {EINTR, ENOMEM},
#endif
#if defined(EDDY__HAVE_MMSG)
    [EDDY__SYS_recvmmsg] = {READING},
    [EDDY__SYS_sendmmsg] = {WRITING},
#endif
#if defined(__linux__)
    [EDDY__SYS_epoll_create1] = {EMFILE, ENFILE, ENOMEM},
    [EDDY__SYS_epoll_ctl] = {ENOMEM, ENOSPC},
    [EDDY__SYS_epoll_wait] = {EINTR},
    [EDDY__SYS_epoll_wait_ns] = {EINTR},
    [EDDY__SYS_eventfd] = {EMFILE, ENFILE, ENOMEM},
    [EDDY__SYS_writev_nosignal] = {WRITING},
    [EDDY__SYS_open_pidfd] = {EMFILE, ENFILE, ENOMEM, ENOSYS},
#endif
#if defined(EDDY__HAVE_KQUEUE)
    [EDDY__SYS_kqueue] = {EMFILE, ENFILE, ENOMEM},
    [EDDY__SYS_kevent] = {EINTR, ENOMEM},
#endif
};

#define FAULTS_NAME(result, name, parameters, arguments, failed) #name,
static const char *const faults_names[] = {EDDY__SYS_CALLS(FAULTS_NAME)};

/* A point, spelt out. */
struct fault {
    enum eddy__sys_number call;
    size_t number; /* of the call, from 1 */
    int error;
    bool persistent;
};

static size_t faults_step(size_t calls)
{
    return calls > 0 ? 1 + (calls - 1) / CALLS_MAX : 1;
}

static size_t faults_error_count(size_t call)
{
    size_t count = 0;

    while (count < ERRORS_MAX && faults_errors[call][count] != 0)
        count++;
    return count;
}

static size_t faults_points_of(const size_t counters[SWEEP_COUNTERS], size_t call)
{
    size_t step = faults_step(counters[call]);

    return (counters[call] + step - 1) / step * faults_error_count(call) * 2;
}

static size_t faults_points(const size_t counters[SWEEP_COUNTERS])
{
    size_t sum = 0;

    for (size_t call = 0; call < EDDY__SYS_COUNT; call++)
        sum += faults_points_of(counters, call);
    return sum;
}

static struct fault faults_at(const size_t counters[SWEEP_COUNTERS], size_t point)
{
    size_t call = 0, errors;

    while (call + 1 < EDDY__SYS_COUNT && point >= faults_points_of(counters, call))
        point -= faults_points_of(counters, call++);
    errors = faults_error_count(call);
    return (struct fault){
        .call = (enum eddy__sys_number)call,
        .number = 1 + point / (errors * 2) * faults_step(counters[call]),
        .error = faults_errors[call][point / 2 % errors],
        .persistent = point % 2 != 0,
    };
}

static bool faults_is_resolver(enum eddy__sys_number call)
{
    return call == EDDY__SYS_getaddrinfo || call == EDDY__SYS_getnameinfo;
}

static void faults_describe(const size_t counters[SWEEP_COUNTERS], size_t point, char *text,
                            size_t size)
{
    struct fault fault = faults_at(counters, point);
    const char *error = fault.error == SHORT             ? "short"
                        : faults_is_resolver(fault.call) ? gai_strerror(fault.error)
                                                         : strerror(fault.error);

    snprintf(text, size, "%s %zu, %s, %s", faults_names[fault.call], fault.number, error,
             fault.persistent ? "persistently" : "once");
}

/* The child's side: what is to fail, and what has happened. Any thread makes calls. */
static struct fault fault;
static size_t fault_last; /* the number of the last call to fail */
static bool fault_is_set;
static atomic_bool fault_reached;
static atomic_size_t faults_calls[EDDY__SYS_COUNT];
static _Thread_local int faults_pending; /* the error that faults_calls.c decides about */

int faults_take(void)
{
    int error = faults_pending;

    faults_pending = 0;
    return error;
}

int faults_fail(int error)
{
    atomic_store(&fault_reached, true);
    errno = error;
    return -1;
}

size_t faults_part(size_t size)
{
    if (size <= 1)
        return size;
    atomic_store(&fault_reached, true);
    return fault.persistent ? (size + 1) / 2 : 1;
}

/* eddy__sys_filter. */
static int faults_filter(enum eddy__sys_number call)
{
    size_t number = atomic_fetch_add(&faults_calls[call], 1) + 1;

    faults_pending = 0;
    if (!fault_is_set || call != fault.call || number < fault.number || number > fault_last)
        return 0;
    if (faults_calls_decide(call)) {
        faults_pending = fault.error;
        return 0;
    }
    atomic_store(&fault_reached, true);
    return fault.error;
}

static bool faults_end_by_themselves(const struct fault *f)
{
    if (f->error == EINTR && f->call != EDDY__SYS_close)
        return true;
    return f->error == EAGAIN && f->call != EDDY__SYS_pthread_create &&
           f->call != EDDY__SYS_spawn_child && f->call != EDDY__SYS_spawn_clean_child &&
           f->call != EDDY__SYS_execve && f->call != EDDY__SYS_connect;
}

/* Stand between the library and the system. */
static void faults_begin(void)
{
    for (size_t call = 0; call < EDDY__SYS_COUNT; call++)
        atomic_store(&faults_calls[call], 0);
    faults_time_install();
    eddy__sys_keep();
    eddy__sys_filter = faults_filter;
}

static void faults_arm(const size_t counters[SWEEP_COUNTERS], size_t point)
{
    fault_is_set = point != SWEEP_NO_POINT;
    if (fault_is_set) {
        fault = faults_at(counters, point);
        fault_last = !fault.persistent                  ? fault.number
                     : faults_end_by_themselves(&fault) ? fault.number + BURST - 1
                                                        : SIZE_MAX;
    }
    faults_calls_install();
    faults_begin();
}

void faults_hurry(void)
{
#if defined(__linux__) || defined(EDDY__HAVE_KQUEUE)
    const char *backend = getenv("EDDY_TEST_BACKEND");

    if (backend != NULL && strcmp(backend, "epoll") != 0 && strcmp(backend, "kqueue") != 0)
        return;
    fault_is_set = false;
    faults_begin();
#endif
}

static void faults_count(size_t counters[SWEEP_COUNTERS])
{
    for (size_t call = 0; call < EDDY__SYS_COUNT; call++)
        counters[call] = atomic_load(&faults_calls[call]);
}

static bool faults_failed(void)
{
    return atomic_load(&fault_reached);
}

bool faults_may_hurry(void)
{
    return atomic_load(&faults_calls[EDDY__SYS_pthread_create]) == 0 &&
           atomic_load(&faults_calls[EDDY__SYS_spawn_child]) == 0;
}

const struct sweep_kind *faults_kind(void)
{
    static const struct sweep_kind kind = {
        .label = "FAULTS",
        .seconds = "EDDY_TEST_FAULTS_SECONDS",
        .to_the_end = true,
        .arm = faults_arm,
        .count = faults_count,
        .failed = faults_failed,
        .points = faults_points,
        .describe = faults_describe,
    };

    return &kind;
}

#else

const struct sweep_kind *faults_kind(void)
{
    return NULL;
}

void faults_hurry(void)
{
}

#endif
