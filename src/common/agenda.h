/* SPDX-License-Identifier: MIT */
/**
 * The agenda: what is ready to run in a loop, first in first out.
 *
 * A ring of cells, numbered for ever. A cell is either one call that call_soon() scheduled, or a
 * list of nodes that others own (events, watches, due timers, posts). So the commonest kind costs
 * three stores into warm memory and no linking: half the instructions of a list of all, where each
 * call was a node of its own. What owns its node is appended to the last cell as long as that is a
 * list, can be taken out at any time, and never fails to be appended:
 *
 *   A new list cell is begun after a call, or when a batch begins to run behind the last one. At
 *   the end of a batch that was broken off two neighbouring lists become one again. So at most two
 *   lists follow each call, and every call leaves two cells free when it enters.
 *
 * Calls are known to handles by their number, until the ring comes round to their cell again.
 */
#ifndef EDDY_COMMON_AGENDA_H
#define EDDY_COMMON_AGENDA_H

#include "common/backend.h"
#include <eddy/handle.h>

struct eddy__agenda_cell {
    eddy_callback callback; /**< NULL: a list; eddy__agenda_nothing: it ran or was cancelled */
    union {
        struct {
            void *arg;             /**< &eddy__agenda_cancelled: once it was cancelled */
            eddy_context *context; /**< a reference, or NULL */
        };
        struct eddy__list nodes; /**< of struct eddy__ready */
    };
};

struct eddy__agenda {
    struct eddy__agenda_cell *cells;
    void **places;       /**< debug mode: where each call was scheduled, by cell */
    uint64_t mask;       /**< number of cells - 1 */
    uint64_t head;       /**< number of the first one that has not run */
    uint64_t tail;       /**< number of the next one */
    uint64_t batch_end;  /**< cells before it belong to the batch that runs now */
    uint64_t room_end;   /**< below this number there is room for calls, without a look at head */
    uint64_t known_from; /**< numbers before it are forgotten */
    unsigned quiet;      /**< batches in a row that needed little of a large ring */
};

/** Cells that a call leaves free when it enters. */
#define EDDY__AGENDA_SPARE 2u

/** Does nothing: a call that was cancelled is run like any other, which spares each a question. */
int eddy__agenda_nothing(void *arg);

/** What stands in a cancelled call for its argument. */
extern char eddy__agenda_cancelled;

/** Make it empty. EDDY_ENOMEM, or 0. */
int eddy__agenda_init(struct eddy__agenda *agenda);

/** Free the memory; what is scheduled has been dropped. */
void eddy__agenda_fini(struct eddy__agenda *agenda);

/** Make room for at least one call. EDDY_ENOMEM: nothing has changed. */
int eddy__agenda_make_room(struct eddy__agenda *agenda);

static inline struct eddy__agenda_cell *eddy__agenda_cell(const struct eddy__agenda *agenda,
                                                          uint64_t number)
{
    return &agenda->cells[number & agenda->mask];
}

/** True if there is room for a call; if not, eddy__agenda_make_room() may find some. */
static inline bool eddy__agenda_has_room(const struct eddy__agenda *agenda)
{
    return agenda->tail < agenda->room_end;
}

/** Enter a call, for which there is room; takes the reference to `context`. */
static inline void eddy__agenda_add_call(struct eddy__agenda *agenda, eddy_callback callback,
                                         void *arg, eddy_context *context)
{
    struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, agenda->tail);

    cell->callback = callback;
    cell->arg = arg;
    cell->context = context;
    agenda->tail++;
}

/** Begin a list behind the last cell. Cannot fail. */
struct eddy__list *eddy__agenda_begin_list(struct eddy__agenda *agenda);

/** The list that runs behind everything entered so far: append to it at once. Cannot fail. */
static inline struct eddy__list *eddy__agenda_list(struct eddy__agenda *agenda)
{
    struct eddy__agenda_cell *last = eddy__agenda_cell(agenda, agenda->tail - 1);

    if (agenda->tail != agenda->head && agenda->tail != agenda->batch_end && last->callback == NULL)
        return &last->nodes;
    return eddy__agenda_begin_list(agenda);
}

/** Append a node that is in no list. Cannot fail. */
static inline void eddy__agenda_append(struct eddy__agenda *agenda, struct eddy__ready *ready)
{
    eddy__list_append(eddy__agenda_list(agenda), &ready->node);
}

/** As eddy__agenda_is_empty(), where the first cell does not tell. */
bool eddy__agenda_skip_dead(struct eddy__agenda *agenda);

/** Forget what is dead at the head; true if nothing is left. Not while a batch runs. */
static inline bool eddy__agenda_is_empty(struct eddy__agenda *agenda)
{
    const struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, agenda->head);

    if (agenda->head == agenda->tail)
        return true;
    if (cell->callback != NULL ? cell->callback != eddy__agenda_nothing
                               : !eddy__list_is_empty(&cell->nodes))
        return false;
    return eddy__agenda_skip_dead(agenda);
}

/** A ring of so many cells is worth being made smaller when it is not needed. */
#define EDDY__AGENDA_LARGE 2048u

/** As eddy__agenda_end_batch(), where something was left behind or the ring is large. */
void eddy__agenda_tidy(struct eddy__agenda *agenda);

/** A batch ends, with all of it run or broken off. */
static inline void eddy__agenda_end_batch(struct eddy__agenda *agenda)
{
    if (agenda->head != agenda->batch_end || agenda->mask >= EDDY__AGENDA_LARGE)
        eddy__agenda_tidy(agenda);
    agenda->batch_end = 0;
}

/** The cell of the call with this number, run or not; NULL if it is forgotten. */
struct eddy__agenda_cell *eddy__agenda_find(const struct eddy__agenda *agenda, uint64_t number);

/** The call in `cell` will not run. Releases its context; harmless after it ran. Cannot fail. */
void eddy__agenda_cancel(struct eddy__agenda_cell *cell);

/** Debug mode begins: of what is scheduled already nobody knows where that was. */
void eddy__agenda_forget_places(struct eddy__agenda *agenda);

/** For closing: cancel calls until a node is at the head, and take that out; NULL at the end. */
struct eddy__ready *eddy__agenda_shift(struct eddy__agenda *agenda);

#endif
