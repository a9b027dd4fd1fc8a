/* SPDX-License-Identifier: MIT */
#include "posix/descriptor.h"
#include "common/error.h"
#include "posix/sys.h"

int eddy__descriptor_set_nonblocking(int fd)
{
    int flags = EDDY__SYS(fcntl)(fd, F_GETFL, 0);

    if (flags < 0)
        return eddy__system_error(errno);
    if (flags & O_NONBLOCK)
        return 0;
    return EDDY__SYS(fcntl)(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? eddy__system_error(errno) : 0;
}

int eddy__descriptor_set_cloexec(int fd)
{
    return EDDY__SYS(fcntl)(fd, F_SETFD, FD_CLOEXEC) < 0 ? eddy__system_error(errno) : 0;
}

void eddy__descriptor_close(int fd)
{
    int before = errno;

    /* After EINTR the descriptor is gone on Linux and BSD; a second close could hit another's. */
    EDDY__SYS(close)(fd);
    errno = before;
}

int eddy__descriptor_adopt(int fd)
{
    int error = eddy__descriptor_set_cloexec(fd);

    if (error == 0)
        error = eddy__descriptor_set_nonblocking(fd);
    if (error < 0)
        eddy__descriptor_close(fd);
    return error;
}

#if defined(EDDY__HAVE_PIPE2)

int eddy__descriptor_pipe_blocking(int fds[2])
{
    return EDDY__SYS(pipe2)(fds, O_CLOEXEC) < 0 ? eddy__system_error(errno) : 0;
}

int eddy__descriptor_pipe(int fds[2])
{
    return EDDY__SYS(pipe2)(fds, O_CLOEXEC | O_NONBLOCK) < 0 ? eddy__system_error(errno) : 0;
}

#else

/* The same step for both ends of a new pipe, which is closed if it fails. */
static int descriptor_set_both(const int fds[2], int (*set)(int fd))
{
    int error = set(fds[0]);

    if (error == 0)
        error = set(fds[1]);
    if (error < 0) {
        eddy__descriptor_close(fds[0]);
        eddy__descriptor_close(fds[1]);
    }
    return error;
}

int eddy__descriptor_pipe_blocking(int fds[2])
{
    if (EDDY__SYS(pipe)(fds) < 0)
        return eddy__system_error(errno);
    return descriptor_set_both(fds, eddy__descriptor_set_cloexec);
}

int eddy__descriptor_pipe(int fds[2])
{
    int error = eddy__descriptor_pipe_blocking(fds);

    return error < 0 ? error : descriptor_set_both(fds, eddy__descriptor_set_nonblocking);
}

#endif
