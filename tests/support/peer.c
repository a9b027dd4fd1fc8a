/* SPDX-License-Identifier: MIT */
#include "support/peer.h"
#include "common/socket_view.h"
#include "support/support.h"
#include <string.h>

enum { FILL_SIZE = 32 * 1024, FILL_PERIOD = 23 };

void connect_socket(struct fixture *f, struct witness *w, eddy_socket socket)
{
    eddy_connection_options options = {.sock = &socket};
    eddy_future *future;
    eddy_value value;
    int error;

    future = eddy_loop_create_connection(f->loop, witness_factory, w, NULL, 0, &options);
    error = eddy_loop_run_until_complete(f->loop, future, &value);
    if (error != 0 && w->counts[WITNESS_MADE] == 0)
        eddy_socket_close(socket);
    must(error);
    eddy_transport_unref(value.transport);
}

static void connect_sockets(struct fixture *f, struct witness *w, struct peer *peer,
                            const eddy_socket sockets[2])
{
    peer->f = f;
    peer->socket = sockets[1];
    fixture_keep_socket(f, peer->socket);
    connect_socket(f, w, sockets[0]);
}

void connect_peer(struct fixture *f, struct witness *w, struct peer *peer)
{
    eddy_socket sockets[2];

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    connect_sockets(f, w, peer, sockets);
}

/* Wait for a connection in progress, on whichever network this is. */
static int tcp_accept(struct fixture *f, eddy_socket listener, eddy_socket *accepted)
{
    int error = eddy_socket_accept(listener, accepted, NULL);
    eddy_time end = 0;

    while (error == EDDY_EAGAIN && fixture_wait_goes_on(eddy_loop_time(f->loop), &end)) {
        run_for(f->loop, EDDY_MILLISECONDS(1));
        error = eddy_socket_accept(listener, accepted, NULL);
    }
    return error;
}

void tcp_pair(struct fixture *f, eddy_socket sockets[2])
{
    eddy_socket listener;
    eddy_address address;
    int error;

    must(eddy_address_parse("127.0.0.1", 0, &address));
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &listener));
    fixture_keep_socket(f, listener);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &sockets[0]));
    fixture_keep_socket(f, sockets[0]);
    must(eddy_socket_bind(listener, &address));
    must(eddy_socket_listen(listener, 1));
    must(eddy_socket_local_address(listener, &address));
    error = eddy_socket_connect(sockets[0], &address);
    must(error == EDDY_EINPROGRESS ? 0 : error);
    must(tcp_accept(f, listener, &sockets[1]));
    fixture_drop_socket(f, listener);
    fixture_drop_socket(f, sockets[0]);
    eddy_socket_close(listener);
}

void connect_tcp_peer(struct fixture *f, struct witness *w, struct peer *peer)
{
    eddy_socket sockets[2];

    tcp_pair(f, sockets);
    connect_sockets(f, w, peer, sockets);
}

void connect_witnesses(struct fixture *f, struct witness *a, struct witness *b)
{
    eddy_socket sockets[2];

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    connect_socket(f, a, sockets[0]);
    fixture_drop_socket(f, sockets[1]);
    connect_socket(f, b, sockets[1]);
}

void peer_send_bytes(struct peer *peer, const void *data, size_t size)
{
    int64_t sent = eddy_socket_send(peer->socket, data, size);

    if (sent == EDDY_ENOMEM) /* a simulated network allocates; only one allocation fails */
        sent = eddy_socket_send(peer->socket, data, size);
    assert_int_equal(sent, (int64_t)size);
}

void peer_send(struct peer *peer, const char *text)
{
    peer_send_bytes(peer, text, strlen(text));
}

int64_t peer_receive(struct peer *peer, void *buffer, size_t size)
{
    return eddy_socket_receive(peer->socket, buffer, size);
}

/* Receive as soon as there is something; 0 at the end, EDDY_EAGAIN if nothing ever comes. */
int64_t peer_receive_waiting(struct peer *peer, void *buffer, size_t size)
{
    eddy_loop *loop = peer->f->loop;
    int64_t received = peer_receive(peer, buffer, size);
    eddy_time end = 0;

    for (int turn = 0; received == EDDY_EAGAIN; turn++) {
        if (!fixture_wait_goes_on(eddy_loop_time(loop), &end))
            break;
        run_for(loop, EDDY_MILLISECONDS(turn < 10 ? 0 : 1));
        received = peer_receive(peer, buffer, size);
    }
    return received;
}

/* With room for more than `text`, nothing may be behind it. */
static void peer_compare(struct peer *peer, const char *text, size_t room, const char *file,
                         int line)
{
    size_t wanted = strlen(text), have = 0;
    char buffer[256];
    int64_t received = 0;

    assert_true(wanted < sizeof buffer && room < sizeof buffer);
    do {
        received = peer_receive_waiting(peer, buffer + have, room - have);
        have += received > 0 ? (size_t)received : 0;
    } while (received > 0 && have < wanted);
    buffer[have] = '\0';
    if (strcmp(buffer, text) != 0 || (wanted == 0 && received != 0)) {
        print_error("the peer expected \"%s\" and got \"%s\", then %lld\n", text, buffer,
                    (long long)received);
        _fail(file, line);
    }
}

void peer_expect_text(struct peer *peer, const char *text, const char *file, int line)
{
    peer_compare(peer, text, 255, file, line);
}

void peer_expect_text_ahead(struct peer *peer, const char *text, const char *file, int line)
{
    peer_compare(peer, text, strlen(text), file, line);
}

size_t peer_drain(struct peer *peer, size_t size)
{
    char buffer[4096];
    int64_t received = 1;
    size_t have = 0;

    while (have < size && received > 0) {
        received = peer_receive_waiting(peer, buffer,
                                        size - have < sizeof buffer ? size - have : sizeof buffer);
        have += received > 0 ? (size_t)received : 0;
    }
    return have;
}

void peer_shutdown(struct peer *peer)
{
    must(eddy__socket_ops_of(peer->socket)->shutdown_send(peer->socket));
}

void peer_close(struct peer *peer)
{
    fixture_drop_socket(peer->f, peer->socket);
    eddy_socket_close(peer->socket);
    peer->socket = EDDY_NO_SOCKET;
}

void peer_reset(struct peer *peer)
{
    if (peer->f->sim != NULL) {
        eddy_sim_reset_all(peer->f->sim);
        peer_close(peer);
        return;
    }
    fixture_drop_socket(peer->f, peer->socket);
    platform_socket_reset(peer->socket);
    peer->socket = EDDY_NO_SOCKET;
}

eddy_socket transport_socket(eddy_transport *transport)
{
    eddy_value view;

    assert_true(eddy_transport_get_extra_info(transport, "socket", &view));
    return eddy_socket_view_fileno(view.socket_view);
}

int write_text(eddy_transport *transport, const char *text)
{
    return eddy_transport_write(transport, text, strlen(text));
}

/* Whole periods are copied and compared: byte by byte, they took a third of a sweep's time. */
void peer_fill(char *data, size_t size, size_t at)
{
    size_t done = size < FILL_PERIOD ? size : FILL_PERIOD;

    for (size_t i = 0; i < done; i++)
        data[i] = (char)('a' + (at + i) % FILL_PERIOD);
    for (size_t part; done < size; done += part) {
        part = size - done < done ? size - done : done;
        memcpy(data + done, data, part);
    }
}

bool peer_is_filling(const char *data, size_t size, size_t at)
{
    char first[FILL_PERIOD];
    size_t part = size < FILL_PERIOD ? size : FILL_PERIOD;

    peer_fill(first, part, at);
    return memcmp(data, first, part) == 0 &&
           (part == size || memcmp(data + part, data, size - part) == 0);
}

size_t fill_transport(eddy_transport *transport)
{
    char data[FILL_SIZE];
    size_t written = 0;

    while (eddy_transport_get_write_buffer_size(transport) == 0) {
        assert_true(written < (size_t)64 * 1024 * 1024);
        give_up_if(eddy_transport_is_closing(transport));
        assert_false(eddy_transport_is_closing(transport));
        peer_fill(data, sizeof data, written);
        must(eddy_transport_write(transport, data, sizeof data));
        written += sizeof data;
    }
    return written;
}

void peer_check_filling(struct peer *peer, size_t size)
{
    char buffer[4096];
    int64_t received;
    size_t have = 0;

    while (have < size) {
        received = peer_receive_waiting(peer, buffer,
                                        size - have < sizeof buffer ? size - have : sizeof buffer);
        if (received <= 0)
            fail_msg("%lu of %lu bytes came, then %lld", (unsigned long)have, (unsigned long)size,
                     (long long)received);
        if (!peer_is_filling(buffer, (size_t)received, have))
            fail_msg("wrong bytes behind byte %lu", (unsigned long)have);
        have += (size_t)received;
    }
}
