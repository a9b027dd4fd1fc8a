/* SPDX-License-Identifier: MIT */
/**
 * The allocator that suites run the library on: it counts, remembers what is live, and fails on
 * demand.
 *
 * Every allocation since allocations_reset() has a number, which leaks are reported by. To see who
 * made number 17, run the one test with EDDY_TEST_TRAP=17 in a debugger: the program stops there.
 */
#ifndef TESTS_SUPPORT_ALLOCATIONS_H
#define TESTS_SUPPORT_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

/** Put the allocator in place, once a process. Ends the program if the library is in use. */
void allocations_install(void);

/** Begin to number and count anew; what is live now is none of the test's business. */
void allocations_reset(void);

/** How many allocations were made since the reset; growing a block counts as one. */
size_t allocations_made(void);

/** How many blocks made since the reset are live, and how many bytes they have. */
size_t allocations_live(void);
size_t allocations_live_bytes(void);

/** Print those blocks by number and size, at most 20 of them. */
void allocations_print_live(void);

/**
 * Have the `nth` allocation from now on (1: the next) fail, once; 0 takes that back. Failing says
 * whether it has happened since.
 */
void allocations_fail(size_t nth);
bool allocations_failed(void);

#endif
