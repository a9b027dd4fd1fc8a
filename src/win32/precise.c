/* SPDX-License-Identifier: MIT */
#include "win32/precise.h"
#include "win32/sys.h"

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

typedef eddy__ntstatus(NTAPI *packet_create)(HANDLE *packet, ACCESS_MASK access, void *attributes);
typedef eddy__ntstatus(NTAPI *packet_associate)(HANDLE packet, HANDLE port, HANDLE target,
                                                void *key, void *context, eddy__ntstatus status,
                                                ULONG_PTR information, BOOLEAN *signaled);
typedef eddy__ntstatus(NTAPI *packet_cancel)(HANDLE packet, BOOLEAN remove_signaled);

/* Looked up anew each time that is needed: opening a loop is rare, and so is a fine wait. */
static FARPROC precise_find(const char *name)
{
    return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);
}

eddy__ntstatus eddy__packet_create(HANDLE *packet)
{
    packet_create create =
        (packet_create)(void (*)(void))precise_find("NtCreateWaitCompletionPacket");

    return create == NULL ? EDDY__STATUS_MISSING : create(packet, GENERIC_ALL, NULL);
}

eddy__ntstatus eddy__packet_associate(HANDLE packet, HANDLE port, HANDLE target, ULONG_PTR key)
{
    packet_associate associate =
        (packet_associate)(void (*)(void))precise_find("NtAssociateWaitCompletionPacket");
    BOOLEAN signaled = FALSE;

    if (associate == NULL)
        return EDDY__STATUS_MISSING;
    return associate(packet, port, target, (void *)key, NULL, 0, 0, &signaled);
}

eddy__ntstatus eddy__packet_cancel(HANDLE packet)
{
    packet_cancel cancel =
        (packet_cancel)(void (*)(void))precise_find("NtCancelWaitCompletionPacket");

    return cancel == NULL ? EDDY__STATUS_MISSING : cancel(packet, TRUE);
}

void eddy__precise_open(struct eddy__precise *precise)
{
    precise->timer = NULL;
    precise->armed = false;
    if (EDDY__SYS(eddy__packet_create)(&precise->packet) < 0)
        return;
    precise->timer = EDDY__SYS(CreateWaitableTimerExW)(
        NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    if (precise->timer == NULL)
        CloseHandle(precise->packet);
}

void eddy__precise_close(struct eddy__precise *precise)
{
    if (precise->timer == NULL)
        return;
    eddy__precise_disarm(precise);
    CloseHandle(precise->timer);
    CloseHandle(precise->packet);
}

void eddy__precise_arm(struct eddy__precise *precise, HANDLE port, ULONG_PTR key, eddy_time limit)
{
    LARGE_INTEGER due = {.QuadPart = -((limit - 1) / 100 + 1)}; /* relative, in steps of 100 ns */

    if (precise->timer == NULL)
        return;
    if (!EDDY__SYS(SetWaitableTimer)(precise->timer, &due, 0, NULL, NULL, FALSE))
        return;
    precise->armed =
        EDDY__SYS(eddy__packet_associate)(precise->packet, port, precise->timer, key) >= 0;
}

void eddy__precise_disarm(struct eddy__precise *precise)
{
    /* A packet can be tied to its target once at a time. It is free again when it has come out
     * of the port: then this fails, which is fine. */
    if (precise->armed)
        EDDY__SYS(eddy__packet_cancel)(precise->packet);
    precise->armed = false;
}
