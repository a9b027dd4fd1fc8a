/* SPDX-License-Identifier: MIT */
/**
 * Synchronous socket calls, as a table: src/posix/socket.c and src/win32/socket.c fill it with the
 * system's, src/sim/socket.c with the simulated network's. None of them ever blocks.
 *
 * What a platform must supply: every field. Results are 0 or a count, or a negative code; the
 * system's number is remembered by eddy__system_error(). Sockets are made non-blocking and not
 * inheritable, and never raise SIGPIPE.
 */
#ifndef EDDY_COMMON_SOCKET_H
#define EDDY_COMMON_SOCKET_H

#include <eddy/address.h>

/** A piece of memory to send or to fill; has the layout of the system's iovec on POSIX. */
struct eddy__span {
    void *data;
    size_t size;
};

/** Most spans that one send takes; more are simply not looked at. */
#define EDDY__SPANS_MAX 64

/** Most datagrams that one call receives or sends. */
#define EDDY__DATAGRAMS_MAX 64

/** Room for a datagram, and what came into it. */
struct eddy__incoming {
    void *data;
    size_t room;
    size_t size;       /**< bytes of `data` that are set */
    bool is_truncated; /**< it was larger than the room, and its rest is lost */
    eddy_address from; /**< unspecified: the sender has no address */
};

/** A datagram to send; `to` NULL: where the socket is connected to. */
struct eddy__outgoing {
    const void *data;
    size_t size;
    const eddy_address *to;
};

enum eddy__socket_option {
    EDDY__REUSE_ADDRESS = 1,
    EDDY__REUSE_PORT, /**< EDDY_ENOTSUPPORTED where the system has none */
    EDDY__KEEP_ALIVE,
    EDDY__IPV6_ONLY,
    EDDY__NO_DELAY,
    EDDY__RECEIVE_BUFFER, /**< bytes */
    EDDY__SEND_BUFFER,    /**< bytes */
    EDDY__BROADCAST,
    EDDY__HOP_LIMIT,           /**< of datagrams to one receiver (IPv4: time to live) */
    EDDY__MULTICAST_HOP_LIMIT, /**< of datagrams to a group */
    EDDY__MULTICAST_LOOPBACK,  /**< whether this machine hears them too */
    EDDY__MULTICAST_INTERFACE, /**< index of the network interface they leave by; 0: any */
    EDDY__SOCKET_OPTIONS
};

struct eddy__socket_ops {
    /**
     * REUSE_ADDRESS would let another program take over the port (Windows), so that a server must
     * ask for it; elsewhere it only skips the pause after a restart and is the default (NET-21).
     */
    bool reuse_shares_port;

    /**
     * A connected TCP socket tells its own address as long as it is open (Linux), so that it need
     * not be asked before somebody wants to know. Others forget it with a reset (macOS, some BSDs).
     */
    bool local_address_lasts;

    /** Make a socket; eddy_family, eddy_socket_type, eddy_ip_protocol in portable numbers. */
    int (*open)(struct eddy_loop *loop, int family, int type, int protocol, eddy_socket *socket);

    /** Make two connected sockets of `type` (Windows: a loopback TCP pair). */
    int (*pair)(struct eddy_loop *loop, int type, eddy_socket sockets[2]);

    /** Close. Neither fails nor blocks; EINTR counts as closed. */
    void (*close)(eddy_socket socket);

    /**
     * Prepare a user's socket for a transport or server: non-blocking, and silent as below. It
     * stays inheritable or not as the user had it.
     */
    int (*set_nonblocking)(eddy_socket socket);

    /**
     * Have sends on a user's socket raise no SIGPIPE, where that is an option of the socket and not
     * of each call (macOS, BSD). EDDY_ECONNABORTED if it has ended. NULL: nothing has to be done.
     */
    int (*silence)(eddy_socket socket);

    /** 1 if a user's socket is non-blocking, or cannot be asked (Windows); 0 if not. */
    int (*is_nonblocking)(eddy_socket socket);

    /**
     * 0 if the system can tell when a user's descriptor is ready; EDDY_EPERM for what always is, as
     * regular files (FD-4), EDDY_EBADF. Asked since not every selector refuses them.
     */
    int (*check_watchable)(eddy_socket socket);

    /**
     * Say what a user's socket is; EDDY_EBADF or EDDY_ENOTSOCK if it is none. `family` and
     * `protocol` may both be NULL: the type alone may cost fewer calls.
     */
    int (*identify)(eddy_socket socket, int *family, int *type, int *protocol);

    /** 1 if the socket is in the listening state, 0 if not. */
    int (*is_listening)(eddy_socket socket);

    int (*duplicate)(eddy_socket socket, eddy_socket *copy);
    int (*bind)(eddy_socket socket, const eddy_address *address);
    int (*listen)(eddy_socket socket, int backlog);

    /** 0: connected at once. EDDY_EINPROGRESS: wait for writability, then connect_result(). */
    int (*connect)(eddy_socket socket, const eddy_address *address);

    /** Outcome of a connect in progress: 0 or its error. */
    int (*connect_result)(eddy_socket socket);

    /** Accept one; EDDY_EAGAIN when there is none. `peer` may come back unspecified. */
    int (*accept)(eddy_socket socket, eddy_socket *accepted, eddy_address *peer);

    /** Bytes received, 0 at the end of the stream, EDDY_EAGAIN when there are none yet. */
    int64_t (*receive)(eddy_socket socket, void *buffer, size_t size);

    /** Bytes taken (maybe fewer than offered), EDDY_EAGAIN when none. 1 <= count <= SPANS_MAX. */
    int64_t (*send)(eddy_socket socket, const struct eddy__span *spans, size_t count);

    /**
     * The same of one span, with more to follow at once that it may leave together with. NULL where
     * the system has no way to say so.
     */
    int64_t (*send_more)(eddy_socket socket, const struct eddy__span *span);

    /**
     * Send a part of a file without reading it: bytes taken, 0 at the end of the file, EDDY_EAGAIN
     * when the socket takes none. NULL where there is no such call.
     */
    int64_t (*send_file)(eddy_socket socket, eddy_file file, int64_t offset, size_t size);

    /** Datagrams that the next two move in one system call; 1: one at a time is as good. */
    size_t datagrams_max;

    /**
     * Receive up to `count` <= DATAGRAMS_MAX datagrams: how many, >= 1; EDDY_EAGAIN when there is
     * none; or the error that the system has for this socket, which it tells once.
     */
    int64_t (*receive_datagrams)(eddy_socket socket, struct eddy__incoming *list, size_t count);

    /** Send: how many were taken, >= 1; EDDY_EAGAIN when none; or the error of the first. */
    int64_t (*send_datagrams)(eddy_socket socket, const struct eddy__outgoing *list, size_t count);

    /** Close the sending direction. */
    int (*shutdown_send)(eddy_socket socket);

    /** Close both directions, so that a peer's read ends cleanly before an abort. */
    int (*shutdown_both)(eddy_socket socket);

    int (*local_address)(eddy_socket socket, eddy_address *address);
    int (*peer_address)(eddy_socket socket, eddy_address *address);
    int (*set_option)(eddy_socket socket, enum eddy__socket_option option, int value);
    int (*get_option)(eddy_socket socket, enum eddy__socket_option option, int *value);

    /**
     * Join or leave the multicast group `group` on the interface of that index (0: the system's
     * choice). EDDY_EINVAL if it is no group; EDDY_ENOTSUPPORTED where the system cannot choose.
     */
    int (*set_membership)(eddy_socket socket, const eddy_address *group, unsigned interface_index,
                          bool join);
};

/** The operating system's sockets. */
extern const struct eddy__socket_ops eddy__system_sockets;

#endif
