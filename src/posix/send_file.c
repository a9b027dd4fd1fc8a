/* SPDX-License-Identifier: MIT */
/*
 * sendfile() has as many signatures as systems. BSD's answer "again" together with what was sent;
 * on Linux it may raise SIGPIPE, for which it has no flag, while BSD's honours SO_NOSIGPIPE.
 */
#include "posix/send_file.h"
#include "common/error.h"
#include "posix/sigpipe.h"

#if defined(__linux__)

int64_t eddy__socket_send_file(eddy_socket socket, eddy_file file, int64_t offset, size_t size)
{
    struct eddy__sigpipe guard;
    off_t at = (off_t)offset;
    ssize_t sent;

    eddy__sigpipe_begin(&guard);
    do
        sent = EDDY__SYS(sendfile)((int)socket, (int)file, &at, size);
    while (sent < 0 && errno == EINTR); /* as in socket.c: it does not wait */
    eddy__sigpipe_end(&guard, sent < 0 && errno == EPIPE);
    return sent < 0 ? eddy__system_error(errno) : sent;
}

#elif defined(EDDY__HAVE_SENDFILE)

int64_t eddy__socket_send_file(eddy_socket socket, eddy_file file, int64_t offset, size_t size)
{
    off_t sent = 0;
    int result;

#if defined(__APPLE__)
    sent = (off_t)size;
    result = EDDY__SYS(sendfile)((int)file, (int)socket, (off_t)offset, &sent, NULL, 0);
#else
    result = EDDY__SYS(sendfile)((int)file, (int)socket, (off_t)offset, size, NULL, &sent, 0);
#endif
    if (result == 0 || ((errno == EAGAIN || errno == EINTR) && sent > 0))
        return sent;
    return errno == EINTR ? EDDY_EAGAIN : eddy__system_error(errno);
}

#else

/* ISO C wants every file to declare something. */
typedef int eddy__send_file_is_missing;

#endif
