/* SPDX-License-Identifier: MIT */
/**
 * Polling sockets through AFD, the driver behind Winsock: the one way in which a completion port
 * tells readiness. The request goes to a handle of our own, so that the program's socket is tied to
 * no port and stays fit for any use.
 */
#ifndef EDDY_WIN32_AFD_H
#define EDDY_WIN32_AFD_H

#include "win32/sys.h"

/** What the driver reports, of events and of what it was asked for. */
enum eddy__afd_event {
    EDDY__AFD_RECEIVE = 0x001,
    EDDY__AFD_SEND = 0x004,
    EDDY__AFD_DISCONNECT = 0x008,
    EDDY__AFD_ABORT = 0x010,
    EDDY__AFD_LOCAL_CLOSE = 0x020,
    EDDY__AFD_ACCEPT = 0x080,
    EDDY__AFD_CONNECT_FAIL = 0x100
};

/** The driver's request and answer, with room for one socket. */
struct eddy__afd_poll {
    LARGE_INTEGER timeout;
    ULONG count;
    ULONG exclusive;
    struct {
        HANDLE socket;
        ULONG events;
        eddy__ntstatus status;
    } sockets[1];
};

/** Open a handle of the driver. 0, or the system's number. */
int eddy__afd_open(HANDLE *afd);

/** The socket below what other vendors' layers put over it. 0, or the system's number. */
int eddy__afd_base(SOCKET socket, SOCKET *base);

/**
 * Ask once for `events` (EDDY__AFD_*) of a base socket: 0 or ERROR_IO_PENDING, both of which leave
 * a packet; or the number of the error. `poll` and `overlapped` are the kernel's until then.
 */
int eddy__afd_submit(HANDLE afd, SOCKET base, ULONG events, struct eddy__afd_poll *poll,
                     OVERLAPPED *overlapped);

#endif
