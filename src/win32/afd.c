/* SPDX-License-Identifier: MIT */
/*
 * The driver's interface is not documented, but every poller on Windows rests on it (wepoll, mio,
 * libuv), so it will not change.
 */
/* <windows.h> has some of the names of <ntstatus.h>; see status.c. */
#include "win32/afd.h"
#include "win32/status.h"
#include <limits.h>
#include <winternl.h>

#define AFD_POLL_CODE 0x00012024

#if !defined(FILE_OPEN)
#define FILE_OPEN 0x00000001
#endif

typedef eddy__ntstatus(NTAPI *create_file)(HANDLE *file, ACCESS_MASK access,
                                           OBJECT_ATTRIBUTES *attributes, IO_STATUS_BLOCK *status,
                                           LARGE_INTEGER *size, ULONG flags, ULONG share,
                                           ULONG disposition, ULONG options, void *extra,
                                           ULONG extra_size);

int eddy__afd_open(HANDLE *afd)
{
    static const WCHAR path[] = L"\\Device\\Afd\\eddy"; /* any name will do below the driver's */
    UNICODE_STRING name = {
        .Length = sizeof path - sizeof path[0],
        .MaximumLength = sizeof path,
        .Buffer = (WCHAR *)(uintptr_t)path, /* not written to */
    };
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    IO_STATUS_BLOCK status;
    create_file create =
        (create_file)(void (*)(void))GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtCreateFile");

    if (create == NULL)
        return ERROR_PROC_NOT_FOUND;
    return eddy__status_number(create(afd, SYNCHRONIZE, &attributes, &status, NULL, 0,
                                      FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0, NULL, 0));
}

static bool afd_ask_base(SOCKET socket, DWORD question, SOCKET *base)
{
    DWORD size = 0;

    return WSAIoctl(socket, question, NULL, 0, base, sizeof *base, &size, NULL, NULL) == 0;
}

int eddy__afd_base(SOCKET socket, SOCKET *base)
{
    int number;

    if (afd_ask_base(socket, SIO_BASE_HANDLE, base))
        return 0;
    number = WSAGetLastError();
    /* Layers are known that break the first question in order to see all traffic. */
    if (number == WSAENOTSOCK || !afd_ask_base(socket, SIO_BSP_HANDLE_POLL, base))
        return number;
    return 0;
}

int eddy__afd_submit(HANDLE afd, SOCKET base, ULONG events, struct eddy__afd_poll *poll,
                     OVERLAPPED *overlapped)
{
    DWORD size = 0;

    poll->timeout.QuadPart = INT64_MAX;
    poll->count = 1;
    poll->exclusive = FALSE;
    poll->sockets[0].socket = (HANDLE)base;
    poll->sockets[0].events = events;
    poll->sockets[0].status = 0;
    if (EDDY__SYS(DeviceIoControl)(afd, AFD_POLL_CODE, poll, sizeof *poll, poll, sizeof *poll,
                                   &size, overlapped))
        return 0;
    return (int)GetLastError();
}
