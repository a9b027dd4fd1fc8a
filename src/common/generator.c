/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous generators (AGEN-1..AGEN-4).
 *
 * Design note. A generator is a coroutine that whichever task advances it switches to directly;
 * while its body runs it is the top of that task, so that an await in it suspends the task.
 *
 *     NEW ──advance──► RUNNING ◄──yield / advance──► SUSPENDED
 *      │                  │ body returns                 │ loop closes
 *      └────────close─────┴──────────► FINISHED ◄────────┘
 *
 * Who may touch what: everything belongs to the loop's thread, from the first advance on, except
 * the reference count. The last reference may be dropped anywhere; that thread reads the state,
 * which nobody changes any more without a reference (the closing loop excepted, hence atomic), and
 * posts. The loop knows its generators weakly: `holds` keeps the memory, not the generator; one
 * hold stands for all references, one for being registered, one for a post on its way.
 */
#include "common/generator.h"
#include "common/log.h"
#include "common/task.h"

void eddy__generator_drop_hold(struct eddy_generator *generator)
{
    if (atomic_fetch_sub_explicit(&generator->holds, 1, memory_order_acq_rel) != 1)
        return;
    eddy_loop_unref(generator->loop);
    eddy__free(generator);
}

/** The body will not run any more: give its argument back. */
static void generator_release_arg(struct eddy_generator *generator)
{
    eddy_release release = generator->release;

    generator->release = NULL;
    if (release != NULL)
        release(generator->arg);
}

int eddy_generator_new(eddy_function function, void *arg, const eddy_task_options *options,
                       eddy_generator **generator)
{
    struct eddy_generator *made;

    if (function == NULL)
        return eddy_error(EDDY_EINVALID, "no function");
    made = eddy__alloc_zeroed(sizeof *made);
    if (made == NULL)
        return eddy_error(EDDY_ENOMEM, "no memory for a generator");
    atomic_init(&made->references, 1);
    atomic_init(&made->holds, 1);
    atomic_init(&made->state, EDDY__GENERATOR_NEW);
    made->function = function;
    made->arg = arg;
    if (options != NULL) {
        made->release = options->release;
        made->stack_size = options->stack_size;
    }
    *generator = made;
    return 0;
}

/** Back from the body to who advanced it. */
static struct eddy__coroutine *generator_leave(struct eddy_generator *generator,
                                               struct eddy__task *task)
{
    task->frame->generator = generator->outer;
    task->frame->top = generator->returns_to;
    return generator->returns_to;
}

static void generator_main(void *arg)
{
    struct eddy_generator *generator = arg;
    eddy_value value = {0};

    generator->error = generator->function(generator->arg, &value);
    generator->yielded = false;
    /* The task that advances it now need not be the one that did so first. */
    eddy__coroutine_exit_to(&generator->coroutine,
                            generator_leave(generator, eddy__task_current()));
}

/** AGEN-1: the first advance gives it a stack and makes the loop know it. */
static int generator_start(struct eddy_generator *generator, struct eddy_loop *loop)
{
    int error = eddy__stack_pool_acquire(&loop->stacks, generator->stack_size, &generator->stack);

    if (error)
        return error;
    error =
        eddy__coroutine_init(&generator->coroutine, &generator->stack, generator_main, generator);
    if (error) {
        eddy__stack_pool_release(&loop->stacks, &generator->stack);
        return error;
    }
    generator->loop = eddy_loop_ref(loop);
    atomic_fetch_add_explicit(&generator->holds, 1, memory_order_relaxed);
    eddy__list_append(&loop->generators, &generator->node);
    eddy__generator_set_state(generator, EDDY__GENERATOR_SUSPENDED);
    if (loop->generators_shut_down)
        eddy__log(EDDY_LOG_WARNING,
                  "generator %p was first advanced after the generators were shut down",
                  (void *)generator);
    return 0;
}

void eddy__generator_finish(struct eddy_generator *generator)
{
    bool registered = eddy__list_is_linked(&generator->node);

    eddy__generator_set_state(generator, EDDY__GENERATOR_FINISHED);
    if (registered) {
        eddy__coroutine_fini(&generator->coroutine);
        eddy__stack_pool_release(&generator->loop->stacks, &generator->stack);
        eddy__list_remove(&generator->node);
    }
    generator_release_arg(generator);
    if (registered)
        eddy__generator_drop_hold(generator);
}

/** Switch to the body; true if it came back by a yield, false if it ended. */
static bool generator_resume(struct eddy_generator *generator, struct eddy__task *task)
{
    eddy__generator_set_state(generator, EDDY__GENERATOR_RUNNING);
    generator->returns_to = task->frame->top;
    generator->outer = task->frame->generator;
    task->frame->generator = generator;
    task->frame->top = &generator->coroutine;
    eddy__coroutine_switch(generator->returns_to, &generator->coroutine);
    if (generator->yielded) {
        eddy__generator_set_state(generator, EDDY__GENERATOR_SUSPENDED);
        return true;
    }
    eddy__generator_finish(generator);
    return false;
}

/** The current task, if the generator can be advanced by it; else NULL with an error text. */
static struct eddy__task *generator_task(struct eddy_generator *generator)
{
    struct eddy__task *task = eddy__task_current();

    if (task == NULL) {
        eddy_error(EDDY_EBADSTATE, "generators are advanced by tasks only");
        return NULL;
    }
    if (eddy__generator_get_state(generator) == EDDY__GENERATOR_RUNNING) {
        eddy_error(EDDY_EBADSTATE, "the generator is being advanced already");
        return NULL;
    }
    if (generator->loop != NULL && generator->loop != task->future.loop) {
        eddy_error(EDDY_EBADSTATE, "the generator belongs to another loop");
        return NULL;
    }
    return task;
}

static int generator_advance(struct eddy_generator *generator, struct eddy__task *task,
                             eddy_value *value)
{
    int error = 0;

    if (eddy__generator_get_state(generator) == EDDY__GENERATOR_NEW)
        error = generator_start(generator, task->future.loop);
    if (error)
        return error;
    if (eddy__generator_get_state(generator) == EDDY__GENERATOR_FINISHED)
        return eddy_error(EDDY_EEXHAUSTED, "the generator has ended");
    if (!generator_resume(generator, task))
        return generator->error < 0 ? generator->error
                                    : eddy_error(EDDY_EEXHAUSTED, "the generator has ended");
    if (value != NULL)
        *value = generator->value;
    return 0;
}

int eddy_generator_next(eddy_generator *generator, eddy_value *value)
{
    struct eddy__task *task = generator_task(generator);
    int error;

    if (task == NULL)
        return EDDY_EBADSTATE;
    /* The body may drop the last reference of everybody else. */
    eddy_generator_ref(generator);
    error = generator_advance(generator, task, value);
    eddy_generator_unref(generator);
    return error;
}

int eddy_yield(eddy_value value)
{
    struct eddy__task *task = eddy__task_current();
    struct eddy_generator *generator = task != NULL ? task->frame->generator : NULL;

    if (generator == NULL)
        return eddy_error(EDDY_EBADSTATE, "yielding is for generators only");
    if (generator->closing)
        return eddy_error(EDDY_EBADSTATE, "the generator is being closed");
    generator->value = value;
    generator->yielded = true;
    eddy__coroutine_switch(&generator->coroutine, generator_leave(generator, task));
    if (generator->closing)
        return eddy_error(EDDY_ECANCELED, "the generator is being closed");
    return 0;
}

int eddy_generator_close(eddy_generator *generator)
{
    struct eddy__task *task = generator_task(generator);
    int error = 0;

    if (task == NULL)
        return EDDY_EBADSTATE;
    eddy_generator_ref(generator);
    if (eddy__generator_get_state(generator) == EDDY__GENERATOR_NEW) {
        eddy__generator_finish(generator);
    } else if (eddy__generator_get_state(generator) == EDDY__GENERATOR_SUSPENDED) {
        generator->closing = true;
        if (!generator_resume(generator, task) && generator->error < 0 &&
            generator->error != EDDY_ECANCELED)
            error = generator->error;
    }
    eddy_generator_unref(generator);
    return error;
}

eddy_generator *eddy_generator_ref(eddy_generator *generator)
{
    if (generator != NULL)
        atomic_fetch_add_explicit(&generator->references, 1, memory_order_relaxed);
    return generator;
}

void eddy_generator_unref(eddy_generator *generator)
{
    if (generator == NULL ||
        atomic_fetch_sub_explicit(&generator->references, 1, memory_order_acq_rel) != 1)
        return;
    if (eddy__generator_get_state(generator) == EDDY__GENERATOR_NEW)
        eddy__generator_finish(generator);
    if (eddy__generator_get_state(generator) == EDDY__GENERATOR_FINISHED)
        eddy__generator_drop_hold(generator);
    else
        eddy__generator_dropped(generator);
}
