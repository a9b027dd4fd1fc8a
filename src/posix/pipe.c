/* SPDX-License-Identifier: MIT */
/*
 * write() on a pipe whose reader has gone raises SIGPIPE. Linux has a flag of the call to prevent
 * that (since 6.18), macOS and NetBSD one of the open file. Elsewhere the signal is blocked around
 * the call (sigpipe.h), which is enough where it is sent to the thread that writes. macOS and
 * NetBSD send it to the process, and another thread would get it.
 */
#include "common/pipe.h"
#include "common/error.h"
#include "posix/descriptor.h"
#include "posix/sigpipe.h"
#include "posix/sys.h"
#include <stdatomic.h>

static int pipe_error(void)
{
    return eddy__system_error(errno);
}

int eddy__pipe_check(eddy_socket fd, bool *is_device)
{
    struct stat status;
    int error;

    if (EDDY__SYS(fstat)((int)fd, &status) != 0) {
        error = pipe_error();
        return eddy_error(error, "descriptor %lld cannot be looked at: %s", (long long)fd,
                          eddy_strerror(error));
    }
    *is_device = S_ISCHR(status.st_mode);
    if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || S_ISCHR(status.st_mode))
        return 0;
    return eddy_error(EDDY_EINVALID, "descriptor %lld is no pipe, socket or character device",
                      (long long)fd);
}

static void pipe_close(eddy_socket fd)
{
    eddy__descriptor_close((int)fd);
}

static int pipe_set_nonblocking(eddy_socket fd)
{
    return eddy__descriptor_set_nonblocking((int)fd);
}

/* Non-blocking, and without SIGPIPE for all who write to this open file, if the system can. */
static int pipe_prepare_writing(eddy_socket fd)
{
    int error = eddy__descriptor_set_nonblocking((int)fd);

#if defined(F_SETNOSIGPIPE)
    if (error == 0 && EDDY__SYS(fcntl)((int)fd, F_SETNOSIGPIPE, 1) < 0)
        /* macOS refuses it for a socket whose two directions have ended: nothing can be sent. */
        error = eddy__system_error(errno == EINVAL ? EPIPE : errno);
#endif
    return error;
}

static int64_t pipe_receive(eddy_socket fd, void *buffer, size_t size)
{
    ssize_t received;

    do
        received = EDDY__SYS(read)((int)fd, buffer, size);
    while (received < 0 && errno == EINTR); /* without waiting, a signal meets it at most once */
    return received < 0 ? pipe_error() : received;
}

/* See eddy__system_write_pipes: 0 when the reader is gone. */
static int64_t pipe_look(eddy_socket fd, void *buffer, size_t size)
{
    struct pollfd look = {.fd = (int)fd, .events = POLLIN};
    ssize_t received = EDDY__SYS(recv)((int)fd, buffer, size, MSG_PEEK);
    int found;

    if (received >= 0)
        return received;
    if (errno != ENOTSOCK)
        return errno == EINTR ? EDDY_EAGAIN : pipe_error();
    found = EDDY__SYS(poll)(&look, 1, 0);
    if (found < 0) /* as nothing seen, a shortage that lasts would make the loop spin */
        return errno == EINTR ? EDDY_EAGAIN : pipe_error();
    if (found == 0)
        return EDDY_EAGAIN;
    /* Readable without an error: a FIFO that is open for reading as well, which tells nothing. */
    return (look.revents & (POLLERR | POLLHUP)) == 0;
}

static const struct iovec *pipe_parts(const struct eddy__span *spans)
{
    return (const struct iovec *)(const void *)spans; /* see socket.c */
}

static ssize_t pipe_write(int fd, const struct eddy__span *spans, size_t count)
{
    ssize_t sent;

    do
        sent = EDDY__SYS(writev)(fd, pipe_parts(spans), (int)count);
    while (sent < 0 && errno == EINTR); /* as in pipe_receive() */
    return sent;
}

#if defined(F_SETNOSIGPIPE)

static ssize_t pipe_write_quietly(int fd, const struct eddy__span *spans, size_t count)
{
    return pipe_write(fd, spans, count);
}

#else

static ssize_t pipe_write_blocking_signal(int fd, const struct eddy__span *spans, size_t count)
{
    struct eddy__sigpipe guard;
    ssize_t sent;

    eddy__sigpipe_begin(&guard);
    sent = pipe_write(fd, spans, count);
    eddy__sigpipe_end(&guard, sent < 0 && errno == EPIPE);
    return sent;
}

#endif

#if defined(__linux__)

/* The kernel has refused the flag; a descriptor that it refuses it for turns it off for all, which
 * is only slower. */
static atomic_bool pipe_no_flag;

static ssize_t pipe_write_by_flag(int fd, const struct eddy__span *spans, size_t count)
{
    ssize_t sent;

    do
        sent = EDDY__SYS(writev_nosignal)(fd, pipe_parts(spans), (int)count);
    while (sent < 0 && errno == EINTR); /* as in pipe_receive() */
    return sent;
}

static bool pipe_flag_is_refused(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EPERM;
}

static ssize_t pipe_write_quietly(int fd, const struct eddy__span *spans, size_t count)
{
    if (!atomic_load_explicit(&pipe_no_flag, memory_order_relaxed)) {
        ssize_t sent = pipe_write_by_flag(fd, spans, count);

        if (sent >= 0 || !pipe_flag_is_refused(errno))
            return sent;
        atomic_store_explicit(&pipe_no_flag, true, memory_order_relaxed);
    }
    return pipe_write_blocking_signal(fd, spans, count);
}

#elif !defined(F_SETNOSIGPIPE)

static ssize_t pipe_write_quietly(int fd, const struct eddy__span *spans, size_t count)
{
    return pipe_write_blocking_signal(fd, spans, count);
}

#endif

static int64_t pipe_send(eddy_socket fd, const struct eddy__span *spans, size_t count)
{
    ssize_t sent = pipe_write_quietly((int)fd, spans, count);

    return sent < 0 ? pipe_error() : sent;
}

const struct eddy__socket_ops eddy__system_read_pipes = {
    .close = pipe_close,
    .set_nonblocking = pipe_set_nonblocking,
    .receive = pipe_receive,
};

const struct eddy__socket_ops eddy__system_write_pipes = {
    .close = pipe_close,
    .set_nonblocking = pipe_prepare_writing,
    .receive = pipe_look,
    .send = pipe_send,
};
