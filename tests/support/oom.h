/* SPDX-License-Identifier: MIT */
/**
 * EDDY_TEST_OOM=1: a sweep over allocations, each test again with its first, second, ... failing.
 *
 * At most 2,000 points a test, evenly spread if there are more. EDDY_TEST_OOM_SECONDS (default 60)
 * is the time of a suite. On epoll nobody waits for long meanwhile: see faults_time.h.
 */
#ifndef TESTS_SUPPORT_OOM_H
#define TESTS_SUPPORT_OOM_H

#include "support/sweep.h"

extern const struct sweep_kind oom_kind;

#endif
