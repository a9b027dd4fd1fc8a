/* SPDX-License-Identifier: MIT */
/** Reports of errors that nobody else hears of (ERR-1..ERR-4). */
#include "common/context.h"
#include "common/due.h"
#include "common/error.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/place.h"
#include "common/text.h"
#include <stdio.h>
#include <string.h>

/** A record in the making: the program's keys are woven in among the library's (ERR-3). */
struct exception_record {
    struct eddy__text text;
    const eddy_exception_context *context;
    const eddy_exception_item *last; /**< of the program's, the one added last; or NULL */
};

/** True if `a` stands before `b`: by key, and equal keys as the program gave them. */
static bool exception_item_before(const eddy_exception_item *a, const eddy_exception_item *b)
{
    int order = strcmp(a->key, b->key);

    return order != 0 ? order < 0 : a < b;
}

/** The program's next key, or NULL. Linear: there is a handful, and nothing may be allocated. */
static const eddy_exception_item *exception_next_item(const struct exception_record *record)
{
    const eddy_exception_item *next = NULL;

    for (size_t i = 0; i < record->context->item_count; i++) {
        const eddy_exception_item *item = &record->context->items[i];

        if (item->key == NULL ||
            (record->last != NULL && !exception_item_before(record->last, item)))
            continue;
        if (next == NULL || exception_item_before(item, next))
            next = item;
    }
    return next;
}

/** "  key: value" on a line of its own. */
static void exception_add(struct exception_record *record, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        eddy__text_add(&record->text, "\n  %s: %s", key, value);
}

/** Add the program's keys that stand before `key`; NULL: all that are left. */
static void exception_items_before(struct exception_record *record, const char *key)
{
    const eddy_exception_item *item;

    while ((item = exception_next_item(record)) != NULL &&
           (key == NULL || strcmp(item->key, key) < 0)) {
        exception_add(record, item->key, item->value);
        record->last = item;
    }
}

static void exception_line(struct exception_record *record, const char *key, const char *value)
{
    exception_items_before(record, key);
    exception_add(record, key, value);
}

static void exception_object(struct exception_record *record, const char *key, const void *object)
{
    char text[32];

    snprintf(text, sizeof text, "%p", (void *)(uintptr_t)object);
    exception_line(record, key, object != NULL ? text : NULL);
}

/** A handle by its number, which no other of its kind has. */
static void exception_handle(struct exception_record *record, const eddy_handle *handle)
{
    char text[32];

    if (handle != NULL)
        snprintf(text, sizeof text, "number %llu", (unsigned long long)handle->generation);
    exception_line(record, "handle", handle != NULL ? text : NULL);
}

static void exception_socket(struct exception_record *record, const eddy_socket *socket)
{
    char text[32];

    if (socket != NULL)
        snprintf(text, sizeof text, "%lld", (long long)*socket);
    exception_line(record, "socket", socket != NULL ? text : NULL);
}

/** The place of the handle; else, if the report names none, of the callback that runs now. */
static void exception_place(struct exception_record *record, const eddy_loop *loop)
{
    const eddy_exception_context *context = record->context;
    const char *place = context->handle_traceback;
    char text[EDDY__PLACE_TEXT_SIZE];

    if (place == NULL && context->source_traceback == NULL)
        place = eddy__place_text(
            loop->current != 0 ? eddy__slot_place(loop, loop->current) : loop->current_place, text);
    exception_line(record, "handle_traceback", place);
}

/** All keys, in alphabetical order. */
static void exception_keys(struct exception_record *record, const eddy_loop *loop)
{
    const eddy_exception_context *context = record->context;

    exception_object(record, "asyncgen", context->asyncgen);
    exception_object(record, "future", context->future);
    exception_handle(record, context->handle);
    exception_place(record, loop);
    exception_object(record, "protocol", context->protocol);
    exception_socket(record, context->socket);
    exception_line(record, "source_traceback", context->source_traceback);
    exception_line(record, "task",
                   context->task != NULL ? eddy_task_get_name(context->task) : NULL);
    exception_object(record, "transport", context->transport);
    exception_items_before(record, NULL);
}

void eddy_loop_default_exception_handler(eddy_loop *loop, const eddy_exception_context *context)
{
    struct exception_record record = {.context = context};
    const char *message = context->message;

    eddy__text_add(&record.text, "%s", message != NULL ? message : "unhandled error in event loop");
    exception_keys(&record, loop);
    if (context->exception != 0)
        eddy__text_add(&record.text, "\n%s: %s", eddy_err_name(context->exception),
                       context->exception_text != NULL && context->exception_text[0] != '\0'
                           ? context->exception_text
                           : eddy_strerror(context->exception));
    eddy__log(EDDY_LOG_ERROR, "%s", record.text.text);
}

/** The context of what the report names: the handler runs in it (ERR-2). */
static eddy_context *exception_context_of(const eddy_exception_context *context)
{
    if (context->task != NULL)
        return eddy_task_get_context(context->task);
    if (context->future != NULL && eddy_future_is_task(context->future))
        return eddy_task_get_context(context->future); /* ERR-5 has a failed task there */
    if (context->handle != NULL)
        return eddy_handle_get_context(*context->handle);
    return eddy_get_context();
}

/** Call the program's handler in the right context. */
static int exception_call(eddy_loop *loop, const eddy_exception_context *context)
{
    struct eddy__thread_state *state = eddy__thread_state();
    eddy_context *outer = eddy__context_enter(state, exception_context_of(context));
    int error;

    error = loop->exception_handler(loop, context, loop->exception_handler_arg);
    eddy__context_leave(state, outer);
    return error;
}

void eddy_loop_call_exception_handler(eddy_loop *loop, const eddy_exception_context *context)
{
    eddy_exception_context copy = *context;
    eddy_exception_context again = {.message = "the exception handler failed", .task = copy.task};
    const char *said = copy.exception != 0 ? eddy__error_said(copy.exception) : NULL;
    char text[sizeof((struct eddy__error_record *)0)->text];
    char place[EDDY__PLACE_TEXT_SIZE];
    int error;

    if (copy.exception_text == NULL && said != NULL) {
        /* The handler may make calls that fail: keep the words of this error for it. */
        snprintf(text, sizeof text, "%s", said);
        copy.exception_text = text;
    }
    if (copy.handle != NULL && copy.handle_traceback == NULL && loop->current != 0 &&
        loop->current == eddy__slot_of_handle(&loop->timers.slots, copy.handle))
        copy.handle_traceback = eddy__place_text(eddy__slot_place(loop, loop->current), place);
    if (loop->exception_handler == NULL) {
        eddy_loop_default_exception_handler(loop, &copy);
        return;
    }
    error = exception_call(loop, &copy);
    if (error >= 0)
        return;
    again.exception = error;
    again.exception_text = eddy__error_said(error);
    eddy_loop_default_exception_handler(loop, &again);
    eddy_loop_default_exception_handler(loop, &copy);
}

void eddy_loop_set_exception_handler(eddy_loop *loop, eddy_exception_handler handler, void *arg)
{
    loop->exception_handler = handler;
    loop->exception_handler_arg = arg;
}

eddy_exception_handler eddy_loop_get_exception_handler(const eddy_loop *loop, void **arg)
{
    if (arg != NULL)
        *arg = loop->exception_handler_arg;
    return loop->exception_handler;
}
