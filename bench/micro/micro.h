/* SPDX-License-Identifier: MIT */
/**
 * What the programs share that measure a part of a library in their own process.
 *
 * Each is started as `PROGRAM CASE N` and prints one line, an object of JSON: how many operations
 * lay between micro_begin() and micro_end(), and what they cost. Under callgrind only that stretch
 * is counted. With EDDY_BENCH_COUNT in the environment system calls are counted, too, which makes
 * them dearer; with count_allocations.so in front, allocations.
 */
#ifndef EDDY_BENCH_MICRO_H
#define EDDY_BENCH_MICRO_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct micro {
    const char *name;
    uint64_t n;
};

struct micro micro_read(int argc, char **argv);

void micro_begin(void);

/** The stretch had so many operations; its price is the time of the process. */
void micro_end(uint64_t operations);

/** The same with a price that the program took itself, in nanoseconds of processor time. */
void micro_end_with(uint64_t operations, uint64_t cpu_ns);

/**
 * Begin or end to count the calling thread's instructions under callgrind. micro_begin() and
 * micro_end() are about the thread that calls them only.
 */
void micro_toggle(void);

/** The price is memory: bytes in use by malloc, and pages touched, since micro_begin(). */
void micro_end_memory(uint64_t operations);

/** Exit status for a case that a library has nothing for. */
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
void micro_lacks(const struct micro *micro);

/** End the program if `failed`. */
void micro_need(int failed, const char *what);

/** Nanoseconds of a clock. */
uint64_t micro_clock(clockid_t clock);

static inline int micro_is(const struct micro *micro, const char *name)
{
    return strcmp(micro->name, name) == 0;
}

/** The same numbers for all, without a pattern. */
static inline uint64_t micro_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/** Each of 0..n-1 once, not in order; n may not be a multiple of this prime. */
static inline uint64_t micro_shuffled(uint64_t i, uint64_t n)
{
    return i * 611953u % n;
}

#ifdef __cplusplus
}
#endif

#endif
