/* SPDX-License-Identifier: MIT */
/*
 * A whole program in one call: loop, main task, Ctrl-C, orderly shutdown (RUN-1, LOOP-21).
 *
 * Shutting down goes through all its steps whatever the one before returned; only a second Ctrl-C
 * leaves out what is still to be waited for. What counts in the end is how main() ended.
 */
#include "common/signal.h"
#include "common/task.h"
#include <signal.h>

/** As long as asyncio gives the workers of the default executor. */
#define RUN_EXECUTOR_LIMIT EDDY_SECONDS(300)

struct run {
    struct eddy_loop *loop;
    eddy_future *main;               /**< a reference */
    struct eddy__error_record words; /**< of main(), which those of what follows it replace */
    int presses;                     /**< of Ctrl-C */
    bool over;                       /**< wait for nothing any more */
};

/** The loop has seen Ctrl-C: the first time main() is cancelled, then the run ends at once. */
static int run_on_interrupt(void *arg)
{
    struct run *run = arg;

    if (++run->presses == 1 && eddy_future_cancel(run->main, "interrupted"))
        return 0;
    run->over = true;
    eddy_loop_exit(run->loop, EDDY_EEXIT);
    return 0;
}

static int run_make_loop(const eddy_run_options *options, struct eddy_loop **loop)
{
    int error;

    if (options->backend != NULL)
        error = eddy_loop_new(&(eddy_loop_options){.backend = options->backend}, loop);
    else
        error = eddy_new_event_loop(loop);
    if (error)
        return error;
    error = eddy_set_event_loop(*loop);
    if (error) {
        eddy_loop_close(*loop);
        eddy_loop_unref(*loop);
        return error;
    }
    if (options->debug)
        eddy_loop_set_debug(*loop, true);
    return 0;
}

/** Cancel all tasks and run until those have ended; the errors of the others are reported. */
static int run_cancel_tasks(struct run *run)
{
    struct eddy__reaper reaper = {0};
    int error = 0;

    eddy__tasks_cancel(run->loop, &reaper);
    /* A program may stop the loop meanwhile; only an error of the run ends the waiting. */
    while (reaper.pending > 0 && error == 0)
        error = eddy_loop_run_forever(run->loop);
    eddy__tasks_forget_reaper(run->loop);
    return error;
}

static void run_shut_down(struct run *run)
{
    struct eddy_loop *loop = run->loop;

    if (!run->over)
        run_cancel_tasks(run);
    if (!run->over)
        eddy_loop_run_until_complete(loop, eddy_loop_shutdown_asyncgens(loop), NULL);
    if (!run->over)
        eddy_loop_run_until_complete(
            loop, eddy_loop_shutdown_default_executor(loop, RUN_EXECUTOR_LIMIT), NULL);
}

/** Run main() and whatever follows it; the loop is open before and after. */
static int run_main(struct run *run, eddy_function main, void *arg, eddy_value *result,
                    const eddy_run_options *options)
{
    struct eddy_loop *loop = run->loop;
    int error;

    run->main = eddy_loop_create_task(loop, main, arg,
                                      &(eddy_task_options){.stack_size = options->stack_size});
    /* Another loop of the process may have Ctrl-C already: then that one deals with it. */
    error = options->ignore_interrupt
                ? 0
                : eddy__signal_add_polite(loop, SIGINT, run_on_interrupt, run);
    if (error == EDDY_ENOMEM)
        eddy_future_cancel(run->main, NULL); /* it has not begun, and does not */
    else
        error = eddy_loop_run_until_complete(loop, eddy_future_ref(run->main), result);
    run->words = *eddy__thread_state()->error;
    run_shut_down(run);
    eddy__signal_remove_polite(loop, SIGINT, run_on_interrupt);
    eddy_future_unref(run->main);
    if (!run->over)
        return error;
    if (run->words.code != EDDY_EEXIT)
        run->words = (struct eddy__error_record){.code = EDDY_EEXIT};
    return EDDY_EEXIT;
}

int eddy_run(eddy_function main, void *arg, eddy_value *result, const eddy_run_options *options)
{
    static const eddy_run_options defaults;
    struct run run = {0};
    int error;

    if (options == NULL)
        options = &defaults;
    if (main == NULL)
        return eddy_error(EDDY_EINVALID, "no function");
    if (eddy__thread_state()->running != NULL)
        return eddy_error(EDDY_EBADSTATE, "eddy_run() inside a running event loop");
    error = run_make_loop(options, &run.loop);
    if (error)
        return error;
    error = run_main(&run, main, arg, result, options);
    eddy_set_event_loop(NULL);
    eddy_loop_close(run.loop);
    eddy_loop_unref(run.loop);
    *eddy__thread_state()->error = run.words;
    return error;
}
