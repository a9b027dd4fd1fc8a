/* SPDX-License-Identifier: MIT */
/**
 * The seam between the loop and the operating system.
 *
 * Above it stand all semantics: order, flow control, closing, timeouts. Below it bytes are moved
 * and reported. The shape is that of a proactor: common code gives an order on a channel ("start
 * receiving", "send these"), the backend answers with an event on the channel. Readiness systems
 * emulate that cheaply (src/common/reactor.c does it once for epoll, kqueue, poll, select and the
 * simulated network); completion systems have it natively.
 *
 * Rules for both sides
 *  - An order never calls back from inside (get_spans, a question, excepted). Events come only out
 *    of the loop's ready queue: the backend's dispatch() puts an eddy__ready of its own there, and
 *    the events are called when the loop runs it. So I/O keeps its place in the order of LOOP-22.
 *  - Orders do not fail. What goes wrong arrives as the event that the order owes.
 *  - After a stop, or after channel_close(), no event comes but on_closed (after a stop also
 *    on_datagrams_end), even if the system has already finished the operation: what arrived
 *    meanwhile is kept for the next start, or dropped by the close.
 *  - Every function belongs to the loop's thread, except wake().
 *
 * What a platform must supply: one `struct eddy__backend` with every field, one
 * `struct eddy__socket_ops`, and the functions of thread.h, clock.h, error.h, resolver.h,
 * signal.h and stack.h.
 */
#ifndef EDDY_COMMON_BACKEND_H
#define EDDY_COMMON_BACKEND_H

#include "common/file.h"
#include "common/list.h"
#include "common/socket_view.h"

struct eddy__channel;

/** The two directions in which a descriptor can be ready. */
enum { EDDY__READABLE = 1, EDDY__WRITABLE = 2 };

/**
 * Beside READABLE. In an order to watch: each arrival is told once, and the registration may
 * outlive the descriptor, see eddy__backend.lingering. In a report: an end or an error has been
 * seen since the socket was registered, so that a short receive does not mean that it is drained.
 */
enum { EDDY__EDGE = 4, EDDY__ENDED = 8 };

/** What a watched socket of the program leaves behind when nobody waits for it. */
enum eddy__lingering_mode {
    EDDY__LINGER_NOT = 0,

    /** Watching costs no more than asking whether there is something, and is exact: what lingers
     * is the memory of what the last receive has found, and nothing is watched meanwhile. */
    EDDY__LINGER_UNWATCHED,

    /** Registering costs a system call, and EDDY__EDGE is known: the registration stays. */
    EDDY__LINGER_WATCHED
};

/**
 * How long to wait for the receiver of a datagram that is full, where the system calls the sender
 * writable all the same: Linux does so with a Unix socket without a peer.
 */
#define EDDY__FULL_RETRY EDDY_MILLISECONDS(10)

/** Something to run in the loop: linked into the ready queue, called once, out of the queue. */
struct eddy__ready {
    struct eddy__list node;
    void (*run)(struct eddy__ready *ready);
};

/** What an object hears from its channel. Events an object never ordered may be NULL. */
struct eddy__channel_events {
    /**
     * Asked right before a receive, when the backend can receive straight into memory: fill
     * `*span` with at least one byte of room, valid until on_received or on_receive_ended. A
     * negative result (the object has closed or failed meanwhile) skips this receive.
     */
    int (*get_buffer)(struct eddy__channel *channel, struct eddy__span *span);

    /**
     * `size` >= 1 bytes arrived, lent for the call. `data` is what get_buffer gave, or memory of
     * the backend. May come again until receive_stop().
     */
    void (*on_received)(struct eddy__channel *channel, const void *data, size_t size);

    /** The standing receive order is over: 0 at the end of the stream, else the error. */
    void (*on_receive_ended)(struct eddy__channel *channel, int error);

    /**
     * Asked what to send, when the system can take bytes or the operation is submitted: fill at
     * most `max` spans, return how many (>= 1). Their memory stays valid and unchanged until
     * on_sent or on_closed.
     */
    size_t (*get_spans)(struct eddy__channel *channel, struct eddy__span *spans, size_t max);

    /** As get_spans, for send_file_start(): the file and the part of it that is next. */
    const struct eddy__file_range *(*get_file)(struct eddy__channel *channel);

    /**
     * Ends send_start(): bytes the system took (>= 0, maybe a part), or the error. The same for
     * send_datagrams_start(): datagrams it took, or the error of the first one, or 0 if it took
     * none although it had said that it would, so that asking again at once would be in vain; and
     * for send_file_start(): bytes it took, 0 at the end of the file, or the error.
     */
    void (*on_sent)(struct eddy__channel *channel, int64_t result);

    /**
     * One datagram of `size` >= 0 bytes arrived, lent for the call with the address it is from
     * (unspecified: its sender has none). May come again until receive_stop().
     */
    void (*on_datagram)(struct eddy__channel *channel, const void *data, size_t size,
                        const eddy_address *from);

    /**
     * What follows came together, in one receive, up to on_datagrams_end: that comes also if the
     * order was stopped in between, but not after channel_close(). One that came alone has neither.
     */
    void (*on_datagrams_begin)(struct eddy__channel *channel);
    void (*on_datagrams_end)(struct eddy__channel *channel);

    /** One could not be received, or an earlier one not be delivered. The order stands. */
    void (*on_datagram_error)(struct eddy__channel *channel, int error);

    /** As get_spans, for datagrams; addresses stay valid as long as the bytes. */
    size_t (*get_datagrams)(struct eddy__channel *channel, struct eddy__outgoing *list, size_t max);

    /** One connection was accepted; takes `socket`, lends `peer`. */
    void (*on_accepted)(struct eddy__channel *channel, eddy_socket socket,
                        const eddy_address *peer);

    /** One accept failed for another reason than a vanished peer. The order stands. */
    void (*on_accept_failed)(struct eddy__channel *channel, int error);

    /** Ends connect_start(): 0 or the error. */
    void (*on_connected)(struct eddy__channel *channel, int error);

    /**
     * A watched channel is ready in one direction, `event`: READABLE or WRITABLE, the readable one
     * first. Comes once a turn as long as that lasts, and now and then without reason; the end of
     * the stream, errors and hang-ups count as both. A channel that has this event only watches.
     * With EDGE it comes once an arrival, and may be READABLE | ENDED.
     */
    void (*on_ready)(struct eddy__channel *channel, unsigned event);

    /** The system holds nothing of the channel any more: its memory may be freed. Last. */
    void (*on_closed)(struct eddy__channel *channel);

    /**
     * Asked of what is in the loop's claims (claim.h) when the loop closes: let go of everything,
     * disclaim the channel, call back nobody. NULL: somebody else sees to that.
     */
    void (*abandon)(struct eddy__channel *channel);

    /** Not an event: what serves the channel's socket; NULL: the backend's sockets. */
    const struct eddy__socket_ops *ops;
};

/**
 * A socket as the backend knows it. Objects embed it as their last member and allocate
 * `backend->channel_size` bytes for it, so that one allocation serves both. An idle connection is
 * little else, so that each word here counts.
 */
struct eddy__channel {
    const struct eddy__channel_events *events;
    struct eddy_loop *loop;
    union {
        eddy_socket socket;
        struct eddy_socket_view view; /**< of `socket`, to be lent to the program */
    };
    struct eddy__channel *next; /**< of those that claim.h keeps together */

    /** The backend's until channel_close(); from then on the owner's, to end by. */
    struct eddy__ready ready;
};

struct eddy__backend {
    /** As in eddy_loop_options.backend and EDDY_BACKEND. */
    const char *name;

    /** Bytes of a channel with the backend's own part behind the common one. */
    size_t channel_size;

    const struct eddy__socket_ops *sockets;

    /** What the reactor asks, if it is one over readiness; else NULL. */
    const struct eddy__selector *selector;

    /**
     * A child process can be watched without a descriptor: by a channel whose `socket` is its id
     * and whose events' `ops` are eddy__process_ids (src/posix/backends.h). READABLE is the only
     * event, comes once, and may come a moment before the child can be reaped.
     */
    bool watches_processes;

    enum eddy__lingering_mode lingering;

    /** Make the kernel objects; sets loop->backend_state. Leaves nothing behind if it fails. */
    int (*open)(struct eddy_loop *loop);

    /**
     * Free everything. All channels have been closed; waits until the system has confirmed every
     * cancelled operation, calling on_closed for each.
     */
    void (*close)(struct eddy_loop *loop);

    /** In a forked child: free memory and close our copies, touch no shared kernel state. */
    void (*abandon)(struct eddy_loop *loop);

    /** The loop's clock and its step (LOOP-28); they work until the loop's memory goes. */
    eddy_time (*now)(struct eddy_loop *loop);
    eddy_time (*resolution)(struct eddy_loop *loop);

    /** True if that is the system's clock, beside which eddy__clock_ticks() runs (clock.h). */
    bool has_system_clock;

    /** End a wait in progress, or the next one. Any thread, signal handlers too; cannot fail. */
    void (*wake)(struct eddy_loop *loop);

    /**
     * Hand the system what was ordered since the last call, then wait at most `timeout` (0: only
     * look; EDDY_FOREVER) for events. Never early by more than the clock's step (LOOP-29). 0, also
     * when interrupted; a negative code ends the run (EDDY_EDEADLOCK on a simulated loop).
     */
    int (*wait)(struct eddy_loop *loop, eddy_time timeout);

    /** Turn what wait() saw into ready callbacks, a channel's receiving side first (LOOP-27). */
    void (*dispatch)(struct eddy_loop *loop);

    /** Take up `channel`, whose first fields are set; the rest of its memory is zero. */
    int (*channel_open)(struct eddy__channel *channel);

    /**
     * Cancel every order, close the socket if `close_socket`, and call on_closed from the loop
     * once the system has let go. Spans of an unfinished send stay readable until then.
     */
    void (*channel_close)(struct eddy__channel *channel, bool close_socket);

    /** Receive until told to stop, or until on_receive_ended. Starting twice is allowed. */
    void (*receive_start)(struct eddy__channel *channel);
    void (*receive_stop)(struct eddy__channel *channel);

    /**
     * Try to send now: bytes taken, EDDY_EAGAIN when the system takes none or the backend cannot
     * try, or an error. 1 <= count <= SPANS_MAX. Only while no send_start() is unfinished.
     */
    int64_t (*send_now)(struct eddy__channel *channel, const struct eddy__span *spans,
                        size_t count);

    /** Send what get_spans gives when it is possible; owes one on_sent. One at a time. */
    void (*send_start)(struct eddy__channel *channel);

    /**
     * Try to have the system send of `range` now: bytes taken, 0 at the end of the file,
     * EDDY_EAGAIN when the system takes none, or an error. Only while nothing is being sent, and on
     * a channel whose operations have send_file. NULL: the backend cannot try.
     */
    int64_t (*send_file_now)(struct eddy__channel *channel, const struct eddy__file_range *range);

    /**
     * Have the system send from a file what get_file gives, when it is possible; owes one on_sent.
     * One send at a time, of whatever kind; this one can be stopped. Both NULL: the backend never
     * can; a channel whose operations have no send_file cannot either.
     */
    void (*send_file_start)(struct eddy__channel *channel);
    void (*send_file_stop)(struct eddy__channel *channel);

    /**
     * Receive datagrams of at most `size_max` bytes until receive_stop(), which drops what came in
     * the same batch, or until on_receive_ended. A larger one is an EDDY_EMSGSIZE. Starting twice
     * is allowed.
     */
    void (*receive_datagrams_start)(struct eddy__channel *channel, size_t size_max);

    /** Try to send now: how many datagrams the system took, 0: none, or the error of the first. */
    int64_t (*send_datagrams_now)(struct eddy__channel *channel, const struct eddy__outgoing *list,
                                  size_t count);

    /** Send what get_datagrams gives when it is possible; owes one on_sent. One at a time. */
    void (*send_datagrams_start)(struct eddy__channel *channel);

    /** Accept until told to stop, at most `turn_max` connections a turn of the loop. */
    void (*accept_start)(struct eddy__channel *channel, int turn_max);
    void (*accept_stop)(struct eddy__channel *channel);

    /** Connect; owes one on_connected. Borrows `address`. Once, before other orders. */
    void (*connect_start)(struct eddy__channel *channel, const eddy_address *address);

    /**
     * Watch for exactly `events` from now on; 0: for nothing. Unlike the other orders it takes
     * effect at once, as descriptors that are watched are the program's, which may close them
     * next. Watching for more can fail, and changes nothing then: EDDY_EPERM for what cannot be
     * watched, EDDY_EBADF, EDDY_ENOMEM. Less cannot fail, also when the descriptor is gone.
     *
     * READABLE | EDGE: what is there already, and each arrival, is told once, also if nobody looked
     * before the next. Only where LINGER_WATCHED. The program may close the descriptor meanwhile.
     * To watch the same way again verifies it, and tells what is there already once more: positive
     * if the number was of something else or of nothing by now, and has been registered anew.
     */
    int (*watch)(struct eddy__channel *channel, unsigned events);
};

/** What this platform offers, best first, NULL at the end (src/posix/, src/win32/backends.c). */
extern const struct eddy__backend *const eddy__backends[];

#endif
