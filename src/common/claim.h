/* SPDX-License-Identifier: MIT */
/**
 * Which channel of a loop has which socket, by the socket's number: so that nobody watches or uses
 * a descriptor that a transport or a server owns (FD-1, SOCK-1), and so that both directions of a
 * watched one meet in one channel.
 *
 * A hash table whose chains run through the channels themselves. Claiming cannot fail: if there is
 * no memory for a larger table, chains only get longer. Belongs to the loop's thread.
 */
#ifndef EDDY_COMMON_CLAIM_H
#define EDDY_COMMON_CLAIM_H

#include "common/backend.h"

/** Chains of the table that every loop has from the start, as a power of two. */
enum { EDDY__CLAIM_BITS_FIRST = 4 };

/** A side of a descriptor that an operation keeps to itself; see watcher.h. */
struct eddy__reservation {
    struct eddy__reservation *next;
    eddy_socket socket;
    unsigned event; /**< EDDY__READABLE or EDDY__WRITABLE */
    bool is_kept;
};

/** All zero is an empty table. */
struct eddy__claims {
    struct eddy__channel **chains; /**< NULL: `first` */
    unsigned bits;                 /**< of the number of `chains` */
    size_t count;
    struct eddy__channel *first[1 << EDDY__CLAIM_BITS_FIRST];
    struct eddy__reservation *reservations; /**< few: as many as files that are sent in pieces */
};

/** Free the table; channels that are still in it are not looked at. */
void eddy__claims_fini(struct eddy__claims *claims);

/** Enter `channel`, which is in no table, under its socket's number. Cannot fail. */
void eddy__claims_add(struct eddy__claims *claims, struct eddy__channel *channel);

/** Take it out, before its socket is closed; nothing happens if it is not there. Cannot fail. */
void eddy__claims_remove(struct eddy__claims *claims, struct eddy__channel *channel);

/** The channel that was entered last for `socket`, or NULL. */
struct eddy__channel *eddy__claims_find(const struct eddy__claims *claims, eddy_socket socket);

/** The loop closes: have every channel that can be abandoned leave. Cannot fail. */
void eddy__claims_abandon(struct eddy__claims *claims);

/** Any channel that has `events`, or NULL. Looks at all of them. */
struct eddy__channel *eddy__claims_find_kind(const struct eddy__claims *claims,
                                             const struct eddy__channel_events *events);

/** Call `visit` for every channel, until it returns something else than 0; that, or 0. It may not
 * change the table. */
int eddy__claims_visit(const struct eddy__claims *claims,
                       int (*visit)(struct eddy__channel *channel, void *arg), void *arg);

/**
 * What a transport or server does with a channel once it owns the socket, and no later than it
 * closes it. Whoever still watches that number has forgotten to stop before it was closed: they
 * are told EDDY_EBADF. In watcher.c. Cannot fail.
 */
void eddy__channel_claim(struct eddy__channel *channel);
void eddy__channel_disclaim(struct eddy__channel *channel);

#endif
