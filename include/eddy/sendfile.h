/* SPDX-License-Identifier: MIT */
/** Sending files (FILE-1..FILE-9): by the system itself where it can, else piece by piece. */
#ifndef EDDY_SENDFILE_H
#define EDDY_SENDFILE_H

#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Keywords of both calls; zeroed fields mean the default. Copied by the call. */
typedef struct eddy_sendfile_options {
    bool no_fallback; /**< EDDY_ENOSENDFILE if the system cannot send this file by itself */

    /**
     * Of eddy_loop_sendfile(): what to write ahead of the file, as eddy_transport_write() would.
     * Borrowed for the call, and not counted. Where the system can hold it back for the file
     * (Linux), both leave in the same packets. If the file cannot be sent after all, it may have
     * been written; not if the arguments are refused.
     */
    eddy_buffer head;
    void *reserved[4];
} eddy_sendfile_options;

/**
 * Send a part of a regular file over a stream transport, after what has been written before
 * (FILE-1): `count` bytes from `offset` on, or up to the end of the file if `count` is 0 or the
 * file ends before.
 *
 * The value is `integer`: how many bytes. They have been handed to the system, or, without the
 * system's help or if they are few, to the transport. What the system takes at once is sent within
 * the call: if that is all, or few, the future is done already. Else the file is duplicated; the
 * caller may close it in either case. Its position does not matter; if anything was sent, also
 * before an error or a cancel, it is behind the last byte sent in the end (FILE-9).
 *
 * Until the future is done, writing to the transport and a further file are EDDY_EBADSTATE, the
 * transport does not read, and its protocol is not told to pause or resume writing: that comes
 * afterwards, if something has changed (FILE-3, FILE-5). If the connection is lost or closed
 * meanwhile, the call fails with the connection's error or EDDY_ECONNABORTED, and the protocol
 * hears of it as always. Cancelling leaves the connection with what was sent until then.
 *
 * EDDY_EINVALID: no regular file, a negative number. EDDY_EBADSTATE: the transport is closing, or
 * of a kind that sends no files.
 */
EDDY_API eddy_future *eddy_loop_sendfile(eddy_loop *loop, eddy_transport *transport, eddy_file file,
                                         int64_t offset, int64_t count,
                                         const eddy_sendfile_options *options);

/**
 * The same over a stream socket of the program (FILE-6), as a direct socket operation of
 * <eddy/sock.h>: one that sends. Without the system's help the bytes of a piece that was not sent
 * completely do not count. EDDY_EINVALID with a head.
 */
EDDY_API eddy_future *eddy_loop_sock_sendfile(eddy_loop *loop, eddy_socket sock, eddy_file file,
                                              int64_t offset, int64_t count,
                                              const eddy_sendfile_options *options);

#ifdef __cplusplus
}
#endif

#endif
