/* SPDX-License-Identifier: MIT */
#include "support/sweep.h"
#include "common/clock.h"
#include "support/faults.h"
#include "support/oom.h"
#include "support/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS_A_POINT = 60, SECONDS_A_SUITE = 60, OUTPUT_SIZE = 8192 };

/* What the child tells us, in memory shared with it. */
struct outcome {
    size_t counters[SWEEP_COUNTERS];
    bool failed_one;   /* the point was reached */
    bool orderly;      /* the body returned or gave up at a must() */
    const char *fault; /* what the fixture found: a literal, the same in both processes */
    bool completed;    /* CMocka returned */
    int failures;      /* what it returned */
};

struct tally {
    size_t points, coped, bailed, missed, failed, not_run;
};

struct swept_test {
    const struct test *test;
    size_t counters[SWEEP_COUNTERS];
    struct tally tally;
};

static const struct sweep_kind *kind;
static const char *suite_name;
static struct outcome *outcome; /* not NULL in a sweep that has begun, in both processes */
static bool test_is_whole;
static char output[OUTPUT_SIZE];

/* What the child has to do. */
static struct {
    struct swept_test *test;
    size_t number;
} point;

static bool sweep_asked_for(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

bool sweep_is_on(void)
{
    return sweep_asked_for("EDDY_TEST_OOM") || sweep_asked_for("EDDY_TEST_FAULTS");
}

bool sweep_failed(void)
{
    return outcome != NULL && kind->failed();
}

bool sweep_point_is_near(void)
{
    return outcome != NULL && point.number != SWEEP_NO_POINT;
}

bool sweep_may_give_up(int error)
{
    return sweep_failed() && (kind == &oom_kind ? error == EDDY_ENOMEM : !test_is_whole);
}

void need_whole_test(void)
{
    if (sweep_asked_for("EDDY_TEST_OOM"))
        skip();
    test_is_whole = true;
}

bool sweep_is_over_calls(void)
{
    return outcome != NULL && kind != &oom_kind;
}

int sweep_fewer(int count)
{
    return sweep_is_on() ? (count + 19) / 20 : count;
}

void need_working_calls(void)
{
    if (sweep_is_over_calls())
        skip();
}

void sweep_begin_test(void)
{
    if (outcome != NULL)
        kind->arm(point.test->counters, point.number);
}

void sweep_begin_body(void)
{
    if (outcome != NULL)
        platform_default_faults();
}

void sweep_end_body(void)
{
    if (outcome == NULL)
        return;
    kind->count(outcome->counters);
    outcome->orderly = true;
}

void sweep_note_fault(const char *what)
{
    if (outcome != NULL)
        outcome->fault = what;
}

static void sweep_child(void *arg)
{
    int failures;

    (void)arg;
    failures = fixture_run_test(suite_name, point.test->test);
    if (kind->to_the_end)
        kind->count(outcome->counters);
    outcome->failed_one = kind->failed();
    outcome->failures = failures;
    outcome->completed = true;
}

/* Run one point; what is wrong with it, or NULL. */
static const char *sweep_run_point(void)
{
    enum platform_end end;

    memset(outcome, 0, sizeof *outcome);
    end = platform_run(sweep_child, NULL, SECONDS_A_POINT, output, sizeof output);
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

static void sweep_print_point(const char *problem)
{
    char text[128] = "nothing failed";

    if (point.number != SWEEP_NO_POINT)
        kind->describe(point.test->counters, point.number, text, sizeof text);
    printf("[  %s  ] %s: point %zu: %s: %s\n%s\n", kind->label, point.test->test->name,
           point.number + 1, text, problem, output);
}

/* Run the test as it is; false if that is a failure. */
static bool sweep_count_points(struct swept_test *test)
{
    const char *problem;

    point.test = test;
    point.number = SWEEP_NO_POINT;
    problem = sweep_run_point();
    if (problem != NULL) {
        sweep_print_point(problem);
        test->tally.failed++;
        return false;
    }
    if (!outcome->orderly)
        return true; /* skipped */
    memcpy(test->counters, outcome->counters, sizeof test->counters);
    test->tally.points = kind->points(test->counters);
    return true;
}

static void sweep_try_point(struct swept_test *test, size_t number)
{
    const char *problem;

    point.test = test;
    point.number = number;
    problem = sweep_run_point();
    if (problem != NULL)
        test->tally.failed++;
    else if (!outcome->failed_one)
        test->tally.missed++;
    else if (outcome->failures > 0)
        test->tally.bailed++;
    else
        test->tally.coped++;
    if (problem != NULL || getenv("EDDY_TEST_POINT") != NULL)
        sweep_print_point(problem != NULL ? problem : "as it should be");
}

/* EDDY_TEST_POINT: a number, from 1, or a point's words, which stay true if runs count apart. */
static void sweep_try_chosen(struct swept_test *test, const char *chosen)
{
    size_t number = (size_t)strtoull(chosen, NULL, 10);
    char text[128];

    for (size_t i = 0; number == 0 && i < test->tally.points; i++) {
        kind->describe(test->counters, i, text, sizeof text);
        if (strcmp(text, chosen) == 0)
            number = i + 1;
    }
    if (number > 0)
        sweep_try_point(test, number - 1);
}

/* A step through 0..total-1 that meets every number once, and spreads those it meets first. */
static size_t sweep_stride(size_t total)
{
    size_t stride = total * 382 / 1000 + 1;

    for (;; stride++) {
        size_t a = total, b = stride;

        while (b != 0) {
            size_t rest = a % b;

            a = b;
            b = rest;
        }
        if (a == 1)
            return stride;
    }
}

/* Where the walk begins: a seed meets other points first than the next one. */
static size_t sweep_first(size_t total)
{
    const char *seed = getenv("EDDY_TEST_SEED");
    uint64_t number = seed != NULL ? strtoull(seed, NULL, 10) : 0;

    return (size_t)(number * 0x9E3779B97F4A7C15u % total);
}

static void sweep_walk(struct swept_test *tests, size_t count, size_t total, eddy_time deadline)
{
    size_t stride = sweep_stride(total), number = sweep_first(total);

    for (size_t i = 0; i < total; i++, number = (number + stride) % total) {
        size_t left = number, t = 0;

        while (t < count && left >= tests[t].tally.points)
            left -= tests[t++].tally.points;
        if (eddy__clock_now() > deadline)
            tests[t].tally.not_run++;
        else
            sweep_try_point(&tests[t], left);
        fflush(stdout);
    }
}

static void sweep_print_tally(const char *name, const struct tally *tally)
{
    printf("[  %s  ] %s: %zu points: %zu coped, %zu bailed out, %zu missed, %zu failed, "
           "%zu not run\n",
           kind->label, name, tally->points, tally->coped, tally->bailed, tally->missed,
           tally->failed, tally->not_run);
}

static int sweep_print(const struct swept_test *tests, size_t count)
{
    struct tally sum = {0};

    for (size_t i = 0; i < count; i++) {
        const struct tally *tally = &tests[i].tally;

        sweep_print_tally(tests[i].test->name, tally);
        sum.points += tally->points;
        sum.coped += tally->coped;
        sum.bailed += tally->bailed;
        sum.missed += tally->missed;
        sum.failed += tally->failed;
        sum.not_run += tally->not_run;
    }
    sweep_print_tally(suite_name, &sum);
    return (int)sum.failed;
}

static bool sweep_start(const char *suite)
{
    kind = sweep_asked_for("EDDY_TEST_OOM") ? &oom_kind : faults_kind();
    suite_name = suite;
    if (kind == NULL) {
        printf("%s: EDDY_TEST_FAULTS needs POSIX and a build with EDDY_TEST_HOOKS\n", suite);
        return false;
    }
    outcome = platform_share(sizeof *outcome);
    if (outcome == NULL)
        printf("%s: a sweep needs fork(), which this system does not have\n", suite);
    return outcome != NULL;
}

static eddy_time sweep_deadline(void)
{
    const char *value = getenv(kind->seconds);

    return eddy__clock_now() +
           EDDY_SECONDS(value != NULL ? (eddy_time)strtoul(value, NULL, 10) : SECONDS_A_SUITE);
}

int sweep_run_suite(const char *suite, const struct test *const *tests, size_t count)
{
    const char *only = getenv("EDDY_TEST_POINT");
    struct swept_test *swept;
    size_t total = 0;
    int failures;

    if (!sweep_start(suite))
        return 0;
    swept = calloc(count > 0 ? count : 1, sizeof *swept);
    if (swept == NULL)
        return 1;
    for (size_t i = 0; i < count; i++) {
        swept[i].test = tests[i];
        if (sweep_count_points(&swept[i]) && only != NULL)
            sweep_try_chosen(&swept[i], only);
        total += swept[i].tally.points;
    }
    if (total > 0 && only == NULL)
        sweep_walk(swept, count, total, sweep_deadline());
    failures = sweep_print(swept, count);
    free(swept);
    return failures;
}
