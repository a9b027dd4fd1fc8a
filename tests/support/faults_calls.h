/* SPDX-License-Identifier: MIT */
/** The part of faults.h that looks at the arguments of a call. */
#ifndef TESTS_SUPPORT_FAULTS_CALLS_H
#define TESTS_SUPPORT_FAULTS_CALLS_H

#include "posix/sys.h"
#include <limits.h>
#include <stdbool.h>

/** No error: less is read or written than was asked for. */
enum { FAULTS_SHORT = INT_MIN };

/** Replace the functions that look at their arguments; before there are threads. */
void faults_calls_install(void);

/** True if such a function asks faults_take() what to do, and may decide that nothing fails. */
bool faults_calls_decide(enum eddy__sys_number call);

/* What faults.c offers them. */

/** The error that this thread's call is to fail with, FAULTS_SHORT, or 0. */
int faults_take(void);

/** Fail; returns -1. */
int faults_fail(int error);

/** Less than `size`, if that can be. */
size_t faults_part(size_t size);

/** True if no thread or child needs real time. Any thread. */
bool faults_may_hurry(void);

#endif
