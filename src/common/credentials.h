/* SPDX-License-Identifier: MIT */
/** Who is behind a Unix socket; src/posix/credentials.c and src/win32/credentials.c know. */
#ifndef EDDY_COMMON_CREDENTIALS_H
#define EDDY_COMMON_CREDENTIALS_H

#include <eddy/unix.h>

/** As eddy_socket_peer_credentials(), of a socket of the system that is known to be one. */
int eddy__credentials_of_peer(eddy_socket socket, eddy_peer_credentials *credentials);

#endif
