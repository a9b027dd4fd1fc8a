/* SPDX-License-Identifier: MIT */
/** Work on other threads, for the modules of the library. */
#ifndef EDDY_COMMON_EXECUTOR_H
#define EDDY_COMMON_EXECUTOR_H

#include "common/loop.h"

/** What is to be done, and what becomes of the parts. */
struct eddy__work_order {
    eddy_function function;
    void *arg;
    eddy_release release;  /**< gets `arg` once, also when the call fails; may be NULL */
    eddy_disposer dispose; /**< gets a result that nobody took; may be NULL */
};

/**
 * Have `order` done by `executor` (NULL: the loop's default) as eddy_loop_run_in_executor() does.
 * Copies `order`.
 */
struct eddy_future *eddy__work_start(struct eddy_loop *loop, eddy_executor *executor,
                                     const struct eddy__work_order *order);

/**
 * The loop's default executor, made at its first use; borrowed. NULL on a simulated loop, which
 * runs the work itself. EDDY_EBADSTATE once it was shut down (EXEC-3).
 */
int eddy__executor_default(struct eddy_loop *loop, eddy_executor **executor);

#endif
