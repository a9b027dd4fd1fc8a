/* SPDX-License-Identifier: MIT */
/* libevent by buffered events over OpenSSL. */
#include "certificate.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

static void on_read(struct bufferevent *connection, void *arg)
{
    (void)arg;
    bufferevent_write_buffer(connection, bufferevent_get_input(connection));
}

static void on_event(struct bufferevent *connection, short what, void *arg)
{
    (void)arg;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(connection);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *address, int size, void *arg)
{
    struct bufferevent *connection =
        bufferevent_openssl_socket_new(evconnlistener_get_base(listener), fd, SSL_new(arg),
                                       BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);

    (void)address;
    (void)size;
    job_need(connection == NULL, "bufferevent_openssl_socket_new");
    bufferevent_setcb(connection, on_read, NULL, on_event, NULL);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct event_base *base = event_base_new();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    struct evconnlistener *listener =
        evconnlistener_new(base, on_connection, context, LEV_OPT_CLOSE_ON_EXEC, 4096, job.fd);

    job_need(listener == NULL, "evconnlistener_new");
    job_need(SSL_CTX_use_certificate_chain_file(context, certificate_file()) != 1 ||
                 SSL_CTX_use_PrivateKey_file(context, certificate_file(), SSL_FILETYPE_PEM) != 1,
             "the certificate");
    return event_base_dispatch(base);
}
