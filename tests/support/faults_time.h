/* SPDX-License-Identifier: MIT */
/**
 * The part of faults.h that spares a sweep its waiting: with something failing, much is waited for
 * that rightly never comes, or comes when a timer ends.
 *
 * A wait of the loop that nothing ends lasts a twentieth of its time, and the clock goes on as if
 * it had been all of it. Threads and children need real time: from the first of them on waits are
 * as long as they should be.
 */
#ifndef TESTS_SUPPORT_FAULTS_TIME_H
#define TESTS_SUPPORT_FAULTS_TIME_H

/** Replace the functions that wait and tell the time; before there are threads. */
void faults_time_install(void);

#endif
