/* SPDX-License-Identifier: MIT */
/*
 * A task's life: created, stepped, cancelled, ended, abandoned. What a step finds and leaves behind
 * in the thread's state (current task, context, error record) is exchanged here and nowhere else.
 */
#include "common/task.h"
#include "common/context.h"
#include "common/place.h"
#include "common/thread.h"
#include <assert.h>
#include <stdio.h>

/* The smallest of the blocks that it fits into was made for it (block.h). */
_Static_assert(sizeof(struct eddy__task) <= EDDY__BLOCK_TASK, "a task is as small as it can be");

/** Numbers of the default names; of the whole process (TASK-1). */
static _Atomic(uint64_t) task_numbers;

/** Report something about a task (ERR-1). */
static void task_report(struct eddy__task *task, const char *message)
{
    char place[EDDY__PLACE_TEXT_SIZE];
    bool failed = task->future.state == EDDY__FAILED;

    eddy_loop_call_exception_handler(
        task->future.loop,
        &(eddy_exception_context){
            .message = message,
            .exception = failed ? task->future.error : 0,
            .exception_text = failed ? eddy_future_error_text(&task->future) : NULL,
            .task = &task->future,
            .source_traceback = eddy__place_text(task->future.created_at, place),
        });
}

/** Give back the frame, the coroutine and the stack that they are on. */
static void task_release(struct eddy__task *task)
{
    struct eddy__task_frame *frame = task->frame;
    struct eddy__stack_pool *stacks = &task->future.loop->stacks;
    eddy_release release = frame->release;
    struct eddy__stack stack;

    eddy__list_remove(&frame->node);
    eddy__coroutine_fini(&frame->coroutine);
    task->frame = NULL;
    stack = frame->stack; /* it cannot describe itself any more */
    eddy__stack_rejoin(&stack, frame, sizeof *frame);
    eddy__stack_pool_release(stacks, &stack);
    if (release != NULL)
        release(task->arg);
}

/** The task is done: clean up, off its stack. Drops its reference to itself. */
static void task_end(struct eddy__task *task)
{
    struct eddy__reaper *reaper = task->frame->reaper;
    bool failed = task->future.state == EDDY__FAILED && !task->future.retrieved;

    task_release(task);
    if (reaper != NULL && --reaper->pending == 0)
        eddy_loop_stop(task->future.loop);
    if (failed && (reaper != NULL || task->spawned)) {
        task->future.retrieved = true;
        task_report(task,
                    reaper != NULL ? "task failed while the loop was shut down" : "task failed");
    }
    eddy_future_unref(&task->future);
}

/** Complete the future with what the body returned (TASK-6); still on the task's stack. */
static void task_complete(struct eddy__task *task, int code, eddy_value value)
{
    struct eddy_future *future = &task->future;

    if (code == EDDY_ECANCELED) {
        eddy__future_finish_cancelled(future, eddy__error_said(EDDY_ECANCELED));
    } else if (code < 0) {
        eddy__future_finish_failed(future, code);
    } else if (task->must_cancel) {
        task->must_cancel = false;
        if (future->dispose != NULL)
            future->dispose(value);
        eddy__future_finish_cancelled(
            future, task->cancel_message != NULL ? task->cancel_message->text : NULL);
    } else {
        eddy__future_finish(future, value);
    }
}

/** Where the coroutine of a task starts. */
static void task_main(void *arg)
{
    struct eddy__task_frame *frame = arg;
    struct eddy__task *task = frame->task;
    struct eddy__error_record record; /* the text is 256 bytes, of which an empty one needs one */
    eddy_value value = {0};
    int code;

    record.code = 0;
    record.is_of_peer = false;
    record.number = 0;
    record.text[0] = '\0';
    frame->error = &record;
    task->future.loop->state->error = &record;
    code = task->function(task->arg, &value);
    task_complete(task, code, value);
    frame->ended = true;
    eddy__coroutine_exit_to(&frame->coroutine, frame->returns_to);
}

/** Switch to the task, with its context and its error text, and come back. */
static void task_switch(struct eddy__task *task)
{
    struct eddy_loop *loop = task->future.loop;
    struct eddy__task_frame *frame = task->frame;
    struct eddy__thread_state *state = loop->state;
    struct eddy__task *outer = loop->current_task;
    struct eddy__error_record *outer_error = state->error;
    eddy_context *outer_context = state->context;

    if (outer != NULL)
        outer->context = outer_context; /* an eager start nests: the outer one may be asked */
    frame->returns_to = outer != NULL ? outer->frame->top : &loop->thread_coroutine;
    frame->started = true;
    loop->current_task = task;
    eddy__context_put(state, task->context);
    if (frame->error != NULL)
        state->error = frame->error;
    eddy__coroutine_switch(frame->returns_to, frame->top);
    task->context = state->context;
    eddy__context_put(state, outer_context);
    state->error = outer_error;
    loop->current_task = outer;
}

/** Debug mode: a step has ended (LOOP-34). */
static void task_report_slow(struct eddy__task *task, eddy_time started)
{
    struct eddy_loop *loop = task->future.loop;
    char what[96];

    snprintf(what, sizeof what, "a step of task %s", eddy_task_get_name(&task->future));
    eddy__loop_report_slow(loop, eddy__loop_now(loop) - started, what);
}

/**
 * Run the task until it waits or ends. The switch is in this function, as compilers find a single
 * call: after it each return is predicted wrongly, and one more would come every step.
 */
static void task_step(struct eddy__task *task)
{
    struct eddy__task_frame *frame = task->frame;
    bool is_timed = task->future.loop->debug;
    eddy_time started = is_timed ? eddy__loop_now(task->future.loop) : 0;

    assert(task->future.state == EDDY__PENDING && frame != NULL);
    frame->deliver_cancel = task->must_cancel;
    task->must_cancel = false;
    frame->waiting_for = NULL;
    if (!frame->started && frame->deliver_cancel) {
        /* TASK-8: cancelled before the start, the body never runs. */
        eddy__future_finish_cancelled(
            &task->future, task->cancel_message != NULL ? task->cancel_message->text : NULL);
        frame->ended = true;
    } else {
        task_switch(task);
        if (is_timed)
            task_report_slow(task, started);
    }
    if (frame->ended)
        task_end(task);
}

static void task_on_ready(struct eddy__ready *ready)
{
    struct eddy__task *task = EDDY__OWNER(ready, struct eddy__task_frame, ready)->task;

    /* A task is never stepped while another one is current (TASK-14). */
    assert(task->future.loop->current_task == NULL);
    task_step(task);
}

static void task_on_done(struct eddy__watch *watch)
{
    struct eddy__task *task = EDDY__OWNER(watch, struct eddy__task_frame, watch)->task;

    assert(task->future.loop->current_task == NULL);
    task_step(task);
}

bool eddy__task_yield(struct eddy__task *task)
{
    eddy__loop_enqueue(task->future.loop, &task->frame->ready);
    return eddy__task_suspend(task);
}

void eddy__task_pass_cancel(struct eddy__task *task, struct eddy_future *future)
{
    struct eddy__failure *message = task->cancel_message;

    if (eddy_future_cancel(future, message != NULL ? message->text : NULL))
        task->must_cancel = false;
}

/** Note a request that is delivered at the next step. */
static void task_request_cancel(struct eddy__task *task, const char *message)
{
    eddy__free(task->cancel_message);
    task->cancel_message = eddy__failure_new(message);
    task->must_cancel = true;
}

/**
 * The tasks wait for each other in a circle, so that no step would ever come: make one of them
 * continue without what it waits for.
 */
static void task_break_circle(struct eddy__task *task, const char *message)
{
    task_request_cancel(task, message);
    eddy__future_unwatch(&task->frame->watch);
    eddy__loop_enqueue(task->future.loop, &task->frame->ready);
}

/** The task that `task` waits for, if it is one that can run still; else NULL. */
static struct eddy__task *task_awaited(const struct eddy__task *task)
{
    struct eddy_future *future = task->frame->waiting_for;

    if (future == NULL || future->kind != &eddy__task_kind || future->state != EDDY__PENDING)
        return NULL;
    /* While the loop closes there are pending ones that nobody steps any more. */
    return eddy__task_of(future)->frame != NULL ? eddy__task_of(future) : NULL;
}

/** TASK-7, TASK-10: the request goes down to the future that the last task waits for. */
static bool task_cancel(struct eddy_future *future, const char *message)
{
    struct eddy__task *task = eddy__task_of(future);
    struct eddy__task *behind = task; /* follows at half the speed, to notice a circle */
    struct eddy__task *next;
    bool move_behind = false;

    task->cancel_requests++;
    if (task->frame == NULL) {
        eddy__future_finish_cancelled(future, message);
        return true;
    }
    /* A loop rather than recursion: a chain may be longer than a stack is deep. */
    while ((next = task_awaited(task)) != NULL) {
        task = next;
        task->cancel_requests++;
        if (task == behind) {
            task_break_circle(task, message);
            return true;
        }
        if (move_behind)
            behind = task_awaited(behind);
        move_behind = !move_behind;
    }
    if (task->frame->waiting_for == NULL || !eddy_future_cancel(task->frame->waiting_for, message))
        task_request_cancel(task, message);
    return true;
}

static void task_fini(struct eddy_future *future)
{
    struct eddy__task *task = eddy__task_of(future);

    eddy__context_unref(task->context);
    eddy__free(task->name);
    eddy__free(task->cancel_message);
}

const struct eddy__future_kind eddy__task_kind = {
    .name = "task", .cancel = task_cancel, .fini = task_fini};

/** Set the frame up at the upper end of `stack`, and the coroutine on the rest. */
static int task_lay_frame(struct eddy__task *task, struct eddy__stack *stack)
{
    struct eddy__task_frame *frame = eddy__stack_set_apart(stack, sizeof *frame);
    int error;

    if (frame == NULL)
        return EDDY_ENOMEM;
    /* Field by field: coroutine and stack, nearly half of it, are filled in anyway. */
    frame->task = task;
    frame->ready = (struct eddy__ready){.run = task_on_ready};
    frame->watch = (struct eddy__watch){.on_done = task_on_done};
    frame->timer = (struct eddy__timer){.slot = 0};
    frame->stack = *stack;
    frame->top = &frame->coroutine;
    frame->returns_to = NULL;
    frame->generator = NULL;
    frame->waiting_for = NULL;
    frame->error = NULL;
    frame->reaper = NULL;
    frame->release = NULL;
    frame->deliver_cancel = frame->started = frame->ended = frame->limit_passed = false;
    error = eddy__coroutine_init(&frame->coroutine, &frame->stack, task_main, frame);
    if (error)
        eddy__stack_rejoin(stack, frame, sizeof *frame);
    else
        task->frame = frame;
    return error;
}

/** Acquire what can fail: name, stack, coroutine. What was acquired stays with the task. */
static int task_prepare(struct eddy__task *task, const eddy_task_options *options)
{
    struct eddy_loop *loop = task->future.loop;
    struct eddy__stack stack;
    int error;

    if (options != NULL && options->name != NULL) {
        error = eddy_task_set_name(&task->future, options->name);
        if (error)
            return error;
    }
    error =
        eddy__stack_pool_acquire(&loop->stacks, options != NULL ? options->stack_size : 0, &stack);
    if (error)
        return error;
    error = task_lay_frame(task, &stack);
    if (error)
        eddy__stack_pool_release(&loop->stacks, &stack);
    return error;
}

static int task_create(struct eddy_loop *loop, eddy_function function, void *arg,
                       const eddy_task_options *options, struct eddy__task **made)
{
    struct eddy_future *future =
        eddy__future_new(loop, sizeof(struct eddy__task), &eddy__task_kind);
    struct eddy__task *task;
    eddy_context *context = options != NULL ? options->context : NULL;
    int error;

    if (future == NULL)
        return EDDY_ENOMEM;
    task = eddy__task_of(future);
    task->number = atomic_fetch_add_explicit(&task_numbers, 1, memory_order_relaxed) + 1;
    task->function = function;
    task->arg = arg;
    error = task_prepare(task, options);
    if (error) {
        eddy_future_unref(future);
        return error;
    }
    task->context = eddy__context_ref(context != NULL ? context : eddy_get_context());
    task->frame->release = options != NULL ? options->release : NULL;
    eddy__list_append(&loop->tasks, &task->frame->node);
    eddy_future_ref(future); /* its own, until it is done */
    *made = task;
    return 0;
}

/** TASK-15: only a running loop starts a task at once, and only in its own thread. */
static void task_start(struct eddy__task *task, bool eager)
{
    struct eddy_loop *loop = task->future.loop;

    if (eager && eddy__thread_state()->running == loop) {
        task_step(task);
        return;
    }
    eddy__loop_take_earlier_posts(loop);
    eddy__loop_enqueue(loop, &task->frame->ready);
}

/** Why no task can be made; 0 if one can. `*wrong_thread`: not even a failed future can. */
static int task_check(struct eddy_loop *loop, eddy_function function, bool *wrong_thread)
{
    if (loop == NULL || function == NULL)
        return eddy_error(EDDY_EINVALID, loop == NULL ? "no loop" : "no function");
    /* LOOP-33 (a) */
    *wrong_thread = loop->debug && atomic_load(&loop->running) &&
                    atomic_load(&loop->thread) != eddy__thread_self();
    if (*wrong_thread)
        return eddy_error(EDDY_EBADSTATE, "the loop runs in another thread: use "
                                          "eddy_run_coroutine_threadsafe()");
    return eddy__loop_check_open(loop);
}

eddy_future *eddy__task_new(struct eddy_loop *loop, eddy_function function, void *arg,
                            const eddy_task_options *options, void *caller)
{
    bool wrong_thread = false;
    int error = task_check(loop, function, &wrong_thread);
    struct eddy__task *task = NULL;

    if (error == 0)
        error = task_create(loop, function, arg, options, &task);
    if (error) {
        eddy_future *failed = eddy__future_failed(wrong_thread ? NULL : loop, error);

        if (options != NULL && options->release != NULL)
            options->release(arg);
        return failed;
    }
    task->future.created_at = loop->debug ? caller : NULL;
    task_start(task, options != NULL && options->eager_start);
    return &task->future;
}

eddy_future *eddy_task_new(eddy_loop *loop, eddy_function function, void *arg,
                           const eddy_task_options *options)
{
    return eddy__task_new(loop, function, arg, options, EDDY__CALLER());
}

void eddy__tasks_cancel(struct eddy_loop *loop, struct eddy__reaper *reaper)
{
    for (struct eddy__list *node = loop->tasks.next; node != &loop->tasks; node = node->next) {
        struct eddy__task *task = eddy__task_of_node(node);

        reaper->pending++;
        task->frame->reaper = reaper;
        eddy_future_cancel(&task->future, NULL);
    }
}

void eddy__tasks_forget_reaper(struct eddy_loop *loop)
{
    for (struct eddy__list *node = loop->tasks.next; node != &loop->tasks; node = node->next)
        eddy__task_of_node(node)->frame->reaper = NULL;
}

/** Take a task that cannot run any more out of everything that could touch its stack. */
static void task_abandon(struct eddy__task *task)
{
    struct eddy__task_frame *frame = task->frame;
    struct eddy_future *waiting_for = frame->waiting_for;

    eddy__future_unwatch(&frame->watch);
    eddy__timer_stop(&task->future.loop->timers, &frame->timer);
    eddy__loop_dequeue(&frame->ready);
    task_release(task);
    task_report(task, "task was destroyed while it was pending");
    eddy_future_unref(waiting_for);
    eddy_future_unref(&task->future);
}

void eddy__tasks_abandon(struct eddy_loop *loop)
{
    while (!eddy__list_is_empty(&loop->tasks))
        task_abandon(eddy__task_of_node(loop->tasks.next));
}
