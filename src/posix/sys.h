/* SPDX-License-Identifier: MIT */
/**
 * Every system call and clock read of the POSIX side, in one table (native/sys_table.h). A call
 * that is missing here is added to a list below.
 */
#ifndef EDDY_POSIX_SYS_H
#define EDDY_POSIX_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include "posix/clone.h"
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#elif defined(__FreeBSD__)
#include <sys/syscall.h>
#endif
/* EDDY_KQUEUE: this system has it from a library (the CMake variable EDDY_KQUEUE_LIBRARY). */
#if defined(EDDY_KQUEUE) || defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) ||   \
    defined(__OpenBSD__) || defined(__DragonFly__)
#define EDDY__HAVE_KQUEUE 1
#include <sys/event.h>
#endif

/* What the system offers, asked by feature where there is a macro to ask. */
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC) && !defined(__APPLE__)
#define EDDY__HAVE_ACCEPT4 1
#define EDDY__HAVE_PIPE2 1
#endif
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
#define EDDY__HAVE_PPOLL 1
#endif
#if defined(__linux__)
#define EDDY__HAVE_MMSG 1
#endif
#if defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__) || defined(__DragonFly__)
#define EDDY__HAVE_SENDFILE 1
#endif

#if defined(__linux__)
/**
 * epoll_wait() with a limit in nanoseconds (Linux 5.11), or -1 and ENOSYS.
 *
 * The raw call: glibc has it since 2.35 only, and on 32-bit systems with a timespec that depends
 * on how the program is compiled, while the kernel always reads two 64-bit numbers.
 */
static inline int epoll_wait_ns(int epoll, struct epoll_event *events, int max,
                                const int64_t limit[2])
{
#if defined(SYS_epoll_pwait2)
    return (int)syscall(SYS_epoll_pwait2, epoll, events, max, limit, NULL, (size_t)0);
#elif defined(__alpha__)
    return (int)syscall(551, epoll, events, max, limit, NULL, (size_t)0);
#else
    return (int)syscall(441, epoll, events, max, limit, NULL, (size_t)0);
#endif
}

/** pidfd_open() (Linux 5.3) and pidfd_send_signal() (5.1), or -1 and ENOSYS. */
static inline int open_pidfd(pid_t pid)
{
#if defined(SYS_pidfd_open)
    return (int)syscall(SYS_pidfd_open, pid, 0U);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

static inline int signal_pidfd(int pidfd, int number)
{
#if defined(SYS_pidfd_send_signal)
    return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0U);
#else
    (void)pidfd, (void)number;
    errno = ENOSYS;
    return -1;
#endif
}

/** writev() that raises no SIGPIPE (pwritev2() of Linux 6.18), or -1 and EOPNOTSUPP or ENOSYS. */
static inline ssize_t writev_nosignal(int fd, const struct iovec *parts, int count)
{
#if defined(SYS_pwritev2)
    return (ssize_t)syscall(SYS_pwritev2, fd, parts, (long)count, -1L, -1L, 0x100);
#else
    (void)fd, (void)parts, (void)count;
    errno = ENOSYS;
    return -1;
#endif
}
#endif

/* ThreadSanitizer takes a child that shares memory for a fork, and falls over itself. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EDDY__SPAWN_FLAGS 0
#endif
#elif defined(__SANITIZE_THREAD__)
#define EDDY__SPAWN_FLAGS 0
#endif
#if defined(__linux__) && !defined(EDDY__SPAWN_FLAGS)
#define EDDY__SPAWN_FLAGS CLONE_VM
#endif

/* vfork() has become another name of fork() on macOS 12: a copy of the memory, and no waiting. The
 * same everywhere there, so that one way is enough. */
#if defined(__APPLE__)
#define EDDY__SPAWN_FORKS 1
#endif

/**
 * Run main(arg) in a child that shares this process's memory, but no descriptors, signal handlers
 * or directory, while the calling thread waits until it has ended or become another program. The
 * child's process id. `stack` is the child's, where it can have one: its highest address.
 *
 * With EDDY__SPAWN_FORKS the memory is a copy and the calling thread goes on at once.
 */
static inline pid_t spawn_child(int (*main)(void *arg), void *stack, void *arg)
{
#if defined(EDDY__SPAWN_FORKS)
    pid_t pid = fork();

    (void)stack;
    if (pid == 0)
        _exit(main(arg));
    return pid;
#elif defined(__linux__)
    return clone(main, stack, EDDY__SPAWN_FLAGS | CLONE_VFORK | SIGCHLD, arg);
#else
    pid_t pid;

    (void)stack;
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
#endif
    pid = vfork();
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
    if (pid == 0)
        _exit(main(arg));
    return pid;
#endif
}

/**
 * The same with a child that has the default action for every signal that is not ignored, so that
 * no handler can run there, and with the pidfd of it unless that is NULL. `stack` is the lowest
 * address here, a multiple of 16. -1 and ENOSYS or EINVAL where the system cannot (EPERM: may not).
 */
static inline pid_t spawn_clean_child(int (*main)(void *arg), void *arg, void *stack, size_t size,
                                      int *pidfd)
{
#if !defined(__linux__) || EDDY__SPAWN_FLAGS == 0
    (void)main, (void)arg, (void)stack, (void)size, (void)pidfd;
    errno = ENOSYS;
    return -1;
#else
    const struct eddy__clone_request request = {
        /* CLONE_CLEAR_SIGHAND and CLONE_PIDFD, which older headers lack. */
        .flags = EDDY__SPAWN_FLAGS | CLONE_VFORK | UINT64_C(0x100000000) |
                 (pidfd != NULL ? UINT64_C(0x1000) : 0),
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)stack,
        .stack_size = size,
    };
    long result = eddy__clone_call(&request, main, arg);

    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return (pid_t)result;
#endif
}

/** Close the descriptors `first` to `last`; -1 and ENOSYS where there is no call for that. */
static inline int close_descriptors(unsigned first, unsigned last)
{
#if defined(SYS_close_range)
    return (int)syscall(SYS_close_range, first, last, 0U);
#else
    (void)first, (void)last;
    errno = ENOSYS;
    return -1;
#endif
}

/*
 * X(result, name, parameters, arguments, what it returns when a test makes it fail with `error`).
 */
#define EDDY__SYS_CALLS_COMMON(X)                                                                  \
    X(int, socket, (int family, int type, int protocol), (family, type, protocol), -1)             \
    X(int, socketpair, (int family, int type, int protocol, int fds[2]),                           \
      (family, type, protocol, fds), -1)                                                           \
    X(int, bind, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size),    \
      -1)                                                                                          \
    X(int, listen, (int fd, int backlog), (fd, backlog), -1)                                       \
    X(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size), \
      -1)                                                                                          \
    X(int, accept, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size), -1)   \
    X(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), -1)    \
    X(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), -1)     \
    X(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags),  \
      -1)                                                                                          \
    X(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags),   \
      -1)                                                                                          \
    X(int, shutdown, (int fd, int how), (fd, how), -1)                                             \
    X(int, getsockname, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size),  \
      -1)                                                                                          \
    X(int, getpeername, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size),  \
      -1)                                                                                          \
    X(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),           \
      (fd, level, name, value, size), -1)                                                          \
    X(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),                \
      (fd, level, name, value, size), -1)                                                          \
    X(int, fcntl, (int fd, int command, int value), (fd, command, value), -1)                      \
    X(int, fstat, (int fd, struct stat *state), (fd, state), -1)                                   \
    X(int, open, (const char *path, int flags), (path, flags), -1)                                 \
    X(int, dup2, (int from, int to), (from, to), -1)                                               \
    X(int, chdir, (const char *path), (path), -1)                                                  \
    X(pid_t, setsid, (void), (), -1)                                                               \
    X(int, setpgid, (pid_t pid, pid_t group), (pid, group), -1)                                    \
    X(int, execve, (const char *path, char *const argv[], char *const env[]), (path, argv, env),   \
      -1)                                                                                          \
    X(int, waitid, (idtype_t type, id_t id, siginfo_t * info, int options),                        \
      (type, id, info, options), -1)                                                               \
    X(int, kill, (pid_t pid, int number), (pid, number), -1)                                       \
    X(pid_t, spawn_child, (int (*main)(void *arg), void *stack, void *arg), (main, stack, arg),    \
      -1)                                                                                          \
    X(pid_t, spawn_clean_child,                                                                    \
      (int (*main)(void *arg), void *arg, void *stack, size_t size, int *pidfd),                   \
      (main, arg, stack, size, pidfd), -1)                                                         \
    X(int, close_descriptors, (unsigned first, unsigned last), (first, last), -1)                  \
    X(int, pipe, (int fds[2]), (fds), -1)                                                          \
    X(int, stat, (const char *path, struct stat *status), (path, status), -1)                      \
    X(int, unlink, (const char *path), (path), -1)                                                 \
    X(off_t, lseek, (int fd, off_t offset, int from), (fd, offset, from), -1)                      \
    X(ssize_t, pread, (int fd, void *data, size_t size, off_t offset), (fd, data, size, offset),   \
      -1)                                                                                          \
    X(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), -1)                      \
    X(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), -1)               \
    X(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), -1)     \
    X(int, close, (int fd), (fd), -1)                                                              \
    X(int, poll, (struct pollfd * fds, nfds_t count, int limit), (fds, count, limit), -1)          \
    X(int, pselect,                                                                                \
      (int end, fd_set *readable, fd_set *writable, fd_set *exceptional,                           \
       const struct timespec *limit, const sigset_t *mask),                                        \
      (end, readable, writable, exceptional, limit, mask), -1)                                     \
    X(int, clock_gettime, (clockid_t clock, struct timespec * now), (clock, now), -1)              \
    X(int, getaddrinfo,                                                                            \
      (const char *host, const char *service, const struct addrinfo *hints,                        \
       struct addrinfo **list),                                                                    \
      (host, service, hints, list), error)                                                         \
    X(int, getnameinfo,                                                                            \
      (const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size,            \
       char *service, socklen_t service_size, int flags),                                          \
      (address, size, host, host_size, service, service_size, flags), error)                       \
    X(int, sigaction, (int number, const struct sigaction *now, struct sigaction *before),         \
      (number, now, before), -1)                                                                   \
    X(int, pthread_create,                                                                         \
      (pthread_t * thread, const pthread_attr_t *options, void *(*start)(void *), void *arg),      \
      (thread, options, start, arg), error)                                                        \
    X(int, pthread_cond_timedwait,                                                                 \
      (pthread_cond_t * condition, pthread_mutex_t * mutex, const struct timespec *limit),         \
      (condition, mutex, limit), error)                                                            \
    X(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),      \
      (at, size, protection, flags, fd, offset), MAP_FAILED)                                       \
    X(int, munmap, (void *at, size_t size), (at, size), -1)                                        \
    X(int, mprotect, (void *at, size_t size, int protection), (at, size, protection), -1)          \
    X(int, madvise, (void *at, size_t size, int advice), (at, size, advice), -1)

#if defined(EDDY__HAVE_ACCEPT4)
#define EDDY__SYS_CALLS_ACCEPT4(X)                                                                 \
    X(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),                \
      (fd, address, size, flags), -1)                                                              \
    X(int, pipe2, (int fds[2], int flags), (fds, flags), -1)
#else
#define EDDY__SYS_CALLS_ACCEPT4(X)
#endif

#if defined(EDDY__HAVE_PPOLL)
#define EDDY__SYS_CALLS_PPOLL(X)                                                                   \
    X(int, ppoll,                                                                                  \
      (struct pollfd * fds, nfds_t count, const struct timespec *limit, const sigset_t *mask),     \
      (fds, count, limit, mask), -1)
#else
#define EDDY__SYS_CALLS_PPOLL(X)
#endif

#if defined(__linux__)
#define EDDY__SYS_CALLS_SENDFILE(X)                                                                \
    X(ssize_t, sendfile, (int to, int from, off_t *offset, size_t size), (to, from, offset, size), \
      -1)
#elif defined(__APPLE__)
#define EDDY__SYS_CALLS_SENDFILE(X)                                                                \
    X(int, sendfile,                                                                               \
      (int from, int to, off_t offset, off_t *size, struct sf_hdtr *extra, int flags),             \
      (from, to, offset, size, extra, flags), -1)
#elif defined(EDDY__HAVE_SENDFILE)
#define EDDY__SYS_CALLS_SENDFILE(X)                                                                \
    X(int, sendfile,                                                                               \
      (int from, int to, off_t offset, size_t size, struct sf_hdtr *extra, off_t *sent,            \
       int flags),                                                                                 \
      (from, to, offset, size, extra, sent, flags), -1)
#else
#define EDDY__SYS_CALLS_SENDFILE(X)
#endif

#if defined(EDDY__HAVE_MMSG)
#define EDDY__SYS_CALLS_MMSG(X)                                                                    \
    X(int, recvmmsg,                                                                               \
      (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *limit),       \
      (fd, messages, count, flags, limit), -1)                                                     \
    X(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags),                \
      (fd, messages, count, flags), -1)
#else
#define EDDY__SYS_CALLS_MMSG(X)
#endif

#if defined(__linux__)
#define EDDY__SYS_CALLS_EPOLL(X)                                                                   \
    X(int, epoll_create1, (int flags), (flags), -1)                                                \
    X(int, epoll_ctl, (int epoll, int command, int fd, struct epoll_event *event),                 \
      (epoll, command, fd, event), -1)                                                             \
    X(int, epoll_wait, (int epoll, struct epoll_event *events, int max, int limit),                \
      (epoll, events, max, limit), -1)                                                             \
    X(int, epoll_wait_ns,                                                                          \
      (int epoll, struct epoll_event *events, int max, const int64_t limit[2]),                    \
      (epoll, events, max, limit), -1)                                                             \
    X(int, eventfd, (unsigned start, int flags), (start, flags), -1)                               \
    X(int, open_pidfd, (pid_t pid), (pid), -1)                                                     \
    X(int, signal_pidfd, (int pidfd, int number), (pidfd, number), -1)                             \
    X(ssize_t, writev_nosignal, (int fd, const struct iovec *parts, int count),                    \
      (fd, parts, count), -1)
#else
#define EDDY__SYS_CALLS_EPOLL(X)
#endif

#if defined(EDDY__HAVE_KQUEUE)
#define EDDY__SYS_CALLS_KQUEUE(X)                                                                  \
    X(int, kqueue, (void), (), -1)                                                                 \
    X(int, kevent,                                                                                 \
      (int queue, const struct kevent *changes, int change_count, struct kevent *events,           \
       int event_count, const struct timespec *limit),                                             \
      (queue, changes, change_count, events, event_count, limit), -1)
#else
#define EDDY__SYS_CALLS_KQUEUE(X)
#endif

#define EDDY__SYS_CALLS(X)                                                                         \
    EDDY__SYS_CALLS_COMMON(X)                                                                      \
    EDDY__SYS_CALLS_ACCEPT4(X)                                                                     \
    EDDY__SYS_CALLS_PPOLL(X)                                                                       \
    EDDY__SYS_CALLS_SENDFILE(X)                                                                    \
    EDDY__SYS_CALLS_MMSG(X)                                                                        \
    EDDY__SYS_CALLS_EPOLL(X)                                                                       \
    EDDY__SYS_CALLS_KQUEUE(X)

#define EDDY__SYS_SET_ERROR(number) (errno = (number))

#include "native/sys_table.h"

#endif
