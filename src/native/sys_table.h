/* SPDX-License-Identifier: MIT */
/**
 * What becomes of a platform's list of system calls. Included by posix/sys.h and win32/sys.h alone,
 * which define
 *
 *     EDDY__SYS_CALLS(X)            X(result, name, parameters, arguments, failed) for each call;
 *                                   `failed` is what it returns when a test makes it fail
 *     EDDY__SYS_SET_ERROR(number)   as the system says why
 *
 * Code writes `EDDY__SYS(setsockopt)(socket, ...)`. In release builds that is the call itself. In
 * builds with EDDY_TEST_HOOKS it goes through a function that counts, fails the n-th call if a test
 * asked for that, and then calls the function in `eddy__sys`, which a test may replace (to shorten
 * a read, to answer ENOSYS).
 */
#ifndef EDDY_NATIVE_SYS_TABLE_H
#define EDDY_NATIVE_SYS_TABLE_H

#if !defined(EDDY__SYS_CALLS)
#error "included by posix/sys.h or win32/sys.h"
#endif

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

/** A number for each call: EDDY__SYS_setsockopt. */
enum eddy__sys_number { EDDY__SYS_CALLS(EDDY__SYS_NUMBER) EDDY__SYS_COUNT };

EDDY__SYS_CALLS(EDDY__SYS_FUNCTION)

#define EDDY__SYS(name) eddy__call_##name

/** How often `call` was made since the last reset, failed ones included. Any thread. */
unsigned long eddy__sys_count(enum eddy__sys_number call);

/** All calls together. Any thread. */
unsigned long eddy__sys_count_all(void);

/** Fail the `nth` call from now on (1: the next) with `error`, once. 0 takes that back. */
void eddy__sys_fail(enum eddy__sys_number call, unsigned nth, int error);

/** Counts to zero, no failures, all functions the system's own; the filter stays. */
void eddy__sys_reset(void);

/** Have eddy__sys_reset() go back to the functions that are in `eddy__sys` now. */
void eddy__sys_keep(void);

/**
 * Asked before every call, on the thread that makes it; the call fails with the error that it
 * returns, or is made if that is 0. NULL: nobody is asked. Set it before there are threads.
 */
extern int (*eddy__sys_filter)(enum eddy__sys_number call);

#undef EDDY__SYS_FIELD
#undef EDDY__SYS_NUMBER
#undef EDDY__SYS_FUNCTION

#else

#define EDDY__SYS(name) name

#endif

#endif
