/* SPDX-License-Identifier: MIT */
/** Protocols: a program's side of a connection (TR-39..TR-48). */
#ifndef EDDY_PROTOCOL_H
#define EDDY_PROTOCOL_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a protocol hears. All callbacks run in the loop's thread, never inside the call that
 * created the transport (TR-43), in this order (TR-39):
 *
 *     connection_made  (data_received)*  [eof_received]  connection_lost
 *
 * or, for a buffered protocol, one with a get_buffer,
 *
 *     connection_made  (get_buffer [buffer_updated])*  [eof_received]  connection_lost
 *
 * or, on a datagram transport,
 *
 *     connection_made  (datagram_received | error_received)*  connection_lost
 *
 * pause_writing and resume_writing may come anywhere between. An absent callback does nothing and
 * returns 0 (TR-40). A negative result is an error of the callback: see each. `reserved` must be
 * zero.
 */
typedef struct eddy_protocol_callbacks {
    /**
     * The connection is ready; lends `transport` until connection_lost() returns. First, once. A
     * failure ends the connection, connection_lost() follows with it (TR-41).
     */
    int (*connection_made)(eddy_protocol *protocol, eddy_transport *transport);

    /** `size` >= 1 bytes, lent (TR-16). A failure ends the connection with it (TR-26). */
    int (*data_received)(eddy_protocol *protocol, const void *data, size_t size);

    /**
     * The peer sends no more; at most once (TR-18). 0: the transport closes itself, sending what
     * is queued (TR-21). 1: it stays open for writing (TR-19). A failure as in data_received().
     */
    int (*eof_received)(eddy_protocol *protocol);

    /**
     * Where the next bytes may go: set `*buffer` and `*size` (>= 1). `size_hint` is the recommended
     * minimum, -1 if any will do. Lends the memory to the library until buffer_updated(), the next
     * get_buffer() or connection_lost() (TR-45, TR-48). A failure as in data_received().
     */
    int (*get_buffer)(eddy_protocol *protocol, ptrdiff_t size_hint, void **buffer, size_t *size);

    /** The first `size` >= 1 bytes of the last buffer are filled (TR-46). */
    int (*buffer_updated)(eddy_protocol *protocol, size_t size);

    /**
     * The output went above the high mark; resume_writing(): it fell to the low mark (TR-29).
     * Called from inside the write (TR-30). Failures are reported and change nothing (TR-32).
     */
    int (*pause_writing)(eddy_protocol *protocol);
    int (*resume_writing)(eddy_protocol *protocol);

    /**
     * The end: `error` is 0 after a close, an abort or the end of the stream, else what ended the
     * connection (TR-42). Last, once; a protocol made by a factory frees itself here.
     */
    int (*connection_lost)(eddy_protocol *protocol, int error);

    /**
     * Datagram transports only: one datagram of `size` >= 0 bytes, lent with the address of its
     * sender, which is unspecified if that has none (TR-35). A failure is reported and changes
     * nothing.
     */
    int (*datagram_received)(eddy_protocol *protocol, const void *data, size_t size,
                             const eddy_address *from);

    /**
     * Datagram transports only: a datagram could not be sent or received, or the network answered
     * that an earlier one reached nobody; the transport goes on (TR-34). May come from inside
     * sendto(). A failure as in datagram_received().
     */
    int (*error_received)(eddy_protocol *protocol, int error);

    /**
     * Subprocess transports only (SUB-18), between connection_made() and connection_lost(), in any
     * order: bytes from stream `fd` (1 or 2) of the child; stream `fd` (0, 1, 2) has ended, once
     * for each that is a pipe, 0 or the error; the child has ended, once. Failures are reported and
     * change nothing (SUB-20).
     */
    int (*pipe_data_received)(eddy_protocol *protocol, int fd, const void *data, size_t size);
    int (*pipe_connection_lost)(eddy_protocol *protocol, int fd, int error);
    int (*process_exited)(eddy_protocol *protocol);

    void *reserved[3];
} eddy_protocol_callbacks;

/** First member of every protocol. */
struct eddy_protocol {
    const eddy_protocol_callbacks *callbacks;
    void *reserved[1];
};

/** Initialise the head of a protocol; `callbacks` is borrowed for its life. Cannot fail. */
EDDY_API void eddy_protocol_init(eddy_protocol *protocol, const eddy_protocol_callbacks *callbacks);

/**
 * Makes the protocol of a connection that is ready, right before its connection_made() (TR-52).
 *
 * NULL refuses this connection, for which nothing else happens; an eddy_error() set before is the
 * reason given to who connected, else EDDY_EFAILED.
 */
typedef eddy_protocol *(*eddy_protocol_factory)(void *arg);

#ifdef __cplusplus
}
#endif

#endif
