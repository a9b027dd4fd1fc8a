/* SPDX-License-Identifier: MIT */
/** Starting Winsock once a process, and the calls that it only hands out at run time. */
#ifndef EDDY_WIN32_WINSOCK_H
#define EDDY_WIN32_WINSOCK_H

#include "win32/system.h"
#include <stdbool.h>

/** What AcceptEx() wants as room for one address. */
#define EDDY__ACCEPT_ADDRESS_SIZE ((DWORD)(sizeof(SOCKADDR_STORAGE) + 16))

/**
 * Start Winsock, at the first call; it stays until the process ends, since sockets of the
 * program's own may outlive every loop. 0 or the error, each time. Any thread.
 */
int eddy__winsock_start(void);

/**
 * True if a call that succeeds at once may leave out its completion packet. Not so with layered
 * providers, whose sockets are no handles of the kernel. After eddy__winsock_start().
 */
bool eddy__winsock_skips_packets(void);

/** True if the system has stream sockets by path (Windows 10 1803 on). Any thread. */
bool eddy__winsock_has_unix(void);

/** AcceptEx() without data; `addresses` has room for two addresses of `size` bytes each. */
BOOL eddy__accept_ex(SOCKET listener, SOCKET socket, void *addresses, DWORD size,
                     OVERLAPPED *overlapped);

/** ConnectEx() without data. */
BOOL eddy__connect_ex(SOCKET socket, const struct sockaddr *address, int size,
                      OVERLAPPED *overlapped);

/** The peer's address in what AcceptEx() filled; lies within `addresses`. */
const struct sockaddr *eddy__accept_ex_peer(void *addresses, DWORD size, int *peer_size);

#endif
