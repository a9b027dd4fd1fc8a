/* SPDX-License-Identifier: MIT */
#include "common/error.h"
#include "win32/system.h"
#include "win32/wide.h"
#include <stdio.h>
#include <string.h>

/* One space of numbers: Winsock's begin at 10000, above those of the rest of the system. */
#define ERROR_NUMBERS_WINSOCK(X)                                                                   \
    X(WSAEACCES, EDDY_EACCES)                                                                      \
    X(WSAEADDRINUSE, EDDY_EADDRINUSE)                                                              \
    X(WSAEADDRNOTAVAIL, EDDY_EADDRNOTAVAIL)                                                        \
    X(WSAEAFNOSUPPORT, EDDY_EAFNOSUPPORT)                                                          \
    X(WSAEALREADY, EDDY_EALREADY)                                                                  \
    X(WSAEBADF, EDDY_EBADF)                                                                        \
    X(WSAECANCELLED, EDDY_ECONNABORTED)                                                            \
    X(WSAECONNABORTED, EDDY_ECONNABORTED)                                                          \
    X(WSAECONNREFUSED, EDDY_ECONNREFUSED)                                                          \
    X(WSAECONNRESET, EDDY_ECONNRESET)                                                              \
    X(WSAEDESTADDRREQ, EDDY_EDESTADDRREQ)                                                          \
    X(WSAEDISCON, EDDY_EPIPE)                                                                      \
    X(WSAEFAULT, EDDY_EFAULT)                                                                      \
    X(WSAEHOSTDOWN, EDDY_EHOSTDOWN)                                                                \
    X(WSAEHOSTUNREACH, EDDY_EHOSTUNREACH)                                                          \
    X(WSAEINPROGRESS, EDDY_EINPROGRESS)                                                            \
    X(WSAEINTR, EDDY_EINTR)                                                                        \
    X(WSAEINVAL, EDDY_EINVAL)                                                                      \
    X(WSAEISCONN, EDDY_EISCONN)                                                                    \
    X(WSAELOOP, EDDY_ELOOP)                                                                        \
    X(WSAEMFILE, EDDY_EMFILE)                                                                      \
    X(WSAEMSGSIZE, EDDY_EMSGSIZE)                                                                  \
    X(WSAENAMETOOLONG, EDDY_ENAMETOOLONG)                                                          \
    X(WSAENETDOWN, EDDY_ENETDOWN)                                                                  \
    X(WSAENETRESET, EDDY_ENETRESET)                                                                \
    X(WSAENETUNREACH, EDDY_ENETUNREACH)                                                            \
    X(WSAENOBUFS, EDDY_ENOBUFS)                                                                    \
    X(WSAENOPROTOOPT, EDDY_ENOPROTOOPT)                                                            \
    X(WSAENOTCONN, EDDY_ENOTCONN)                                                                  \
    X(WSAENOTSOCK, EDDY_ENOTSOCK)                                                                  \
    X(WSAEOPNOTSUPP, EDDY_EOPNOTSUPP)                                                              \
    X(WSAEPFNOSUPPORT, EDDY_EAFNOSUPPORT)                                                          \
    X(WSAEPROTONOSUPPORT, EDDY_EPROTONOSUPPORT)                                                    \
    X(WSAEPROTOTYPE, EDDY_EPROTOTYPE)                                                              \
    X(WSAESHUTDOWN, EDDY_EPIPE)                                                                    \
    X(WSAESOCKTNOSUPPORT, EDDY_ESOCKTNOSUPPORT)                                                    \
    X(WSAETIMEDOUT, EDDY_ECONNTIMEDOUT)                                                            \
    X(WSAEWOULDBLOCK, EDDY_EAGAIN)                                                                 \
    X(WSASYSNOTREADY, EDDY_ENETDOWN)                                                               \
    X(WSANOTINITIALISED, EDDY_ENETDOWN)

#define ERROR_NUMBERS_SYSTEM(X)                                                                    \
    X(ERROR_INVALID_FUNCTION, EDDY_EOPNOTSUPP)                                                     \
    X(ERROR_FILE_NOT_FOUND, EDDY_ENOENT)                                                           \
    X(ERROR_PATH_NOT_FOUND, EDDY_ENOENT)                                                           \
    X(ERROR_TOO_MANY_OPEN_FILES, EDDY_EMFILE)                                                      \
    X(ERROR_ACCESS_DENIED, EDDY_EACCES)                                                            \
    X(ERROR_INVALID_HANDLE, EDDY_EBADF)                                                            \
    X(ERROR_NOT_ENOUGH_MEMORY, EDDY_ENOMEM)                                                        \
    X(ERROR_OUTOFMEMORY, EDDY_ENOMEM)                                                              \
    X(ERROR_COMMITMENT_LIMIT, EDDY_ENOMEM)                                                         \
    X(ERROR_BAD_FORMAT, EDDY_ENOEXEC)                                                              \
    X(ERROR_BAD_EXE_FORMAT, EDDY_ENOEXEC)                                                          \
    X(ERROR_INVALID_DRIVE, EDDY_ENOENT)                                                            \
    X(ERROR_WRITE_PROTECT, EDDY_EROFS)                                                             \
    X(ERROR_NOT_READY, EDDY_EBUSY)                                                                 \
    X(ERROR_CRC, EDDY_EIO)                                                                         \
    X(ERROR_SEEK, EDDY_EIO)                                                                        \
    X(ERROR_WRITE_FAULT, EDDY_EIO)                                                                 \
    X(ERROR_READ_FAULT, EDDY_EIO)                                                                  \
    X(ERROR_GEN_FAILURE, EDDY_EIO)                                                                 \
    X(ERROR_IO_DEVICE, EDDY_EIO)                                                                   \
    X(ERROR_SHARING_VIOLATION, EDDY_EBUSY)                                                         \
    X(ERROR_LOCK_VIOLATION, EDDY_EBUSY)                                                            \
    X(ERROR_PIPE_BUSY, EDDY_EBUSY)                                                                 \
    X(ERROR_BUSY, EDDY_EBUSY)                                                                      \
    X(ERROR_HANDLE_DISK_FULL, EDDY_ENOSPC)                                                         \
    X(ERROR_DISK_FULL, EDDY_ENOSPC)                                                                \
    X(ERROR_NOT_SUPPORTED, EDDY_EOPNOTSUPP)                                                        \
    X(ERROR_NETNAME_DELETED, EDDY_ECONNRESET)                                                      \
    X(ERROR_FILE_EXISTS, EDDY_EEXIST)                                                              \
    X(ERROR_ALREADY_EXISTS, EDDY_EEXIST)                                                           \
    X(ERROR_INVALID_PARAMETER, EDDY_EINVAL)                                                        \
    X(ERROR_BROKEN_PIPE, EDDY_EPIPE)                                                               \
    X(ERROR_NO_DATA, EDDY_EPIPE)                                                                   \
    X(ERROR_PIPE_NOT_CONNECTED, EDDY_EPIPE)                                                        \
    X(ERROR_BAD_PIPE, EDDY_EPIPE)                                                                  \
    X(ERROR_CALL_NOT_IMPLEMENTED, EDDY_ENOSYS)                                                     \
    X(ERROR_SEM_TIMEOUT, EDDY_ECONNTIMEDOUT)                                                       \
    X(ERROR_INVALID_NAME, EDDY_ENOENT)                                                             \
    X(ERROR_DIR_NOT_EMPTY, EDDY_EBUSY)                                                             \
    X(ERROR_DIRECTORY, EDDY_ENOTDIR)                                                               \
    X(ERROR_FILENAME_EXCED_RANGE, EDDY_ENAMETOOLONG)                                               \
    X(ERROR_NO_SYSTEM_RESOURCES, EDDY_ENOBUFS)                                                     \
    X(ERROR_OPERATION_ABORTED, EDDY_ECONNABORTED)                                                  \
    X(ERROR_PRIVILEGE_NOT_HELD, EDDY_EPERM)                                                        \
    X(ERROR_CONNECTION_REFUSED, EDDY_ECONNREFUSED)                                                 \
    X(ERROR_CONNECTION_ABORTED, EDDY_ECONNABORTED)                                                 \
    X(ERROR_NETWORK_UNREACHABLE, EDDY_ENETUNREACH)                                                 \
    X(ERROR_HOST_UNREACHABLE, EDDY_EHOSTUNREACH)                                                   \
    X(ERROR_PORT_UNREACHABLE, EDDY_ECONNREFUSED)                                                   \
    X(ERROR_CANT_RESOLVE_FILENAME, EDDY_ELOOP)

int eddy__system_code(int64_t number)
{
#define ERROR_CASE(name, code)                                                                     \
    case name:                                                                                     \
        return code;

    switch (number) {
        ERROR_NUMBERS_WINSOCK(ERROR_CASE)
        ERROR_NUMBERS_SYSTEM(ERROR_CASE)
    default:
        return EDDY_EUNKNOWN;
    }
#undef ERROR_CASE
}

int eddy__resolver_error(int number)
{
    /* Windows gives the resolver's results numbers of Winsock; EAI_NODATA equals EAI_NONAME in
     * its headers, although WSANO_DATA is a number of its own. */
    switch (number) {
    case WSATRY_AGAIN:
        return EDDY_EAI_AGAIN;
    case WSAEINVAL:
        return EDDY_EAI_BADFLAGS;
    case WSANO_RECOVERY:
        return EDDY_EAI_FAIL;
    case WSAEAFNOSUPPORT:
        return EDDY_EAI_FAMILY;
    case WSA_NOT_ENOUGH_MEMORY:
        return EDDY_ENOMEM;
    case WSANO_DATA:
        return EDDY_EAI_NODATA;
    case WSAHOST_NOT_FOUND:
        return EDDY_EAI_NONAME;
    case WSATYPE_NOT_FOUND:
        return EDDY_EAI_SERVICE;
    case WSAESOCKTNOSUPPORT:
        return EDDY_EAI_SOCKTYPE;
    default:
        return eddy__system_error(number);
    }
}

void eddy__system_text(int64_t number, char *buffer, size_t size)
{
    WCHAR wide[256];
    char text[768]; /* a unit of UTF-16 takes at most three bytes of UTF-8 */
    DWORD units;

    if (size == 0)
        return;
    buffer[0] = '\0';
    units = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                           (DWORD)number, 0, wide, 256, NULL);
    /* The system's texts end in a full stop and a line break. */
    while (units > 0 && (wide[units - 1] <= L' ' || wide[units - 1] == L'.'))
        units--;
    wide[units < 256 ? units : 255] = L'\0';
    if (eddy__wide_to_utf8(wide, text, sizeof text) <= sizeof text)
        snprintf(buffer, size, "%s", text);
}
