/* SPDX-License-Identifier: MIT */
/**
 * Waits that are finer than the system's tick of 15.6 ms.
 *
 * A timer of high resolution (Windows 10 1803) puts a packet into the port when it is due, through
 * a "wait completion packet" (Windows 8, ntdll). Where either is missing nothing is armed, and the
 * wait is as coarse as the tick. Since the limit of the wait itself stays in force, a packet that
 * never comes costs precision and nothing else. Belongs to the loop's thread.
 *
 * Wine 8 has no such packets and no Windows was at hand: the calls were only run against a stand-in
 * that follows their published use.
 */
#ifndef EDDY_WIN32_PRECISE_H
#define EDDY_WIN32_PRECISE_H

#include "win32/system.h"
#include <eddy/base.h>

struct eddy__precise {
    HANDLE timer;  /**< NULL: not available here */
    HANDLE packet; /**< ties the timer to the port, once */
    bool armed;
};

/** The handles; without them if the system has none to give. */
void eddy__precise_open(struct eddy__precise *precise);
void eddy__precise_close(struct eddy__precise *precise);

/**
 * Have a packet with `key` come out of `port` after `limit` > 0, if that is possible. To be
 * disarmed after the wait; a packet may still come a little later.
 */
void eddy__precise_arm(struct eddy__precise *precise, HANDLE port, ULONG_PTR key, eddy_time limit);
void eddy__precise_disarm(struct eddy__precise *precise);

/* The calls of ntdll; EDDY__STATUS_MISSING where it has none. For win32/sys.h. */

#define EDDY__STATUS_MISSING ((eddy__ntstatus)0xC0000002)

eddy__ntstatus eddy__packet_create(HANDLE *packet);
eddy__ntstatus eddy__packet_associate(HANDLE packet, HANDLE port, HANDLE target, ULONG_PTR key);
eddy__ntstatus eddy__packet_cancel(HANDLE packet);

#endif
