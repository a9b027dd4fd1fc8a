/* SPDX-License-Identifier: MIT */
/** Transports: the library's side of a connection (TR-1..TR-52). */
#ifndef EDDY_TRANSPORT_H
#define EDDY_TRANSPORT_H

#include <eddy/address.h>
#include <eddy/protocol.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A transport is alive until connection_lost() has returned. A reference keeps its memory longer:
 * it is then inert, and every call below is harmless (TR-8). NULL is allowed.
 */
EDDY_API eddy_transport *eddy_transport_ref(eddy_transport *transport);
EDDY_API void eddy_transport_unref(eddy_transport *transport);

EDDY_API eddy_loop *eddy_transport_get_loop(const eddy_transport *transport);

/**
 * Stop reading, and close once everything queued has been sent (TR-4).
 *
 * connection_lost(0) follows exactly once, from the loop, never from inside this call; no data or
 * EOF comes before it. Closing again does nothing. Cannot fail.
 */
EDDY_API void eddy_transport_close(eddy_transport *transport);

/** Close now, dropping what is queued; works after close() too (TR-5). Cannot fail. */
EDDY_API void eddy_transport_abort(eddy_transport *transport);

/** True from the first close, abort, fatal error or unanswered EOF on (TR-3). */
EDDY_API bool eddy_transport_is_closing(const eddy_transport *transport);

/**
 * Look up what the transport knows (TR-9): "socket" (`socket_view`), "sockname" and "peername"
 * (`address`). All borrowed from the transport. False if it has no such thing, or, with an error
 * text, if there is no memory to unpack the addresses of a connection, which an idle one keeps
 * small: `*value`, the caller's default, is untouched then.
 */
EDDY_API bool eddy_transport_get_extra_info(const eddy_transport *transport, const char *name,
                                            eddy_value *value);

/** Have the next callback go to `protocol`; calls neither (TR-10). EDDY_EINVALID without one. */
EDDY_API int eddy_transport_set_protocol(eddy_transport *transport, eddy_protocol *protocol);

/** The present protocol; NULL after connection_lost() (TR-10). */
EDDY_API eddy_protocol *eddy_transport_get_protocol(const eddy_transport *transport);

/**
 * No data and no EOF come from now until eddy_transport_resume_reading() (TR-14, TR-15).
 * Idempotent; nothing happens when closing. EDDY_ENOTSUPPORTED if the kind does not read.
 */
EDDY_API int eddy_transport_pause_reading(eddy_transport *transport);
EDDY_API int eddy_transport_resume_reading(eddy_transport *transport);

/** Neither paused nor closing (TR-14). */
EDDY_API bool eddy_transport_is_reading(const eddy_transport *transport);

/**
 * Send bytes, in order; never blocks (TR-23).
 *
 * Tries at once and copies only what the system does not take; the caller may reuse its memory.
 * 0; EDDY_EBADSTATE after write_eof(); EDDY_ENOMEM, and no byte was taken. Errors of the connection
 * are not reported here but by connection_lost() (TR-25). While closing the data is dropped and 0
 * returned (TR-11). pause_writing() may be called from inside (TR-30).
 */
EDDY_API int eddy_transport_write(eddy_transport *transport, const void *data, size_t size);

/**
 * The same without copying anything: takes `data` and calls `release(arg)` once, when it was sent
 * or dropped, maybe from inside this call, never after eddy_loop_close(). Takes it also when it
 * fails.
 */
EDDY_API int eddy_transport_write_owned(eddy_transport *transport, const void *data, size_t size,
                                        eddy_release release, void *arg);

/** A piece of a gathering write. */
typedef struct eddy_buffer {
    const void *data;
    size_t size;
} eddy_buffer;

/** As one write of the concatenation of `count` buffers, in one system call if it can (TR-24). */
EDDY_API int eddy_transport_writelines(eddy_transport *transport, const eddy_buffer *buffers,
                                       size_t count);

/**
 * Send one datagram, which may be empty, to `address`; NULL: to the remote address of the endpoint
 * (TR-33). Datagram transports only, others are EDDY_ENOTSUPPORTED.
 *
 * Tries at once if nothing is queued, else queues a copy, whole and in order. Where datagrams came
 * together, what datagram_received() sends by its own transport waits, as a copy, for the last of
 * them and leaves with the others, by one system call for many.
 *
 * 0; EDDY_EINVALID where there is no address, or another than the remote one that the endpoint was
 * made with; EDDY_ENOMEM, and it was not taken. What the system refuses is told to
 * error_received(), from inside this call or later, and is gone (TR-34). While closing the datagram
 * is dropped and 0 returned (TR-37). pause_writing() may be called from inside (TR-30).
 */
EDDY_API int eddy_transport_sendto(eddy_transport *transport, const void *data, size_t size,
                                   const eddy_address *address);

/** A datagram of many; `address` as above. */
typedef struct eddy_outgoing_datagram {
    const void *data;
    size_t size;
    const eddy_address *address;
} eddy_outgoing_datagram;

/**
 * The same for `count` datagrams, in as few system calls as the system allows.
 *
 * How many were taken: fewer than `count` if one of them was refused; or the error of the first.
 */
EDDY_API int64_t eddy_transport_sendto_many(eddy_transport *transport,
                                            const eddy_outgoing_datagram *datagrams, size_t count);

/**
 * Close the sending direction after what is queued; reading goes on (TR-20).
 *
 * Idempotent; nothing happens when closing. EDDY_ENOTSUPPORTED where can_write_eof() is false.
 */
EDDY_API int eddy_transport_write_eof(eddy_transport *transport);
EDDY_API bool eddy_transport_can_write_eof(const eddy_transport *transport);

/** Bytes accepted but not yet taken by the system (TR-27). */
EDDY_API size_t eddy_transport_get_write_buffer_size(const eddy_transport *transport);

/** For eddy_transport_set_write_buffer_limits(): derive this mark from the other. */
#define EDDY_DEFAULT_LIMIT SIZE_MAX

/**
 * Set the marks of pause_writing() and resume_writing() in bytes (TR-28, TR-31).
 *
 * EDDY_DEFAULT_LIMIT for both: 64 KiB and 16 KiB; for one: high = 4 x low. EDDY_EINVALID unless
 * high >= low; EDDY_ENOMEM. May call pause_writing().
 */
EDDY_API int eddy_transport_set_write_buffer_limits(eddy_transport *transport, size_t high,
                                                    size_t low);
EDDY_API void eddy_transport_get_write_buffer_limits(const eddy_transport *transport, size_t *low,
                                                     size_t *high);

/**
 * Marks for input that was not yet decrypted, in bytes, on TLS transports only, others are
 * EDDY_ENOTSUPPORTED (TLS-33): the transport below pauses at `high` and resumes at `low`.
 * EDDY_DEFAULT_LIMIT as with the write marks: 256 KiB and 64 KiB.
 */
EDDY_API int eddy_transport_set_read_buffer_limits(eddy_transport *transport, size_t high,
                                                   size_t low);
EDDY_API int eddy_transport_get_read_buffer_limits(const eddy_transport *transport, size_t *low,
                                                   size_t *high);

/** Bytes waiting to be decrypted; 0 on other transports. */
EDDY_API size_t eddy_transport_get_read_buffer_size(const eddy_transport *transport);

#ifdef __cplusplus
}
#endif

#endif
