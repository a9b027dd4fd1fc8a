/* SPDX-License-Identifier: MIT */
/**
 * The backend seam over readiness, written once. A selector adds four functions: epoll, kqueue,
 * poll and select in src/posix, the simulated network in src/sim.
 *
 * Interest is not told to the selector at once: a channel whose interest changed joins a list
 * that is worked off before the next wait, so that a pause and resume in one iteration, or a
 * connection that opens and closes, costs no system call. If the selector then refuses, the
 * orders concerned end with its error. Watching is the exception: see eddy__backend.watch.
 */
#ifndef EDDY_COMMON_REACTOR_H
#define EDDY_COMMON_REACTOR_H

#include "common/backend.h"
#include "common/error.h"
#include "common/loop.h"
#include <assert.h>

struct eddy__reactor;
struct eddy__reactor_channel;
struct eddy__reactor_batch;

/** The four functions of a selector, and the parts that only it can know. */
struct eddy__selector {
    /** Make the selector and its wake-up; sets reactor->selector_state. */
    int (*open)(struct eddy__reactor *reactor);

    /** Free all that; in a forked child too, where nothing shared with the parent is touched. */
    void (*close)(struct eddy__reactor *reactor);

    /** 0, or an error with its text if `socket` is none that watch() could take. NULL: any is. */
    int (*check)(eddy_socket socket);

    /**
     * Watch `channel` for `interest` (READABLE | WRITABLE), level-triggered. `channel->interest`
     * is what was watched before; 0 there: register, 0 as `interest`: unregister, which cannot
     * fail. With EDGE as eddy__backend.watch says, if the backend lingers watched; reports of such
     * a channel come by eddy__reactor_edge(), as the kernel may keep them longer than the channel.
     */
    int (*watch)(struct eddy__reactor_channel *channel, unsigned interest);

    /** As eddy__backend.wait. */
    int (*wait)(struct eddy__reactor *reactor, eddy_time timeout);

    /**
     * Report each event of the last wait by eddy__reactor_event(). A channel that was closed since
     * is still there, and deaf: it is freed by a ready callback, and none runs in between.
     */
    void (*report)(struct eddy__reactor *reactor);

    /** As eddy__backend.wake. */
    void (*wake)(struct eddy__reactor *reactor);
};

struct eddy__reactor {
    struct eddy_loop *loop;
    const struct eddy__selector *selector;
    void *selector_state;
    struct eddy__list changed; /**< channels whose interest differs from what is watched */
    struct eddy__reactor_channel *closing; /**< those that owe an on_closed, by `next_closing` */
    struct eddy__reactor_channel **closing_end;
    struct eddy__ready closed;         /**< tells them */
    struct eddy__reactor_batch *batch; /**< room for datagrams, made with their first channel */
};

/**
 * How many connections a turn accepts: as many as the last one that emptied the backlog, without
 * the call that would find nothing. If there were more, the next wait says so; after some turns in
 * a row that were full, each next one may take twice as many.
 */
struct eddy__accept_turn {
    uint8_t max;   /**< never more */
    uint8_t limit; /**< this many now */
    uint8_t full;  /**< turns in a row that took all they might */
};

/**
 * A channel as the reactor knows it. Its ready node is in the loop's ready queue while it has
 * something to tell (`pending`), else in reactor->changed while the selector should watch it for
 * something else, else in no list.
 */
struct eddy__reactor_channel {
    struct eddy__channel channel;
    unsigned char interest;          /**< what the selector watches; by edges, with what it saw */
    unsigned char pending;           /**< sides whose turn is to come: READABLE | WRITABLE */
    unsigned char in;                /**< the standing order of the receiving side */
    unsigned char out;               /**< the order of the sending side */
    struct eddy__late_error outcome; /**< of a connect or a watch */
    union {
        struct {
            union {
                struct eddy__accept_turn accepts;
                uint32_t datagram_max; /**< bytes of the largest datagram */
            };
            uint32_t slot; /**< for the selector's own use */
        };
        struct eddy__reactor_channel *next_closing; /**< once it is closed */
    };
};

static_assert(sizeof(void *) > 8 || sizeof(struct eddy__reactor_channel) <= 72,
              "as in stream_parts.h");

/** What the orders of the channel need to hear about: each has the bit of its side if it does. */
static inline unsigned eddy__reactor_wanted(const struct eddy__reactor_channel *channel)
{
    return (unsigned)(channel->in & EDDY__READABLE) | (channel->out & EDDY__WRITABLE);
}

/** Give sides of the channel their turn, in whichever list it is. Cannot fail. */
void eddy__reactor_pend(struct eddy__reactor_channel *channel, unsigned sides);

/** Tell the reactor, from report(), that `channel` is ready for `events`. Cannot fail. */
static inline void eddy__reactor_event(struct eddy__reactor_channel *channel, unsigned events)
{
    struct eddy__ready *ready = &channel->channel.ready;
    unsigned sides = events & eddy__reactor_wanted(channel);

    if (sides == 0)
        return;
    if (channel->pending != 0 || eddy__list_is_linked(&ready->node)) {
        eddy__reactor_pend(channel, sides);
        return;
    }
    channel->pending = (unsigned char)sides;
    eddy__agenda_append(&channel->channel.loop->agenda, ready);
}

/**
 * The same by number, for a registration that may have outlived what it was made for; nothing
 * happens unless a channel that watches by edges has the number now. READABLE, ENDED.
 */
void eddy__reactor_edge(struct eddy__reactor *reactor, eddy_socket socket, unsigned events);

/**
 * The same for a registration by levels, which has a mark: reports READABLE | WRITABLE if a channel
 * that watches has the number and `mark` as its slot now. False: it has outlived its channel.
 */
bool eddy__reactor_level(struct eddy__reactor *reactor, eddy_socket socket, uint32_t mark,
                         unsigned events);

/**
 * The seam's functions over a reactor, for the designated initialiser of a backend, which names its
 * selector there. Opening puts the reactor into loop->backend_state. Closing calls on_closed for
 * every channel that still owes it; it serves as `abandon` too.
 */
int eddy__reactor_open(struct eddy_loop *loop);
void eddy__reactor_close(struct eddy_loop *loop);
void eddy__reactor_wake(struct eddy_loop *loop);
int eddy__reactor_wait(struct eddy_loop *loop, eddy_time timeout);
void eddy__reactor_dispatch(struct eddy_loop *loop);
int eddy__reactor_channel_open(struct eddy__channel *channel);
void eddy__reactor_channel_close(struct eddy__channel *channel, bool close_socket);
void eddy__reactor_receive_start(struct eddy__channel *channel);
/** End the receiving side's order, whichever it is, with what may already be on its way. */
void eddy__reactor_stop(struct eddy__channel *channel);
int64_t eddy__reactor_send_now(struct eddy__channel *channel, const struct eddy__span *spans,
                               size_t count);
void eddy__reactor_send_start(struct eddy__channel *channel);
int64_t eddy__reactor_send_file_now(struct eddy__channel *channel,
                                    const struct eddy__file_range *range);
void eddy__reactor_send_file_start(struct eddy__channel *channel);
void eddy__reactor_send_file_stop(struct eddy__channel *channel);
void eddy__reactor_receive_datagrams_start(struct eddy__channel *channel, size_t size_max);
int64_t eddy__reactor_send_datagrams_now(struct eddy__channel *channel,
                                         const struct eddy__outgoing *list, size_t count);
void eddy__reactor_send_datagrams_start(struct eddy__channel *channel);
void eddy__reactor_accept_start(struct eddy__channel *channel, int turn_max);
void eddy__reactor_connect_start(struct eddy__channel *channel, const eddy_address *address);
/** Make `events` the orders of a watching channel, and say which they were (reactor_watch.c). */
unsigned eddy__reactor_set_watch(struct eddy__reactor_channel *channel, unsigned events);
int eddy__reactor_watch(struct eddy__channel *channel, unsigned events);

#define EDDY__REACTOR_OPERATIONS                                                                   \
    .channel_size = sizeof(struct eddy__reactor_channel), .close = eddy__reactor_close,            \
    .wake = eddy__reactor_wake, .wait = eddy__reactor_wait, .dispatch = eddy__reactor_dispatch,    \
    .channel_open = eddy__reactor_channel_open, .channel_close = eddy__reactor_channel_close,      \
    .receive_start = eddy__reactor_receive_start, .receive_stop = eddy__reactor_stop,              \
    .send_now = eddy__reactor_send_now, .send_start = eddy__reactor_send_start,                    \
    .send_file_now = eddy__reactor_send_file_now,                                                  \
    .send_file_start = eddy__reactor_send_file_start,                                              \
    .send_file_stop = eddy__reactor_send_file_stop,                                                \
    .receive_datagrams_start = eddy__reactor_receive_datagrams_start,                              \
    .send_datagrams_now = eddy__reactor_send_datagrams_now,                                        \
    .send_datagrams_start = eddy__reactor_send_datagrams_start,                                    \
    .accept_start = eddy__reactor_accept_start, .accept_stop = eddy__reactor_stop,                 \
    .connect_start = eddy__reactor_connect_start, .watch = eddy__reactor_watch

#endif
