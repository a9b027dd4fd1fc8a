/* SPDX-License-Identifier: MIT */
/**
 * Tasks from the inside: a future with a coroutine that completes it.
 *
 *     created ──ready queue──► step ──► waiting (watch) ──ready queue──► step ... ──► done
 *
 * A step is a switch from whoever runs to `top`, and ends with a switch back to `returns_to`.
 * `top` is the task's own coroutine, or that of a generator which it advances: an await inside
 * the generator suspends the whole task. One task a loop is current at a time, except that an
 * eager start nests. A task that is not done holds a reference to itself, and is in loop->tasks.
 */
#ifndef EDDY_COMMON_TASK_H
#define EDDY_COMMON_TASK_H

#include "common/coroutine.h"
#include "common/future.h"

/** Somebody who waits until a number of tasks have ended, without allocating (LOOP-21). */
struct eddy__reaper {
    size_t pending;
};

/**
 * What a task needs as long as it can run: it lies at the upper end of the task's stack, in a page
 * that is touched anyway, so that thousands of tasks that wait cost little beside that page.
 */
struct eddy__task_frame {
    struct eddy__task *task;
    struct eddy__list node;   /**< in loop->tasks */
    struct eddy__ready ready; /**< the first step, and those after a refused await */
    struct eddy__watch watch; /**< of what it waits for */
    struct eddy__timer timer; /**< of eddy_await_for() */

    struct eddy__coroutine coroutine;
    struct eddy__stack stack; /**< the one that this lies on, without this */
    struct eddy__coroutine *top;
    struct eddy__coroutine *returns_to;
    struct eddy_generator *generator; /**< the innermost one that it advances, or NULL */
    struct eddy_future *waiting_for;  /**< a reference while it waits, else NULL */
    struct eddy__error_record *error; /**< on its stack; NULL before the first step */
    struct eddy__reaper *reaper;
    eddy_release release;
    bool deliver_cancel; /**< the await that this step continues returns EDDY_ECANCELED */
    bool started;
    bool ended;        /**< the coroutine has finished; its step cleans up */
    bool limit_passed; /**< of eddy_await_for() */
};

/** What may be asked of a task that is done, too. */
struct eddy__task {
    struct eddy_future future;
    /** NULL once it cannot run any more: done and cleaned up, or the loop closed over it. */
    struct eddy__task_frame *frame;
    eddy_function function;
    void *arg;
    eddy_context *context;
    char *name; /**< NULL: "Task-" and the number */
    uint64_t number;
    struct eddy__failure *cancel_message; /**< of the last request not yet delivered */
    int cancel_requests;
    bool must_cancel;  /**< deliver at the next step */
    bool spawned;      /**< its error is reported when it ends (RUN-8) */
    char own_name[26]; /**< the default name, once somebody has asked for it */
};

extern const struct eddy__future_kind eddy__task_kind;

static inline struct eddy__task *eddy__task_of(const struct eddy_future *future)
{
    return EDDY__OWNER(future, struct eddy__task, future);
}

/** The task that is linked into loop->tasks by `node`. */
static inline struct eddy__task *eddy__task_of_node(const struct eddy__list *node)
{
    return EDDY__OWNER(node, struct eddy__task_frame, node)->task;
}

/** As eddy_task_new(), called from `caller` (place.h). */
eddy_future *eddy__task_new(struct eddy_loop *loop, eddy_function function, void *arg,
                            const eddy_task_options *options, void *caller);

/** The task that runs in this thread, or NULL. */
static inline struct eddy__task *eddy__task_current(void)
{
    struct eddy_loop *loop = eddy__thread_state()->running;

    return loop != NULL ? loop->current_task : NULL;
}

/** TASK-9: a request from before the wait goes to the future at once. */
void eddy__task_pass_cancel(struct eddy__task *task, struct eddy_future *future);

/** Leave the step; returns in the next one. */
static inline bool eddy__task_suspend(struct eddy__task *task)
{
    eddy__coroutine_switch(task->frame->top, task->frame->returns_to);
    return task->frame->deliver_cancel;
}

/**
 * Suspend the current task until `future`, pending and of its loop, is done, or a cancel request
 * arrives that the future did not take: true then. Takes over the caller's reference meanwhile.
 */
static inline bool eddy__task_wait(struct eddy__task *task, struct eddy_future *future)
{
    task->frame->waiting_for = future;
    eddy__future_watch_pending(future, &task->frame->watch);
    if (task->must_cancel)
        eddy__task_pass_cancel(task, future);
    /* Inline: of each return that follows a switch the processor expects another address. */
    return eddy__task_suspend(task);
}

/** Give up the step and continue in the next iteration; true as eddy__task_wait(). */
bool eddy__task_yield(struct eddy__task *task);

/** Return EDDY_ECANCELED, with the text of the delivered request. */
int eddy__task_cancelled(struct eddy__task *task);

/** Cancel all tasks of the loop, and have `reaper` count those that are not done. Cannot fail. */
void eddy__tasks_cancel(struct eddy_loop *loop, struct eddy__reaper *reaper);

/** Forget a reaper that still waits. */
void eddy__tasks_forget_reaper(struct eddy_loop *loop);

/** The loop closes: free all stacks without unwinding, and report each task (TASK-16). */
void eddy__tasks_abandon(struct eddy_loop *loop);

#endif
