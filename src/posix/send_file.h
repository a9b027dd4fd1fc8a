/* SPDX-License-Identifier: MIT */
/** Sending a file by the system itself: for the table of src/posix/socket.c. */
#ifndef EDDY_POSIX_SEND_FILE_H
#define EDDY_POSIX_SEND_FILE_H

#include "common/socket.h"
#include "posix/sys.h"

#if defined(EDDY__HAVE_SENDFILE)
int64_t eddy__socket_send_file(eddy_socket socket, eddy_file file, int64_t offset, size_t size);
#define EDDY__SOCKET_SEND_FILE eddy__socket_send_file
#else
#define EDDY__SOCKET_SEND_FILE NULL
#endif

#endif
