/* SPDX-License-Identifier: MIT */
/**
 * The two addresses of a connection, as they were when it was made (TR-9), in little memory: packed
 * they take 21 bytes for IPv4 and 53 for IPv6, where two eddy_address take 272. A program that
 * asks for one is lent a whole address, and the pair stays unpacked from then on.
 */
#ifndef EDDY_COMMON_NAMES_H
#define EDDY_COMMON_NAMES_H

#include <eddy/address.h>

enum eddy__name { EDDY__LOCAL_NAME, EDDY__PEER_NAME };

struct eddy__names;

/** Unpacked, both unspecified; NULL if out of memory. Freed by eddy__free(). */
struct eddy__names *eddy__names_new(void);

/** The address to write to, of an unpacked pair. */
eddy_address *eddy__names_edit(struct eddy__names *names, enum eddy__name which);

/** Pack them; without memory for it they stay as they are. Cannot fail. */
void eddy__names_pack(struct eddy__names **names);

/** Copy one; false if it is not known, or `names` is NULL. */
bool eddy__names_get(const struct eddy__names *names, enum eddy__name which, eddy_address *address);

/**
 * Lend one until the pair is freed: NULL if it is not known, or, with an error text, if there is no
 * memory to unpack them.
 */
const eddy_address *eddy__names_lend(struct eddy__names **names, enum eddy__name which);

#endif
