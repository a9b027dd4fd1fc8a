/* SPDX-License-Identifier: MIT */
/**
 * A wheel of timers: places by the digits of the due time.
 *
 * A timer's entry (entry.h) stands at the level of the highest digit (of four bits) in which its
 * due time differs from the wheel's origin, in the place that this digit names. The lower the
 * level, the earlier; at a level, the lower the place. So adding is a few instructions for any
 * number of timers and any distance. When its time comes, or its first timer was cancelled, a place
 * of many is spread over the levels below, with its earliest time as the new origin; one of few, a
 * chunk at most, is searched or sorted, and the origin stays where it is. Equal times always stand
 * in one place, so they keep their order.
 *
 * Entries of cancelled timers stay until they come by, or are swept out when they outnumber the
 * others.
 */
#ifndef EDDY_COMMON_WHEEL_H
#define EDDY_COMMON_WHEEL_H

#include "common/entry.h"

/**
 * Digits of eight bits move an entry half as often. With four a place and the ends of the sixteen
 * below it, over which it is spread, stay in the first cache, and fewer places need fewer chunks
 * kept ready for them.
 */
enum { EDDY__WHEEL_DIGIT_BITS = 4, EDDY__WHEEL_DIGITS = 1 << 4, EDDY__WHEEL_LEVELS = 16 };
enum { EDDY__WHEEL_PLACES = EDDY__WHEEL_LEVELS * EDDY__WHEEL_DIGITS };

struct eddy__wheel_place {
    struct eddy__entries entries;
    struct eddy__entry earliest; /**< of the entries, stale ones too; of equals the first */
};

struct eddy__wheel {
    uint64_t origin;                     /**< no entry is earlier */
    bool is_in_use;                      /**< else there are no entries */
    uint32_t levels;                     /**< by level: whether `filled` has a bit */
    uint16_t filled[EDDY__WHEEL_LEVELS]; /**< by place: whether there are entries */
    struct eddy__wheel_place places[EDDY__WHEEL_PLACES]; /**< level by level */
    struct eddy__entry_pool pool;
};

/** A wheel that is not in use, or NULL. */
struct eddy__wheel *eddy__wheel_new(void);

/** NULL is allowed. Lists beside the wheel's that use its pool have been cleared. */
void eddy__wheel_free(struct eddy__wheel *wheel);

/** Begin to use it. EDDY_ENOMEM if there is not enough for `positions`, or 0. */
int eddy__wheel_begin(struct eddy__wheel *wheel, uint64_t origin, size_t positions);

/** Drop all entries: it is not in use then. */
void eddy__wheel_end(struct eddy__wheel *wheel);

/** Add an entry that is not before the origin. Cannot fail: the pool has room. */
static inline void eddy__wheel_add(struct eddy__wheel *wheel, struct eddy__entry entry)
{
    uint64_t difference = (entry.key ^ wheel->origin) | 1;
    unsigned level = eddy__bit_highest(difference) / EDDY__WHEEL_DIGIT_BITS;
    unsigned number = entry.key >> level * EDDY__WHEEL_DIGIT_BITS & (EDDY__WHEEL_DIGITS - 1);
    struct eddy__wheel_place *place = &wheel->places[level * EDDY__WHEEL_DIGITS + number];

    if (place->entries.first == NULL) {
        wheel->filled[level] |= (uint16_t)(1u << number);
        wheel->levels |= 1u << level;
        place->earliest = entry;
    } else if (entry.key < place->earliest.key) {
        place->earliest = entry;
    }
    eddy__entries_append(&place->entries, &wheel->pool, entry);
}

/** The entry that is due first and not stale, of equals the one added first; `ref` 0: none. */
struct eddy__entry eddy__wheel_first(struct eddy__wheel *wheel, const struct eddy__slots *slots);

/** Move all that is due before `limit` to the end of `due`, in order. */
void eddy__wheel_expire(struct eddy__wheel *wheel, uint64_t limit, struct eddy__entries *due);

/** Drop all entries that are stale. */
void eddy__wheel_sweep(struct eddy__wheel *wheel, const struct eddy__slots *slots);

#endif
