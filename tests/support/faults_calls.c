/* SPDX-License-Identifier: MIT */
#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "support/faults_calls.h"

static struct eddy__sys_table faults_real;

static int faults_close(int fd)
{
    int error = faults_take();
    int result = faults_real.close(fd);

    return error != 0 && result == 0 ? faults_fail(error) : result;
}

static int faults_fcntl(int fd, int command, int value)
{
    int error = faults_take();

    if (error != 0 && command == F_DUPFD_CLOEXEC)
        return faults_fail(error);
    return faults_real.fcntl(fd, command, value);
}

/* A part of a stream; a datagram is one or none. */
static size_t faults_shorten(int fd, size_t size)
{
    int type;
    socklen_t type_size = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type != SOCK_STREAM)
        return size;
    return faults_part(size);
}

/* What a wake-up counts in: reading and writing it never breaks, and it is never full. */
static bool faults_is_counter(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == 0;
}

/* An interrupted connect() goes on in the background. */
static int faults_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int error = faults_take();
    int result;

    if (error != 0 && error != EINTR)
        return faults_fail(error);
    result = faults_real.connect(fd, address, size);
    return error != 0 && (result == 0 || errno == EINPROGRESS) ? faults_fail(error) : result;
}

static ssize_t faults_recv(int fd, void *data, size_t size, int flags)
{
    int error = faults_take();

    if (error == FAULTS_SHORT)
        size = faults_shorten(fd, size);
    else if (error != 0)
        return faults_fail(error);
    return faults_real.recv(fd, data, size, flags);
}

static ssize_t faults_read(int fd, void *data, size_t size)
{
    int error = faults_take();

    if (error != 0 && faults_is_counter(fd) && error != EINTR && error != EAGAIN)
        error = 0;
    if (error == FAULTS_SHORT)
        size = faults_shorten(fd, size);
    else if (error != 0)
        return faults_fail(error);
    return faults_real.read(fd, data, size);
}

static ssize_t faults_send(int fd, const void *data, size_t size, int flags)
{
    int error = faults_take();

    if (error == FAULTS_SHORT)
        size = faults_shorten(fd, size);
    else if (error != 0)
        return faults_fail(error);
    return faults_real.send(fd, data, size, flags);
}

static ssize_t faults_write(int fd, const void *data, size_t size)
{
    int error = faults_take();

    if (error != 0 && faults_is_counter(fd) && error != EINTR)
        error = 0;
    if (error == FAULTS_SHORT)
        size = faults_shorten(fd, size);
    else if (error != 0)
        return faults_fail(error);
    return faults_real.write(fd, data, size);
}

/* Only the first part that is not empty, shortened. */
static struct iovec faults_first(int fd, const struct iovec *parts, int count)
{
    struct iovec part = parts[0];

    for (int i = 1; i < count && part.iov_len == 0; i++)
        part = parts[i];
    part.iov_len = faults_shorten(fd, part.iov_len);
    return part;
}

static ssize_t faults_writev(int fd, const struct iovec *parts, int count)
{
    int error = faults_take();
    struct iovec part;

    if (error == FAULTS_SHORT && count > 0) {
        part = faults_first(fd, parts, count);
        return faults_real.writev(fd, &part, 1);
    }
    return error != 0 ? faults_fail(error) : faults_real.writev(fd, parts, count);
}

static bool faults_is_datagram(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

static ssize_t faults_sendmsg(int fd, const struct msghdr *message, int flags)
{
    int error = faults_take();
    struct msghdr part_message = *message;
    struct iovec part;

    if (error == FAULTS_SHORT && message->msg_iovlen > 0 && !faults_is_datagram(fd)) {
        part = faults_first(fd, message->msg_iov, (int)message->msg_iovlen);
        part_message.msg_iov = &part;
        part_message.msg_iovlen = 1;
        return faults_real.sendmsg(fd, &part_message, flags);
    }
    return error != 0 && error != FAULTS_SHORT ? faults_fail(error)
                                               : faults_real.sendmsg(fd, message, flags);
}

static ssize_t faults_recvmsg(int fd, struct msghdr *message, int flags)
{
    int error = faults_take();

    return error != 0 && error != FAULTS_SHORT ? faults_fail(error)
                                               : faults_real.recvmsg(fd, message, flags);
}

#if defined(EDDY__HAVE_MMSG)
/* Short is a part of a batch. */
static unsigned faults_some(unsigned count)
{
    return count > 1 ? (unsigned)faults_part(count) : count;
}

static int faults_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                           struct timespec *limit)
{
    int error = faults_take();

    if (error != 0 && error != FAULTS_SHORT)
        return faults_fail(error);
    return faults_real.recvmmsg(fd, messages, error == FAULTS_SHORT ? faults_some(count) : count,
                                flags, limit);
}

static int faults_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    int error = faults_take();

    if (error != 0 && error != FAULTS_SHORT)
        return faults_fail(error);
    return faults_real.sendmmsg(fd, messages, error == FAULTS_SHORT ? faults_some(count) : count,
                                flags);
}
#endif

#if defined(__linux__)
static ssize_t faults_writev_nosignal(int fd, const struct iovec *parts, int count)
{
    int error = faults_take();
    struct iovec part;

    if (error == FAULTS_SHORT && count > 0) {
        part = faults_first(fd, parts, count);
        return faults_real.writev_nosignal(fd, &part, 1);
    }
    return error != 0 ? faults_fail(error) : faults_real.writev_nosignal(fd, parts, count);
}

static int faults_epoll_ctl(int epoll, int command, int fd, struct epoll_event *event)
{
    int error = faults_take();

    if (error != 0 && command == EPOLL_CTL_ADD)
        return faults_fail(error);
    return faults_real.epoll_ctl(epoll, command, fd, event);
}
#endif

#if defined(EDDY__HAVE_KQUEUE)
/* One call that adds, removes, wakes and waits: only what adds can find no room. */
static int faults_kevent(int queue, const struct kevent *changes, int change_count,
                         struct kevent *events, int event_count, const struct timespec *limit)
{
    int error = faults_take();

    if (error == EINTR || (error != 0 && change_count > 0 && (changes->flags & EV_ADD) != 0))
        return faults_fail(error);
    return faults_real.kevent(queue, changes, change_count, events, event_count, limit);
}
#endif

/* X(name): the functions above. */
#define FAULTS_COMMON(X)                                                                           \
    X(close) X(connect) X(fcntl) X(recv) X(read) X(send) X(write) X(writev) X(sendmsg) X(recvmsg)
#if defined(EDDY__HAVE_MMSG)
#define FAULTS_MMSG(X) X(recvmmsg) X(sendmmsg)
#else
#define FAULTS_MMSG(X)
#endif
#if defined(__linux__)
#define FAULTS_LINUX(X) X(writev_nosignal) X(epoll_ctl)
#else
#define FAULTS_LINUX(X)
#endif
#if defined(EDDY__HAVE_KQUEUE)
#define FAULTS_KQUEUE(X) X(kevent)
#else
#define FAULTS_KQUEUE(X)
#endif
#define FAULTS_ALL(X) FAULTS_COMMON(X) FAULTS_MMSG(X) FAULTS_LINUX(X) FAULTS_KQUEUE(X)

#define FAULTS_INSTALL(name) eddy__sys.name = faults_##name;
#define FAULTS_CASE(name) case EDDY__SYS_##name:

void faults_calls_install(void)
{
    faults_real = eddy__sys;
    FAULTS_ALL(FAULTS_INSTALL)
}

bool faults_calls_decide(enum eddy__sys_number call)
{
    switch (call) {
        FAULTS_ALL(FAULTS_CASE)
        return true;
    default:
        return false;
    }
}

#else
/* A translation unit must not be empty. */
extern int faults_calls_is_empty_without_hooks;
#endif
