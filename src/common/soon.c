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

    if (!eddy__agenda_has_room(agenda)) {
        int error = eddy__agenda_make_room(agenda);

        if (error)
            return error;
    }
    agenda->places[agenda->tail & agenda->mask] = loop->debug ? caller : NULL;
    if (handle != NULL)
        *handle = eddy__soon_handle(loop, agenda->tail);
    eddy__agenda_add_call(agenda, callback, arg, eddy__context_ref(context));
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

void eddy__soon_report(struct eddy_loop *loop, uint64_t number, int error)
{
    eddy_handle handle = eddy__soon_handle(loop, number);
    void *place = loop->current_place;
    char text[EDDY__PLACE_TEXT_SIZE];

    eddy_loop_call_exception_handler(loop, &(eddy_exception_context){
                                               .message = "callback failed",
                                               .exception = error,
                                               .handle = &handle,
                                               .handle_traceback = eddy__place_text(place, text),
                                           });
}

void eddy__soon_run_with_care(struct eddy_loop *loop, eddy_callback callback, void *arg)
{
    struct eddy__agenda *agenda = &loop->agenda;
    struct eddy__thread_state *state = loop->state;
    uint64_t number = agenda->head - 1;
    struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, number);
    eddy_context *context = cell->context;
    eddy_context *outer = eddy__context_enter(state, context);
    int error;

    loop->current_place = loop->debug ? agenda->places[number & agenda->mask] : NULL;
    error = eddy__loop_call(loop, callback, arg);
    if (error < 0)
        eddy__soon_report(loop, number, error);
    loop->current_place = NULL;
    eddy__context_leave(state, outer);
    if (context == NULL)
        return;
    cell = eddy__agenda_find(agenda, number); /* the ring may have moved, or gone round */
    if (cell != NULL)
        cell->context = NULL;
    eddy_context_unref(context);
}

void eddy__soon_cancel(eddy_handle handle)
{
    struct eddy__agenda_cell *cell = eddy__agenda_find(&handle.loop->agenda, handle.generation);

    if (cell != NULL)
        eddy__agenda_cancel(cell);
}

eddy_handle_state eddy__soon_get_state(eddy_handle handle)
{
    const struct eddy__agenda_cell *cell =
        eddy__agenda_find(&handle.loop->agenda, handle.generation);

    if (cell == NULL)
        return EDDY_HANDLE_GONE;
    if (cell->callback != eddy__agenda_nothing)
        return EDDY_HANDLE_SCHEDULED;
    return cell->arg == &eddy__agenda_cancelled ? EDDY_HANDLE_CANCELLED : EDDY_HANDLE_DONE;
}

eddy_context *eddy__soon_get_context(eddy_handle handle)
{
    const struct eddy__agenda_cell *cell =
        eddy__agenda_find(&handle.loop->agenda, handle.generation);

    return cell != NULL ? cell->context : NULL;
}
