/* SPDX-License-Identifier: MIT */
#include "common/agenda.h"
#include "common/context.h"
#include "common/memory.h"
#include <assert.h>
#include <eddy/error.h>
#include <string.h>

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

/** A cell that moved: a list knows its head by address. */
static void agenda_settle(struct eddy__agenda_cell *cell, const struct eddy__agenda_cell *from)
{
    if (cell->callback != NULL)
        return;
    if (eddy__list_is_empty(&from->nodes)) {
        eddy__list_init(&cell->nodes);
    } else {
        cell->nodes.next->previous = &cell->nodes;
        cell->nodes.previous->next = &cell->nodes;
    }
}

/** Move what is known to a ring of `count` cells, a power of two. */
static int agenda_resize(struct eddy__agenda *agenda, uint64_t count)
{
    const size_t cell_size = sizeof *agenda->cells + sizeof *agenda->places;
    uint64_t known = agenda->tail - agenda->known_from;
    struct eddy__agenda made = *agenda;

    if (count > SIZE_MAX / cell_size)
        return EDDY_ENOMEM;
    made.cells = eddy__alloc_zeroed((size_t)count * cell_size);
    if (made.cells == NULL)
        return EDDY_ENOMEM;
    made.places = (void **)(void *)(made.cells + count);
    made.mask = count - 1;
    made.room_end = agenda->head + count - EDDY__AGENDA_SPARE;
    if (agenda->cells != NULL && known > agenda->mask + 1)
        known = agenda->mask + 1;
    if (known > count)
        known = count;
    made.known_from = agenda->tail - known;
    for (uint64_t number = made.known_from; number != agenda->tail; number++) {
        struct eddy__agenda_cell *from = eddy__agenda_cell(agenda, number);
        struct eddy__agenda_cell *to = eddy__agenda_cell(&made, number);

        *to = *from;
        made.places[number & made.mask] = agenda->places[number & agenda->mask];
        if (number >= agenda->head)
            agenda_settle(to, from);
    }
    eddy__free(agenda->cells);
    *agenda = made;
    return 0;
}

int eddy__agenda_init(struct eddy__agenda *agenda)
{
    *agenda = (struct eddy__agenda){0};
    return agenda_resize(agenda, AGENDA_FIRST);
}

void eddy__agenda_fini(struct eddy__agenda *agenda)
{
    eddy__free(agenda->cells);
    *agenda = (struct eddy__agenda){0};
}

int eddy__agenda_make_room(struct eddy__agenda *agenda)
{
    agenda->room_end = agenda->head + agenda->mask + 1 - EDDY__AGENDA_SPARE;
    if (eddy__agenda_has_room(agenda))
        return 0;
    agenda->quiet = 0;
    return agenda_resize(agenda, (agenda->mask + 1) * 2);
}

struct eddy__list *eddy__agenda_begin_list(struct eddy__agenda *agenda)
{
    struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, agenda->tail);

    assert(agenda->tail - agenda->head <= agenda->mask);
    agenda->tail++;
    cell->callback = NULL;
    eddy__list_init(&cell->nodes);
    return &cell->nodes;
}

bool eddy__agenda_skip_dead(struct eddy__agenda *agenda)
{
    for (; agenda->head != agenda->tail; agenda->head++) {
        const struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, agenda->head);

        if (cell->callback != NULL ? cell->callback != eddy__agenda_nothing
                                   : !eddy__list_is_empty(&cell->nodes))
            return false;
    }
    return true;
}

/** Give memory back that has not been needed for long; nothing is lost if there is none for it. */
static void agenda_relax(struct eddy__agenda *agenda)
{
    if (agenda->tail - agenda->head >= (agenda->mask + 1) / 8)
        agenda->quiet = 0;
    else if (++agenda->quiet > AGENDA_QUIET_MAX) {
        agenda->quiet = 0;
        (void)agenda_resize(agenda, (agenda->mask + 1) / 2);
    }
}

void eddy__agenda_tidy(struct eddy__agenda *agenda)
{
    uint64_t end = agenda->batch_end;

    if (agenda->head != end && agenda->tail == end + 1) {
        struct eddy__agenda_cell *last = eddy__agenda_cell(agenda, end);
        struct eddy__agenda_cell *before = eddy__agenda_cell(agenda, end - 1);

        if (last->callback == NULL && before->callback == NULL) {
            eddy__list_splice(&before->nodes, &last->nodes);
            agenda->tail--;
        }
    }
    if (agenda->mask >= EDDY__AGENDA_LARGE)
        agenda_relax(agenda);
}

struct eddy__agenda_cell *eddy__agenda_find(const struct eddy__agenda *agenda, uint64_t number)
{
    struct eddy__agenda_cell *cell;

    if (number >= agenda->tail || number < agenda->known_from ||
        agenda->tail - number > agenda->mask + 1)
        return NULL;
    cell = eddy__agenda_cell(agenda, number);
    return cell->callback != NULL ? cell : NULL;
}

void eddy__agenda_cancel(struct eddy__agenda_cell *cell)
{
    eddy_context *context = cell->context;
    bool is_scheduled = cell->callback != eddy__agenda_nothing;

    cell->callback = eddy__agenda_nothing;
    cell->arg = &eddy__agenda_cancelled;
    if (!is_scheduled)
        return; /* it may be running in that context just now */
    cell->context = NULL;
    eddy__context_unref(context);
}

void eddy__agenda_forget_places(struct eddy__agenda *agenda)
{
    memset(agenda->places, 0, (size_t)(agenda->mask + 1) * sizeof *agenda->places);
}

struct eddy__ready *eddy__agenda_shift(struct eddy__agenda *agenda)
{
    for (; agenda->head != agenda->tail; agenda->head++) {
        struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, agenda->head);
        struct eddy__list *node;

        if (cell->callback != NULL) {
            eddy__agenda_cancel(cell);
            continue;
        }
        node = eddy__list_shift(&cell->nodes);
        if (node != NULL)
            return EDDY__OWNER(node, struct eddy__ready, node);
    }
    return NULL;
}
