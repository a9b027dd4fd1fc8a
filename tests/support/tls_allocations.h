/* SPDX-License-Identifier: MIT */
/**
 * OpenSSL's own memory: counted, and failing on demand. The library's is in allocations.h.
 *
 * OpenSSL asks for memory through these from tls_allocations_install() on, which has to come before
 * anything else of it, so at the begin of main(). What it makes once and keeps for good is live,
 * too: see to it that it is there before you count. Only for the thread of the test.
 */
#ifndef TESTS_SUPPORT_TLS_ALLOCATIONS_H
#define TESTS_SUPPORT_TLS_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

/** Put the counters in place. Ends the program if OpenSSL has memory already. */
void tls_allocations_install(void);

/**
 * Count anew, and have the `nth` allocation from now on fail (1: the next; 0: none), and all that
 * come after it if `for_good`. Growing a block counts as one.
 */
void tls_allocations_begin(size_t nth, bool for_good);

/** Nothing fails any more; the counts stay. */
void tls_allocations_end(void);

/** How many there were since the begin, and whether one has failed. */
size_t tls_allocations_made(void);
bool tls_allocations_failed(void);

/** How many blocks are live, whenever they were made. */
size_t tls_allocations_live(void);

#endif
