/* SPDX-License-Identifier: MIT */
#include "common/timer.h"
#include "common/memory.h"
#include <eddy/error.h>

/** Children a node: four keys of 24 bytes lie in two cache lines, and the heap is half as deep. */
#define TIMER_ARITY 4u

void eddy__timers_fini(struct eddy__timers *timers)
{
    eddy__free(timers->entries);
    *timers = (struct eddy__timers){0};
}

/** Make room for `needed` entries. */
static int timer_grow(struct eddy__timers *timers, uint32_t needed)
{
    uint32_t capacity = timers->capacity == 0 ? 32 : timers->capacity;
    struct eddy__timer_entry *entries;

    if (needed <= timers->capacity)
        return 0;
    while (capacity < needed) {
        if (capacity > UINT32_MAX / 2)
            return EDDY_ENOMEM;
        capacity *= 2;
    }
    entries = eddy__realloc(timers->entries, (size_t)capacity * sizeof *entries);
    if (entries == NULL)
        return EDDY_ENOMEM;
    timers->entries = entries;
    timers->capacity = capacity;
    return 0;
}

int eddy__timer_reserve(struct eddy__timers *timers, struct eddy__timer *timer)
{
    int error = timer_grow(timers, timers->count + timers->reserved + 1);

    if (error)
        return error;
    timer->reserved = true;
    timers->reserved++;
    return 0;
}

void eddy__timer_unreserve(struct eddy__timers *timers, struct eddy__timer *timer)
{
    if (timer->reserved)
        timers->reserved--;
    timer->reserved = false;
}

static bool timer_before(const struct eddy__timer_entry *a, const struct eddy__timer_entry *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

/** Put `entry` at `index`. Positions count from 1, so that 0 can mean "not in the heap". */
static void timer_place(struct eddy__timers *timers, uint32_t index, struct eddy__timer_entry entry)
{
    timers->entries[index] = entry;
    entry.timer->position = index + 1;
}

static void timer_sift_up(struct eddy__timers *timers, uint32_t index,
                          struct eddy__timer_entry entry)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / TIMER_ARITY;

        if (!timer_before(&entry, &timers->entries[parent]))
            break;
        timer_place(timers, index, timers->entries[parent]);
        index = parent;
    }
    timer_place(timers, index, entry);
}

/** The child of `index` that comes first, or 0 if it has none. */
static uint32_t timer_first_child(const struct eddy__timers *timers, uint32_t index)
{
    uint64_t child = (uint64_t)index * TIMER_ARITY + 1;
    uint64_t end = child + TIMER_ARITY < timers->count ? child + TIMER_ARITY : timers->count;
    uint32_t first = (uint32_t)child;

    if (child >= timers->count)
        return 0;
    for (uint32_t other = first + 1; other < end; other++)
        if (timer_before(&timers->entries[other], &timers->entries[first]))
            first = other;
    return first;
}

static void timer_sift_down(struct eddy__timers *timers, uint32_t index,
                            struct eddy__timer_entry entry)
{
    uint32_t child;

    while ((child = timer_first_child(timers, index)) != 0) {
        if (!timer_before(&timers->entries[child], &entry))
            break;
        timer_place(timers, index, timers->entries[child]);
        index = child;
    }
    timer_place(timers, index, entry);
}

int eddy__timer_start(struct eddy__timers *timers, struct eddy__timer *timer, eddy_time when)
{
    /* Others leave the promised places free; a running reserved timer is counted twice. */
    if (!timer->reserved) {
        int error = timer_grow(timers, timers->count + timers->reserved + 1);

        if (error)
            return error;
    }
    timers->count++;
    timer_sift_up(timers, timers->count - 1,
                  (struct eddy__timer_entry){when, timers->order++, timer});
    return 0;
}

/** Take the entry at `index` out and close the gap with the last one. */
static void timer_remove(struct eddy__timers *timers, uint32_t index)
{
    struct eddy__timer_entry last = timers->entries[--timers->count];

    timers->entries[index].timer->position = 0;
    if (index == timers->count)
        return;
    if (index > 0 && timer_before(&last, &timers->entries[(index - 1) / TIMER_ARITY]))
        timer_sift_up(timers, index, last);
    else
        timer_sift_down(timers, index, last);
}

void eddy__timer_stop(struct eddy__timers *timers, struct eddy__timer *timer)
{
    if (timer->position != 0)
        timer_remove(timers, timer->position - 1);
    else
        eddy__list_remove(&timer->ready.node);
}

size_t eddy__timers_expire(struct eddy__timers *timers, eddy_time limit, struct eddy__list *queue)
{
    size_t count = 0;

    while (timers->count > 0 && timers->entries[0].when < limit) {
        struct eddy__timer *timer = timers->entries[0].timer;

        timer_remove(timers, 0);
        eddy__list_append(queue, &timer->ready.node);
        count++;
    }
    return count;
}
