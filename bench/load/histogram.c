/* SPDX-License-Identifier: MIT */
#include "histogram.h"
#include <string.h>

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

/* Below 32 each value has a slot; above, the five bits after the leading one are the step. */
static unsigned slot_of(uint64_t ns)
{
    unsigned octave = 0;
    unsigned slot;

    while ((ns >> octave) >= 2 * HISTOGRAM_STEPS)
        octave++;
    slot = octave * HISTOGRAM_STEPS + (unsigned)(ns >> octave);
    return slot < HISTOGRAM_OCTAVES * HISTOGRAM_STEPS ? slot
                                                      : HISTOGRAM_OCTAVES * HISTOGRAM_STEPS - 1;
}

/* The upper end of a slot. */
static uint64_t value_of(unsigned slot)
{
    unsigned octave = slot < 2 * HISTOGRAM_STEPS ? 0 : slot / HISTOGRAM_STEPS - 1;

    return ((uint64_t)(slot - octave * HISTOGRAM_STEPS + 1) << octave) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->slots[slot_of(ns)]++;
    histogram->count++;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count);
    uint64_t seen = 0;
    unsigned slot;

    for (slot = 0; slot < HISTOGRAM_OCTAVES * HISTOGRAM_STEPS; slot++) {
        seen += histogram->slots[slot];
        if (seen > wanted)
            return value_of(slot) < histogram->max_ns ? value_of(slot) : histogram->max_ns;
    }
    return histogram->max_ns;
}
