/* SPDX-License-Identifier: MIT */
/** In which order the addresses of a host are tried. */
#ifndef EDDY_COMMON_INTERLEAVE_H
#define EDDY_COMMON_INTERLEAVE_H

#include <eddy/dns.h>

/**
 * Write the entries of `list` to `ordered`, which has room for all of them (NET-12).
 *
 * `first_count` 0: as they come. Else the families take turns, in the order in which they appear
 * first, after `first_count` - 1 extra entries of the first family. Cannot fail.
 */
void eddy__interleave(const eddy_address_list *list, size_t first_count,
                      const eddy_addrinfo **ordered);

#endif
