/* SPDX-License-Identifier: MIT */
/**
 * The system's headers in the one order that works: Winsock 2 before <windows.h>, which would
 * otherwise bring Winsock 1. Only files of src/win32 and src/native include this.
 */
#ifndef EDDY_WIN32_SYSTEM_H
#define EDDY_WIN32_SYSTEM_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>
#include <windows.h>

/* The kernel's result of an operation; <winternl.h> has the type but not the values. */
typedef LONG eddy__ntstatus;

#endif
