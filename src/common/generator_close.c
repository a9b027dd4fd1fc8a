/* SPDX-License-Identifier: MIT */
/*
 * Generators that end before their time: dropped (AGEN-2), shut down (AGEN-3), or left behind by a
 * closing loop. Those of an open loop are closed by a task each, which holds a reference; the
 * references may be none when shutting down finds a generator whose post has not arrived yet: it
 * is then adopted, and the post only drops its hold.
 */
#include "common/future.h"
#include "common/generator.h"
#include "common/place.h"
#include "common/task.h"

/** The future of eddy_loop_shutdown_asyncgens(). */
struct shutdown_operation {
    struct eddy_future future;
    size_t pending; /**< generators, and one while they are being counted */
    int error;
};

static const struct eddy__future_kind shutdown_kind = {.name = "shutdown of generators"};

/** One generator less; drops the reference that it held. */
static void shutdown_count_down(struct eddy_future *future)
{
    struct shutdown_operation *operation = EDDY__OWNER(future, struct shutdown_operation, future);

    if (--operation->pending == 0 && future->state == EDDY__PENDING) {
        if (operation->error)
            eddy__future_finish_failed(future, operation->error);
        else
            eddy__future_finish(future, (eddy_value){0});
    }
    eddy_future_unref(future);
}

/** Where a task that cleans up starts. */
static int clean_run(void *arg, eddy_value *result)
{
    struct eddy_generator *generator = arg;
    int error = eddy_generator_close(generator);

    (void)result;
    if (error < 0)
        eddy_loop_call_exception_handler(generator->loop,
                                         &(eddy_exception_context){
                                             .message = "closing a generator failed",
                                             .exception = error,
                                             .exception_text = eddy__error_text_of(error),
                                             .asyncgen = generator,
                                         });
    return 0;
}

/** Whether it ran, was cancelled before it started, or was never made. */
static void clean_release(void *arg)
{
    struct eddy_generator *generator = arg;
    struct eddy_future *shutdown = generator->shutdown;

    generator->shutdown = NULL;
    eddy_generator_unref(generator);
    if (shutdown != NULL)
        shutdown_count_down(shutdown);
}

/**
 * Start the task that closes `generator`, of which the caller has a reference. 0, or the error:
 * then nothing runs, and the loop frees it in the end. Takes the reference.
 */
static int clean_start(struct eddy_generator *generator)
{
    eddy_future *task;
    int error = 0;

    eddy_generator_ref(generator); /* the task's */
    task = eddy_task_new(generator->loop, clean_run, generator,
                         &(eddy_task_options){.release = clean_release});
    if (eddy_future_done(task))
        error = eddy_future_exception(task);
    eddy_future_unref(task);
    if (error == 0)
        eddy_generator_unref(generator);
    else if (atomic_fetch_sub_explicit(&generator->references, 1, memory_order_acq_rel) == 1)
        eddy__generator_drop_hold(
            generator); /* without another attempt, which would go on for ever */
    return error;
}

/** The post has arrived on the loop's thread. */
static void dropped_on_ready(struct eddy__ready *ready)
{
    struct eddy__post *post = EDDY__OWNER(ready, struct eddy__post, ready);
    struct eddy_generator *generator = EDDY__OWNER(post, struct eddy_generator, post);
    int error;

    if (atomic_exchange(&generator->adopted, false) ||
        eddy__generator_get_state(generator) == EDDY__GENERATOR_FINISHED) {
        eddy__generator_drop_hold(generator);
        return;
    }
    /* The hold of the post stands for the reference from here on. */
    atomic_store(&generator->references, 1);
    error = clean_start(generator);
    if (error)
        eddy_loop_call_exception_handler(eddy_get_running_loop(),
                                         &(eddy_exception_context){
                                             .message = "a dropped generator was not closed",
                                             .exception = error,
                                             .exception_text = eddy__error_text_of(error),
                                         });
}

static void dropped_on_close(struct eddy__post *post)
{
    eddy__generator_drop_hold(EDDY__OWNER(post, struct eddy_generator, post));
}

void eddy__generator_dropped(struct eddy_generator *generator)
{
    /* An earlier post is still on its way: it serves for this drop, too. */
    if (atomic_exchange(&generator->adopted, false)) {
        eddy__generator_drop_hold(generator);
        return;
    }
    generator->post.ready.run = dropped_on_ready;
    generator->post.drop = dropped_on_close;
    /* On a closed loop nothing is cleaned up. */
    if (eddy__loop_post(generator->loop, &generator->post) != 0)
        eddy__generator_drop_hold(generator);
}

/** Get a reference to a generator that is known only weakly. */
static void shutdown_adopt(struct eddy_generator *generator)
{
    unsigned count = atomic_load(&generator->references);

    while (count > 0) {
        if (atomic_compare_exchange_weak(&generator->references, &count, count + 1))
            return;
    }
    atomic_fetch_add(&generator->holds, 1);
    atomic_store(&generator->adopted, true);
    atomic_store(&generator->references, 1);
}

/** Have one generator closed, and counted by `operation`. */
static void shutdown_add(struct shutdown_operation *operation, struct eddy_generator *generator)
{
    int error;

    operation->pending++;
    shutdown_adopt(generator);
    generator->shutdown = eddy_future_ref(&operation->future);
    error = clean_start(generator);
    if (error)
        operation->error = error;
}

eddy_future *eddy_loop_shutdown_asyncgens(eddy_loop *loop)
{
    int error = loop != NULL ? eddy__loop_check_open(loop) : eddy_error(EDDY_EINVALID, "no loop");
    struct shutdown_operation *operation;
    struct eddy_future *future;
    struct eddy__list *node;
    struct eddy__list *next;

    if (error)
        return eddy__future_failed(loop, error);
    loop->generators_shut_down = true;
    future = eddy__future_new(loop, sizeof *operation, &shutdown_kind);
    if (future == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    future->created_at = loop->debug ? EDDY__CALLER() : NULL;
    operation = EDDY__OWNER(future, struct shutdown_operation, future);
    operation->pending = 1;
    for (node = loop->generators.next; node != &loop->generators; node = next) {
        struct eddy_generator *generator = EDDY__OWNER(node, struct eddy_generator, node);

        next = node->next;
        if (generator->shutdown == NULL && !generator->closing)
            shutdown_add(operation, generator);
    }
    shutdown_count_down(eddy_future_ref(future));
    return future;
}

void eddy__generators_abandon(struct eddy_loop *loop)
{
    while (!eddy__list_is_empty(&loop->generators)) {
        struct eddy_generator *generator =
            EDDY__OWNER(loop->generators.next, struct eddy_generator, node);
        bool running = eddy__generator_get_state(generator) == EDDY__GENERATOR_RUNNING;

        eddy__generator_finish(generator);
        /* The call that advances it never returns, and so cannot drop its reference. */
        if (running)
            eddy_generator_unref(generator);
    }
}
