/* SPDX-License-Identifier: MIT */
/** Checks of arguments that several calls have in common. Each failure has an error text. */
#ifndef EDDY_COMMON_ARGUMENT_H
#define EDDY_COMMON_ARGUMENT_H

#include "common/loop.h"
#include "tls/tls.h"

/** An open loop and a protocol factory: EDDY_EINVALID, EDDY_EBADSTATE. */
int eddy__check_loop_and_factory(const struct eddy_loop *loop, eddy_protocol_factory factory);

/** Reserved fields that must be zero: EDDY_EINVALID. */
int eddy__check_reserved(void *const *reserved, size_t count);

/** That `setup`, which asks for no TLS, says nothing that is for TLS only: EDDY_EINVALID. */
int eddy__check_without_tls(const struct eddy__tls_setup *setup);

/**
 * That `socket` is a stream socket which this kind of loop can use and nobody does: EDDY_EINVALID;
 * EDDY_EBADF, EDDY_ENOTSOCK; EDDY_EBADSTATE. What it is comes out through the pointers.
 */
int eddy__check_stream_socket(const struct eddy_loop *loop, eddy_socket socket, int *family,
                              int *protocol);

/** The same for a datagram socket. */
int eddy__check_datagram_socket(const struct eddy_loop *loop, eddy_socket socket, int *family);

#endif
