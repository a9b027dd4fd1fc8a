/* SPDX-License-Identifier: MIT */
/**
 * EDDY_TEST_FAULTS=1: a sweep over system calls, each test again with the first, second, ... call
 * of each kind failing, with each error that the call is known for, once and persistently.
 *
 * Persistently means from that call on to the end of the test. EINTR and EAGAIN, though, last for
 * ten calls: a system that says "not now" for ever gives nobody anything to cope with. Reads and
 * writes also come back short, with one byte once, or with half persistently. What a system does
 * not do is left out: close() fails after it has closed, what removes a watch does not fail, and
 * the counter behind a wake-up is not broken. Nobody waits for long meanwhile: see faults_time.h.
 *
 * At most 100 calls of a kind a test, evenly spread if there are more. EDDY_TEST_FAULTS_SECONDS
 * (default 60) is the time of a suite. Needs POSIX and a build with EDDY_TEST_HOOKS.
 */
#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include "support/sweep.h"

/** NULL where it cannot be had. */
const struct sweep_kind *faults_kind(void);

/**
 * Make nothing fail, but wait no longer than faults_time.h says: for a sweep over something else,
 * before a test begins. Nothing happens where it is not known how the loop waits: but on epoll
 * and kqueue.
 */
void faults_hurry(void);

#endif
