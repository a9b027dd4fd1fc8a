/* SPDX-License-Identifier: MIT */
/** Executors: blocking work on other threads (EXEC-1..EXEC-9). */
#ifndef EDDY_EXECUTOR_H
#define EDDY_EXECUTOR_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One piece of work, owned by the library; its memory lies still until eddy_work_run() returns. */
typedef struct eddy_work eddy_work;

/** Do the work, on the calling thread. Once for each submitted work, unless withdrawn. */
EDDY_API void eddy_work_run(eddy_work *work);

/** In place of eddy_work_run(): it will never run, its future is cancelled (EXEC-4). Any thread. */
EDDY_API void eddy_work_drop(eddy_work *work);

/** Links of the executor's own queue through a submitted work, free for it to use. */
EDDY_API void eddy_work_set_next(eddy_work *work, eddy_work *next);
EDDY_API eddy_work *eddy_work_get_next(const eddy_work *work);

/** What an executor does; called from the loop's thread. `reserved` must be zero. */
typedef struct eddy_executor_callbacks {
    /** Have eddy_work_run(work) called on some thread, soon. 0, or a negative code. */
    int (*submit)(eddy_executor *executor, eddy_work *work);
    /** Take back work that has not started: true if it will never run. May be NULL. */
    bool (*withdraw)(eddy_executor *executor, eddy_work *work);
    /**
     * Take no more work; what is queued still runs (EXEC-8). With `wait`: return when all has
     * ended; that is called on a thread of its own.
     */
    void (*shutdown)(eddy_executor *executor, bool wait);
    /**
     * The last reference is gone; free it. No work is left, each holds a reference until its
     * outcome was delivered or dropped. Any thread, after a loop's end also from inside
     * eddy_work_run().
     */
    void (*free)(eddy_executor *executor);
    void *reserved[4];
} eddy_executor_callbacks;

/** First member of every executor. */
struct eddy_executor {
    const eddy_executor_callbacks *callbacks;
    uint64_t references; /**< the library's */
    void *reserved[2];
};

/** Initialise the head of an executor of one's own, with one reference for the caller. */
EDDY_API void eddy_executor_init(eddy_executor *executor, const eddy_executor_callbacks *callbacks);

/** Counted for all threads; NULL is allowed. Work under way has references of its own. */
EDDY_API eddy_executor *eddy_executor_ref(eddy_executor *executor);
EDDY_API void eddy_executor_unref(eddy_executor *executor);

typedef struct eddy_thread_pool_options {
    int threads_max;         /**< 0: min(32, processors + 4) (EXEC-2); at most 4096 */
    const char *thread_name; /**< copied prefix; NULL: "eddy" */
    void *reserved[4];
} eddy_thread_pool_options;

/** Make a pool whose threads start on demand (EXEC-2). The caller owns a reference. */
EDDY_API int eddy_thread_pool_new(const eddy_thread_pool_options *options,
                                  eddy_executor **executor);

/**
 * Run `function(arg, &result)` on a thread of `executor` (NULL: the loop's default) (EXEC-1).
 *
 * The future ends with the function's outcome. Cancelling withdraws work that has not started;
 * started work goes on and its outcome is dropped (EXEC-4). `release` (may be NULL) gets `arg`
 * exactly once, in the loop's thread, when the work has really ended or will never start; on
 * whatever thread if the loop is closed by then. EDDY_EBADSTATE: closed, or the default executor
 * was shut down (EXEC-3).
 */
EDDY_API eddy_future *eddy_loop_run_in_executor(eddy_loop *loop, eddy_executor *executor,
                                                eddy_function function, void *arg,
                                                eddy_release release);

/** Refs `executor`; the previous one is not shut down. EDDY_EINVALID without one (EXEC-6). */
EDDY_API int eddy_loop_set_default_executor(eddy_loop *loop, eddy_executor *executor);

/**
 * Refuse new work by default, and wait for what runs, at most `limit` (EDDY_FOREVER: no limit);
 * then a warning is logged and the call succeeds all the same (EXEC-7).
 */
EDDY_API eddy_future *eddy_loop_shutdown_default_executor(eddy_loop *loop, eddy_time limit);

#ifdef __cplusplus
}
#endif

#endif
