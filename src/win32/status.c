/* SPDX-License-Identifier: MIT */
/* <windows.h> has some of these names; <ntstatus.h>, which has them all, must come without them. */
#define WIN32_NO_STATUS
#include "win32/status.h"
#undef WIN32_NO_STATUS
#include <winternl.h>
#include <ntstatus.h>

#include "common/error.h"

/* What is not listed goes through the system's own table, which knows files better than sockets. */
#define STATUS_NUMBERS(X)                                                                          \
    X(STATUS_TIMEOUT, WSAETIMEDOUT)                                                                \
    X(STATUS_BUFFER_OVERFLOW, WSAEMSGSIZE)                                                         \
    X(STATUS_HANDLES_CLOSED, ERROR_OPERATION_ABORTED)                                              \
    X(STATUS_ACCESS_VIOLATION, WSAEFAULT)                                                          \
    X(STATUS_PAGEFILE_QUOTA, WSAENOBUFS)                                                           \
    X(STATUS_INVALID_HANDLE, WSAENOTSOCK)                                                          \
    X(STATUS_INVALID_PARAMETER, WSAEINVAL)                                                         \
    X(STATUS_NO_MEMORY, WSAENOBUFS)                                                                \
    X(STATUS_CONFLICTING_ADDRESSES, WSAEADDRNOTAVAIL)                                              \
    X(STATUS_ACCESS_DENIED, WSAEACCES)                                                             \
    X(STATUS_BUFFER_TOO_SMALL, WSAEFAULT)                                                          \
    X(STATUS_OBJECT_TYPE_MISMATCH, WSAENOTSOCK)                                                    \
    X(STATUS_SHARING_VIOLATION, WSAEADDRINUSE)                                                     \
    X(STATUS_QUOTA_EXCEEDED, WSAENOBUFS)                                                           \
    X(STATUS_INSUFFICIENT_RESOURCES, WSAENOBUFS)                                                   \
    X(STATUS_WORKING_SET_QUOTA, WSAENOBUFS)                                                        \
    X(STATUS_DEVICE_NOT_READY, WSAEWOULDBLOCK)                                                     \
    X(STATUS_PIPE_DISCONNECTED, WSAESHUTDOWN)                                                      \
    X(STATUS_IO_TIMEOUT, WSAETIMEDOUT)                                                             \
    X(STATUS_NOT_SUPPORTED, WSAEOPNOTSUPP)                                                         \
    X(STATUS_REMOTE_NOT_LISTENING, WSAECONNREFUSED)                                                \
    X(STATUS_BAD_NETWORK_PATH, WSAENETUNREACH)                                                     \
    X(STATUS_NETWORK_BUSY, WSAENETDOWN)                                                            \
    X(STATUS_INVALID_NETWORK_RESPONSE, WSAENETDOWN)                                                \
    X(STATUS_UNEXPECTED_NETWORK_ERROR, WSAENETDOWN)                                                \
    X(STATUS_REQUEST_NOT_ACCEPTED, WSAEWOULDBLOCK)                                                 \
    X(STATUS_TOO_MANY_OPENED_FILES, WSAEMFILE)                                                     \
    X(STATUS_CANCELLED, ERROR_OPERATION_ABORTED)                                                   \
    X(STATUS_COMMITMENT_LIMIT, WSAENOBUFS)                                                         \
    X(STATUS_LOCAL_DISCONNECT, WSAECONNABORTED)                                                    \
    X(STATUS_REMOTE_DISCONNECT, WSAECONNRESET)                                                     \
    X(STATUS_REMOTE_RESOURCES, WSAENOBUFS)                                                         \
    X(STATUS_LINK_FAILED, WSAECONNRESET)                                                           \
    X(STATUS_LINK_TIMEOUT, WSAETIMEDOUT)                                                           \
    X(STATUS_INVALID_CONNECTION, WSAENOTCONN)                                                      \
    X(STATUS_INVALID_ADDRESS, WSAEADDRNOTAVAIL)                                                    \
    X(STATUS_INVALID_DEVICE_STATE, WSAEINVAL)                                                      \
    X(STATUS_INVALID_BUFFER_SIZE, WSAEMSGSIZE)                                                     \
    X(STATUS_INVALID_ADDRESS_COMPONENT, WSAEADDRNOTAVAIL)                                          \
    X(STATUS_TOO_MANY_ADDRESSES, WSAEADDRINUSE)                                                    \
    X(STATUS_ADDRESS_ALREADY_EXISTS, WSAEADDRINUSE)                                                \
    X(STATUS_CONNECTION_DISCONNECTED, WSAECONNRESET)                                               \
    X(STATUS_CONNECTION_RESET, WSAECONNRESET)                                                      \
    X(STATUS_TRANSACTION_ABORTED, WSAECONNABORTED)                                                 \
    X(STATUS_CONNECTION_REFUSED, WSAECONNREFUSED)                                                  \
    X(STATUS_GRACEFUL_DISCONNECT, WSAEDISCON)                                                      \
    X(STATUS_ADDRESS_ALREADY_ASSOCIATED, WSAEADDRINUSE)                                            \
    X(STATUS_NETWORK_UNREACHABLE, WSAENETUNREACH)                                                  \
    X(STATUS_HOST_UNREACHABLE, WSAEHOSTUNREACH)                                                    \
    X(STATUS_PROTOCOL_UNREACHABLE, WSAENETUNREACH)                                                 \
    X(STATUS_PORT_UNREACHABLE, WSAECONNRESET)                                                      \
    X(STATUS_REQUEST_ABORTED, ERROR_OPERATION_ABORTED)                                             \
    X(STATUS_CONNECTION_ABORTED, WSAECONNABORTED)                                                  \
    X(STATUS_HOPLIMIT_EXCEEDED, WSAECONNRESET)

static int status_number_of_system(eddy__ntstatus status)
{
    typedef ULONG(WINAPI * to_number)(eddy__ntstatus status);
    to_number convert = (to_number)(void (*)(void))GetProcAddress(GetModuleHandleW(L"ntdll.dll"),
                                                                  "RtlNtStatusToDosError");

    return convert == NULL ? ERROR_MR_MID_NOT_FOUND : (int)convert(status);
}

int eddy__status_number(eddy__ntstatus status)
{
#define STATUS_CASE(status, number)                                                                \
    case (ULONG)(status):                                                                          \
        return number;

    switch ((ULONG)status) {
        STATUS_NUMBERS(STATUS_CASE)
    default:
        break;
    }
#undef STATUS_CASE
    if (status >= 0)
        return 0;
    /* Facility NTWIN32: a number of the system in an NTSTATUS's clothes. */
    if (((ULONG)status & 0x0FFF0000) == 0x00070000)
        return (int)((ULONG)status & 0xFFFF);
    return status_number_of_system(status);
}

int eddy__status_error(eddy__ntstatus status)
{
    int number = eddy__status_number(status);

    return number == 0 ? 0 : eddy__system_error(number);
}
