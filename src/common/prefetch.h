/* SPDX-License-Identifier: MIT */
/** Asking for memory before it is needed. */
#ifndef EDDY_COMMON_PREFETCH_H
#define EDDY_COMMON_PREFETCH_H

/** Have the cache line at `address` fetched meanwhile; a hint, and nothing where there is none. */
static inline void eddy__prefetch(const void *address)
{
#if defined(__GNUC__)
    __builtin_prefetch(address);
#else
    (void)address;
#endif
}

static inline void eddy__prefetch_write(const void *address)
{
#if defined(__GNUC__)
    __builtin_prefetch(address, 1);
#else
    (void)address;
#endif
}

#endif
