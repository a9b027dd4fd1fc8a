/* SPDX-License-Identifier: MIT */
/* sock_sendfile(): a file over a socket of the program. */
#include "common/sending.h"
#include "common/sock.h"

enum { PIECE_SIZE = 256 * 1024 };

struct sock_sending {
    struct eddy__sending sending;
    eddy_socket socket;
    struct eddy__reservation side; /**< kept from the first piece to the last (SOCK-2) */
    size_t piece;                  /**< bytes that are being sent */
};

/** The direct operation that has the system send. */
struct sock_file {
    struct eddy__sock_operation operation;
    struct eddy__file_range *range; /**< the caller's */
};

static int file_attempt(struct eddy__sock_operation *operation, eddy_value *value)
{
    struct eddy__file_range *range = EDDY__OWNER(operation, struct sock_file, operation)->range;
    int64_t sent = eddy__file_send(range, eddy__sock_calls(operation), operation->socket);

    if (sent < 0)
        return eddy__sock_outcome(sent) == EDDY__SOCK_WAIT ? EDDY__SOCK_WAIT
                                                           : eddy__file_failed(range, (int)sent);
    if (!eddy__file_count(range, sent))
        return EDDY__SOCK_WAIT;
    value->integer = range->sent;
    return 0;
}

static const struct eddy__sock_kind file_kind = {
    .event = EDDY__WRITABLE,
    .size = sizeof(struct sock_file),
    .attempt = file_attempt,
};

static struct sock_sending *sock_sending_of(struct eddy__sending *sending)
{
    return EDDY__OWNER(sending, struct sock_sending, sending);
}

static int64_t sock_send_now(struct eddy__sending *base)
{
    const struct eddy__socket_ops *calls = base->future.loop->backend->sockets;
    int64_t sent = EDDY_EAGAIN;

    if (calls->send_file != NULL)
        sent = eddy__file_send(&base->range, calls, sock_sending_of(base)->socket);
    return sent == EDDY_EINTR ? EDDY_EAGAIN : sent;
}

static struct eddy_future *sock_send_file(struct eddy__sending *base)
{
    struct eddy_loop *loop = base->future.loop;
    struct eddy_future *failed = NULL;
    struct eddy__sock_operation *operation;

    if (loop->backend->sockets->send_file == NULL)
        return eddy__future_failed(
            loop, eddy_error(EDDY_ENOSENDFILE, "nothing sends files by itself here"));
    operation =
        eddy__sock_new(loop, sock_sending_of(base)->socket, &file_kind, 0, EDDY__CALLER(), &failed);
    if (operation == NULL)
        return failed;
    EDDY__OWNER(operation, struct sock_file, operation)->range = &base->range;
    eddy__sock_wait(operation);
    return &operation->future;
}

static bool sock_is_ready(struct eddy__sending *base)
{
    eddy__reservation_start(&sock_sending_of(base)->side, base->future.loop);
    return true;
}

static void sock_on_sent(struct eddy__sending *base, int error, eddy_value value)
{
    (void)value;
    if (error) {
        eddy__sending_fail(base, error);
        return;
    }
    base->range.sent += (int64_t)sock_sending_of(base)->piece;
    eddy__sending_go_on(base);
}

static void sock_send(struct eddy__sending *base, const void *data, size_t size)
{
    struct sock_sending *sending = sock_sending_of(base);
    struct eddy_loop *loop = base->future.loop;
    struct eddy_future *sent;

    sending->piece = size;
    /* The side is given back only for the one who is meant to have it. */
    eddy__reservation_stop(&sending->side, loop);
    sent = eddy_loop_sock_sendall(loop, sending->socket, data, size);
    eddy__reservation_start(&sending->side, loop);
    eddy__sending_await(base, sent, sock_on_sent);
}

static bool sock_leave(struct eddy__sending *base)
{
    eddy__reservation_stop(&sock_sending_of(base)->side, base->future.loop);
    return false;
}

static const struct eddy__carrier sock_carrier = {
    .size = sizeof(struct sock_sending),
    .piece_size = PIECE_SIZE,
    .send_now = sock_send_now,
    .send_file = sock_send_file,
    .is_ready = sock_is_ready,
    .send = sock_send,
    .leave = sock_leave,
};

/** FILE-6: a stream socket that nobody sends with. */
static int sock_sendfile_check(struct eddy_loop *loop, eddy_socket sock)
{
    int type = EDDY_ANY_TYPE;
    int error = eddy__sock_check(loop, sock, EDDY__WRITABLE);

    if (error)
        return error;
    error = loop->backend->sockets->identify(sock, NULL, &type, NULL);
    if (error)
        return eddy_error(error, "sock: %s", eddy_strerror(error));
    return type == EDDY_STREAM ? 0 : eddy_error(EDDY_EINVALID, "sock is not a stream socket");
}

eddy_future *eddy_loop_sock_sendfile(eddy_loop *loop, eddy_socket sock, eddy_file file,
                                     int64_t offset, int64_t count,
                                     const eddy_sendfile_options *options)
{
    struct eddy_future *failed = NULL;
    struct eddy__sending *sending;
    int error = sock_sendfile_check(loop, sock);

    if (error == 0 && options != NULL && options->head.size > 0)
        error = eddy_error(EDDY_EINVALID, "only a transport sends a head");
    if (error)
        return eddy__future_failed(loop, error);
    sending = eddy__sending_new(loop, &sock_carrier, file, offset, count, options, &failed);
    if (sending == NULL)
        return failed;
    sock_sending_of(sending)->socket = sock;
    sock_sending_of(sending)->side.socket = sock;
    sock_sending_of(sending)->side.event = EDDY__WRITABLE;
    return eddy__sending_start(sending);
}
