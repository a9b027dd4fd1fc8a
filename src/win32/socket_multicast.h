/* SPDX-License-Identifier: MIT */
/** How far datagrams go, and groups: options whose names depend on the socket's family. */
#ifndef EDDY_WIN32_SOCKET_MULTICAST_H
#define EDDY_WIN32_SOCKET_MULTICAST_H

#include "common/socket.h"

/** As eddy__socket_ops.set_option and .get_option, from EDDY__HOP_LIMIT on. */
int eddy__socket_set_route(eddy_socket socket, enum eddy__socket_option option, int value);
int eddy__socket_get_route(eddy_socket socket, enum eddy__socket_option option, int *value);

/** As eddy__socket_ops.set_membership. */
int eddy__socket_set_membership(eddy_socket socket, const eddy_address *group,
                                unsigned interface_index, bool join);

#endif
