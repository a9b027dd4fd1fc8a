/* SPDX-License-Identifier: MIT */
#include "common/soon.h"
#include "common/context.h"
#include "common/error.h"
#include "common/place.h"
#include "common/schedule.h"

static int soon_add(struct eddy_loop *loop, eddy_callback callback, void *arg,
                    eddy_context *context, void *caller, eddy_handle *handle)
{
    struct eddy__agenda *agenda = &loop->agenda;
    uint64_t number = eddy__agenda_tail(agenda);
    int error = eddy__agenda_add(agenda, callback, arg, context, loop->debug ? caller : NULL);

    if (error)
        return error;
    eddy__context_ref(context);
    if (handle != NULL)
        *handle = eddy__soon_handle(loop, number);
    return 0;
}

int eddy__soon_schedule(struct eddy_loop *loop, eddy_callback callback, void *arg, void *caller,
                        eddy_handle *handle)
{
    int error = eddy__schedule_check(loop, callback);

    return error ? error
                 : soon_add(loop, callback, arg, eddy__schedule_context(loop), caller, handle);
}

int eddy_loop_call_soon_in_context(eddy_loop *loop, eddy_callback callback, void *arg,
                                   eddy_context *context, eddy_handle *handle)
{
    int error = eddy__schedule_check(loop, callback);

    return error ? error : soon_add(loop, callback, arg, context, EDDY__CALLER(), handle);
}

void eddy__soon_report(struct eddy_loop *loop, int error)
{
    eddy_handle handle = eddy__soon_handle(loop, eddy__agenda_head(&loop->agenda) - 1);
    void *place = loop->current_place;
    char text[EDDY__PLACE_TEXT_SIZE];

    eddy_loop_call_exception_handler(loop, &(eddy_exception_context){
                                               .message = "callback failed",
                                               .exception = error,
                                               .handle = &handle,
                                               .handle_traceback = eddy__place_text(place, text),
                                           });
}

static void soon_call(struct eddy_loop *loop, eddy_callback callback, void *arg,
                      eddy_context *context, void *place)
{
    struct eddy__thread_state *state = loop->state;
    eddy_context *outer = eddy__context_enter(state, context);
    int error;

    loop->current_place = loop->debug ? place : NULL;
    error = eddy__loop_call(loop, callback, arg);
    if (error < 0)
        eddy__soon_report(loop, error);
    loop->current_place = NULL;
    eddy__context_leave(state, outer);
}

int eddy__agenda_run_with_care(void *arg)
{
    struct eddy__agenda *agenda = arg;
    struct eddy_loop *loop = EDDY__OWNER(agenda, struct eddy_loop, agenda);
    uint64_t number = eddy__agenda_head(agenda) - 1;
    struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, number);
    union eddy__agenda_extra *extra = eddy__agenda_extra(agenda, cell);
    eddy_context *context = extra->call.context;

    soon_call(loop, extra->call.callback, extra->call.arg, context, extra->call.place);
    if (context == NULL)
        return 0;
    cell = eddy__agenda_find(agenda, number); /* the ring may have moved, or gone round */
    if (cell != NULL)
        eddy__agenda_extra(agenda, cell)->call.context = NULL;
    eddy_context_unref(context);
    return 0;
}

void eddy__soon_run_with_care(struct eddy_loop *loop)
{
    struct eddy__agenda_cell cell = *loop->agenda.head++;

    if (cell.callback == eddy__agenda_run_with_care)
        cell.callback(&loop->agenda);
    else
        soon_call(loop, cell.callback, cell.arg, NULL, NULL);
}

void eddy__soon_cancel(eddy_handle handle)
{
    eddy__agenda_cancel(&handle.loop->agenda, handle.generation);
}

eddy_handle_state eddy__soon_get_state(eddy_handle handle)
{
    const struct eddy__agenda *agenda = &handle.loop->agenda;
    const struct eddy__agenda_cell *cell = eddy__agenda_find(agenda, handle.generation);

    if (cell == NULL)
        return EDDY_HANDLE_GONE;
    if (cell->arg == &eddy__agenda_cancelled)
        return EDDY_HANDLE_CANCELLED;
    return handle.generation < eddy__agenda_head(agenda) ? EDDY_HANDLE_DONE : EDDY_HANDLE_SCHEDULED;
}

eddy_context *eddy__soon_get_context(eddy_handle handle)
{
    const struct eddy__agenda *agenda = &handle.loop->agenda;
    const struct eddy__agenda_cell *cell = eddy__agenda_find(agenda, handle.generation);

    if (cell == NULL || cell->callback != eddy__agenda_run_with_care)
        return NULL;
    return eddy__agenda_extra(agenda, cell)->call.context;
}
