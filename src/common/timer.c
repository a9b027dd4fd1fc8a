/* SPDX-License-Identifier: MIT */
#include "common/timer.h"
#include "common/memory.h"
#include "common/wheel.h"
#include <assert.h>
#include <eddy/error.h>

void eddy__timers_fini(struct eddy__timers *timers)
{
    eddy__wheel_free(timers->wheel);
    eddy__heap_fini(&timers->heap);
    *timers = (struct eddy__timers){0};
}

static int timer_make_wheel(struct eddy__timers *timers)
{
    if (timers->wheel == NULL)
        timers->wheel = eddy__wheel_new();
    return timers->wheel == NULL ? EDDY_ENOMEM : 0;
}

int eddy__timer_reserve(struct eddy__timers *timers, struct eddy__timer *timer)
{
    int error = timer_make_wheel(timers);

    if (error == 0)
        error = eddy__heap_reserve(&timers->heap, timers->reserved + 1);
    if (error)
        return error;
    timer->is_reserved = true;
    timers->reserved++;
    return 0;
}

void eddy__timer_unreserve(struct eddy__timers *timers, struct eddy__timer *timer)
{
    if (timer->is_reserved)
        timers->reserved--;
    timer->is_reserved = false;
}

/** Enter it where its time belongs. */
static int timer_enter(struct eddy__timers *timers, struct eddy__timer *timer)
{
    uint64_t key = eddy__wheel_key(timer->when);
    int error = 0;

    if (timers->count == 0) {
        uint64_t expired = eddy__wheel_key(timers->expired);

        /* Who starts one that is overdue may start more of them, and earlier ones. */
        eddy__wheel_restart(timers->wheel, key < expired ? 0 : expired);
    }
    if (key >= timers->wheel->origin) {
        eddy__wheel_add(timers->wheel, timer);
        return 0;
    }
    /* Others leave the promised places free; a running reserved timer is counted twice. */
    if (!timer->is_reserved)
        error = eddy__heap_reserve(&timers->heap, timers->reserved + 1);
    if (error == 0)
        eddy__heap_add(&timers->heap, timer);
    return error;
}

int eddy__timer_start(struct eddy__timers *timers, struct eddy__timer *timer, eddy_time when)
{
    int error = timer_make_wheel(timers);

    assert(!timer->is_running);
    timer->when = when;
    eddy__list_remove(&timer->ready.node);
    if (error == 0)
        error = timer_enter(timers, timer);
    if (error)
        return error;
    timer->is_running = true;
    /* One that is due at the same time as the first comes behind it. */
    if (timers->count++ == 0 || (timers->first != NULL && when < timers->first->when))
        timers->first = timer;
    return 0;
}

/** Take a running timer out. */
static void timer_leave(struct eddy__timers *timers, struct eddy__timer *timer)
{
    if (timer->position != 0)
        eddy__heap_remove(&timers->heap, timer, timers->reserved);
    else
        eddy__list_remove(&timer->ready.node);
    timer->is_running = false;
    timers->count--;
    if (timers->first == timer)
        timers->first = NULL;
}

void eddy__timer_stop(struct eddy__timers *timers, struct eddy__timer *timer)
{
    if (timer->is_running)
        timer_leave(timers, timer);
    else
        eddy__list_remove(&timer->ready.node);
}

struct eddy__timer *eddy__timers_first(struct eddy__timers *timers)
{
    if (timers->first == NULL && timers->count > 0)
        timers->first = timers->heap.count > 0 ? timers->heap.entries[0].timer
                                               : eddy__wheel_first(timers->wheel);
    return timers->first;
}

size_t eddy__timers_expire(struct eddy__timers *timers, eddy_time limit, struct eddy__list *queue)
{
    size_t count = 0;
    struct eddy__timer *first;

    while ((first = eddy__timers_first(timers)) != NULL && first->when < limit) {
        timer_leave(timers, first);
        eddy__list_append(queue, &first->ready.node);
        count++;
    }
    timers->expired = limit;
    return count;
}
