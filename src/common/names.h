/* SPDX-License-Identifier: MIT */
/**
 * The two addresses of a connection, as they were when it was made (TR-9), in little memory: packed
 * they take 15 bytes for IPv4 and 39 for IPv6, where two eddy_address take 272. A program that
 * asks for one is lent a whole address, and the pair stays unpacked from then on.
 */
#ifndef EDDY_COMMON_NAMES_H
#define EDDY_COMMON_NAMES_H

#include <eddy/address.h>
#include <stddef.h>

enum eddy__name { EDDY__LOCAL_NAME, EDDY__PEER_NAME };

struct eddy__names;

/** Bytes of memory in which eddy__names_init() has room for a local address like `peer`. */
size_t eddy__names_size(const eddy_address *peer);

/**
 * Packed, with room for a local address like `peer`; `peer` NULL or unspecified: it is not known.
 * In `memory` of eddy__names_size() bytes, which is the caller's and stays, if that is enough.
 * NULL: EDDY_ENOMEM. Freed by eddy__names_free().
 */
struct eddy__names *eddy__names_init(void *memory, const eddy_address *peer);

/** Free what is not in the caller's memory; NULL is allowed. */
void eddy__names_free(struct eddy__names *names);

/**
 * Put one in that is not known yet. Packed ones may move; one that is lent stays where it is.
 * EDDY_ENOMEM: nothing has changed. Cannot fail if there is room: see eddy__names_init().
 */
int eddy__names_put(struct eddy__names **names, enum eddy__name which, const eddy_address *address);

/** Copy one; false if it is not known, or `names` is NULL. */
bool eddy__names_get(const struct eddy__names *names, enum eddy__name which, eddy_address *address);

/**
 * Lend one until the pair is freed: NULL if it is not known, or, with an error text, if there is no
 * memory to unpack them.
 */
const eddy_address *eddy__names_lend(struct eddy__names **names, enum eddy__name which);

#endif
