/* SPDX-License-Identifier: MIT */
/** Socket options; .set_option and .get_option of eddy__socket_ops. */
#ifndef EDDY_WIN32_OPTION_H
#define EDDY_WIN32_OPTION_H

#include "common/socket.h"

int eddy__option_set(eddy_socket socket, enum eddy__socket_option option, int value);
int eddy__option_get(eddy_socket socket, enum eddy__socket_option option, int *value);

/**
 * Before a bind to `address`: keep others from binding to the same port of a stream socket, as
 * every other system does, unless EDDY__REUSE_ADDRESS was set.
 */
int eddy__option_protect_port(eddy_socket socket, const eddy_address *address);

#endif
