/* SPDX-License-Identifier: MIT */
/** For the suites of executors: one of their own, and what they have done. */
#ifndef TESTS_SUPPORT_EXECUTOR_H
#define TESTS_SUPPORT_EXECUTOR_H

#include "support/fixture.h"

/** An executor that keeps one work for the test to do with as it likes. Records its calls. */
struct keeper {
    eddy_executor executor;
    eddy_work *work;
    int submit_result;
    bool can_withdraw;
};

void keeper_init(struct keeper *keeper);

/** A pool with at most so many threads. */
eddy_executor *new_pool(int threads_max);

/** Make every thread of the pool end, so that nothing of it is left, and unref it. */
void end_pool(eddy_executor *pool);

/** Wait until no thread holds the closed loop any more: a simulation counts who does. */
void await_loop_alone(struct fixture *f);

/** Skip where the default executor has no threads: a simulated loop does its work itself. */
void need_threads(struct fixture *f);

/** An eddy_release that records "release:<arg>". */
void on_release(void *name);

/** eddy_functions: the int `arg` plus one; one that records "called". */
int add_one(void *arg, eddy_value *result);
int never_called(void *arg, eddy_value *result);

#endif
