/* SPDX-License-Identifier: MIT */
#include "common/agenda.h"
#include "common/context.h"
#include "common/memory.h"
#include <assert.h>
#include <eddy/error.h>

/** Cells from the start. */
enum { AGENDA_FIRST = 64 };

/** A large ring is halved after so many batches that did not need an eighth of it. */
enum { AGENDA_QUIET_MAX = 1024 };

char eddy__agenda_cancelled;

int eddy__agenda_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/*
 * Head and tail lie behind the cell before theirs, so that the same number is the same address,
 * whatever was moved. Only a head that is to be looked at is turned to the ring's first cell, and
 * there is a tail behind it then.
 */

/** Put the head before the cell with this number. */
static void agenda_put_head(struct eddy__agenda *agenda, uint64_t number)
{
    uint64_t place = ((number - 1) & agenda->mask) + 1;

    agenda->head = agenda->cells + place;
    agenda->head_lap = number - place;
}

static void agenda_put_tail(struct eddy__agenda *agenda, uint64_t number)
{
    uint64_t place = ((number - 1) & agenda->mask) + 1;

    agenda->tail = agenda->cells + place;
    agenda->tail_lap = number - place;
}

/** See how far plain calls may enter: not past the ring's end, and not before there is room. */
static void agenda_measure(struct eddy__agenda *agenda)
{
    uint64_t room_end = eddy__agenda_head(agenda) + agenda->mask + 1 - EDDY__AGENDA_SPARE;
    uint64_t tail = eddy__agenda_tail(agenda);
    uint64_t room = room_end > tail ? room_end - tail : 0;
    uint64_t here = (uint64_t)(agenda->cells_end - agenda->tail);

    agenda->room_end =
        agenda->is_plain ? (uintptr_t)(agenda->tail + (room < here ? room : here)) : 0;
}

void eddy__agenda_set_plain(struct eddy__agenda *agenda, bool is_plain)
{
    agenda->is_plain = is_plain;
    agenda_measure(agenda);
}

/** A list moved to `nodes`: it knows its head by address. */
static void agenda_settle(struct eddy__list *nodes, const struct eddy__list *from)
{
    if (eddy__list_is_empty(from)) {
        eddy__list_init(nodes);
    } else {
        *nodes = *from;
        nodes->next->previous = nodes;
        nodes->previous->next = nodes;
    }
}

/** Copy the cell with this number, and what lies beside it, to a ring of another size. */
static void agenda_move(struct eddy__agenda *to, const struct eddy__agenda *from, uint64_t number)
{
    const struct eddy__agenda_cell *cell = eddy__agenda_cell(from, number);
    struct eddy__agenda_cell *moved = eddy__agenda_cell(to, number);

    *moved = *cell;
    if (cell->callback == eddy__agenda_run_with_care)
        eddy__agenda_extra(to, moved)->call = eddy__agenda_extra(from, cell)->call;
    else if (cell->callback == NULL && number >= eddy__agenda_head(from)) {
        moved->arg = &eddy__agenda_extra(to, moved)->nodes;
        agenda_settle(moved->arg, cell->arg);
    }
}

/** Give it a ring of `count` empty cells, a power of two; what it had is not freed. */
static int agenda_get_cells(struct eddy__agenda *agenda, uint64_t count)
{
    const size_t cell_size = sizeof *agenda->cells + sizeof *agenda->extras;
    struct eddy__agenda_cell *cells;

    if (count > SIZE_MAX / cell_size)
        return EDDY_ENOMEM;
    cells = eddy__alloc_zeroed((size_t)count * cell_size);
    if (cells == NULL)
        return EDDY_ENOMEM;
    agenda->cells = cells;
    agenda->cells_end = cells + count;
    agenda->extras = (union eddy__agenda_extra *)(void *)(cells + count);
    agenda->mask = count - 1;
    return 0;
}

/** Move what is known to a ring of `count` cells. */
static int agenda_resize(struct eddy__agenda *agenda, uint64_t count)
{
    uint64_t head = eddy__agenda_head(agenda);
    uint64_t tail = eddy__agenda_tail(agenda);
    uint64_t batch_end = head + ((uint64_t)(agenda->batch_end - agenda->head) & agenda->mask);
    uint64_t known = tail - agenda->known_from;
    struct eddy__agenda made = *agenda;
    int error = agenda_get_cells(&made, count);

    if (error)
        return error;
    if (known > agenda->mask + 1)
        known = agenda->mask + 1;
    if (known > count)
        known = count;
    made.known_from = tail - known;
    for (uint64_t number = made.known_from; number != tail; number++)
        agenda_move(&made, agenda, number);
    agenda_put_tail(&made, batch_end);
    made.batch_end = made.tail;
    agenda_put_tail(&made, tail);
    agenda_put_head(&made, head);
    /* A list that runs is at the head; where the batch ends, or there is nothing, the head stays
     * behind the cell before it, as it is compared by address. */
    if (head != batch_end && head != tail)
        eddy__agenda_turn_head(&made);
    made.open = agenda->open == agenda->tail ? made.tail : NULL;
    agenda_measure(&made);
    eddy__agenda_interrupt(&made);
    eddy__free(agenda->cells);
    *agenda = made;
    return 0;
}

int eddy__agenda_init(struct eddy__agenda *agenda)
{
    int error;

    *agenda = (struct eddy__agenda){0};
    error = agenda_get_cells(agenda, AGENDA_FIRST);
    if (error)
        return error;
    agenda_put_head(agenda, 0);
    agenda_put_tail(agenda, 0);
    agenda->batch_end = agenda->tail;
    return 0;
}

void eddy__agenda_fini(struct eddy__agenda *agenda)
{
    eddy__free(agenda->cells);
    *agenda = (struct eddy__agenda){0};
}

/** Take the cell at the tail, in a ring that has one. */
static struct eddy__agenda_cell *agenda_push(struct eddy__agenda *agenda)
{
    struct eddy__agenda_cell *cell = agenda->tail;

    assert(eddy__agenda_tail(agenda) - eddy__agenda_head(agenda) <= agenda->mask);
    if (cell == agenda->cells_end) {
        cell = agenda->cells;
        agenda->tail_lap += agenda->mask + 1;
        agenda->room_end = 0; /* it was an address in the lap that ends here */
    }
    agenda->tail = cell + 1;
    return cell;
}

/** Room for at least one call. EDDY_ENOMEM: nothing has changed. */
static int agenda_make_room(struct eddy__agenda *agenda)
{
    uint64_t used = eddy__agenda_tail(agenda) - eddy__agenda_head(agenda);

    if (used < agenda->mask + 1 - EDDY__AGENDA_SPARE)
        return 0;
    agenda->quiet = 0;
    return agenda_resize(agenda, (agenda->mask + 1) * 2);
}

int eddy__agenda_add(struct eddy__agenda *agenda, eddy_callback callback, void *arg,
                     eddy_context *context, void *place)
{
    int error = agenda_make_room(agenda);
    struct eddy__agenda_cell *cell;

    if (error)
        return error;
    cell = agenda_push(agenda);
    *cell = (struct eddy__agenda_cell){callback, arg};
    if (context != NULL || place != NULL) {
        union eddy__agenda_extra *extra = eddy__agenda_extra(agenda, cell);

        extra->call.callback = callback;
        extra->call.arg = arg;
        extra->call.context = context;
        extra->call.place = place;
        *cell = (struct eddy__agenda_cell){eddy__agenda_run_with_care, agenda};
    }
    agenda_measure(agenda);
    return 0;
}

struct eddy__list *eddy__agenda_begin_list(struct eddy__agenda *agenda)
{
    struct eddy__agenda_cell *cell = agenda_push(agenda);

    struct eddy__list *nodes = &eddy__agenda_extra(agenda, cell)->nodes;

    *cell = (struct eddy__agenda_cell){NULL, nodes};
    eddy__list_init(nodes);
    agenda->open = agenda->tail;
    return nodes;
}

bool eddy__agenda_skip_dead(struct eddy__agenda *agenda)
{
    for (; agenda->head != agenda->tail; agenda->head++) {
        eddy__agenda_turn_head(agenda);
        if (eddy__agenda_is_alive(agenda->head))
            return false;
    }
    agenda->open = NULL;
    return true;
}

/** Give memory back that has not been needed for long; nothing is lost if there is none for it. */
static void agenda_relax(struct eddy__agenda *agenda)
{
    if (eddy__agenda_tail(agenda) - eddy__agenda_head(agenda) >= (agenda->mask + 1) / 8)
        agenda->quiet = 0;
    else if (++agenda->quiet > AGENDA_QUIET_MAX) {
        agenda->quiet = 0;
        (void)agenda_resize(agenda, (agenda->mask + 1) / 2);
    }
}

/** A batch was broken off: the last list can be appended to again, as one with its neighbour. */
static void agenda_rejoin(struct eddy__agenda *agenda)
{
    uint64_t tail = eddy__agenda_tail(agenda);
    struct eddy__agenda_cell *last = eddy__agenda_cell(agenda, tail - 1);
    struct eddy__agenda_cell *before = eddy__agenda_cell(agenda, tail - 2);

    if (last->callback != NULL)
        return;
    if (agenda->tail != agenda->batch_end && before->callback == NULL &&
        before == agenda->batch_end - 1) {
        eddy__list_splice(before->arg, last->arg);
        agenda_put_tail(agenda, tail - 1);
        agenda_measure(agenda);
    }
    agenda->open = agenda->tail;
}

void eddy__agenda_tidy(struct eddy__agenda *agenda)
{
    if (agenda->head != agenda->batch_end)
        agenda_rejoin(agenda);
    if (agenda->mask >= EDDY__AGENDA_LARGE)
        agenda_relax(agenda);
}

struct eddy__agenda_cell *eddy__agenda_find(const struct eddy__agenda *agenda, uint64_t number)
{
    uint64_t tail = eddy__agenda_tail(agenda);
    struct eddy__agenda_cell *cell;

    if (number >= tail || number < agenda->known_from || tail - number > agenda->mask + 1)
        return NULL;
    cell = eddy__agenda_cell(agenda, number);
    return cell->callback != NULL ? cell : NULL;
}

void eddy__agenda_cancel(struct eddy__agenda *agenda, uint64_t number)
{
    struct eddy__agenda_cell *cell = eddy__agenda_find(agenda, number);
    bool has_extra = cell != NULL && cell->callback == eddy__agenda_run_with_care;

    if (cell == NULL)
        return;
    cell->arg = &eddy__agenda_cancelled;
    if (number < eddy__agenda_head(agenda))
        return; /* it may be running just now, in its context */
    cell->callback = eddy__agenda_nothing;
    if (has_extra)
        eddy__context_unref(eddy__agenda_extra(agenda, cell)->call.context);
}

struct eddy__ready *eddy__agenda_shift(struct eddy__agenda *agenda)
{
    for (; !eddy__agenda_is_empty(agenda); agenda->head++) {
        if (agenda->head->callback != NULL)
            eddy__agenda_cancel(agenda, eddy__agenda_head(agenda));
        else
            return EDDY__OWNER(eddy__list_shift(eddy__agenda_head_nodes(agenda)),
                               struct eddy__ready, node);
    }
    return NULL;
}
