/* SPDX-License-Identifier: MIT */
/** The first and the last bit of a word. */
#ifndef EDDY_COMMON_BITS_H
#define EDDY_COMMON_BITS_H

#include <stdint.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/** Number of the lowest bit that is set, from 0. `word` is not 0. */
static inline unsigned eddy__bit_lowest(uint64_t word)
{
#if defined(__GNUC__) || defined(__clang__)
    return (unsigned)__builtin_ctzll(word);
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
    unsigned long bit;

    _BitScanForward64(&bit, word);
    return bit;
#else
    unsigned bit = 0;

    while ((word >> bit & 1) == 0)
        bit++;
    return bit;
#endif
}

/** Number of the highest bit that is set, from 0. `word` is not 0. */
static inline unsigned eddy__bit_highest(uint64_t word)
{
#if defined(__GNUC__) || defined(__clang__)
    return 63u ^ (unsigned)__builtin_clzll(word);
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
    unsigned long bit;

    _BitScanReverse64(&bit, word);
    return bit;
#else
    unsigned bit = 63;

    while ((word >> bit & 1) == 0)
        bit--;
    return bit;
#endif
}

#endif
