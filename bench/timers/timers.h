/* SPDX-License-Identifier: MIT */
/**
 * One script for all: a library says how a timer is set, cancelled and set anew.
 *
 *     timer-add     n timers are set, for some time within an hour
 *     timer-cancel  they are all cancelled, in another order
 *     timer-rearm   each is set to another time, in another order
 *     timer-fire    n timers within a second come due and are called
 */
#ifndef EDDY_BENCH_TIMERS_H
#define EDDY_BENCH_TIMERS_H

#include "micro/micro.h"
#include <unistd.h>

struct timers {
    void (*init)(uint64_t n);
    void (*add)(uint64_t i, uint64_t after_ms);
    void (*cancel)(uint64_t i);
    void (*rearm)(uint64_t i, uint64_t after_ms);
    void (*update)(void); /* read the clock, if the library keeps the time; may be NULL */
    void (*run)(void);    /* until all have been called */
};

enum { TIMERS_FAR_MS = 3600 * 1000, TIMERS_NEAR_MS = 1000 };

static inline void timers_add_all(const struct timers *timers, uint64_t n, uint64_t within_ms)
{
    uint64_t chance = 88172645463325252u;
    uint64_t i;

    if (timers->update != NULL)
        timers->update();
    for (i = 0; i < n; i++)
        timers->add(i, 1 + micro_random(&chance) % within_ms);
}

static inline void timers_cancel_all(const struct timers *timers, uint64_t n)
{
    uint64_t i;

    for (i = 0; i < n; i++)
        timers->cancel(micro_shuffled(i, n));
}

static inline void timers_rearm_all(const struct timers *timers, uint64_t n)
{
    uint64_t chance = 1181783497276652981u;
    uint64_t i;

    for (i = 0; i < n; i++)
        timers->rearm(micro_shuffled(i, n), 1 + micro_random(&chance) % TIMERS_FAR_MS);
}

static inline int timers_main(int argc, char **argv, const struct timers *timers)
{
    struct micro micro = micro_read(argc, argv);
    int is_add = strncmp(micro.name, "timer-add", 9) == 0;
    int is_fire = strncmp(micro.name, "timer-fire", 10) == 0;

    timers->init(micro.n);
    if (is_add) {
        /* Once for warmth: memory is there then, as it is in a program that has run a while. */
        timers_add_all(timers, micro.n, TIMERS_FAR_MS);
        timers_cancel_all(timers, micro.n);
        micro_begin();
        timers_add_all(timers, micro.n, TIMERS_FAR_MS);
        micro_end(micro.n);
        return 0;
    }
    timers_add_all(timers, micro.n, is_fire ? TIMERS_NEAR_MS : TIMERS_FAR_MS);
    if (is_fire)
        usleep(1100 * 1000);
    micro_begin();
    if (is_fire)
        timers->run();
    else if (strncmp(micro.name, "timer-cancel", 12) == 0)
        timers_cancel_all(timers, micro.n);
    else
        timers_rearm_all(timers, micro.n);
    micro_end(micro.n);
    return 0;
}

#endif
