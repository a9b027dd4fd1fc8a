/* SPDX-License-Identifier: MIT */
/**
 * What all direct socket operations have in common: a future that makes one call of the system, and
 * if there is nothing to do yet, makes it again each time its side of the socket is ready.
 *
 * Nobody but the program holds the future: with its last reference the operation is withdrawn. So
 * memory of the caller is used no longer than the caller wants to know the outcome.
 */
#ifndef EDDY_COMMON_SOCK_H
#define EDDY_COMMON_SOCK_H

#include "common/future.h"
#include "common/place.h"
#include "common/watcher.h"

struct eddy__sock_operation;

/** An attempt has found that it has to wait; no code of an error, as EDDY_EAGAIN may be one. */
enum { EDDY__SOCK_WAIT = 1 };

/** What distinguishes the operations. */
struct eddy__sock_kind {
    const char *what; /**< for "cannot ...", or NULL: attempt() says it itself */
    unsigned event;   /**< EDDY__READABLE or EDDY__WRITABLE */
    size_t size;      /**< of the struct that begins with an operation */

    /**
     * Make the call: 0 and the value, EDDY__SOCK_WAIT to come again, or the error. Sets the
     * future's disposer if the value owns something.
     */
    int (*attempt)(struct eddy__sock_operation *operation, eddy_value *value);

    /** Release what the operation has beside the socket; may come more than once, or be NULL. */
    void (*leave)(struct eddy__sock_operation *operation);
};

struct eddy__sock_operation {
    struct eddy_future future;
    const struct eddy__sock_kind *kind;
    struct eddy__waiter waiter;
    eddy_socket socket;
    unsigned char *data; /**< the caller's: to fill, or what is left to send (never written to) */
    size_t size;
    eddy_address *peer; /**< the caller's, or NULL */
    bool is_drained;    /**< the last attempt has received less than there was room for */
};

/** The loop's calls on sockets. */
static inline const struct eddy__socket_ops *eddy__sock_calls(
    const struct eddy__sock_operation *operation)
{
    return operation->future.loop->backend->sockets;
}

/** What an attempt returns for a negative result of a system's call. */
static inline int eddy__sock_outcome(int64_t result)
{
    return result == EDDY_EAGAIN || result == EDDY_EINTR ? EDDY__SOCK_WAIT : (int)result;
}

/**
 * Whether the program may use `socket` for an operation that waits for `event`: SOCK-1, SOCK-2.
 * EDDY_EINVALID, EDDY_EBADSTATE, with a text.
 */
int eddy__sock_check(struct eddy_loop *loop, eddy_socket socket, unsigned event);

/**
 * Make an operation on `socket`, not started. `error` is what the caller has found wrong with its
 * own arguments, or 0. If something is wrong, NULL and `*failed` is the future to return.
 */
struct eddy__sock_operation *eddy__sock_new(struct eddy_loop *loop, eddy_socket socket,
                                            const struct eddy__sock_kind *kind, int error,
                                            void *caller, struct eddy_future **failed);

/** Make the first attempt. The operation may be done then; `future` is the caller's in any case. */
void eddy__sock_start(struct eddy__sock_operation *operation);

/** Make the first attempt when the socket is ready: one that was just made has found it is not. */
void eddy__sock_wait(struct eddy__sock_operation *operation);

/** End it with an error. Takes the text of the last eddy_error() if that was about `error`. */
void eddy__sock_fail(struct eddy__sock_operation *operation, int error);

#endif
