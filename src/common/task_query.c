/* SPDX-License-Identifier: MIT */
/** What can be asked of tasks, and who makes them (TASK-3, TASK-12..TASK-14). */
#include "common/place.h"
#include "common/task.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool eddy_future_is_task(const eddy_future *future)
{
    return future != NULL && future->kind == &eddy__task_kind;
}

/** The task, or NULL with an error text. */
static struct eddy__task *task_checked(const eddy_future *future)
{
    if (eddy_future_is_task(future))
        return eddy__task_of(future);
    eddy_error(EDDY_EINVALID, "the future is no task");
    return NULL;
}

/** `loop`, or the one that runs here; NULL, with an error text, if there is none. */
static struct eddy_loop *task_loop(struct eddy_loop *loop)
{
    return loop != NULL ? loop : eddy_get_running_loop();
}

eddy_future *eddy_current_task(eddy_loop *loop)
{
    loop = task_loop(loop);
    return loop != NULL && loop->current_task != NULL ? &loop->current_task->future : NULL;
}

size_t eddy_all_tasks(eddy_loop *loop, eddy_future **tasks, size_t max)
{
    size_t count = 0;

    loop = task_loop(loop);
    if (loop == NULL)
        return 0;
    for (struct eddy__list *node = loop->tasks.next; node != &loop->tasks; node = node->next) {
        struct eddy_future *future = &eddy__task_of_node(node)->future;

        if (future->state != EDDY__PENDING)
            continue;
        if (count < max)
            tasks[count] = eddy_future_ref(future);
        count++;
    }
    return count;
}

int eddy_task_cancelling(const eddy_future *future)
{
    const struct eddy__task *task = task_checked(future);

    return task != NULL ? task->cancel_requests : EDDY_EINVALID;
}

int eddy_task_uncancel(eddy_future *future)
{
    struct eddy__task *task = task_checked(future);

    if (task == NULL)
        return EDDY_EINVALID;
    if (task->cancel_requests > 0 && --task->cancel_requests == 0)
        task->must_cancel = false;
    return task->cancel_requests;
}

const char *eddy_task_get_name(const eddy_future *future)
{
    struct eddy__task *task = task_checked(future);

    if (task == NULL)
        return NULL;
    if (task->name != NULL)
        return task->name;
    /* Few names are ever asked for: the digits can wait until then. */
    if (task->own_name[0] == '\0')
        snprintf(task->own_name, sizeof task->own_name, "Task-%" PRIu64, task->number);
    return task->own_name;
}

int eddy_task_set_name(eddy_future *future, const char *name)
{
    struct eddy__task *task = task_checked(future);
    char *copy;

    if (task == NULL)
        return EDDY_EINVALID;
    if (name == NULL)
        return eddy_error(EDDY_EINVALID, "no name");
    copy = eddy__copy_text(name, strlen(name));
    if (copy == NULL)
        return eddy_error(EDDY_ENOMEM, "no memory for the name of a task");
    eddy__free(task->name);
    task->name = copy;
    return 0;
}

eddy_function eddy_task_get_coro(const eddy_future *future, void **arg)
{
    const struct eddy__task *task = task_checked(future);

    if (task == NULL)
        return NULL;
    if (arg != NULL)
        *arg = task->arg;
    return task->function;
}

eddy_context *eddy_task_get_context(const eddy_future *future)
{
    const struct eddy__task *task = task_checked(future);

    if (task == NULL)
        return NULL;
    /* While it runs, the thread has it. */
    if (task->future.loop->current_task == task)
        return task->future.loop->state->context;
    return task->context;
}

void eddy_loop_set_task_factory(eddy_loop *loop, eddy_task_factory factory, void *factory_arg)
{
    loop->task_factory = factory;
    loop->task_factory_arg = factory != NULL ? factory_arg : NULL;
}

eddy_task_factory eddy_loop_get_task_factory(const eddy_loop *loop, void **factory_arg)
{
    if (factory_arg != NULL)
        *factory_arg = loop->task_factory_arg;
    return loop->task_factory;
}

eddy_future *eddy_loop_create_task(eddy_loop *loop, eddy_function function, void *arg,
                                   const eddy_task_options *options)
{
    static const eddy_task_options defaults;
    eddy_future *made;

    /* What no factory could do anything with is refused in the same way as without one. */
    if (loop == NULL || function == NULL || loop->task_factory == NULL ||
        atomic_load(&loop->closed))
        return eddy__task_new(loop, function, arg, options, EDDY__CALLER());
    made = loop->task_factory(loop, function, arg, options != NULL ? options : &defaults,
                              loop->task_factory_arg);
    if (made != NULL)
        return made;
    return eddy__future_failed(
        loop, eddy_error(EDDY_EINVALID, "the task factory has not returned a future"));
}

int eddy_loop_spawn(eddy_loop *loop, eddy_function function, void *arg)
{
    eddy_future *task = eddy_loop_create_task(loop, function, arg, NULL);
    int error = 0;

    if (eddy_future_is_task(task))
        eddy__task_of(task)->spawned = true;
    else if (eddy_future_done(task))
        error = eddy_future_exception(task);
    eddy_future_unref(task);
    return error;
}
