/* SPDX-License-Identifier: MIT */
/** The first and the last bit of a word. */
#ifndef EDDY_COMMON_BITS_H
#define EDDY_COMMON_BITS_H

#include <stdint.h>

/** Number of the lowest bit that is set, from 0. `word` is not 0. */
static inline unsigned eddy__bit_lowest(uint64_t word)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(word);
#else
    unsigned bit = 0;

    for (unsigned half = 32; half > 0; half /= 2)
        if ((word & (((uint64_t)1 << half) - 1)) == 0) {
            word >>= half;
            bit += half;
        }
    return bit;
#endif
}

/** Number of the highest bit that is set, from 0. `word` is not 0. */
static inline unsigned eddy__bit_highest(uint64_t word)
{
#if defined(__GNUC__)
    return 63u ^ (unsigned)__builtin_clzll(word);
#else
    unsigned bit = 0;

    for (unsigned half = 32; half > 0; half /= 2)
        if (word >> half != 0) {
            word >>= half;
            bit += half;
        }
    return bit;
#endif
}

#endif
