/* SPDX-License-Identifier: MIT */
/* The same over TLS: a connection is its handshake, then messages back and forth. */
#include "load.h"

#if defined(BENCH_TLS)

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 512, STALL_MS = 30000, BUFFER = 64 * 1024 };

/* One connection, or for the job churn a place in which one lives after the other. */
struct secured {
    SSL *ssl;
    int fd;
    bool shaken;
    bool resumes;
    bool wants_room;
    size_t sent;     /* of the present message */
    size_t received; /* of its echo */
    uint64_t offset; /* of the message in the stream */
    uint64_t begun_ns;
};

struct tls {
    const struct load_options *options;
    struct load_window window;
    bool churn;
    SSL_CTX *context;
    SSL_SESSION *session; /* to resume; the last that was given out */
    struct secured *all;
    int epoll;
    int open;
    unsigned char buffer[BUFFER];
};

static struct tls *tls_now;

/* The library keeps the session if this says 1. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    if (!tls_now->options->resume)
        return 0;
    SSL_SESSION_free(tls_now->session);
    tls_now->session = session;
    return 1;
}

static void secured_watch(struct tls *tls, struct secured *one, int operation, bool wants_room)
{
    struct epoll_event event = {.data = {.ptr = one}};

    event.events = wants_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
    one->wants_room = wants_room;
    if (epoll_ctl(tls->epoll, operation, one->fd, &event) != 0)
        load_fail("epoll_ctl");
}

/* A copy: OpenSSL lets a client use a session of TLS 1.3 only once, and others need it still. */
static void secured_resume(struct tls *tls, struct secured *one)
{
    SSL_SESSION *session = SSL_SESSION_dup(tls->session);

    if (session == NULL || !SSL_set_session(one->ssl, session))
        load_fail("SSL_set_session");
    SSL_SESSION_free(session);
}

static void secured_begin(struct tls *tls, struct secured *one)
{
    memset(one, 0, sizeof *one);
    one->fd = load_connect(tls->options, SOCK_STREAM);
    one->begun_ns = load_now();
    one->ssl = SSL_new(tls->context);
    if (one->ssl == NULL || !SSL_set_fd(one->ssl, one->fd))
        load_fail("SSL_new");
    one->resumes = tls->session != NULL;
    if (one->resumes)
        secured_resume(tls, one);
    SSL_set_connect_state(one->ssl);
    secured_watch(tls, one, EPOLL_CTL_ADD, true);
    tls->open++;
}

static void secured_end(struct tls *tls, struct secured *one)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    /* A session whose connection was not shut down may not be resumed otherwise. */
    SSL_set_shutdown(one->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(one->ssl);
    setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(one->fd);
    one->fd = -1;
    tls->open--;
}

/* True if the call may go on at once; a failure ends the program. */
static bool secured_went_on(struct tls *tls, struct secured *one, int result)
{
    int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(one->ssl, result);
    bool wants_room = error == SSL_ERROR_WANT_WRITE;

    if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ && !wants_room)
        load_fail("TLS failed");
    if (wants_room != one->wants_room)
        secured_watch(tls, one, EPOLL_CTL_MOD, wants_room);
    return result > 0;
}

/* A message is over: the next one, or the next connection, if the run has one left. */
static void secured_answered(struct tls *tls, struct secured *one)
{
    size_t size = tls->options->size;

    load_window_end(&tls->window, size, load_now() - one->begun_ns);
    one->offset += size;
    one->sent = 0;
    one->received = 0;
    if (tls->churn)
        secured_end(tls, one);
    if (!load_window_begin(&tls->window))
        one->sent = size; /* nothing more to say */
    else if (tls->churn)
        secured_begin(tls, one);
    else
        one->begun_ns = load_now();
}

static bool secured_say(struct tls *tls, struct secured *one)
{
    size_t left = tls->options->size - one->sent;
    int n;

    if (left == 0)
        return true;
    n = SSL_write(one->ssl, load_pattern(one->offset + one->sent), (int)left);
    if (!secured_went_on(tls, one, n))
        return false;
    one->sent += (size_t)n;
    return true;
}

static bool secured_hear(struct tls *tls, struct secured *one)
{
    int n = SSL_read(one->ssl, tls->buffer, sizeof tls->buffer);

    if (!secured_went_on(tls, one, n))
        return false;
    if (memcmp(tls->buffer, load_pattern(one->offset + one->received), (size_t)n) != 0)
        load_fail("the echo is not what was sent");
    one->received += (size_t)n;
    if (one->received == tls->options->size)
        secured_answered(tls, one);
    return one->fd >= 0;
}

static void secured_go_on(struct tls *tls, struct secured *one)
{
    if (!one->shaken) {
        if (!secured_went_on(tls, one, SSL_do_handshake(one->ssl)))
            return;
        one->shaken = true;
        if (one->resumes && !SSL_session_reused(one->ssl))
            load_fail("a session was not resumed");
    }
    while (secured_say(tls, one) && secured_hear(tls, one)) {
        /* A new connection in the same place has to shake hands first. */
        if (!one->shaken)
            return;
    }
}

static void tls_turn(struct tls *tls)
{
    struct epoll_event events[EVENTS];
    int i, n;

    load_pause(tls->options);
    n = epoll_wait(tls->epoll, events, EVENTS, STALL_MS);
    if (n == 0) {
        errno = ETIMEDOUT;
        load_fail("the server does not answer");
    }
    for (i = 0; i < n; i++)
        secured_go_on(tls, events[i].data.ptr);
}

static void tls_run(const struct load_options *options, struct load_result *result, bool churn)
{
    struct tls *tls = calloc(1, sizeof *tls);
    int i;

    if (tls == NULL)
        load_fail("no memory");
    tls_now = tls;
    tls->options = options;
    tls->churn = churn;
    tls->epoll = epoll_create1(EPOLL_CLOEXEC);
    tls->all = calloc((size_t)options->connections, sizeof *tls->all);
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->epoll < 0 || tls->all == NULL || tls->context == NULL)
        load_fail("no memory");
    SSL_CTX_set_session_cache_mode(tls->context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls->context, on_session);
    load_window_init(&tls->window, options, result);
    for (i = 0; i < options->connections && load_window_begin(&tls->window); i++)
        secured_begin(tls, &tls->all[i]);
    while (load_window_step(&tls->window, load_now()))
        tls_turn(tls);
    for (i = 0; i < options->connections; i++) {
        if (tls->all[i].ssl != NULL && tls->all[i].fd >= 0)
            secured_end(tls, &tls->all[i]);
    }
    SSL_SESSION_free(tls->session);
    SSL_CTX_free(tls->context);
    close(tls->epoll);
    free(tls->all);
    free(tls);
}

/* One that has shaken hands and had an echo, as a lasting connection has. It stays open. */
static void idle_begin(SSL_CTX *context, const struct load_options *options)
{
    int fd = load_connect(options, SOCK_STREAM);
    SSL *ssl = SSL_new(context);
    char echo[64];
    int left = sizeof echo;
    int n;

    if (ssl == NULL || fcntl(fd, F_SETFL, 0) != 0 || !SSL_set_fd(ssl, fd))
        load_fail("SSL_new");
    if (SSL_connect(ssl) != 1 || SSL_write(ssl, load_pattern(0), left) != left)
        load_fail("TLS failed");
    while (left > 0 && (n = SSL_read(ssl, echo, left)) > 0)
        left -= n;
    if (left > 0)
        load_fail("no echo");
}

void load_tls_idle(const struct load_options *options, struct load_result *result)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int i;

    if (context == NULL)
        load_fail("no memory");
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    for (i = 0; i < options->connections; i++)
        idle_begin(context, options);
    result->operations = (uint64_t)options->connections;
    load_idle_stay(options);
    SSL_CTX_free(context); /* the process ends, and with it the connections */
}

void load_tls(const struct load_options *options, struct load_result *result)
{
    tls_run(options, result, false);
}

void load_handshake(const struct load_options *options, struct load_result *result)
{
    tls_run(options, result, true);
}

#endif
