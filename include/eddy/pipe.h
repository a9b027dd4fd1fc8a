/* SPDX-License-Identifier: MIT */
/** Pipes, FIFOs, terminals and other descriptors with one direction as transports (PIPE-1..7). */
#ifndef EDDY_PIPE_H
#define EDDY_PIPE_H

#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The keywords of the two calls: none yet. */
typedef struct eddy_pipe_options {
    void *reserved[4];
} eddy_pipe_options;

/**
 * Read from `fd`, a pipe, FIFO, socket or character device, by a transport (PIPE-1, PIPE-2).
 *
 * The value is the `transport`, with a reference for who takes it out; its protocol is the one that
 * `factory(arg)` made, whose connection_made() has run by then. The transport reads, pauses and
 * closes, and knows its descriptor as "pipe" (`socket`). At the end of the data it closes: the
 * result of eof_received() is ignored (PIPE-3). A failing data_received() is reported and ends
 * nothing (PIPE-4). Reading errors go to the exception handler as well as to connection_lost(), but
 * for EDDY_EIO, which a terminal says when its other side was closed (PIPE-5).
 *
 * Takes `fd` once a transport exists, makes it non-blocking, which concerns everybody who shares it
 * (a terminal, an inherited pipe), and closes it in the end. Other kinds of descriptors, regular
 * files among them: EDDY_EINVALID. EDDY_EBADF; EDDY_EBADSTATE: it is used on this loop already;
 * EDDY_ENOTSUPPORTED: on a simulated loop, and on Windows so far. What the system can't wait for
 * (/dev/null with epoll) ends the connection with EDDY_EPERM.
 */
EDDY_API eddy_future *eddy_loop_connect_read_pipe(eddy_loop *loop, eddy_protocol_factory factory,
                                                  void *arg, eddy_socket fd,
                                                  const eddy_pipe_options *options);

/**
 * The same for writing to `fd` (PIPE-6). eddy_transport_write_eof() is eddy_transport_close():
 * what is queued is written, then `fd` is closed.
 *
 * If everybody who could read is gone, the transport ends, also while nothing is written: with
 * EDDY_EPIPE if something was queued, else with 0. With character devices only a write finds out
 * (PIPE-7). No SIGPIPE reaches the program.
 */
EDDY_API eddy_future *eddy_loop_connect_write_pipe(eddy_loop *loop, eddy_protocol_factory factory,
                                                   void *arg, eddy_socket fd,
                                                   const eddy_pipe_options *options);

#ifdef __cplusplus
}
#endif

#endif
