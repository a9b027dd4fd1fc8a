/* SPDX-License-Identifier: MIT */
/**
 * The inside of a datagram transport, shared by datagram.c (its life) and datagram_send.c. Nobody
 * else includes it.
 *
 *   STARTING ─► MAKING ─► OPEN ─close─► DRAINING ─drained─► LOSING ─lost─► LOST
 *                          └────── end (close without output, abort, error) ──►┘
 *
 * Receiving is on from OPEN to the end; a datagram transport does not pause (TR-1).
 */
#ifndef EDDY_COMMON_DATAGRAM_PARTS_H
#define EDDY_COMMON_DATAGRAM_PARTS_H

#include "common/datagram.h"
#include "common/error.h"
#include "common/flow.h"
#include "common/socket_view.h"

enum datagrams_life {
    DATAGRAMS_STARTING = 1,
    DATAGRAMS_MAKING, /* the factory runs */
    DATAGRAMS_OPEN,
    DATAGRAMS_DRAINING,
    DATAGRAMS_LOSING, /* connection_lost() is decided */
    DATAGRAMS_LOST
};

/** What is known of the endpoint's addresses, as they were when it was made (TR-9). */
struct datagrams_names {
    eddy_address local;  /* length 0: the system refused to say */
    eddy_address peer;   /* length 0: not connected */
    eddy_address remote; /* where everything goes; length 0: sendto() says where */
};

/** Bytes and datagrams that are gathered at most. */
enum { DATAGRAM_ROOM_SIZE = 64 * 1024, DATAGRAM_ROOM_COUNT = EDDY__DATAGRAMS_MAX };

/**
 * What a protocol sends while datagrams are delivered that came together is gathered here, and
 * leaves together. The loop has one, since only one endpoint delivers at a time.
 */
struct eddy__datagram_room {
    size_t count;
    size_t size; /**< bytes of them all */
    struct eddy__outgoing list[DATAGRAM_ROOM_COUNT];
    eddy_address to[DATAGRAM_ROOM_COUNT];
    unsigned char bytes[DATAGRAM_ROOM_SIZE];
};

struct datagrams_parcel;

struct eddy__datagrams {
    struct eddy_transport transport;
    struct eddy__ready ready; /* of the start */
    struct eddy__timer retry; /* sends again; its place is reserved while the channel is open */
    struct eddy__datagrams_setup setup;
    struct datagrams_names *names;
    struct eddy__failure *failure; /* the words for `error` */
    struct datagrams_parcel *first;
    struct datagrams_parcel *last;
    size_t queued; /* bytes, and TR-36's eight for each datagram */
    struct eddy__flow flow;
    int error; /* for connection_lost() */
    int family;
    uint8_t life;
    uint8_t dropped_writes;       /* see eddy__flow_drop() */
    bool gathers;                 /* the loop's datagram_room is this endpoint's */
    bool sending;                 /* the backend owes an on_sent, or `retry` is running */
    bool channel_closed;          /* it owes nothing any more */
    bool forgotten;               /* while the factory ran: close it once it is made */
    struct eddy__channel channel; /* last: the backend's part follows */
};

static inline struct eddy__datagrams *datagrams_of(const struct eddy_transport *transport)
{
    return EDDY__OWNER(transport, struct eddy__datagrams, transport);
}

static inline struct eddy__datagrams *datagrams_of_channel(const struct eddy__channel *channel)
{
    return EDDY__OWNER(channel, struct eddy__datagrams, channel);
}

/** When a callback of the protocol begins; EDDY_FOREVER if nobody wants to know. */
static inline eddy_time datagrams_enter(const struct eddy__datagrams *endpoint)
{
    struct eddy_loop *loop = endpoint->transport.loop;

    return loop->debug ? eddy__loop_now(loop) : EDDY_FOREVER;
}

/**
 * A callback has returned `result`: debug mode says so if it took long (LOOP-34), and a failure is
 * reported, which changes nothing (TR-35).
 */
void eddy__datagrams_leave(struct eddy__datagrams *endpoint, eddy_time entered,
                           const char *callback, int result);

/** error_received(): the transport goes on (TR-34). */
void eddy__datagrams_tell_error(struct eddy__datagrams *endpoint, int error);

/** Everything is sent after a close(). */
void eddy__datagrams_drained(struct eddy__datagrams *endpoint);

/** Drop what is queued; what the system may still be reading stays until it has let go. */
void eddy__datagrams_drop_output(struct eddy__datagrams *endpoint);

/** Bytes that wait to be sent, as TR-36 counts them. */
size_t eddy__datagrams_waiting(const struct eddy__datagrams *endpoint);

/** Free the queue. */
void eddy__datagrams_clear_output(struct eddy__datagrams *endpoint);

/* Of the kind's table and of the channel's events, in datagram_send.c. */
int64_t eddy__datagrams_sendto(struct eddy_transport *transport, const eddy_outgoing_datagram *list,
                               size_t count);
size_t eddy__datagrams_get_write_buffer_size(const struct eddy_transport *transport);
int eddy__datagrams_set_limits(struct eddy_transport *transport, size_t high, size_t low);
void eddy__datagrams_get_limits(const struct eddy_transport *transport, size_t *low, size_t *high);
size_t eddy__datagrams_get_datagrams(struct eddy__channel *channel, struct eddy__outgoing *list,
                                     size_t max);
void eddy__datagrams_on_sent(struct eddy__channel *channel, int64_t result);
void eddy__datagrams_on_begin(struct eddy__channel *channel);
void eddy__datagrams_on_end(struct eddy__channel *channel);

/* Of the timer `retry`. */
void eddy__datagrams_run_retry(struct eddy__ready *ready);

#endif
