/* SPDX-License-Identifier: MIT */
/** Datagrams of the system's sockets: two entries of the table in socket.c, and how many. */
#ifndef EDDY_POSIX_SOCKET_DATAGRAM_H
#define EDDY_POSIX_SOCKET_DATAGRAM_H

#include "common/socket.h"
#include "posix/sys.h"

#if defined(EDDY__HAVE_MMSG)
#define EDDY__SOCKET_DATAGRAMS_MAX EDDY__DATAGRAMS_MAX
#else
#define EDDY__SOCKET_DATAGRAMS_MAX 1
#endif

/** As eddy__socket_ops.receive_datagrams and .send_datagrams. */
int64_t eddy__socket_receive_datagrams(eddy_socket socket, struct eddy__incoming *list,
                                       size_t count);
int64_t eddy__socket_send_datagrams(eddy_socket socket, const struct eddy__outgoing *list,
                                    size_t count);

#endif
