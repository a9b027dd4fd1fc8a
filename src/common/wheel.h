/* SPDX-License-Identifier: MIT */
/**
 * A wheel of timers: places by the digits of the due time.
 *
 * A timer stands at the level of the highest digit (of eight bits) in which its due time differs
 * from the wheel's origin, in the place that this digit names. The lower the level, the earlier;
 * at a level, the lower the place; in a place of level 0 all times are equal and the order is that
 * of entry. So adding and removing are a few instructions for any number of timers and any
 * distance. Looking for the first one spreads the timers of the first place over the levels below,
 * with that place's earliest time as the new origin: a timer moves at most once a level in its
 * life, and few live to see it. Equal times always stand in one place, so they keep their order.
 *
 * A place that has few timers is searched instead, and the origin stays where it is: the wheel of
 * a program with few timers never turns.
 */
#ifndef EDDY_COMMON_WHEEL_H
#define EDDY_COMMON_WHEEL_H

#include "common/list.h"
#include <eddy/base.h>

struct eddy__timer;

/** Digits of six bits move each of a million timers once more. */
enum { EDDY__WHEEL_DIGIT_BITS = 8, EDDY__WHEEL_PLACES = 1 << 8, EDDY__WHEEL_LEVELS = 8 };

/** Words that have a bit for each place of a level. */
enum { EDDY__WHEEL_WORD_BITS = 64, EDDY__WHEEL_WORDS = 4 };

struct eddy__wheel_place {
    struct eddy__list timers;
    uint64_t earliest; /**< no timer in it is due earlier */
};

/** 48 KiB, of which only what is used is ever touched. */
struct eddy__wheel {
    uint64_t origin; /**< no timer is due earlier */
    uint32_t levels; /**< by level: whether a bit is set in `filled` */
    /** By place: whether there may be timers; if not, the place is not even initialised. */
    uint64_t filled[EDDY__WHEEL_LEVELS][EDDY__WHEEL_WORDS];
    struct eddy__wheel_place places[EDDY__WHEEL_LEVELS][EDDY__WHEEL_PLACES];
};

/** Due times as numbers without a sign, in the same order. */
static inline uint64_t eddy__wheel_key(eddy_time when)
{
    return (uint64_t)when ^ (uint64_t)1 << 63;
}

/** An empty wheel, or NULL. */
struct eddy__wheel *eddy__wheel_new(void);
void eddy__wheel_free(struct eddy__wheel *wheel);

/** Make it begin elsewhere; it is empty. */
void eddy__wheel_restart(struct eddy__wheel *wheel, uint64_t origin);

/** Add a timer whose key is not before the origin. Removing it is taking out its node. */
void eddy__wheel_add(struct eddy__wheel *wheel, struct eddy__timer *timer);

/** The timer that is due first, of equals the one that was added first; NULL if it is empty. */
struct eddy__timer *eddy__wheel_first(struct eddy__wheel *wheel);

#endif
