/* SPDX-License-Identifier: MIT */
/**
 * Pipes, and other descriptors that are read or written like one. src/posix/pipe.c and
 * src/win32/pipe.c supply the calls of the system, src/common/pipe.c makes streams of them.
 */
#ifndef EDDY_COMMON_PIPE_H
#define EDDY_COMMON_PIPE_H

#include "common/stream.h"

enum eddy__pipe_side { EDDY__PIPE_READ, EDDY__PIPE_WRITE };

/**
 * Make a stream that reads, or writes, `fd`, taking it when this succeeds. `fd` is non-blocking.
 * `is_device`: nothing tells whether the other side is still there (PIPE-7). EDDY_ENOMEM or the
 * backend's error: `fd` is the caller's still.
 */
int eddy__pipe_stream_new(struct eddy_loop *loop, enum eddy__pipe_side side, eddy_socket fd,
                          bool is_device, struct eddy__stream **stream);

/* What a platform supplies. */

/**
 * Whether a pipe transport can have `fd`: a pipe, FIFO, socket or character device; `is_device`
 * tells the last. EDDY_EINVALID otherwise; EDDY_EBADF; EDDY_ENOTSUPPORTED. With a text.
 */
int eddy__pipe_check(eddy_socket fd, bool *is_device);

/**
 * The calls for the side that reads: receive, close, set_nonblocking. The side that writes: send,
 * close, and a receive that only looks: 0 once nobody will ever read again, bytes >= 1 if the other
 * side of a socket has sent something, which stays there, else EDDY_EAGAIN.
 */
extern const struct eddy__socket_ops eddy__system_read_pipes;
extern const struct eddy__socket_ops eddy__system_write_pipes;

#endif
