/* SPDX-License-Identifier: MIT */
/** Random numbers that follow from a seed alone: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
#ifndef EDDY_SIM_RANDOM_H
#define EDDY_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct eddy__random {
    uint64_t state;
};

static inline uint64_t eddy__random_next(struct eddy__random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** One of 0..limit-1; 0 without a draw if there is no choice. The bias is below limit / 2^64. */
static inline uint64_t eddy__random_below(struct eddy__random *random, uint64_t limit)
{
    return limit <= 1 ? 0 : eddy__random_next(random) % limit;
}

/** True with `probability`; never draws for 0, so that unused faults leave the sequence alone. */
static inline bool eddy__random_chance(struct eddy__random *random, double probability)
{
    if (!(probability > 0))
        return false;
    return (double)(eddy__random_next(random) >> 11) * (1.0 / 9007199254740992.0) < probability;
}

#endif
