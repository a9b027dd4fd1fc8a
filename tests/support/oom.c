/* SPDX-License-Identifier: MIT */
#include "support/oom.h"
#include "common/clock.h"
#include "support/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 2000, SECONDS_A_POINT = 20, SECONDS_A_SUITE = 60, OUTPUT_SIZE = 8192 };

/* What the child tells us, in memory shared with it. */
struct outcome {
    size_t allocations; /* made by setup and body */
    bool failed_one;    /* the allocation to fail was reached */
    bool orderly;       /* the body returned or gave up at a must() */
    const char *fault;  /* what the fixture found: a literal, the same in both processes */
    bool completed;     /* CMocka returned */
    int failures;       /* what it returned */
};

/* What the child has to do. */
struct point {
    const char *suite;
    const struct test *test;
    size_t number; /* of the allocation that fails; 0: none */
};

static struct outcome *outcome;
static struct point point;
static char output[OUTPUT_SIZE];

static struct {
    size_t points, coped, bailed, failed, not_run;
} sum;

static eddy_time deadline;

bool oom_is_on(void)
{
    const char *value = getenv("EDDY_TEST_OOM");

    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

void need_whole_test(void)
{
    if (oom_is_on())
        skip();
}

void oom_begin_test(void)
{
    if (outcome != NULL)
        allocations_fail(point.number);
}

void oom_begin_body(void)
{
    if (outcome != NULL)
        platform_default_faults();
}

void oom_end_body(void)
{
    if (outcome == NULL)
        return;
    outcome->allocations = allocations_made();
    outcome->orderly = true;
}

void oom_note_fault(const char *what)
{
    if (outcome != NULL)
        outcome->fault = what;
}

static void oom_child(void *arg)
{
    int failures;

    (void)arg;
    failures = fixture_run_test(point.suite, point.test);
    outcome->failed_one = allocations_failed();
    outcome->failures = failures;
    outcome->completed = true;
}

/* Run one point; what is wrong with it, or NULL. */
static const char *oom_run_point(void)
{
    enum platform_end end;

    memset(outcome, 0, sizeof *outcome);
    end = platform_run(oom_child, NULL, SECONDS_A_POINT, output, sizeof output);
    if (end == PLATFORM_HUNG)
        return "hung";
    if (end == PLATFORM_CRASHED || !outcome->completed)
        return "crashed";
    if (outcome->fault != NULL)
        return outcome->fault;
    if (outcome->failures > 0 && !outcome->failed_one)
        return "failed without a reason";
    if (outcome->failures > 0 && outcome->orderly)
        return "failed after its body had ended";
    return NULL;
}

static size_t oom_budget_seconds(void)
{
    const char *value = getenv("EDDY_TEST_OOM_SECONDS");

    return value != NULL ? (size_t)strtoul(value, NULL, 10) : SECONDS_A_SUITE;
}

static bool oom_start(void)
{
    if (outcome != NULL)
        return true;
    outcome = platform_share(sizeof *outcome);
    deadline = eddy__clock_now() + EDDY_SECONDS((eddy_time)oom_budget_seconds());
    return outcome != NULL;
}

/* Walk over the points of a test that makes `allocations`; the number of failures. */
static int oom_walk(size_t allocations)
{
    size_t step = 1 + (allocations > 0 ? (allocations - 1) / POINTS_MAX : 0);
    size_t coped = 0, bailed = 0, skipped = 0;
    const char *problem;
    int failures = 0;

    for (point.number = 1; point.number <= allocations; point.number += step) {
        if (eddy__clock_now() > deadline) {
            skipped = (allocations - point.number) / step + 1;
            break;
        }
        problem = oom_run_point();
        if (problem != NULL) {
            printf("[  OOM   ] %s: allocation %zu: %s\n%s\n", point.test->name, point.number,
                   problem, output);
            failures++;
        } else if (outcome->failures > 0) {
            bailed++;
        } else {
            coped++;
        }
    }
    printf("[  OOM   ] %s: %zu allocations, %zu coped, %zu bailed out, %d failed, %zu not run\n",
           point.test->name, allocations, coped, bailed, failures, skipped);
    sum.points += coped + bailed + (size_t)failures;
    sum.coped += coped;
    sum.bailed += bailed;
    sum.failed += (size_t)failures;
    sum.not_run += skipped;
    return failures;
}

int oom_run_test(const char *suite, const struct test *test)
{
    const char *problem;

    if (!oom_start())
        return 0;
    point.suite = suite;
    point.test = test;
    point.number = 0;
    problem = oom_run_point();
    if (problem != NULL) {
        printf("[  OOM   ] %s: %s before any allocation failed\n%s\n", test->name, problem, output);
        sum.failed++;
        return 1;
    }
    if (!outcome->orderly) {
        printf("[  OOM   ] %s: skipped\n", test->name);
        return 0;
    }
    return oom_walk(outcome->allocations);
}

int oom_finish(const char *suite)
{
    if (outcome == NULL) {
        printf("%s: EDDY_TEST_OOM needs fork(), which this system does not have\n", suite);
        return 0;
    }
    printf("%s: %zu points: %zu coped, %zu bailed out, %zu failed, %zu not run for want of time\n",
           suite, sum.points, sum.coped, sum.bailed, sum.failed, sum.not_run);
    return 0;
}
