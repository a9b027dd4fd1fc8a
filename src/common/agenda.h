/* SPDX-License-Identifier: MIT */
/**
 * The agenda: what is ready to run in a loop, first in first out.
 *
 * A ring of cells, numbered for ever. A cell is one call that call_soon() scheduled, of which it
 * has no more than callback and argument. What else there may be lies beside the cell, in its
 * extra: of a call to be run with care, where it was scheduled and in which context; or, if the
 * cell is no call, a list of nodes that others own (events, watches, due timers, posts). So the
 * commonest kind costs two stores into warm memory and no linking. What owns its node is appended
 * to the last cell as long as that is a list, can be taken out at any time, and never fails to be
 * appended:
 *
 *   A new list cell is begun after a call, or when a batch begins to run behind the last one. At
 *   the end of a batch that was broken off two neighbouring lists become one again. So at most two
 *   lists follow each call, and every call leaves two cells free when it enters.
 *
 * Head and tail are addresses, and beside each is one up to which there is nothing to look at: to
 * enter a call, or to run one, takes a single comparison with that. `room_end` is where the ring
 * ends or is full, and 0 while calls have to be looked at for any other reason; `run_end` is where
 * the ring or the batch ends, and 0 as soon as there is a reason to look before the next one.
 *
 * Calls are known to handles by their number, until the ring comes round to their cell again.
 */
#ifndef EDDY_COMMON_AGENDA_H
#define EDDY_COMMON_AGENDA_H

#include "common/backend.h"
#include <eddy/handle.h>

struct eddy__agenda_cell {
    /** NULL: a list; eddy__agenda_run_with_care: see the extra; _nothing: it was cancelled. */
    eddy_callback callback;
    /** The list; or &eddy__agenda_cancelled: of a call that was cancelled, also after it ran. */
    void *arg;
};

/** What lies beside a cell; of a plain call nothing. */
union eddy__agenda_extra {
    struct {
        eddy_callback callback;
        void *arg;
        eddy_context *context; /**< a reference, or NULL */
        void *place;           /**< debug mode: where it was scheduled; or NULL */
    } call;
    struct eddy__list nodes; /**< of struct eddy__ready */
};

struct eddy__agenda {
    struct eddy__agenda_cell *head;      /**< the first one that has not run */
    struct eddy__agenda_cell *tail;      /**< the next one; never the ring's first cell */
    uintptr_t room_end;                  /**< below it a plain call can enter without a look */
    uintptr_t run_end;                   /**< below it the next cell can be run without a look */
    struct eddy__agenda_cell *batch_end; /**< where the batch that runs now ends; as the tail */
    struct eddy__agenda_cell *open; /**< the tail, if nodes can join the list before it; or not */
    struct eddy__agenda_cell *cells;
    struct eddy__agenda_cell *cells_end;
    union eddy__agenda_extra *extras;
    uint64_t mask;       /**< number of cells - 1 */
    uint64_t head_lap;   /**< the number of the head, less its place in the ring */
    uint64_t tail_lap;   /**< the same of the tail */
    uint64_t known_from; /**< numbers before it are forgotten */
    unsigned quiet;      /**< batches in a row that needed little of a large ring */
    bool is_plain;       /**< calls may enter without a look: for `room_end` */
};

/** Cells that a call leaves free when it enters. */
#define EDDY__AGENDA_SPARE 2u

/** Does nothing: a call that was cancelled is run like any other, which spares each a question. */
int eddy__agenda_nothing(void *arg);

/**
 * Run the call before the head as its extra says, and report it if it fails: for the same reason
 * that is a callback, and its argument is the agenda. In soon.c, since only a loop runs calls.
 */
int eddy__agenda_run_with_care(void *agenda);

/** What stands in a cancelled call for its argument. */
extern char eddy__agenda_cancelled;

/** Make it empty. EDDY_ENOMEM, or 0. */
int eddy__agenda_init(struct eddy__agenda *agenda);

/** Free the memory; what is scheduled has been dropped. */
void eddy__agenda_fini(struct eddy__agenda *agenda);

static inline struct eddy__agenda_cell *eddy__agenda_cell(const struct eddy__agenda *agenda,
                                                          uint64_t number)
{
    return &agenda->cells[number & agenda->mask];
}

static inline union eddy__agenda_extra *eddy__agenda_extra(const struct eddy__agenda *agenda,
                                                           const struct eddy__agenda_cell *cell)
{
    return &agenda->extras[cell - agenda->cells];
}

/** The number of the head. */
static inline uint64_t eddy__agenda_head(const struct eddy__agenda *agenda)
{
    return agenda->head_lap + (uint64_t)(agenda->head - agenda->cells);
}

/** The number of the tail. */
static inline uint64_t eddy__agenda_tail(const struct eddy__agenda *agenda)
{
    return agenda->tail_lap + (uint64_t)(agenda->tail - agenda->cells);
}

/** Whether calls with nothing beside them may enter by eddy__agenda_add_plain() from now on. */
void eddy__agenda_set_plain(struct eddy__agenda *agenda, bool is_plain);

/** Enter a call with nothing beside it; false if that needs a look: nothing has changed then. */
static inline bool eddy__agenda_add_plain(struct eddy__agenda *agenda, eddy_callback callback,
                                          void *arg)
{
    struct eddy__agenda_cell *cell = agenda->tail;

    if ((uintptr_t)cell >= agenda->room_end)
        return false;
    cell->callback = callback;
    cell->arg = arg;
    agenda->tail = cell + 1;
    return true;
}

/** Enter any call. EDDY_ENOMEM: nothing has changed. Takes the reference to `context` if not. */
int eddy__agenda_add(struct eddy__agenda *agenda, eddy_callback callback, void *arg,
                     eddy_context *context, void *place);

/** Begin a list behind the last cell. Cannot fail. */
struct eddy__list *eddy__agenda_begin_list(struct eddy__agenda *agenda);

/** The list that runs behind everything entered so far: append to it at once. Cannot fail. */
static inline struct eddy__list *eddy__agenda_list(struct eddy__agenda *agenda)
{
    return agenda->open == agenda->tail ? agenda->tail[-1].arg : eddy__agenda_begin_list(agenda);
}

/** Append a node that is in no list. Cannot fail. */
static inline void eddy__agenda_append(struct eddy__agenda *agenda, struct eddy__ready *ready)
{
    eddy__list_append(eddy__agenda_list(agenda), &ready->node);
}

/** Have the head in front of a cell rather than at the ring's end; there is one. */
static inline void eddy__agenda_turn_head(struct eddy__agenda *agenda)
{
    if (agenda->head != agenda->cells_end)
        return;
    agenda->head = agenda->cells;
    agenda->head_lap += agenda->mask + 1;
}

/** The nodes at the head, which is a list. */
static inline struct eddy__list *eddy__agenda_head_nodes(const struct eddy__agenda *agenda)
{
    return agenda->head->arg;
}

/** As eddy__agenda_is_empty(), where the first cell does not tell. */
bool eddy__agenda_skip_dead(struct eddy__agenda *agenda);

/** True if the cell is a call, not cancelled, or a list of some nodes. */
static inline bool eddy__agenda_is_alive(const struct eddy__agenda_cell *cell)
{
    return cell->callback != NULL ? cell->callback != eddy__agenda_nothing
                                  : !eddy__list_is_empty(cell->arg);
}

/** Forget what is dead at the head; true if nothing is left. Not while a batch runs. */
static inline bool eddy__agenda_is_empty(struct eddy__agenda *agenda)
{
    if (agenda->head == agenda->tail)
        return true;
    eddy__agenda_turn_head(agenda);
    return eddy__agenda_is_alive(agenda->head) ? false : eddy__agenda_skip_dead(agenda);
}

/** A batch begins: all that is there now. What is appended from here on is not of it. */
static inline void eddy__agenda_begin_batch(struct eddy__agenda *agenda)
{
    agenda->batch_end = agenda->tail;
    agenda->open = NULL;
}

/** True if something of the batch is left; it is at the head then. */
static inline bool eddy__agenda_has_next(struct eddy__agenda *agenda)
{
    if (agenda->head == agenda->batch_end)
        return false;
    eddy__agenda_turn_head(agenda);
    return true;
}

/** The head is of the batch: let `run_end` be where that ends, or the ring. */
static inline void eddy__agenda_begin_run(struct eddy__agenda *agenda)
{
    agenda->run_end =
        (uintptr_t)(agenda->head < agenda->batch_end ? agenda->batch_end : agenda->cells_end);
}

/** Something has changed: look, before the next cell is run. */
static inline void eddy__agenda_interrupt(struct eddy__agenda *agenda)
{
    agenda->run_end = 0;
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
}

/** The cell of the call with this number, run or not; NULL if it is forgotten. */
struct eddy__agenda_cell *eddy__agenda_find(const struct eddy__agenda *agenda, uint64_t number);

/** The call with this number will not run; after it ran, or once forgotten, this is harmless. */
void eddy__agenda_cancel(struct eddy__agenda *agenda, uint64_t number);

/** For closing: cancel calls until a node is at the head, and take that out; NULL at the end. */
struct eddy__ready *eddy__agenda_shift(struct eddy__agenda *agenda);

#endif
