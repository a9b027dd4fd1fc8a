/* SPDX-License-Identifier: MIT */
/** The restricted view of an owned socket; a part of its owner's channel. */
#ifndef EDDY_COMMON_SOCKET_VIEW_H
#define EDDY_COMMON_SOCKET_VIEW_H

#include "common/socket.h"

struct eddy_socket_view {
    eddy_socket socket; /**< EDDY_NO_SOCKET once the owner has let go */
};

/** The table that serves `socket`: the system's, or the simulated network's, by its number. */
const struct eddy__socket_ops *eddy__socket_ops_of(eddy_socket socket);

#endif
