/* SPDX-License-Identifier: MIT */
#include "common/wheel.h"
#include "common/memory.h"
#include <eddy/error.h>

/** Lists beside the places: what is due. */
enum { WHEEL_OTHER_LISTS = 1 };

struct eddy__wheel *eddy__wheel_new(void)
{
    struct eddy__wheel *wheel = eddy__alloc_zeroed(sizeof *wheel);

    if (wheel != NULL)
        eddy__wheel_end(wheel);
    return wheel;
}

void eddy__wheel_free(struct eddy__wheel *wheel)
{
    if (wheel == NULL)
        return;
    eddy__wheel_end(wheel);
    eddy__entry_pool_fini(&wheel->pool);
    eddy__free(wheel);
}

int eddy__wheel_begin(struct eddy__wheel *wheel, uint64_t origin, size_t positions)
{
    eddy__entry_pool_set_lists(&wheel->pool, EDDY__WHEEL_PLACES + WHEEL_OTHER_LISTS);
    if (eddy__entry_pool_grow(&wheel->pool, positions) != 0) {
        eddy__entry_pool_set_lists(&wheel->pool, WHEEL_OTHER_LISTS);
        return EDDY_ENOMEM;
    }
    wheel->origin = origin;
    wheel->is_in_use = true;
    return 0;
}

/** Where the first entries stand. */
struct wheel_position {
    unsigned level;
    unsigned number;
};

/** The first place with entries; there is one. */
static struct wheel_position wheel_first_place(const struct eddy__wheel *wheel)
{
    unsigned level = eddy__bit_lowest(wheel->levels);

    return (struct wheel_position){level, eddy__bit_lowest(wheel->filled[level])};
}

static struct eddy__wheel_place *wheel_place(struct eddy__wheel *wheel, struct wheel_position at)
{
    return &wheel->places[at.level * EDDY__WHEEL_DIGITS + at.number];
}

/** Note that a place has no entries. */
static void wheel_clear(struct eddy__wheel *wheel, struct wheel_position at)
{
    wheel->filled[at.level] &= (uint16_t) ~(1u << at.number);
    if (wheel->filled[at.level] == 0)
        wheel->levels &= ~(1u << at.level);
}

void eddy__wheel_end(struct eddy__wheel *wheel)
{
    while (wheel->levels != 0) {
        struct wheel_position at = wheel_first_place(wheel);

        eddy__entries_clear(&wheel_place(wheel, at)->entries, &wheel->pool);
        wheel_clear(wheel, at);
    }
    wheel->is_in_use = false;
    eddy__entry_pool_set_lists(&wheel->pool, WHEEL_OTHER_LISTS);
}

/** Take the entries of a place out. */
static struct eddy__entries wheel_take(struct eddy__wheel *wheel, struct wheel_position at)
{
    struct eddy__wheel_place *place = wheel_place(wheel, at);
    struct eddy__entries entries = place->entries;

    place->entries = (struct eddy__entries){0};
    wheel_clear(wheel, at);
    return entries;
}

/** Move the origin to the first place of all, and its entries to the levels below. */
static void wheel_spread(struct eddy__wheel *wheel, struct wheel_position at)
{
    struct eddy__entries entries = wheel_take(wheel, at);

    wheel->origin = wheel_place(wheel, at)->earliest.key;
    while (entries.first != NULL) {
        const struct eddy__entry *entry = entries.first->entries + entries.begin;
        const struct eddy__entry *end = entries.first->entries + eddy__entries_end(&entries);

        for (; entry != end; entry++)
            eddy__wheel_add(wheel, *entry);
        eddy__entries_release(&entries, &wheel->pool);
    }
}

/** Drop what is stale in a place. */
static void wheel_sweep_place(struct eddy__wheel *wheel, struct wheel_position at,
                              const struct eddy__slots *slots)
{
    struct eddy__wheel_place *place = wheel_place(wheel, at);
    struct eddy__entries entries = place->entries;
    struct eddy__entry entry;

    place->entries = (struct eddy__entries){0};
    place->earliest.key = UINT64_MAX;
    while (eddy__entries_shift(&entries, &wheel->pool, &entry)) {
        if (!eddy__slots_have(slots, entry.ref))
            continue;
        if (entry.key < place->earliest.key || place->entries.first == NULL)
            place->earliest = entry;
        eddy__entries_append(&place->entries, &wheel->pool, entry);
    }
    if (place->entries.first == NULL)
        wheel_clear(wheel, at);
}

/** Drop what is stale at the beginning of a place where all times are equal. */
static void wheel_skip_stale(struct eddy__wheel *wheel, struct wheel_position at,
                             const struct eddy__slots *slots)
{
    struct eddy__wheel_place *place = wheel_place(wheel, at);
    struct eddy__entries *entries = &place->entries;

    while (entries->first != NULL &&
           !eddy__slots_have(slots, entries->first->entries[entries->begin].ref))
        eddy__entries_shift(entries, &wheel->pool, &place->earliest);
    if (entries->first == NULL)
        wheel_clear(wheel, at);
    else
        place->earliest = entries->first->entries[entries->begin];
}

static bool wheel_is_few(const struct eddy__wheel_place *place)
{
    return place->entries.first == place->entries.last;
}

struct eddy__entry eddy__wheel_first(struct eddy__wheel *wheel, const struct eddy__slots *slots)
{
    /* Each round finds it, drops stale entries for ever, or moves a place's to lower levels. */
    while (wheel->levels != 0) {
        struct wheel_position at = wheel_first_place(wheel);
        struct eddy__wheel_place *place = wheel_place(wheel, at);

        if (eddy__slots_have(slots, place->earliest.ref))
            return place->earliest;
        if (at.level == 0)
            wheel_skip_stale(wheel, at, slots);
        else if (wheel_is_few(place))
            wheel_sweep_place(wheel, at, slots);
        else
            wheel_spread(wheel, at);
    }
    return (struct eddy__entry){0};
}

/** Insert an entry behind those that are due before it, or at the same time. */
static void wheel_sort_in(struct eddy__entry *sorted, unsigned count, struct eddy__entry entry)
{
    while (count > 0 && sorted[count - 1].key > entry.key) {
        sorted[count] = sorted[count - 1];
        count--;
    }
    sorted[count] = entry;
}

/** Of a place of few, move what is due in order; the others stay. */
static void wheel_expire_few(struct eddy__wheel *wheel, struct wheel_position at, uint64_t limit,
                             struct eddy__entries *due)
{
    struct eddy__entry sorted[EDDY__ENTRIES_CHUNK], others[EDDY__ENTRIES_CHUNK], entry;
    struct eddy__entries entries = wheel_take(wheel, at);
    unsigned sorted_count = 0, others_count = 0;

    while (eddy__entries_shift(&entries, &wheel->pool, &entry)) {
        if (entry.key < limit)
            wheel_sort_in(sorted, sorted_count++, entry);
        else
            others[others_count++] = entry;
    }
    for (unsigned i = 0; i < sorted_count; i++)
        eddy__entries_append(due, &wheel->pool, sorted[i]);
    for (unsigned i = 0; i < others_count; i++)
        eddy__wheel_add(wheel, others[i]);
}

/** Move a place where all times are equal. */
static void wheel_expire_equals(struct eddy__wheel *wheel, struct wheel_position at,
                                struct eddy__entries *due)
{
    struct eddy__entries entries = wheel_take(wheel, at);
    struct eddy__entry entry;

    while (eddy__entries_shift(&entries, &wheel->pool, &entry))
        eddy__entries_append(due, &wheel->pool, entry);
}

void eddy__wheel_expire(struct eddy__wheel *wheel, uint64_t limit, struct eddy__entries *due)
{
    while (wheel->levels != 0) {
        struct wheel_position at = wheel_first_place(wheel);
        struct eddy__wheel_place *place = wheel_place(wheel, at);

        if (place->earliest.key >= limit)
            return;
        if (at.level == 0)
            wheel_expire_equals(wheel, at, due);
        else if (wheel_is_few(place))
            wheel_expire_few(wheel, at, limit, due);
        else
            wheel_spread(wheel, at);
    }
}

void eddy__wheel_sweep(struct eddy__wheel *wheel, const struct eddy__slots *slots)
{
    for (unsigned i = 0; i < EDDY__WHEEL_PLACES; i++)
        if (wheel->places[i].entries.first != NULL)
            wheel_sweep_place(
                wheel, (struct wheel_position){i / EDDY__WHEEL_DIGITS, i % EDDY__WHEEL_DIGITS},
                slots);
}
