/* SPDX-License-Identifier: MIT */
/** What the files around socket.c share. */
#ifndef EDDY_WIN32_SOCKET_H
#define EDDY_WIN32_SOCKET_H

#include "common/socket.h"
#include "win32/system.h"

/**
 * Turn `count` spans into at most EDDY__SPANS_MAX buffers of Winsock, returns how many. What is
 * beyond 1 GiB in all is left out.
 */
DWORD eddy__socket_buffers(const struct eddy__span *spans, size_t count, WSABUF *buffers);

/** As in eddy__socket_ops, in socket_datagram.c. */
int64_t eddy__socket_receive_datagrams(eddy_socket socket, struct eddy__incoming *list,
                                       size_t count);
int64_t eddy__socket_send_datagrams(eddy_socket socket, const struct eddy__outgoing *list,
                                    size_t count);

/** eddy__socket_ops.pair: over the loopback, since Windows has no socketpair(). */
int eddy__socket_pair(struct eddy_loop *loop, int type, eddy_socket sockets[2]);

#endif
