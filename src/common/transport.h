/* SPDX-License-Identifier: MIT */
/** What all kinds of transports have in common, and the table in which they differ. */
#ifndef EDDY_COMMON_TRANSPORT_H
#define EDDY_COMMON_TRANSPORT_H

#include "common/loop.h"

/** A missing function is EDDY_ENOTSUPPORTED (TR-1). Each is as the public call of its name. */
struct eddy__transport_kind {
    const char *name;
    bool carries_tls; /**< start_tls() takes it */
    void (*close)(struct eddy_transport *transport);
    void (*abort)(struct eddy_transport *transport);
    bool (*is_closing)(const struct eddy_transport *transport);
    bool (*get_extra_info)(const struct eddy_transport *transport, const char *name,
                           eddy_value *value);
    int (*set_protocol)(struct eddy_transport *transport, eddy_protocol *protocol);
    int (*pause_reading)(struct eddy_transport *transport);
    int (*resume_reading)(struct eddy_transport *transport);
    bool (*is_reading)(const struct eddy_transport *transport);
    int (*write)(struct eddy_transport *transport, const eddy_buffer *buffers, size_t count);
    int (*write_owned)(struct eddy_transport *transport, const void *data, size_t size,
                       eddy_release release, void *arg);
    /** As write() of one piece, `data` not being NULL, for less. NULL: there is only write(). */
    int (*write_piece)(struct eddy_transport *transport, const void *data, size_t size);
    /** As write() of one piece, ahead of a file that follows. NULL: there is only write(). */
    int (*write_head)(struct eddy_transport *transport, const void *data, size_t size);
    int64_t (*sendto)(struct eddy_transport *transport, const eddy_outgoing_datagram *list,
                      size_t count);
    int (*write_eof)(struct eddy_transport *transport);
    bool (*can_write_eof)(const struct eddy_transport *transport);
    size_t (*get_write_buffer_size)(const struct eddy_transport *transport);
    int (*set_write_buffer_limits)(struct eddy_transport *transport, size_t high, size_t low);
    void (*get_write_buffer_limits)(const struct eddy_transport *transport, size_t *low,
                                    size_t *high);
    int (*set_read_buffer_limits)(struct eddy_transport *transport, size_t high, size_t low);
    void (*get_read_buffer_limits)(const struct eddy_transport *transport, size_t *low,
                                   size_t *high);
    size_t (*get_read_buffer_size)(const struct eddy_transport *transport);

    /** Whether the peer's end has come. NULL: the transport is closing then. */
    bool (*has_ended)(const struct eddy_transport *transport);

    /** Whether the protocol was told to pause writing. NULL: the kind sends no files (FILE-1). */
    bool (*is_writing_paused)(const struct eddy_transport *transport);
    /** Whether the system sends files over it by itself. NULL: never. */
    bool (*can_send_file)(const struct eddy_transport *transport);
    /**
     * Have the system send of `range` what it takes at once, if nothing is queued before it, and
     * count nothing: bytes, 0 at the end of the file, or the error; EDDY_EAGAIN: nothing now.
     * NULL: it never can.
     */
    int64_t (*send_file_now)(struct eddy_transport *transport,
                             const struct eddy__file_range *range);

    /**
     * A future of the rest of `range`, borrowed while it is pending, being sent by the system after
     * what is queued; range->sent tells how far it got. EDDY_ENOSENDFILE: nothing was sent, and it
     * must be done in pieces. NULL: it must always (TLS).
     */
    struct eddy_future *(*send_file)(struct eddy_transport *transport,
                                     struct eddy__file_range *range);

    /**
     * Nobody waits for on_made of its setup any more: it is closed as by close() (NET-16). From
     * inside the factory: once the protocol that it makes has been told of the connection (TR-52).
     */
    void (*forget)(struct eddy_transport *transport);

    /** The last reference is gone and nothing is under way: free the memory. */
    void (*free)(struct eddy_transport *transport);
};

/**
 * Stands between a transport and its protocol for a while, and nobody else may write. The public
 * calls go on to speak of the real protocol.
 */
struct eddy__interposer {
    eddy_protocol protocol; /**< the transport's, meanwhile */
    eddy_protocol *real;
    /** Has `protocol` begin to stand for `real`, which may have changed. */
    void (*represent)(struct eddy__interposer *interposer);
};

/** What a file that was sent has kept from the protocol. */
enum eddy__owed { EDDY__OWED_NOTHING, EDDY__OWED_PAUSE, EDDY__OWED_RESUME };

/** First member of every transport. */
struct eddy_transport {
    const struct eddy__transport_kind *kind;
    struct eddy_loop *loop; /**< a reference */
    eddy_protocol *protocol;
    struct eddy_server *server;    /**< that accepted it, or NULL; a reference */
    struct eddy__list server_node; /**< in the server's list */
    uint32_t references;
    bool is_interposed; /**< `protocol` is an interposer's */
    unsigned char owed; /**< an eddy__owed, until it is told, is over, or the next file takes it */
};

/** The interposer of a transport, or NULL. */
static inline struct eddy__interposer *eddy__transport_interposer(
    const struct eddy_transport *transport)
{
    return transport->is_interposed && transport->protocol != NULL
               ? EDDY__OWNER(transport->protocol, struct eddy__interposer, protocol)
               : NULL;
}

/** What a connection needs to become a program's. */
struct eddy__transport_setup {
    eddy_protocol_factory factory;
    void *factory_arg;

    /** The server that accepted it, or NULL; hears eddy__server_detach() after connection_lost. */
    struct eddy_server *server;
    bool is_accepted; /**< by the program, or for the transport above it; for the log */

    /**
     * Called once from the loop, after connection_made() has run and reading is on: `error` 0 and
     * the transport, borrowed; or why there is none: it could not be made ready, the factory made
     * no protocol, or connection_made() failed. May be NULL.
     */
    void (*on_made)(void *arg, struct eddy_transport *transport, int error);
    void *on_made_arg;
};

/** As the kind's forget(). */
static inline void eddy__transport_forget(struct eddy_transport *transport)
{
    transport->kind->forget(transport);
}

/** Report a failing protocol callback (TR-26, TR-32, ERR-5): `what` names the callback. */
void eddy__transport_report(struct eddy_transport *transport, const char *what, int error);

#endif
