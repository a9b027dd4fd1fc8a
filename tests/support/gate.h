/* SPDX-License-Identifier: MIT */
/**
 * A gate that holds threads up until the test opens it, so that work on other threads is where the
 * test wants it, without sleeping.
 */
#ifndef TESTS_SUPPORT_GATE_H
#define TESTS_SUPPORT_GATE_H

#include "common/thread.h"

struct gate {
    struct eddy__mutex mutex;
    struct eddy__condition changed;
    bool open;
    int entered; /**< so many came to the gate */
    int passed;  /**< so many have gone through */
};

void gate_init(struct gate *gate);

/** The gate must be open, and everybody who came through it. */
void gate_fini(struct gate *gate);

/** An eddy_function: stand before the gate, a struct gate. The result is 42. */
int gate_pass(void *gate, eddy_value *result);

/** Wait until `count` have come, at most half a minute; how many that are. */
int gate_await(struct gate *gate, int count);
void gate_open(struct gate *gate);

/** Note that something happened, and wait until it happened so often: 10 s, then false. */
void gate_count(struct gate *gate);
bool gate_await_passed(struct gate *gate, int count);

#endif
