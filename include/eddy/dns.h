/* SPDX-License-Identifier: MIT */
/** Name resolution by the system's resolver, on the default executor (NET-1..NET-5). */
#ifndef EDDY_DNS_H
#define EDDY_DNS_H

#include <eddy/address.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Flags of eddy_addrinfo_options; as the AI_ flags of getaddrinfo(). */
enum eddy_ai_flags {
    EDDY_AI_PASSIVE = 1,
    EDDY_AI_CANONNAME = 2,
    EDDY_AI_NUMERICHOST = 4,
    EDDY_AI_NUMERICSERV = 8,
    EDDY_AI_ADDRCONFIG = 16,
    EDDY_AI_V4MAPPED = 32,
    EDDY_AI_ALL = 64
};

/** Flags of eddy_loop_getnameinfo(); as the NI_ flags of getnameinfo(). */
enum eddy_ni_flags {
    EDDY_NI_NUMERICHOST = 1,
    EDDY_NI_NUMERICSERV = 2,
    EDDY_NI_NAMEREQD = 4,
    EDDY_NI_NOFQDN = 8,
    EDDY_NI_DGRAM = 16
};

typedef struct eddy_addrinfo_options {
    eddy_family family;
    eddy_socket_type type;
    eddy_ip_protocol protocol;
    unsigned flags; /**< EDDY_AI_* */
    void *reserved[4];
} eddy_addrinfo_options;

/** One answer of the resolver. */
typedef struct eddy_addrinfo {
    eddy_family family;
    eddy_socket_type type;
    eddy_ip_protocol protocol;
    const char *canonical_name; /**< lives as long as the list; NULL unless asked for */
    eddy_address address;
} eddy_addrinfo;

/** The names of an address, in one allocation. */
struct eddy_name_info {
    const char *host;
    const char *service;
};

/**
 * Resolve a host and a service name or decimal port; either may be NULL, not both (NET-1).
 *
 * Copies its arguments. The future's value is `addresses`, owned by who takes it out; errors are
 * EDDY_EAI_* or the system's. Cancelling stops the waiting, the worker ends on its own (NET-3).
 */
EDDY_API eddy_future *eddy_loop_getaddrinfo(eddy_loop *loop, const char *host, const char *service,
                                            const eddy_addrinfo_options *options);

EDDY_API size_t eddy_address_list_count(const eddy_address_list *list);

/** Entry `index`, borrowed from the list; NULL past its end. */
EDDY_API const eddy_addrinfo *eddy_address_list_get(const eddy_address_list *list, size_t index);

/** Free a list; NULL is allowed. */
EDDY_API void eddy_address_list_free(eddy_address_list *list);

/**
 * Find the names of an address (NET-2). The future's value is `name_info`, owned by who takes it
 * out. Otherwise as eddy_loop_getaddrinfo().
 */
EDDY_API eddy_future *eddy_loop_getnameinfo(eddy_loop *loop, const eddy_address *address,
                                            unsigned flags);

/** Free the names; NULL is allowed. */
EDDY_API void eddy_name_info_free(eddy_name_info *info);

#ifdef __cplusplus
}
#endif

#endif
