/* SPDX-License-Identifier: MIT */
/** The sockets of datagram endpoints, and the checks of what they are asked for. */
#ifndef EDDY_COMMON_ENDPOINT_H
#define EDDY_COMMON_ENDPOINT_H

#include "common/loop.h"

/** One combination of addresses (DGRAM-4); either may be NULL. */
struct eddy__endpoint_addresses {
    int family;
    int protocol;
    const eddy_address *local;
    const eddy_address *remote;
};

/** What a socket is given before it is bound (DGRAM-5). */
struct eddy__endpoint_manner {
    bool reuse_port;
    bool allow_broadcast;
};

/** Make a socket that is bound and connected as asked for. The error has its words. */
int eddy__endpoint_open(struct eddy_loop *loop, const struct eddy__endpoint_addresses *addresses,
                        const struct eddy__endpoint_manner *manner, eddy_socket *socket);

/**
 * Open the first combination of `locals` and `remotes` (NULL: not asked for) that works; `*opened`
 * then is it, borrowing from the lists. The first error if none does.
 */
int eddy__endpoint_open_any(struct eddy_loop *loop, const eddy_address_list *locals,
                            const eddy_address_list *remotes,
                            const struct eddy__endpoint_manner *manner,
                            struct eddy__endpoint_addresses *opened, eddy_socket *socket);

/** DGRAM-2, DGRAM-3: EDDY_EINVALID, naming the options that do not go together. */
int eddy__endpoint_check(const eddy_datagram_options *options);

/** Whether the options ask for a local address, for a remote one, for Unix sockets. */
bool eddy__endpoint_has_local(const eddy_datagram_options *options);
bool eddy__endpoint_has_remote(const eddy_datagram_options *options);
bool eddy__endpoint_is_unix(const eddy_datagram_options *options);

#endif
