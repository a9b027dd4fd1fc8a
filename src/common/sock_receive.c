/* SPDX-License-Identifier: MIT */
/*
 * sock_recv() and its like. Memory for the result is taken right before each attempt and given back
 * if there is nothing yet: so a waiting operation holds no buffer, and nothing that was received is
 * ever without a place.
 */
#include <eddy/sock.h>
#include "common/sock.h"

void eddy_bytes_free(eddy_bytes *bytes)
{
    eddy__free(bytes);
}

void eddy_datagram_free(eddy_datagram *datagram)
{
    eddy__free(datagram);
}

static void receive_dispose_bytes(eddy_value value)
{
    eddy_bytes_free(value.bytes);
}

static void receive_dispose_datagram(eddy_value value)
{
    eddy_datagram_free(value.datagram);
}

/** From so many bytes on it matters where they are: see eddy__buffer_alloc(). */
enum { ALIGNED_MIN = 1024 };

/** `head` bytes and room for `size` somewhere behind them, or NULL. */
static void *receive_alloc(size_t head, size_t size)
{
    head += size < ALIGNED_MIN ? 0 : EDDY__BUFFER_ALIGNMENT;
    return size <= SIZE_MAX - head ? eddy__alloc(head + size) : NULL;
}

/** How far from the beginning of such memory the room for `size` is. */
static size_t receive_offset(const void *memory, size_t head, size_t size)
{
    size_t beside = ((uintptr_t)memory + head) & (EDDY__BUFFER_ALIGNMENT - 1);

    return beside == 0 || size < ALIGNED_MIN ? head : head + EDDY__BUFFER_ALIGNMENT - beside;
}

/** Give back what is much more than was needed. `memory` itself if that does not work. */
static void *receive_shrink(void *memory, size_t offset, size_t room, size_t used)
{
    void *smaller = used < room / 2 ? eddy__realloc(memory, offset + used) : NULL;

    return smaller != NULL ? smaller : memory;
}

/** What a successful receive tells about the next one. */
static void receive_note(struct eddy__sock_operation *operation, size_t received)
{
    operation->is_drained = received < operation->size;
    if (received > 0)
        return;
    /* Nothing will come any more. */
    eddy__waiter_stop(&operation->waiter);
    eddy__watcher_forget(operation->future.loop, operation->socket);
}

static int receive_bytes(struct eddy__sock_operation *operation, eddy_value *value)
{
    eddy_bytes *bytes = receive_alloc(sizeof *bytes, operation->size);
    int64_t received;
    size_t offset;

    if (bytes == NULL)
        return EDDY_ENOMEM;
    offset = receive_offset(bytes, sizeof *bytes, operation->size);
    received = eddy__sock_calls(operation)->receive(
        operation->socket, (unsigned char *)bytes + offset, operation->size);
    if (received < 0) {
        eddy__free(bytes);
        return eddy__sock_outcome(received);
    }
    receive_note(operation, (size_t)received);
    bytes = receive_shrink(bytes, offset, operation->size, (size_t)received);
    bytes->size = (size_t)received;
    bytes->data = (unsigned char *)bytes + offset;
    value->bytes = bytes;
    operation->future.dispose = receive_dispose_bytes;
    return 0;
}

/** One datagram: 0, or as an attempt. */
static int receive_incoming(struct eddy__sock_operation *operation, struct eddy__incoming *incoming)
{
    int64_t received =
        eddy__sock_calls(operation)->receive_datagrams(operation->socket, incoming, 1);

    return received < 0 ? eddy__sock_outcome(received) : 0;
}

static int receive_datagram(struct eddy__sock_operation *operation, eddy_value *value)
{
    eddy_datagram *datagram = receive_alloc(sizeof *datagram, operation->size);
    struct eddy__incoming incoming = {.room = operation->size};
    size_t offset;
    int error;

    if (datagram == NULL)
        return EDDY_ENOMEM;
    offset = receive_offset(datagram, sizeof *datagram, operation->size);
    incoming.data = (unsigned char *)datagram + offset;
    error = receive_incoming(operation, &incoming);
    if (error) {
        eddy__free(datagram);
        return error;
    }
    datagram = receive_shrink(datagram, offset, operation->size, incoming.size);
    datagram->size = incoming.size;
    datagram->data = (unsigned char *)datagram + offset;
    datagram->peer = incoming.from;
    value->datagram = datagram;
    operation->future.dispose = receive_dispose_datagram;
    return 0;
}

static int receive_into(struct eddy__sock_operation *operation, eddy_value *value)
{
    int64_t received =
        eddy__sock_calls(operation)->receive(operation->socket, operation->data, operation->size);

    if (received < 0)
        return eddy__sock_outcome(received);
    receive_note(operation, (size_t)received);
    value->size = (size_t)received;
    return 0;
}

static int receive_datagram_into(struct eddy__sock_operation *operation, eddy_value *value)
{
    struct eddy__incoming incoming = {.data = operation->data, .room = operation->size};
    int error = receive_incoming(operation, &incoming);

    if (error)
        return error;
    if (operation->peer != NULL)
        *operation->peer = incoming.from;
    value->size = incoming.size;
    return 0;
}

#define RECEIVE_KIND(words, function)                                                              \
    {                                                                                              \
        .what = (words), .event = EDDY__READABLE, .size = sizeof(struct eddy__sock_operation),     \
        .attempt = (function)                                                                      \
    }

static const struct eddy__sock_kind receive_bytes_kind =
    RECEIVE_KIND("receive from a socket", receive_bytes);
static const struct eddy__sock_kind receive_into_kind =
    RECEIVE_KIND("receive from a socket", receive_into);
static const struct eddy__sock_kind receive_datagram_kind =
    RECEIVE_KIND("receive a datagram", receive_datagram);
static const struct eddy__sock_kind receive_datagram_into_kind =
    RECEIVE_KIND("receive a datagram", receive_datagram_into);

/** Where to, how much, and whose address to where; `data` is NULL for memory of our own. */
struct receive_room {
    void *data;
    size_t size;
    eddy_address *peer;
    bool own;
};

static struct eddy_future *receive_start(struct eddy_loop *loop, eddy_socket socket,
                                         const struct eddy__sock_kind *kind,
                                         const struct receive_room *room, void *caller)
{
    struct eddy__sock_operation *operation;
    struct eddy_future *failed = NULL;
    int error = 0;

    if (room->size == 0 || (room->data == NULL && !room->own))
        error = eddy_error(EDDY_EINVALID, "no room to receive into");
    operation = eddy__sock_new(loop, socket, kind, error, caller, &failed);
    if (operation == NULL)
        return failed;
    operation->data = room->data;
    operation->size = room->size;
    operation->peer = room->peer;
    eddy__sock_start(operation);
    return &operation->future;
}

eddy_future *eddy_loop_sock_recv(eddy_loop *loop, eddy_socket sock, size_t max)
{
    struct receive_room room = {.size = max, .own = true};

    return receive_start(loop, sock, &receive_bytes_kind, &room, EDDY__CALLER());
}

eddy_future *eddy_loop_sock_recv_into(eddy_loop *loop, eddy_socket sock, void *buffer, size_t size)
{
    struct receive_room room = {.data = buffer, .size = size};

    return receive_start(loop, sock, &receive_into_kind, &room, EDDY__CALLER());
}

eddy_future *eddy_loop_sock_recvfrom(eddy_loop *loop, eddy_socket sock, size_t max)
{
    struct receive_room room = {.size = max, .own = true};

    return receive_start(loop, sock, &receive_datagram_kind, &room, EDDY__CALLER());
}

eddy_future *eddy_loop_sock_recvfrom_into(eddy_loop *loop, eddy_socket sock, void *buffer,
                                          size_t size, eddy_address *peer)
{
    struct receive_room room = {.data = buffer, .size = size, .peer = peer};

    return receive_start(loop, sock, &receive_datagram_into_kind, &room, EDDY__CALLER());
}
