/* SPDX-License-Identifier: MIT */
/**
 * The part of faults.h that spares a sweep its waiting, and tells the time whatever else the
 * machine does: with something failing, much is waited for that rightly never comes.
 *
 * The clock moves only when the loop waits, and a little whenever it is read. A wait that nothing
 * ends lasts a twentieth of its time, for what the system may be late with. Threads and children
 * need real time: from the first of them on, the clock is the system's again.
 */
#ifndef TESTS_SUPPORT_FAULTS_TIME_H
#define TESTS_SUPPORT_FAULTS_TIME_H

/** Replace the functions that wait and tell the time; before there are threads. */
void faults_time_install(void);

#endif
