/* SPDX-License-Identifier: MIT */
#include "common/file.h"
#include <eddy/error.h>

/**
 * Most bytes of one system call, so that a fast reader at the other end does not keep the loop. As
 * much as Linux makes a send buffer by itself (tcp_wmem): a socket takes more only if somebody on
 * the same machine empties it meanwhile, and a millisecond passes with it. Each call has its price
 * beside the copying: three more calls, on Linux, for a wait and for SIGPIPE.
 */
enum { TURN_MAX = 4 * 1024 * 1024 };

int64_t eddy__file_send(const struct eddy__file_range *range, const struct eddy__socket_ops *ops,
                        eddy_socket socket)
{
    int64_t left = range->size - range->offset - range->sent;

    /* Asked for more than there is, Linux before 6.5 holds the end back for what might follow. */
    return ops->send_file(
        socket, range->file, range->offset + range->sent,
        eddy__file_next(range, left > 0 && left < TURN_MAX ? (size_t)left : TURN_MAX));
}

bool eddy__file_count(struct eddy__file_range *range, int64_t sent)
{
    int64_t end;

    range->sent += sent;
    end = range->offset + range->sent;
    if (sent == 0 || range->sent == range->count)
        return true;
    if (end != range->size)
        return false;
    /* The end, unless the file has grown: one call tells; to send nothing takes three on Linux. */
    return eddy__file_size(range->file, &range->size) == 0 && end == range->size;
}

int eddy__file_failed(const struct eddy__file_range *range, int error)
{
    /* Whatever is wrong is told by the pieces then, if it is wrong with them too. */
    if (range->sent == 0)
        return eddy_error(EDDY_ENOSENDFILE, "the system cannot send this file: %s",
                          eddy_strerror(error));
    if (error == EDDY_ENOTCONN)
        error = EDDY_ECONNRESET; /* which systems also say here */
    return eddy_error(error, "cannot send a file: %s", eddy_strerror(error));
}
