/* SPDX-License-Identifier: MIT */
#include "posix/wake.h"
#include "common/error.h"
#include "posix/descriptor.h"
#include "posix/sys.h"

#if defined(__linux__)

int eddy__wake_open(struct eddy__wake *wake)
{
    int fd = EDDY__SYS(eventfd)(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return eddy__system_error(errno);
    wake->read_fd = wake->write_fd = fd;
    return 0;
}

#else

int eddy__wake_open(struct eddy__wake *wake)
{
    int fds[2];
    int error = eddy__descriptor_pipe(fds);

    if (error < 0)
        return error;
    wake->read_fd = fds[0];
    wake->write_fd = fds[1];
    return 0;
}

#endif

void eddy__wake_close(struct eddy__wake *wake)
{
    EDDY__SYS(close)(wake->read_fd);
    if (wake->write_fd != wake->read_fd)
        EDDY__SYS(close)(wake->write_fd);
}

void eddy__wake_send(const struct eddy__wake *wake)
{
    static const uint64_t one = 1;
    int before = errno;
    /* A pipe takes one byte, an eventfd insists on eight. Full means that it is readable. */
    size_t size = wake->write_fd == wake->read_fd ? sizeof one : 1;
    ssize_t written;

    do
        written = EDDY__SYS(write)(wake->write_fd, &one, size);
    while (written < 0 && errno == EINTR); /* a non-blocking write waits for nothing */
    errno = before;
}

void eddy__wake_drain(const struct eddy__wake *wake)
{
    uint64_t bytes[16];

    /* Bounded by what fits into the pipe; an eventfd gives all in one read. */
    while (EDDY__SYS(read)(wake->read_fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        ;
}
