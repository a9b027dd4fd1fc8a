/* SPDX-License-Identifier: MIT */
/** A histogram of latencies: 32 steps an octave, so that a figure is off by 3 % at most. */
#ifndef EDDY_BENCH_HISTOGRAM_H
#define EDDY_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 32, HISTOGRAM_OCTAVES = 40 };

struct histogram {
    uint64_t count;
    uint64_t max_ns;
    uint64_t slots[HISTOGRAM_OCTAVES * HISTOGRAM_STEPS];
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t ns);

/** The time that `share` (0..1) of all that was added does not exceed; 0 if there is nothing. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
