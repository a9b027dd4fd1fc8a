/* SPDX-License-Identifier: MIT */
/**
 * The inside of the "iocp" backend, for the files that implement it.
 *
 * A channel has two operations, one a side; a listening channel has several more, of its accepts.
 * An operation is where the kernel knows us: its OVERLAPPED must stay where it is from the call
 * until its packet has come out of the port, cancelled or not. That is why a channel lives until
 * on_closed.
 *
 *     IDLE ──order──► QUEUED ──wait()──► FLYING ──packet──► DONE ──event──► IDLE
 *                        │                  └── at once ──────▲
 *                        └── stopped before the wait: IDLE
 *
 * QUEUED operations wait in one of the two lists of the port, receiving sides apart so that they
 * go first (LOOP-27). DONE ones that somebody waits for are in the loop's ready queue; the others
 * (a receive that was stopped) just stay DONE until the next start. So `ready.node` is in at most
 * one list at any time.
 *
 * Everything here belongs to the loop's thread, except eddy__iocp_wake().
 */
#ifndef EDDY_WIN32_IOCP_H
#define EDDY_WIN32_IOCP_H

#include "common/loop.h"
#include "win32/sys.h"

struct eddy__iocp_channel;
struct eddy__operation;

enum eddy__operation_phase {
    EDDY__OPERATION_IDLE,
    EDDY__OPERATION_QUEUED,
    EDDY__OPERATION_FLYING,
    EDDY__OPERATION_DONE
};

/** What distinguishes receives, sends, accepts and connects. */
struct eddy__operation_kind {
    /** Goes before the channel's other side. */
    bool receiving;

    /** Asks the driver and not the socket: watching, datagrams (watch.c). */
    bool polls;

    /**
     * Make the system's call with operation->overlapped: the number of the error, 0 for done or
     * ERROR_IO_PENDING. Sets operation->size if it is done.
     */
    int (*submit)(struct eddy__operation *operation);

    /** The event's turn in the ready queue. */
    void (*run)(struct eddy__ready *ready);
};

/** One operation of the kernel, and the ready node of the event that it leads to. */
struct eddy__operation {
    OVERLAPPED overlapped; /**< first: the port gives back its address */
    struct eddy__ready ready;
    const struct eddy__operation_kind *kind;
    struct eddy__iocp_channel *channel;
    int number;    /**< outcome: 0, or the system's number */
    uint32_t size; /**< bytes, if it moves any */
    unsigned char phase;
    bool wanted; /**< somebody waits for the event: the order stands */
};

struct eddy__acceptor;
struct eddy__watching;

struct eddy__iocp_channel {
    struct eddy__channel channel;
    struct eddy__operation receive;
    struct eddy__operation send;     /**< also the connect, which comes before any send */
    struct eddy__acceptor *acceptor; /**< once it accepts: its other operations */
    struct eddy__watching *watching; /**< if it watches or has datagrams: what its polls need */
    struct eddy__list closing;       /**< in the port's list, from close to on_closed */
    unsigned char flying;            /**< operations that the kernel still holds */
    bool closed;
    bool skips_packets; /**< what is done at once leaves out its packet */
};

/** Packets that one wait takes out of the port at most; the rest is there at the next. */
#define EDDY__IOCP_BATCH 128

/** loop->backend_state. */
struct eddy__iocp {
    struct eddy_loop *loop;
    HANDLE port;
    HANDLE afd;                  /**< where sockets are polled, once some are (afd.h) */
    struct eddy__list queued[2]; /**< operations to submit at the next wait: receiving, others */
    struct eddy__list closing;   /**< channels on their way to on_closed */
    size_t channel_count;        /**< open or closing */

    /* Sockets that were given back to the program and are still tied to the port, which Windows
     * undoes only when no operation is left. Room for every open channel is reserved. */
    eddy_socket *kept;
    size_t kept_count;
    size_t kept_capacity;

    struct eddy__precise precise;

    ULONG entry_count;
    OVERLAPPED_ENTRY entries[EDDY__IOCP_BATCH];

    /* Any thread. */
    atomic_bool wake_pending; /**< a wake-up packet is in the port */
};

/** The completion keys. A socket keeps its key for life, so it cannot be the channel. */
enum { EDDY__IOCP_KEY_WAKE = 1, EDDY__IOCP_KEY_SOCKET, EDDY__IOCP_KEY_TIMER };

static inline struct eddy__iocp *eddy__iocp_of(const struct eddy__iocp_channel *channel)
{
    return channel->channel.loop->backend_state;
}

static inline struct eddy__iocp_channel *eddy__iocp_channel_of(struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct eddy__iocp_channel, channel);
}

static inline struct eddy__operation *eddy__operation_of(struct eddy__ready *ready)
{
    return EDDY__OWNER(ready, struct eddy__operation, ready);
}

/* operation.c */

/** Prepare an operation of `channel` in zeroed memory, or turn an idle one into another kind. */
void eddy__operation_init(struct eddy__operation *operation, struct eddy__iocp_channel *channel,
                          const struct eddy__operation_kind *kind);

/** Somebody wants its event: submit at the next wait, or tell what has already come. */
void eddy__operation_start(struct eddy__operation *operation);

/** Nobody wants its event for now. What the kernel has begun goes on. */
void eddy__operation_stop(struct eddy__operation *operation);

/** Make it DONE with `number` without asking the system; its event comes from the ready queue. */
void eddy__operation_decide(struct eddy__operation *operation, int number);

/** Ask the system now. */
void eddy__operation_submit(struct eddy__operation *operation);

/** The two halves of that, before and after the system's call, which said `number`. */
void eddy__operation_begin(struct eddy__operation *operation);
void eddy__operation_begun(struct eddy__operation *operation, int number);

/** Its packet came out of the port. */
void eddy__operation_arrive(struct eddy__operation *operation);

/** To be called first by an event's turn: IDLE again; the outcome stays readable. */
void eddy__operation_take(struct eddy__operation *operation);

/** Ask the system to end it soon, and have nobody told. */
void eddy__operation_abandon(struct eddy__operation *operation);

/* channel.c */

int eddy__iocp_channel_open(struct eddy__channel *channel);
void eddy__iocp_channel_close(struct eddy__channel *channel, bool close_socket);

/** The last operation of a closing channel has ended, or there was none. */
void eddy__iocp_channel_landed(struct eddy__iocp_channel *channel);

/** Call on_closed. Nothing of the channel is used afterwards. */
void eddy__iocp_channel_finish(struct eddy__iocp_channel *channel);

/* receive.c, send.c, accept.c, connect.c, watch.c, datagram.c */

extern const struct eddy__operation_kind eddy__iocp_receiving;
extern const struct eddy__operation_kind eddy__iocp_sending;

void eddy__iocp_receive_start(struct eddy__channel *channel);
void eddy__iocp_receive_stop(struct eddy__channel *channel);
int64_t eddy__iocp_send_now(struct eddy__channel *channel, const struct eddy__span *spans,
                            size_t count);
void eddy__iocp_send_start(struct eddy__channel *channel);
void eddy__iocp_accept_start(struct eddy__channel *channel, int turn_max);
void eddy__iocp_accept_stop(struct eddy__channel *channel);
void eddy__iocp_connect_start(struct eddy__channel *channel, const eddy_address *address);

/** Take up a channel that only watches: its socket is not tied to the port. */
int eddy__iocp_watch_open(struct eddy__iocp_channel *channel);
int eddy__iocp_watch(struct eddy__channel *channel, unsigned events);

/** The channel closes: it polls no more. What its polls need stays until the last has ended. */
void eddy__iocp_watch_fini(struct eddy__iocp_channel *channel);

/** The submit of an operation that polls such a channel's socket, in its direction. */
int eddy__iocp_poll_submit(struct eddy__operation *operation);

/** Take up a channel of datagrams, in the same way. */
int eddy__iocp_datagrams_open(struct eddy__iocp_channel *channel);
void eddy__iocp_receive_datagrams_start(struct eddy__channel *channel, size_t size_max);
int64_t eddy__iocp_send_datagrams_now(struct eddy__channel *channel,
                                      const struct eddy__outgoing *list, size_t count);
void eddy__iocp_send_datagrams_start(struct eddy__channel *channel);

/** End all accepts of a closing channel; it may have none. */
void eddy__iocp_accept_abandon(struct eddy__iocp_channel *channel);

/** Close what was accepted and never told, and free the acceptor, if there is one. */
void eddy__iocp_accept_free(struct eddy__iocp_channel *channel);

#endif
