/* SPDX-License-Identifier: MIT */
/**
 * EDDY_TEST_OOM=1: each test runs once as it is, to count its allocations, then again with its
 * first, second, ... allocation failing, each time in a child process of its own.
 *
 * A run may then end in three ways. It *copes*: the body returns, or ends at a must(); nothing may
 * be left. It *bails out* at an assertion, since the program got EDDY_ENOMEM where the test wanted
 * success; what it left is not looked at, but it is counted and printed. Or it crashes, hangs,
 * leaks, or trips a sanitizer: that fails the suite.
 *
 * At most 2,000 points a test, evenly spread if there are more. EDDY_TEST_OOM_SECONDS (default 60)
 * is the time of a suite; what it did not get to is printed. Needs fork().
 */
#ifndef TESTS_SUPPORT_OOM_H
#define TESTS_SUPPORT_OOM_H

#include <stdbool.h>

struct test;

bool oom_is_on(void);

/** Skip this test: it holds what the fixture cannot give back, should it end at a must(). */
void need_whole_test(void);

/** Run one test at all its points; returns the number of failures. */
int oom_run_test(const char *suite, const struct test *test);

/** Print the sums; returns the number of further failures. */
int oom_finish(const char *suite);

/* Called by the fixture, in the child: where the test stands. No effect when it is off. */
void oom_begin_test(void);
void oom_begin_body(void);
void oom_end_body(void);
void oom_note_fault(const char *what);

#endif
