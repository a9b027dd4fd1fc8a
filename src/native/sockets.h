/* SPDX-License-Identifier: MIT */
/** The system's headers for socket addresses: the same structures under other names. */
#ifndef EDDY_NATIVE_SOCKETS_H
#define EDDY_NATIVE_SOCKETS_H

#if defined(_WIN32)
#include "win32/winsock.h"
#include <afunix.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif

#endif
