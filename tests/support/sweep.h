/* SPDX-License-Identifier: MIT */
/**
 * Sweeps: each test runs once as it is, to count what can fail in it, then again for each of these
 * points with that one failing, each time in a child process of its own. oom.h and faults.h are the
 * two kinds; an environment variable asks for one.
 *
 * A run may then end in four ways. It *copes*: the body returns, or ends at a must(); nothing may
 * be left. It *bails out* at an assertion, since the program got an error where the test wanted
 * success; what it left is not looked at, but it is counted and printed. It *misses* the point:
 * threads and time make runs differ. Or it crashes, hangs, leaks, or trips a sanitizer: that fails
 * the suite.
 *
 * If a suite's points take longer than its time, those that run are evenly spread over all its
 * tests, and how many did not run is printed. Which these are does not change from run to run, but
 * with EDDY_TEST_SEED: another number begins elsewhere. EDDY_TEST_POINT runs only the point of that
 * number, or of these words, of each test that EDDY_TEST_FILTER leaves. Needs fork().
 */
#ifndef TESTS_SUPPORT_SWEEP_H
#define TESTS_SUPPORT_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

struct test;

/** What a test's first run counts; each kind has its own use for them. */
enum { SWEEP_COUNTERS = 128 };

/** A kind of failure. All but points() and describe() are called in the child process. */
struct sweep_kind {
    const char *label;   /**< in what is printed */
    const char *seconds; /**< the environment variable that sets the time of a suite */
    bool to_the_end;     /**< what happens after the body counts: closing makes system calls */

    /** Begin to count and, unless `point` is SWEEP_NO_POINT, make that point fail. */
    void (*arm)(const size_t counters[SWEEP_COUNTERS], size_t point);

    /** Tell what was counted since. */
    void (*count)(size_t counters[SWEEP_COUNTERS]);

    /** True once something was made to fail. */
    bool (*failed)(void);

    /** The number of points in a test that counted this. */
    size_t (*points)(const size_t counters[SWEEP_COUNTERS]);

    /** Say in words what fails at `point`. */
    void (*describe)(const size_t counters[SWEEP_COUNTERS], size_t point, char *text, size_t size);
};

#define SWEEP_NO_POINT ((size_t)-1)

/** True if an environment variable asks for a sweep. */
bool sweep_is_on(void);

/** In a sweep's child: true once something was made to fail. */
bool sweep_failed(void);

/** In a sweep's child: true if something is to fail, or has failed. */
bool sweep_point_is_near(void);

/** True if must() has to end the test in good order, whatever the error. */
bool sweep_may_give_up(int error);

/**
 * This test holds what the fixture cannot give back, should it end at a must(). Skips it when
 * allocations fail; when system calls do, its must() is an assertion like any other.
 */
void need_whole_test(void);

/**
 * This test waits without a limit for what a failing system call may take away, or goes on as if
 * it was there. Skips it when system calls fail.
 */
void need_working_calls(void);

/** True if system calls fail. */
bool sweep_is_over_calls(void);

/** How often to do what many rounds show: `count`, but a twentieth in a sweep, as each point is a
 * round of its own. */
int sweep_fewer(int count);

/** Run all points of the tests; returns the number of failures. */
int sweep_run_suite(const char *suite, const struct test *const *tests, size_t count);

/* Called by the fixture, in the child: where the test stands. No effect when it is off. */
void sweep_begin_test(void);
void sweep_begin_body(void);
void sweep_end_body(void);
void sweep_note_fault(const char *what);

#endif
