/* SPDX-License-Identifier: MIT */
/** Reports of errors that nobody else hears of (ERR-1..ERR-4). */
#include "common/context.h"
#include "common/error.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/place.h"
#include "common/text.h"
#include <string.h>

/** "  key: value" on a line of its own. */
static void exception_line(struct eddy__text *text, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        eddy__text_add(text, "\n  %s: %s", key, value);
}

static void exception_object(struct eddy__text *text, const char *key, const void *object)
{
    if (object != NULL)
        eddy__text_add(text, "\n  %s: %p", key, (void *)(uintptr_t)object);
}

/** The creation place of the callback that runs now, if the report itself names none. */
static void exception_add_places(struct eddy__text *text, const eddy_loop *loop,
                                 const eddy_exception_context *context)
{
    char place[EDDY__PLACE_TEXT_SIZE];

    exception_line(text, "handle_traceback", context->handle_traceback);
    if (context->handle_traceback == NULL && context->source_traceback == NULL &&
        loop->current != NULL)
        exception_line(text, "handle_traceback",
                       eddy__place_text(loop->current->created_at, place));
}

static void exception_add_items(struct eddy__text *text, const eddy_exception_context *context)
{
    for (size_t i = 0; i < context->item_count; i++)
        exception_line(text, context->items[i].key, context->items[i].value);
}

void eddy_loop_default_exception_handler(eddy_loop *loop, const eddy_exception_context *context)
{
    struct eddy__text text = {0};
    const char *message = context->message;

    eddy__text_add(&text, "%s", message != NULL ? message : "unhandled error in event loop");
    /* The library's keys in alphabetical order (ERR-3), then the program's own. */
    exception_object(&text, "asyncgen", context->asyncgen);
    exception_object(&text, "future", context->future);
    if (context->handle != NULL)
        eddy__text_add(&text, "\n  handle: %p", context->handle->slot);
    exception_add_places(&text, loop, context);
    exception_object(&text, "protocol", context->protocol);
    if (context->socket != NULL)
        eddy__text_add(&text, "\n  socket: %lld", (long long)*context->socket);
    exception_line(&text, "source_traceback", context->source_traceback);
    if (context->task != NULL)
        eddy__text_add(&text, "\n  task: %s", eddy_task_get_name(context->task));
    exception_object(&text, "transport", context->transport);
    exception_add_items(&text, context);
    if (context->exception != 0)
        eddy__text_add(&text, "\n%s: %s", eddy_err_name(context->exception),
                       context->exception_text != NULL && context->exception_text[0] != '\0'
                           ? context->exception_text
                           : eddy_strerror(context->exception));
    eddy__log(EDDY_LOG_ERROR, "%s", text.text);
}

/** The context of what the report names: the handler runs in it (ERR-2). */
static eddy_context *exception_context_of(const eddy_exception_context *context)
{
    if (context->task != NULL)
        return eddy_task_get_context(context->task);
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

/** What eddy_error() last said, if it spoke of `code`; else NULL. */
static const char *exception_words(const struct eddy__error_record *record, int code)
{
    return code != 0 && record->code == code ? record->text : NULL;
}

void eddy_loop_call_exception_handler(eddy_loop *loop, const eddy_exception_context *context)
{
    struct eddy__error_record *record = eddy__thread_state()->error;
    eddy_exception_context copy = *context;
    eddy_exception_context again = {.message = "the exception handler failed", .task = copy.task};
    char text[sizeof record->text];
    char place[EDDY__PLACE_TEXT_SIZE];
    int error;

    if (copy.exception_text == NULL && exception_words(record, copy.exception) != NULL) {
        /* The handler may make calls that fail: keep the words of this error for it. */
        memcpy(text, record->text, sizeof text);
        copy.exception_text = text;
    }
    if (copy.handle != NULL && copy.handle_traceback == NULL && loop->current != NULL &&
        loop->current == copy.handle->slot)
        copy.handle_traceback = eddy__place_text(loop->current->created_at, place);
    if (loop->exception_handler == NULL) {
        eddy_loop_default_exception_handler(loop, &copy);
        return;
    }
    error = exception_call(loop, &copy);
    if (error >= 0)
        return;
    again.exception = error;
    again.exception_text = exception_words(eddy__thread_state()->error, error);
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
