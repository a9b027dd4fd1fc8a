/* SPDX-License-Identifier: MIT */
/*
 * The floor: OpenSSL on sockets that epoll watches. Reading ahead, it receives once a record. With
 * EDDY_BENCH_LEAN set it gives OpenSSL's buffers back after each record: what is cheapest to keep,
 * not to run.
 */
#include "certificate.h"
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BUFFER = 256 * 1024 };

struct connection {
    int fd;
    SSL *ssl;
    unsigned watched;
    char *rest; /* what could not be sent yet; reading stands still meanwhile */
    size_t rest_size;
};

static int epoll;
static char buffer[BUFFER];

static void watch(struct connection *connection, int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = connection}};

    connection->watched = events;
    job_need(epoll_ctl(epoll, operation, connection->fd, &event) != 0, "epoll_ctl");
}

static void close_connection(struct connection *connection)
{
    SSL_free(connection->ssl);
    close(connection->fd);
    free(connection->rest);
    free(connection);
}

/* What the last call waits for. */
static void wait_for(struct connection *connection, int result)
{
    int error = SSL_get_error(connection->ssl, result);
    unsigned wanted = error == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN;

    if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ)
        close_connection(connection);
    else if (wanted != connection->watched)
        watch(connection, EPOLL_CTL_MOD, wanted);
}

static int send_all(struct connection *connection, const char *data, size_t size)
{
    int n = 1;

    while (size > 0 && (n = SSL_write(connection->ssl, data, (int)size)) > 0) {
        data += n;
        size -= (size_t)n;
    }
    if (size == 0)
        return 1;
    if (connection->rest == NULL) {
        connection->rest = malloc(size);
        job_need(connection->rest == NULL, "malloc");
    }
    memmove(connection->rest, data, size);
    connection->rest_size = size;
    wait_for(connection, n);
    return 0;
}

static void go_on(struct connection *connection)
{
    int n;

    if (connection->rest != NULL) {
        if (!send_all(connection, connection->rest, connection->rest_size))
            return;
        free(connection->rest);
        connection->rest = NULL;
    }
    while ((n = SSL_read(connection->ssl, buffer, sizeof buffer)) > 0) {
        if (!send_all(connection, buffer, (size_t)n))
            return;
        /* What was read ahead is known to OpenSSL only; else the wait tells. */
        if (!SSL_has_pending(connection->ssl))
            return;
    }
    wait_for(connection, n);
}

static void accept_all(struct connection *listener, SSL_CTX *context)
{
    struct connection *connection;
    int fd;

    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        connection = calloc(1, sizeof *connection);
        job_need(connection == NULL, "calloc");
        connection->fd = fd;
        connection->ssl = SSL_new(context);
        job_need(connection->ssl == NULL || !SSL_set_fd(connection->ssl, fd), "SSL_new");
        SSL_set_accept_state(connection->ssl);
        watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static SSL_CTX *make_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    job_need(context == NULL, "SSL_CTX_new");
    job_need(SSL_CTX_use_certificate_chain_file(context, certificate_file()) != 1 ||
                 SSL_CTX_use_PrivateKey_file(context, certificate_file(), SSL_FILETYPE_PEM) != 1,
             "the certificate");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (getenv("EDDY_BENCH_LEAN") != NULL)
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

int main(int argc, char **argv)
{
    struct connection listener = {.fd = job_read(argc, argv).fd};
    struct epoll_event events[EVENTS];
    SSL_CTX *context = make_context();
    int i, n;

    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        n = epoll_wait(epoll, events, EVENTS, -1);
        for (i = 0; i < n; i++) {
            if (events[i].data.ptr == &listener)
                accept_all(&listener, context);
            else
                go_on(events[i].data.ptr);
        }
    }
}
