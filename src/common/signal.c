/* SPDX-License-Identifier: MIT */
#include "common/signal.h"
#include "common/context.h"
#include "common/error.h"
#include "common/loop.h"

/** One handler of a loop. */
struct signal_handler {
    struct eddy__list node;
    struct eddy__ready ready;
    struct eddy_loop *loop;
    eddy_callback callback;
    void *arg;
    eddy_context *context;
    int number;
};

void eddy__signal_note(struct eddy_loop *loop, int number)
{
    atomic_fetch_add(&loop->signals->noted[number], 1);
    atomic_store(&loop->signals->any, true);
    loop->backend->wake(loop);
}

static struct signal_handler *signal_find(const struct eddy_loop *loop, int number)
{
    struct eddy__list *list = loop->signals == NULL ? NULL : &loop->signals->handlers;

    for (struct eddy__list *node = list == NULL ? NULL : list->next; node != list;
         node = node->next) {
        struct signal_handler *handler = EDDY__OWNER(node, struct signal_handler, node);

        if (handler->number == number)
            return handler;
    }
    return NULL;
}

/** The callback, with the contract of every scheduled one (LOOP-42). */
static void signal_run(struct eddy__ready *ready)
{
    struct signal_handler *handler = EDDY__OWNER(ready, struct signal_handler, ready);
    struct eddy_loop *loop = handler->loop;
    eddy_context *outer = eddy__context_enter(loop->state, handler->context);
    int error = handler->callback(handler->arg); /* which may remove the handler */

    if (error < 0)
        eddy_loop_call_exception_handler(
            loop,
            &(eddy_exception_context){.message = "signal handler failed", .exception = error});
    eddy__context_leave(loop->state, outer);
}

void eddy__signals_dispatch(struct eddy_loop *loop)
{
    struct eddy__list *list = &loop->signals->handlers;

    atomic_store(&loop->signals->any, false); /* first: what comes meanwhile is looked at again */
    for (struct eddy__list *node = list->next; node != list; node = node->next) {
        struct signal_handler *handler = EDDY__OWNER(node, struct signal_handler, node);

        if (atomic_exchange(&loop->signals->noted[handler->number], 0) > 0)
            eddy__loop_enqueue(loop, &handler->ready);
    }
}

/** Make what the loop needs for its first handler. */
static int signal_prepare(struct eddy_loop *loop)
{
    struct eddy__signals *signals;

    if (loop->signals != NULL)
        return 0;
    signals = eddy__alloc_zeroed(sizeof *signals);
    if (signals == NULL)
        return eddy_error(EDDY_ENOMEM, "no memory for a signal handler");
    eddy__list_init(&signals->handlers);
    loop->signals = signals;
    return 0;
}

static void signal_set(struct signal_handler *handler, eddy_callback callback, void *arg)
{
    eddy_context *previous = handler->context;

    handler->callback = callback;
    handler->arg = arg;
    handler->context = eddy_context_ref(eddy_get_context());
    eddy_context_unref(previous);
}

static int signal_add(struct eddy_loop *loop, int number, eddy_callback callback, void *arg,
                      bool polite)
{
    struct signal_handler *handler;
    int error = signal_prepare(loop);

    if (error)
        return error;
    handler = signal_find(loop, number);
    if (handler != NULL) {
        /* It may have been taken over politely, so make sure of it. */
        error = eddy__signal_start(loop, number, polite);
        if (error == 0)
            signal_set(handler, callback, arg);
        return error;
    }
    handler = eddy__alloc_zeroed(sizeof *handler);
    if (handler == NULL)
        return eddy_error(EDDY_ENOMEM, "no memory for a signal handler");
    error = eddy__signal_start(loop, number, polite);
    if (error) {
        eddy__free(handler); /* SIG-5: nothing stays behind */
        return error;
    }
    handler->loop = loop;
    handler->number = number;
    handler->ready.run = signal_run;
    signal_set(handler, callback, arg);
    atomic_store(&loop->signals->noted[number], 0);
    eddy__list_append(&loop->signals->handlers, &handler->node);
    return 0;
}

/** Take a handler out. It may be running just now. */
static void signal_remove(struct signal_handler *handler)
{
    eddy__signal_stop(handler->loop, handler->number);
    eddy__list_remove(&handler->node);
    eddy__loop_dequeue(&handler->ready);
    eddy_context_unref(handler->context);
    eddy__free(handler);
}

int eddy_loop_add_signal_handler(eddy_loop *loop, int number, eddy_callback callback, void *arg)
{
    int error;

    if (loop == NULL || callback == NULL)
        return eddy_error(EDDY_EINVALID, loop == NULL ? "no loop" : "no callback");
    if ((error = eddy__signal_check(number)) || (error = eddy__loop_check_open(loop)))
        return error;
    return signal_add(loop, number, callback, arg, false);
}

int eddy_loop_remove_signal_handler(eddy_loop *loop, int number)
{
    struct signal_handler *handler;
    int error;

    if (loop == NULL)
        return eddy_error(EDDY_EINVALID, "no loop");
    error = eddy__signal_check(number);
    if (error)
        return error;
    handler = signal_find(loop, number);
    if (handler == NULL)
        return 0;
    signal_remove(handler);
    return 1;
}

int eddy__signal_add_polite(struct eddy_loop *loop, int number, eddy_callback callback, void *arg)
{
    return signal_add(loop, number, callback, arg, true);
}

void eddy__signal_remove_polite(struct eddy_loop *loop, int number, eddy_callback callback)
{
    struct signal_handler *handler = signal_find(loop, number);

    if (handler != NULL && handler->callback == callback)
        signal_remove(handler);
}

void eddy__signals_close(struct eddy_loop *loop)
{
    struct eddy__signals *signals = loop->signals;

    if (signals == NULL)
        return;
    while (!eddy__list_is_empty(&signals->handlers))
        signal_remove(EDDY__OWNER(signals->handlers.next, struct signal_handler, node));
    loop->signals = NULL;
    eddy__free(signals);
}
