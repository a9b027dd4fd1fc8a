/* SPDX-License-Identifier: MIT */
/**
 * The system calls of the Windows side, in one table.
 *
 * Code writes `EDDY__SYS(WSASend)(socket, ...)`. In release builds that is the call itself. In
 * builds with EDDY_TEST_HOOKS it goes through a function that counts, fails the n-th call if a
 * test asked for that, and then calls the function in `eddy__sys`, which a test may replace. The
 * mirror of src/posix/sys.h; a call that is missing here is added to the list below.
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

#if defined(EDDY_TEST_HOOKS)

#define EDDY__SYS_FIELD(result, name, parameters, arguments, failed) result(*name) parameters;
#define EDDY__SYS_NUMBER(result, name, parameters, arguments, failed) EDDY__SYS_##name,
#define EDDY__SYS_FUNCTION(result, name, parameters, arguments, failed)                            \
    result eddy__call_##name parameters;

/** The functions behind EDDY__SYS(); all the system's own until a test replaces one. */
struct eddy__sys_table {
    EDDY__SYS_CALLS(EDDY__SYS_FIELD)
};
extern struct eddy__sys_table eddy__sys;

/** A number for each call: EDDY__SYS_WSASend. */
enum eddy__sys_number { EDDY__SYS_CALLS(EDDY__SYS_NUMBER) EDDY__SYS_COUNT };

EDDY__SYS_CALLS(EDDY__SYS_FUNCTION)

#define EDDY__SYS(name) eddy__call_##name

/** How often `call` was made since the last reset, failed ones included. Any thread. */
unsigned long eddy__sys_count(enum eddy__sys_number call);

/** All calls together. Any thread. */
unsigned long eddy__sys_count_all(void);

/** Fail the `nth` call from now on (1: the next) with `error`, once. 0 takes that back. */
void eddy__sys_fail(enum eddy__sys_number call, unsigned nth, int error);

/** Counts to zero, no failures, all functions the system's own. */
void eddy__sys_reset(void);

#undef EDDY__SYS_FIELD
#undef EDDY__SYS_NUMBER
#undef EDDY__SYS_FUNCTION

#else

#define EDDY__SYS(name) name

#endif

#endif
