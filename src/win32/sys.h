/* SPDX-License-Identifier: MIT */
/**
 * The system calls of the Windows side, in one table (native/sys_table.h). A call that is missing
 * here is added to a list below.
 */
#ifndef EDDY_WIN32_SYS_H
#define EDDY_WIN32_SYS_H

#include "win32/precise.h"
#include "win32/system.h"
#include "win32/winsock.h"

/*
 * X(result, name, parameters, arguments, what it returns when a test makes it fail with `error`).
 */
#define EDDY__SYS_CALLS_SOCKET(X)                                                                  \
    X(SOCKET, WSASocketW,                                                                          \
      (int family, int type, int protocol, WSAPROTOCOL_INFOW *info, GROUP group, DWORD flags),     \
      (family, type, protocol, info, group, flags), INVALID_SOCKET)                                \
    X(int, closesocket, (SOCKET socket), (socket), SOCKET_ERROR)                                   \
    X(int, ioctlsocket, (SOCKET socket, long command, u_long *argument),                           \
      (socket, command, argument), SOCKET_ERROR)                                                   \
    X(int, bind, (SOCKET socket, const struct sockaddr *address, int size),                        \
      (socket, address, size), SOCKET_ERROR)                                                       \
    X(int, listen, (SOCKET socket, int backlog), (socket, backlog), SOCKET_ERROR)                  \
    X(int, connect, (SOCKET socket, const struct sockaddr *address, int size),                     \
      (socket, address, size), SOCKET_ERROR)                                                       \
    X(SOCKET, accept, (SOCKET socket, struct sockaddr * address, int *size),                       \
      (socket, address, size), INVALID_SOCKET)                                                     \
    X(int, shutdown, (SOCKET socket, int how), (socket, how), SOCKET_ERROR)                        \
    X(int, setsockopt, (SOCKET socket, int level, int name, const char *value, int size),          \
      (socket, level, name, value, size), SOCKET_ERROR)                                            \
    X(int, getsockopt, (SOCKET socket, int level, int name, char *value, int *size),               \
      (socket, level, name, value, size), SOCKET_ERROR)                                            \
    X(int, getsockname, (SOCKET socket, struct sockaddr * address, int *size),                     \
      (socket, address, size), SOCKET_ERROR)                                                       \
    X(int, getpeername, (SOCKET socket, struct sockaddr * address, int *size),                     \
      (socket, address, size), SOCKET_ERROR)                                                       \
    X(int, WSADuplicateSocketW, (SOCKET socket, DWORD process, WSAPROTOCOL_INFOW * info),          \
      (socket, process, info), SOCKET_ERROR)                                                       \
    X(int, WSARecv,                                                                                \
      (SOCKET socket, WSABUF * buffers, DWORD count, DWORD * received, DWORD * flags,              \
       OVERLAPPED * overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine),                       \
      (socket, buffers, count, received, flags, overlapped, routine), SOCKET_ERROR)                \
    X(int, WSASend,                                                                                \
      (SOCKET socket, WSABUF * buffers, DWORD count, DWORD * sent, DWORD flags,                    \
       OVERLAPPED * overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine),                       \
      (socket, buffers, count, sent, flags, overlapped, routine), SOCKET_ERROR)                    \
    X(int, WSARecvFrom,                                                                            \
      (SOCKET socket, WSABUF * buffers, DWORD count, DWORD * received, DWORD * flags,              \
       struct sockaddr * from, int *size, OVERLAPPED *overlapped,                                  \
       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine),                                                \
      (socket, buffers, count, received, flags, from, size, overlapped, routine), SOCKET_ERROR)    \
    X(int, WSASendTo,                                                                              \
      (SOCKET socket, WSABUF * buffers, DWORD count, DWORD * sent, DWORD flags,                    \
       const struct sockaddr *to, int size, OVERLAPPED *overlapped,                                \
       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine),                                                \
      (socket, buffers, count, sent, flags, to, size, overlapped, routine), SOCKET_ERROR)          \
    X(BOOL, eddy__accept_ex,                                                                       \
      (SOCKET listener, SOCKET socket, void *addresses, DWORD size, OVERLAPPED *overlapped),       \
      (listener, socket, addresses, size, overlapped), FALSE)                                      \
    X(BOOL, eddy__connect_ex,                                                                      \
      (SOCKET socket, const struct sockaddr *address, int size, OVERLAPPED *overlapped),           \
      (socket, address, size, overlapped), FALSE)                                                  \
    X(INT, GetAddrInfoW,                                                                           \
      (const WCHAR *host, const WCHAR *service, const ADDRINFOW *hints, ADDRINFOW **list),         \
      (host, service, hints, list), (INT)error)                                                    \
    X(INT, GetNameInfoW,                                                                           \
      (const struct sockaddr *address, socklen_t size, WCHAR *host, DWORD host_size,               \
       WCHAR *service, DWORD service_size, INT flags),                                             \
      (address, size, host, host_size, service, service_size, flags), (INT)error)

#define EDDY__SYS_CALLS_SYSTEM(X)                                                                  \
    X(HANDLE, CreateIoCompletionPort, (HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads),    \
      (file, port, key, threads), NULL)                                                            \
    X(BOOL, GetQueuedCompletionStatusEx,                                                           \
      (HANDLE port, OVERLAPPED_ENTRY * entries, ULONG count, ULONG * removed, DWORD limit,         \
       BOOL alertable),                                                                            \
      (port, entries, count, removed, limit, alertable), FALSE)                                    \
    X(BOOL, PostQueuedCompletionStatus,                                                            \
      (HANDLE port, DWORD bytes, ULONG_PTR key, OVERLAPPED * overlapped),                          \
      (port, bytes, key, overlapped), FALSE)                                                       \
    X(BOOL, SetFileCompletionNotificationModes, (HANDLE file, UCHAR flags), (file, flags), FALSE)  \
    X(BOOL, DeviceIoControl,                                                                       \
      (HANDLE file, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *size,   \
       OVERLAPPED *overlapped),                                                                    \
      (file, code, in, in_size, out, out_size, size, overlapped), FALSE)                           \
    X(BOOL, CancelIoEx, (HANDLE file, OVERLAPPED * overlapped), (file, overlapped), FALSE)         \
    X(BOOL, QueryPerformanceCounter, (LARGE_INTEGER * count), (count), FALSE)                      \
    X(HANDLE, CreateWaitableTimerExW,                                                              \
      (SECURITY_ATTRIBUTES * security, const WCHAR *name, DWORD flags, DWORD access),              \
      (security, name, flags, access), NULL)                                                       \
    X(BOOL, SetWaitableTimer,                                                                      \
      (HANDLE timer, const LARGE_INTEGER *due, LONG period, PTIMERAPCROUTINE routine, void *arg,   \
       BOOL resume),                                                                               \
      (timer, due, period, routine, arg, resume), FALSE)                                           \
    X(eddy__ntstatus, eddy__packet_create, (HANDLE * packet), (packet), EDDY__STATUS_MISSING)      \
    X(eddy__ntstatus, eddy__packet_associate,                                                      \
      (HANDLE packet, HANDLE port, HANDLE target, ULONG_PTR key), (packet, port, target, key),     \
      EDDY__STATUS_MISSING)                                                                        \
    X(eddy__ntstatus, eddy__packet_cancel, (HANDLE packet), (packet), EDDY__STATUS_MISSING)

#define EDDY__SYS_CALLS(X)                                                                         \
    EDDY__SYS_CALLS_SOCKET(X)                                                                      \
    EDDY__SYS_CALLS_SYSTEM(X)

/* WSAGetLastError() reads the same word. */
#define EDDY__SYS_SET_ERROR(number) SetLastError((DWORD)(number))

#include "native/sys_table.h"

#endif
