/* SPDX-License-Identifier: MIT */
/** Results of overlapped operations: NTSTATUS, as the kernel leaves it in OVERLAPPED.Internal. */
#ifndef EDDY_WIN32_STATUS_H
#define EDDY_WIN32_STATUS_H

#include "win32/system.h"

/**
 * The number Winsock would have given for `status`, 0 for success.
 *
 * Read from the OVERLAPPED itself: WSAGetOverlappedResult() wants the socket, which may be closed
 * by then, and costs a system call.
 */
int eddy__status_number(eddy__ntstatus status);

/** The same as a portable code: 0, or as eddy__system_error(). */
int eddy__status_error(eddy__ntstatus status);

#endif
