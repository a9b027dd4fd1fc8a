/* SPDX-License-Identifier: MIT */
/**
 * The inside of a TLS transport, shared by its files: transport.c (life), start.c (how it begins),
 * below.c (what lower tells it), input.c, read.c, write.c and lane.c. Nobody else includes it.
 *
 *   state   NEW ─begin─► HANDSHAKE ─shaken─► WRAPPED ─close─► FLUSHING ─flushed─► SHUTDOWN
 *            │                                  │ cut off         ▲                  │ finished
 *            │                                  └─► WAITING ─read─┘                  │
 *            └── end (abort, error) from each ──► UNWRAPPED ◄────────────────────────┘
 *           UNWRAPPED, and each before it ─ lower lost ─► LOSING ─told─► LOST          (TLS-15)
 *   told    INIT ─► MADE ─► EOF ─► LOST, what the protocol has heard                    (TLS-16)
 *
 * "Lower" is the transport below, whose protocol we are; WAITING means that its input has ended and
 * the program has not read it all (TLS-42), FLUSHING that output is on its way to it, SHUTDOWN that
 * our close_notify is with it and the peer's is awaited.
 *
 * Who holds a TLS transport: the library, from its making until both sides are told; beside that,
 * whoever took a reference. Everything runs in the loop's thread. Any callback of the protocol may
 * close, abort, write or pause, so the state is looked at again after each.
 */
#ifndef EDDY_TLS_PARTS_H
#define EDDY_TLS_PARTS_H

#include "common/error.h"
#include "common/flow.h"
#include "common/output.h"
#include "common/protocol.h"
#include "tls/engine.h"
#include "tls/tls.h"

enum tls_state {
    TLS_NONE, /* so that a row nobody wrote is caught */
    TLS_NEW,
    TLS_HANDSHAKE,
    TLS_WRAPPED,
    TLS_WAITING, /* from here on it is closing */
    TLS_FLUSHING,
    TLS_SHUTDOWN,
    TLS_UNWRAPPED,
    TLS_LOSING,
    TLS_LOST,
    TLS_STATES
};

enum tls_event {
    TLS_ON_BEGIN,      /* bytes may move */
    TLS_ON_SHAKEN,     /* the handshake is over */
    TLS_ON_CLOSE,      /* close(), or the peer's end of whatever kind */
    TLS_ON_CUT_OFF,    /* lower's input has ended, and some of it waits for the program */
    TLS_ON_READ,       /* it does no longer */
    TLS_ON_FLUSHED,    /* all output and our close_notify are with lower */
    TLS_ON_FINISHED,   /* so is the peer's: nothing is left to do */
    TLS_ON_END,        /* abort(), an error */
    TLS_ON_LOWER_LOST, /* lower has said connection_lost() */
    TLS_ON_TOLD,       /* so have we, or it will never be said */
    TLS_EVENTS
};

enum tls_told { TLS_TOLD_INIT, TLS_TOLD_MADE, TLS_TOLD_EOF, TLS_TOLD_LOST };

/** So many connections keep OpenSSL's buffers while they are idle: those that were busy last. */
enum { TLS_WARM_MAX = 128 };

/** What the TLS transports of one loop have in common, for each depth of TLS in TLS. */
struct eddy__tls_lane {
    struct eddy__tls_lane *deeper;
    unsigned char *plain;         /**< where input is decrypted, lent to data_received() */
    struct eddy__tls_room cipher; /**< where output is encrypted, until the callback ends */
    struct eddy__tls *holder;     /**< whose output is there, or NULL; its wire leads there */
    struct eddy__tls *warm[TLS_WARM_MAX];
    unsigned warm_next;       /**< who cools down next */
    struct eddy__ready flush; /**< at the end of the batch in which was written */
};

#define TLS_PLAIN_MAX ((size_t)256 * 1024)
/** From so much on output goes to lower at once; behind it there is room for one more record. */
#define TLS_CIPHER_FULL ((size_t)64 * 1024)
#define TLS_CIPHER_MAX (TLS_CIPHER_FULL + (size_t)20 * 1024)

/** What only a transport that is being made needs. */
struct tls_opening {
    struct eddy__transport_setup setup; /**< without a factory: start_tls() */
    eddy_time handshake_timeout;
    bool is_making;    /**< inside the factory or connection_made() */
    bool is_forgotten; /**< meanwhile: close it once it is made */
};

/** Input that nobody was there for. */
struct tls_kept {
    size_t max;
    unsigned char data[];
};

struct eddy__tls {
    struct eddy_transport transport;
    eddy_protocol below;          /**< what lower calls */
    struct eddy_transport *lower; /**< NULL until it begins */
    struct eddy_tls *engine;
    struct eddy__tls_wire wire;
    struct eddy__tls_lane *lane;
    struct eddy__live live;
    struct eddy__ready ready; /**< what comes next: begin, go on reading, connection_lost() */
    struct eddy__timer timer; /**< the limit of the handshake, later of the shutdown */
    struct tls_opening *opening;
    struct eddy__failure *failure; /**< the words for `error` */
    struct eddy__output plain;     /**< written, not yet encrypted */
    struct eddy__output cipher;    /**< encrypted, while lower takes no more */
    struct eddy__flow flow;
    struct tls_kept *kept; /**< wire.in points into it, or to what lower lends */
    size_t read_high;
    size_t read_low;
    eddy_time shutdown_timeout;
    int error; /**< for connection_lost() */
    uint8_t state;
    uint8_t told;
    uint8_t warm;         /**< its place in the lane, from 1; 0: it has none */
    bool app_paused : 1;  /**< by pause_reading() */
    bool lower_held : 1;  /**< lower was told to pause reading */
    bool lower_full : 1;  /**< lower told us to pause writing */
    bool lower_ended : 1; /**< it has nothing more to read */
    bool peer_done : 1;   /**< the peer sends no more */
    bool is_notified : 1; /**< our close_notify is on its way */
    bool is_settled : 1;  /**< all that was written is with the system, before that */
    bool in_turn : 1;     /**< which sends what is written meanwhile when it ends */
};

static inline struct eddy__tls *tls_of(const struct eddy_transport *transport)
{
    return EDDY__OWNER(transport, struct eddy__tls, transport);
}

/* transport.c */

/** Move the state machine; the row's action runs. */
void eddy__tls_step(struct eddy__tls *tls, enum tls_event event);

/** End the connection with `error`, whose words were said last. Later errors are lost. */
void eddy__tls_fail(struct eddy__tls *tls, int error);

/** The same with words that were captured; takes `failure`. */
void eddy__tls_fail_with(struct eddy__tls *tls, int error, struct eddy__failure *failure);

/** A callback of the protocol failed: end the connection and report it (TLS-48). */
void eddy__tls_protocol_failed(struct eddy__tls *tls, const char *callback, int error);

/** The limit of the handshake, or of the shutdown, begins now. */
void eddy__tls_start_limit(struct eddy__tls *tls, eddy_time limit);

/** True from the first close, abort or error on, ours or lower's (TLS-46). */
bool eddy__tls_is_closing(const struct eddy_transport *transport);

/** Tell who waits for the connection, once, and forget them. */
void eddy__tls_tell_made(struct eddy__tls *tls, int error);

/** Set up what cannot fail. */
void eddy__tls_init(struct eddy__tls *tls, struct eddy_loop *loop);

/** For the kind's table. */
void eddy__tls_free(struct eddy_transport *transport);

/* start.c */

/** The handshake, as far as it goes. */
void eddy__tls_shake(struct eddy__tls *tls);

/** Begin it; lower can carry bytes. */
void eddy__tls_enter_handshake(struct eddy__tls *tls);

/* below.c */

extern const eddy_protocol_callbacks eddy__tls_below;

/* input.c */

/** Copy `size` bytes that lower had received already to the end of the input. 0, EDDY_ENOMEM. */
int eddy__tls_keep(struct eddy__tls *tls, const void *data, size_t size);

void eddy__tls_drop_input(struct eddy__tls *tls);

/** Pause and resume lower's reading by the size of the input (TLS-33). */
void eddy__tls_mark_input(struct eddy__tls *tls);

int eddy__tls_set_read_limits(struct eddy_transport *transport, size_t high, size_t low);
void eddy__tls_get_read_limits(const struct eddy_transport *transport, size_t *low, size_t *high);
size_t eddy__tls_get_read_size(const struct eddy_transport *transport);

/* read.c */

/** Take input as far as the state and the protocol allow; end the turn. */
void eddy__tls_turn(struct eddy__tls *tls);

/** A turn in the next iteration, without news from below. */
void eddy__tls_turn_later(struct eddy__tls *tls);

int eddy__tls_pause_reading(struct eddy_transport *transport);
int eddy__tls_resume_reading(struct eddy_transport *transport);
bool eddy__tls_is_reading(const struct eddy_transport *transport);

/* write.c */

/** Encrypt what is queued, as far as lower takes it. */
void eddy__tls_encrypt(struct eddy__tls *tls);

/** Lower has room again: what is encrypted goes first. */
void eddy__tls_send_on(struct eddy__tls *tls);

/** Tell the protocol what became of the size of the output (TLS-31). */
void eddy__tls_flow_update(struct eddy__tls *tls);

int eddy__tls_write(struct eddy_transport *transport, const eddy_buffer *buffers, size_t count);
int eddy__tls_write_owned(struct eddy_transport *transport, const void *data, size_t size,
                          eddy_release release, void *arg);
size_t eddy__tls_get_write_size(const struct eddy_transport *transport);
int eddy__tls_set_limits(struct eddy_transport *transport, size_t high, size_t low);
void eddy__tls_get_limits(const struct eddy_transport *transport, size_t *low, size_t *high);
bool eddy__tls_is_writing_paused(const struct eddy_transport *transport);

/** The program may still read. */
static inline bool tls_is_readable(const struct eddy__tls *tls)
{
    return tls->state == TLS_WRAPPED || tls->state == TLS_WAITING;
}

/** Lower takes no more for now. */
static inline bool tls_is_blocked(const struct eddy__tls *tls)
{
    return tls->lower_full || tls->cipher.size > 0;
}

/* lane.c */

/** The lane for TLS over `lower`, made at its first use; NULL: EDDY_ENOMEM. */
struct eddy__tls_lane *eddy__tls_lane_over(struct eddy_loop *loop,
                                           const struct eddy_transport *lower);

/** Have the lane for what this transport's engine writes; who had it sends what is there. */
void eddy__tls_lane_take(struct eddy__tls *tls);

/** Before each call of the engine: what it writes has room. */
static inline void tls_hold_lane(struct eddy__tls *tls)
{
    if (tls->lane->holder != tls)
        eddy__tls_lane_take(tls);
}

/** How much of what the engine wrote is still in the lane. */
static inline size_t tls_has_said(const struct eddy__tls *tls)
{
    return tls->wire.out != NULL ? tls->wire.out->size : 0;
}

/** Hand over to lower what the engine wrote; keep it if lower is full. */
void eddy__tls_lane_flush(struct eddy__tls *tls);

/** The same when the callbacks of this batch have run. */
void eddy__tls_lane_flush_later(struct eddy__tls *tls);

/** Forget what is there. */
void eddy__tls_lane_release(struct eddy__tls *tls);

/** The connection is over: its place among the warm ones is free. */
void eddy__tls_lane_leave(struct eddy__tls *tls);

#endif
