/* SPDX-License-Identifier: MIT */
/** Keeping what seldom runs out of what always does. */
#ifndef EDDY_COMMON_RARE_H
#define EDDY_COMMON_RARE_H

/**
 * Before a static function that a hot one calls now and then, best at its very end: it is not made
 * part of it, which would have to save registers for it each time. A hint.
 */
#if defined(__GNUC__)
#define EDDY__RARE __attribute__((noinline, cold))
#else
#define EDDY__RARE
#endif

#endif
