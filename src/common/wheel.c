/* SPDX-License-Identifier: MIT */
#include "common/wheel.h"
#include "common/bits.h"
#include "common/memory.h"
#include "common/timer.h"
#include <string.h>

/** Timers in a place that are searched rather than spread. */
enum { WHEEL_FEW = 8 };

struct eddy__wheel *eddy__wheel_new(void)
{
    struct eddy__wheel *wheel = eddy__alloc(sizeof *wheel);

    if (wheel != NULL)
        eddy__wheel_restart(wheel, 0);
    return wheel;
}

void eddy__wheel_free(struct eddy__wheel *wheel)
{
    eddy__free(wheel);
}

void eddy__wheel_restart(struct eddy__wheel *wheel, uint64_t origin)
{
    wheel->origin = origin;
    wheel->levels = 0;
    memset(wheel->filled, 0, sizeof wheel->filled);
}

static struct eddy__timer *wheel_timer(struct eddy__list *node)
{
    return EDDY__OWNER(node, struct eddy__timer, ready.node);
}

void eddy__wheel_add(struct eddy__wheel *wheel, struct eddy__timer *timer)
{
    uint64_t key = eddy__wheel_key(timer->when);
    uint64_t difference = key ^ wheel->origin;
    unsigned level = difference == 0 ? 0 : eddy__bit_highest(difference) / EDDY__WHEEL_DIGIT_BITS;
    unsigned number = key >> level * EDDY__WHEEL_DIGIT_BITS & (EDDY__WHEEL_PLACES - 1);
    struct eddy__wheel_place *place = &wheel->places[level][number];
    uint64_t *filled = &wheel->filled[level][number / EDDY__WHEEL_WORD_BITS];
    uint64_t bit = (uint64_t)1 << number % EDDY__WHEEL_WORD_BITS;

    if ((*filled & bit) == 0) {
        *filled |= bit;
        wheel->levels |= 1u << level;
        eddy__list_init(&place->timers);
        place->earliest = key;
    } else if (key < place->earliest) {
        place->earliest = key;
    }
    eddy__list_append(&place->timers, &timer->ready.node);
}

/** The number of the first place of a level that may have timers; too large if none has. */
static unsigned wheel_first_place(const struct eddy__wheel *wheel, unsigned level)
{
    unsigned word = 0;

    while (word < EDDY__WHEEL_WORDS && wheel->filled[level][word] == 0)
        word++;
    return word * EDDY__WHEEL_WORD_BITS +
           (word < EDDY__WHEEL_WORDS ? eddy__bit_lowest(wheel->filled[level][word]) : 0);
}

/** Forget the first place of a level, which is empty. */
static void wheel_clear(struct eddy__wheel *wheel, unsigned level, unsigned number)
{
    uint64_t *filled = &wheel->filled[level][number / EDDY__WHEEL_WORD_BITS];

    *filled &= *filled - 1;
    if (wheel_first_place(wheel, level) == EDDY__WHEEL_PLACES)
        wheel->levels &= ~(1u << level);
}

/** The first of the timers in a place that has few; NULL if it has many. */
static struct eddy__timer *wheel_search(struct eddy__wheel_place *place)
{
    struct eddy__timer *first = wheel_timer(place->timers.next);
    struct eddy__list *node = first->ready.node.next;

    for (int seen = 1; node != &place->timers; node = node->next) {
        struct eddy__timer *timer = wheel_timer(node);

        if (seen++ == WHEEL_FEW)
            return NULL;
        if (timer->when < first->when)
            first = timer;
    }
    return first;
}

/** Move the origin to the first place of all, and its timers to the levels below. */
static void wheel_spread(struct eddy__wheel *wheel, unsigned level, unsigned number)
{
    struct eddy__wheel_place *place = &wheel->places[level][number];
    struct eddy__list timers;
    struct eddy__list *node;

    eddy__list_init(&timers);
    eddy__list_splice(&timers, &place->timers);
    wheel_clear(wheel, level, number);
    wheel->origin = place->earliest;
    while ((node = eddy__list_shift(&timers)) != NULL)
        eddy__wheel_add(wheel, wheel_timer(node));
}

struct eddy__timer *eddy__wheel_first(struct eddy__wheel *wheel)
{
    /* Each round empties a place, or moves timers down, which happens to each once a level. */
    while (wheel->levels != 0) {
        unsigned level = eddy__bit_lowest(wheel->levels);
        unsigned number = wheel_first_place(wheel, level);
        struct eddy__wheel_place *place = &wheel->places[level][number];
        struct eddy__timer *first;

        if (eddy__list_is_empty(&place->timers)) {
            wheel_clear(wheel, level, number);
            continue;
        }
        if (level == 0)
            return wheel_timer(place->timers.next);
        first = wheel_search(place);
        if (first != NULL)
            return first;
        wheel_spread(wheel, level, number);
    }
    return NULL;
}
