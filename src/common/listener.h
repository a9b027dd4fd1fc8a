/* SPDX-License-Identifier: MIT */
/** One listening socket of a server. */
#ifndef EDDY_COMMON_LISTENER_H
#define EDDY_COMMON_LISTENER_H

#include "common/loop.h"

struct eddy__listener {
    struct eddy_server *server; /**< NULL once it is closed */
    struct eddy__timer retry;   /**< after running out of descriptors (NET-26); place reserved */
    bool is_tcp;
    enum {
        NO_DELAY_UNKNOWN, /**< no connection has told yet */
        NO_DELAY_PASSED,  /**< they have it from the listening socket */
        NO_DELAY_OWED     /**< it has to be set on each */
    } no_delay;           /**< of TCP connections */
    bool is_dead;   /**< its socket is none any more, or does not listen: it never starts again */
    bool accepting; /**< the order to accept stands */
    struct eddy__channel channel; /**< last: the backend's part follows */
};

/** Take up a bound or listening socket, taking it when this succeeds. */
int eddy__listener_new(struct eddy_server *server, eddy_socket socket,
                       struct eddy__listener **listener);

/** Have the system listen, unless it does already; TCP without delay (NET-17). */
int eddy__listener_listen(struct eddy__listener *listener, int backlog);

/** Accept, unless a retry is pending; and stop. Idempotent. Cannot fail. */
void eddy__listener_start(struct eddy__listener *listener);
void eddy__listener_stop(struct eddy__listener *listener);

/** Let go of the server, close the socket if `close_socket`; the memory goes when it can. */
void eddy__listener_close(struct eddy__listener *listener, bool close_socket);

#endif
