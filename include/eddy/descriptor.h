/* SPDX-License-Identifier: MIT */
/**
 * Readers and writers: callbacks for descriptors that the program reads and writes itself
 * (FD-1..FD-5).
 *
 * A descriptor is a socket; except on Windows also a pipe, a FIFO, a terminal, or what else the
 * system can poll. Regular files cannot be watched: EDDY_EPERM. One that a transport or a server
 * uses is theirs alone: EDDY_EBADSTATE from all four functions.
 */
#ifndef EDDY_DESCRIPTOR_H
#define EDDY_DESCRIPTOR_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Have `callback(arg)` called once an iteration as long as `fd` is readable: data, the end of the
 * stream, an error, a hang-up, a connection to accept. Now and then it may come for nothing: read
 * without blocking.
 *
 * Takes the place of an earlier reader of `fd`, whose callback does not come any more, also if it
 * was already due (FD-2). Runs in the context that is current now; an error it returns is reported
 * (LOOP-42), and it stays. Remove it before closing `fd`. EDDY_EINVALID, EDDY_EBADF, EDDY_EPERM,
 * EDDY_ENOMEM, EDDY_EBADSTATE (also when the loop is closed): nothing has changed.
 */
EDDY_API int eddy_loop_add_reader(eddy_loop *loop, eddy_socket fd, eddy_callback callback,
                                  void *arg);

/**
 * 1 if `fd` had a reader: its callback does not come any more, also if it was already due (FD-3).
 * Otherwise 0, as on a closed loop. EDDY_EINVALID, EDDY_EBADSTATE. May be called from inside the
 * callback.
 */
EDDY_API int eddy_loop_remove_reader(eddy_loop *loop, eddy_socket fd);

/** The same for the other direction, which is independent: room to write, an error, a hang-up. */
EDDY_API int eddy_loop_add_writer(eddy_loop *loop, eddy_socket fd, eddy_callback callback,
                                  void *arg);
EDDY_API int eddy_loop_remove_writer(eddy_loop *loop, eddy_socket fd);

#ifdef __cplusplus
}
#endif

#endif
