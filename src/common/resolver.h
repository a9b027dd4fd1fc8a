/* SPDX-License-Identifier: MIT */
/**
 * The system's blocking resolver, called on executor threads. src/posix/resolver.c and
 * src/win32/resolver.c supply the two functions.
 */
#ifndef EDDY_COMMON_RESOLVER_H
#define EDDY_COMMON_RESOLVER_H

#include <eddy/dns.h>

/** What is asked; texts may be NULL. Numbers are portable ones, flags are EDDY_AI_*. */
struct eddy__resolver_query {
    const char *host;
    const char *service;
    int family;
    int type;
    int protocol;
    unsigned flags;
};

/** A list of addresses in resolver order (NET-1), in one allocation. */
struct eddy_address_list {
    size_t count;
    eddy_addrinfo entries[];
};

/** Resolve; `*list` is the caller's. Blocks. Any thread. */
int eddy__resolver_addresses(const struct eddy__resolver_query *query, eddy_address_list **list);

/** Reverse: `flags` are EDDY_NI_*. `*info` is the caller's (one allocation). Blocks. Any thread. */
int eddy__resolver_name(const eddy_address *address, unsigned flags, eddy_name_info **info);

/** Make a list for `count` entries, zeroed; texts may follow the entries in `extra` bytes. */
eddy_address_list *eddy__address_list_new(size_t count, size_t extra);

/** Append to `list`, which has room, the entries of `more` whose addresses it has not yet. */
void eddy__address_list_append_new(eddy_address_list *list, const eddy_address_list *more);

#endif
