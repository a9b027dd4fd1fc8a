/* SPDX-License-Identifier: MIT */
#include "support/oom.h"
#include "support/faults.h"
#include "support/support.h"
#include <stdio.h>

enum { POINTS_MAX = 2000, MADE = 0 /* the one counter */ };

/* Every how many allocations there is a point. */
static size_t oom_step(const size_t counters[SWEEP_COUNTERS])
{
    return counters[MADE] > 0 ? 1 + (counters[MADE] - 1) / POINTS_MAX : 1;
}

static void oom_arm(const size_t counters[SWEEP_COUNTERS], size_t point)
{
    faults_hurry();
    allocations_fail(point != SWEEP_NO_POINT ? 1 + point * oom_step(counters) : 0);
}

static void oom_count(size_t counters[SWEEP_COUNTERS])
{
    counters[MADE] = allocations_made();
}

static size_t oom_points(const size_t counters[SWEEP_COUNTERS])
{
    size_t step = oom_step(counters);

    return (counters[MADE] + step - 1) / step;
}

static void oom_describe(const size_t counters[SWEEP_COUNTERS], size_t point, char *text,
                         size_t size)
{
    snprintf(text, size, "allocation %zu", 1 + point * oom_step(counters));
}

const struct sweep_kind oom_kind = {
    .label = "OOM",
    .seconds = "EDDY_TEST_OOM_SECONDS",
    .arm = oom_arm,
    .count = oom_count,
    .failed = allocations_failed,
    .points = oom_points,
    .describe = oom_describe,
};
