/* SPDX-License-Identifier: MIT */
#include "fuzz_tls.h"
#include <openssl/err.h>
#include <string.h>

void peer_init(struct peer *peer, SSL_CTX *context, bool is_server, eddy_socket socket)
{
    memset(peer, 0, sizeof *peer);
    peer->socket = socket;
    peer->ssl = SSL_new(context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    MUST(peer->ssl != NULL && peer->in != NULL && peer->out != NULL);
    BIO_set_mem_eof_return(peer->in, -1);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    if (is_server)
        SSL_set_accept_state(peer->ssl);
    else
        SSL_set_connect_state(peer->ssl);
    if (!is_server)
        MUST(SSL_set_tlsext_host_name(peer->ssl, "fuzz.test"));
}

void peer_fini(struct peer *peer)
{
    SSL_free(peer->ssl);
    ERR_clear_error();
    if (peer->socket != EDDY_NO_SOCKET)
        eddy_socket_close(peer->socket);
}

static void peer_take(struct peer *peer)
{
    uint8_t buffer[4096];
    int64_t size = 1;

    while (!peer->is_deaf && peer->socket != EDDY_NO_SOCKET && size > 0) {
        size = eddy_socket_receive(peer->socket, buffer, sizeof buffer);
        if (size > 0)
            BIO_write(peer->in, buffer, (int)size);
    }
}

/* What OpenSSL wants to send becomes records; what is too much is lost. */
static void peer_collect(struct peer *peer)
{
    int size =
        BIO_read(peer->out, peer->records + peer->size, (int)(sizeof peer->records - peer->size));

    if (size > 0)
        peer->size += (size_t)size;
    (void)BIO_reset(peer->out);
    ERR_clear_error();
}

void peer_work(struct peer *peer)
{
    uint8_t buffer[4096];
    int size = 1;

    peer_take(peer);
    ERR_clear_error();
    if (!SSL_is_init_finished(peer->ssl))
        SSL_do_handshake(peer->ssl);
    while (size > 0 && SSL_is_init_finished(peer->ssl)) {
        size = SSL_read(peer->ssl, buffer, sizeof buffer);
        for (int i = 0; i < size && !peer->is_inner; i++)
            MUST(buffer[i] == pattern_at(peer->received++));
    }
    peer_collect(peer);
}

void peer_send(struct peer *peer, size_t size)
{
    int64_t sent;

    if (size == 0 || size > peer->size || peer->socket == EDDY_NO_SOCKET)
        return;
    sent = eddy_socket_send(peer->socket, peer->records, size);
    if (sent <= 0)
        return;
    peer->size -= (size_t)sent;
    memmove(peer->records, peer->records + sent, peer->size);
}

size_t peer_record_size(const struct peer *peer, size_t offset)
{
    size_t left = offset < peer->size ? peer->size - offset : 0;
    size_t size;

    if (left < 5)
        return left;
    size = 5 + (size_t)peer->records[offset + 3] * 256 + peer->records[offset + 4];
    return size < left ? size : left;
}

void peer_write(struct peer *peer, size_t size)
{
    uint8_t data[4096];
    int result;

    if (!SSL_is_init_finished(peer->ssl) || size == 0 || size > sizeof data)
        return;
    for (size_t i = 0; i < size; i++)
        data[i] = pattern_at(peer->written + i);
    ERR_clear_error();
    result = SSL_write(peer->ssl, data, (int)size);
    if (result > 0)
        peer->written += (size_t)result;
    peer_collect(peer);
}

void peer_flip(struct peer *peer, size_t offset, unsigned bits)
{
    if (offset >= peer->size)
        return;
    peer->records[offset] ^= (uint8_t)bits;
}

/* Insert `size` bytes before the others. */
static void peer_prepend(struct peer *peer, const uint8_t *data, size_t size)
{
    if (size > sizeof peer->records - peer->size)
        return;
    memmove(peer->records + size, peer->records, peer->size);
    memcpy(peer->records, data, size);
    peer->size += size;
}

void peer_double(struct peer *peer)
{
    uint8_t copy[sizeof peer->records];
    size_t size = peer_record_size(peer, 0);

    memcpy(copy, peer->records, size);
    peer_prepend(peer, copy, size);
}

void peer_drop(struct peer *peer)
{
    size_t size = peer_record_size(peer, 0);

    peer->size -= size;
    memmove(peer->records, peer->records + size, peer->size);
}

void peer_swap(struct peer *peer)
{
    uint8_t copy[sizeof peer->records];
    size_t first = peer_record_size(peer, 0);
    size_t second = peer_record_size(peer, first);

    if (first == 0 || second == 0)
        return;
    memcpy(copy, peer->records, first);
    memmove(peer->records, peer->records + first, second);
    memcpy(peer->records + second, copy, first);
}

void peer_insert(struct peer *peer, struct script *script, size_t size)
{
    uint8_t bytes[256];

    if (size > sizeof bytes)
        return;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)script_byte(script);
    peer_prepend(peer, bytes, size);
}
