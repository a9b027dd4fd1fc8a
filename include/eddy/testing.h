/* SPDX-License-Identifier: MIT */
/**
 * A simulated network and clock, so that programs are tested without sockets and without waiting.
 *
 * A simulation owns one loop. It is an ordinary loop: the program under test does not notice. Its
 * clock stands still while the program computes and jumps to the next event when it waits, so
 * thirty seconds of waiting take no time. Its connections live in memory, with the delays, the
 * partial transfers and the failures that the options ask for. All of them follow from the seed:
 * a run that failed fails again in the same way.
 *
 * What differs from a real loop:
 *  - eddy_loop_time() begins at 0 and never moves within a callback, unless eddy_sim_advance() is
 *    called. A program that spins until some time has passed gets there all the same: after 10,000
 *    iterations at one moment each further one takes 10 microseconds.
 *  - A wait that nothing can end (no timer, nothing on its way, no work on other threads) makes
 *    run_*() return EDDY_EDEADLOCK.
 *  - While work of the loop is outstanding on other threads the clock stands still and the loop
 *    really waits.
 *  - Work for the executor runs in the loop's thread, in the order of submission, and names
 *    resolve from the table of eddy_sim_add_host().
 *  - Sockets are numbers from 0x40000000 up. They come from eddy_socket_new() or from transports,
 *    belong to the loop's thread, and mean nothing to the operating system. There are stream and
 *    datagram sockets over IPv4 and IPv6.
 */
#ifndef EDDY_TESTING_H
#define EDDY_TESTING_H

#include <eddy/address.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_sim eddy_sim;

/**
 * What the network does to the program. All zero is a perfect network without delay.
 *
 * Probabilities go from 0 (never) to 1 (each time).
 */
typedef struct eddy_sim_options {
    uint64_t seed;

    /** What each segment, and each step of a connect, takes to arrive. */
    eddy_time latency;

    /**
     * At most so much is added to the latency of each. Segments of a connection never overtake
     * each other, datagrams do.
     */
    eddy_time jitter;

    /** That a receive gives a part of what has arrived. */
    double partial_reads;

    /** That a send takes a part of what it could. */
    double partial_writes;

    /** That the connection breaks in a transfer: EDDY_ECONNRESET on both sides. */
    double reset;

    /** That a connect is refused although somebody listens. */
    double refuse;

    /** That an accept fails with EDDY_EMFILE; the connection stays in the queue. */
    double accept_failure;

    /** That a datagram is lost; so is, in any case, one whose receiver's buffer is full. */
    double loss;

    /**
     * Bytes that a direction of a connection holds: what its sender's and what its receiver's
     * buffer take, 0 meaning 64 KiB each. A datagram takes 8 bytes beside its own, and is sent
     * whole if there is any room. For sockets made from now on.
     */
    size_t send_buffer;
    size_t receive_buffer;

    void *reserved[4];
} eddy_sim_options;

/**
 * Make a simulation with its loop; `options` NULL is a perfect network.
 *
 * Copies the options. Returns NULL if out of memory, or if an option makes no sense (a negative
 * time, a probability outside 0..1, something reserved); eddy_error_text() says which. The host
 * table knows "localhost" as 127.0.0.1 and ::1.
 */
EDDY_API eddy_sim *eddy_sim_new(const eddy_sim_options *options);

/**
 * The simulation's loop. Borrowed: it lives as long as the simulation, or longer by
 * eddy_loop_ref(). It may be closed before the simulation is freed. Cannot fail.
 */
EDDY_API eddy_loop *eddy_sim_loop(eddy_sim *sim);

/**
 * Close the loop if it is open, free the simulation, and return how much was left behind.
 *
 * Counted are sockets that were open and tasks that had not ended when this was called, and
 * references to the loop that are still held afterwards (by futures, transports or the program;
 * threads that are just ending the loop's work get a moment).
 * If there are any, eddy_error_text() lists them. What was left open is gone: its numbers are no
 * sockets any more. NULL is allowed and leaves nothing behind. Not while the loop runs: then
 * EDDY_EBADSTATE, and nothing is freed. From the loop's thread.
 */
EDDY_API int eddy_sim_free(eddy_sim *sim);

/**
 * Change what the network does from now on; what is already on its way is left alone.
 *
 * Copies. A seed of 0 lets the present sequence of random numbers go on. EDDY_EINVALID as for
 * eddy_sim_new(); then nothing was changed.
 */
EDDY_API int eddy_sim_set_options(eddy_sim *sim, const eddy_sim_options *options);

/**
 * Let `name` resolve to `address` (its port is ignored), after addresses it already has.
 *
 * An address in the table is one that sockets may be bound to and that answers connects; at other
 * addresses there is nobody: EDDY_EADDRNOTAVAIL, EDDY_EHOSTUNREACH. Loopback addresses are always
 * there. Names are compared without case; unknown ones are EDDY_EAI_NONAME. Copies both.
 * EDDY_EINVALID for an empty or overlong name or an address that is neither IPv4 nor IPv6;
 * EDDY_ENOMEM.
 */
EDDY_API int eddy_sim_add_host(eddy_sim *sim, const char *name, const eddy_address *address);

/**
 * Move the clock ahead, as if the program had taken so long. Less than 0 moves nothing.
 *
 * What came due meanwhile happens when the loop looks for events next. Cannot fail.
 */
EDDY_API void eddy_sim_advance(eddy_sim *sim, eddy_time span);

/**
 * Cut the network, or mend it. While it is cut nothing arrives anywhere, but nothing is lost
 * either: what was on its way arrives once it is mended. Cannot fail.
 */
EDDY_API void eddy_sim_partition(eddy_sim *sim, bool cut);

/**
 * Break every connection at once: both sides get EDDY_ECONNRESET, without any delay. Data that
 * has arrived can still be read. Returns how many connections there were. Cannot fail.
 */
EDDY_API int eddy_sim_reset_all(eddy_sim *sim);

#ifdef __cplusplus
}
#endif

#endif
