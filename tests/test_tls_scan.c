/* SPDX-License-Identifier: MIT */
/*
 * Port scans: who connects to a TLS server, says nothing, nonsense or a part of what a client
 * would, and leaves, costs no memory of the library's or of OpenSSL's (TR-52, TLS-19..TLS-21).
 *
 * EDDY_TEST_TLS_SCANS is how many connections there are; a million take minutes if the network is
 * simulated. On a real one not too many come at once: the kernel would drop some for a second.
 */
#include "support/certificates.h"
#include "support/program.h"
#include "support/support.h"
#include "support/sweep.h"
#include "support/tls_allocations.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { SCANS = 1536, BATCH = 32, LINGERING_BATCH = 21, HELLO_MAX = 4096 };

/** How one of them begins. */
enum scan_kind { SCAN_SILENT, SCAN_GARBAGE, SCAN_CUT, SCAN_HELLO, SCAN_HELLO_AND_MORE, SCAN_KINDS };

struct scan {
    struct fixture *f;
    struct program program; /**< of which the server must make nothing */
    eddy_tls_context *context;
    eddy_server *server;
    eddy_address address;
    eddy_socket sockets[BATCH];
    size_t open;
    unsigned char hello[HELLO_MAX];
    size_t hello_size;
    uint64_t random;
    size_t answered; /**< connections on which the server has said something */
    size_t held;     /**< batches that had memory, else there would be nothing to be given back */
    size_t own;      /**< live blocks of the library, when nobody is connected */
    size_t others;   /**< the same of OpenSSL */
};

/* Xorshift: the same in each run. */
static size_t scan_random(struct scan *s, size_t below)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (size_t)(s->random % below);
}

/** What a client says first. */
static void scan_make_hello(struct scan *s)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    BIO *out = BIO_new(BIO_s_mem());
    int size;

    assert_non_null(ssl);
    assert_non_null(out);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl);
    SSL_do_handshake(ssl);
    size = BIO_read(out, s->hello, sizeof s->hello);
    assert_true(size > 100);
    s->hello_size = (size_t)size;
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void scan_drop_context(void *scan)
{
    struct scan *s = scan;

    eddy_tls_context_unref(s->context);
}

static void scan_begin(struct scan *s, struct fixture *f)
{
    struct certificate *own = certificate_new(&(struct certificate_wish){.names = "DNS:a.test"});

    need_whole_test();
    need_working_calls();
    memset(s, 0, sizeof *s);
    s->f = f;
    s->random = 88172645463325252U;
    scan_make_hello(s);
    must(eddy_tls_context_new(&(eddy_tls_options){.server = true,
                                                  .certificate_data = certificate_pem(own),
                                                  .key_data = certificate_key_pem(own)},
                              &s->context));
    fixture_at_end(f, scan_drop_context, s);
    must(make_server(
        f, &s->program, "127.0.0.1",
        &(eddy_server_options){.tls = s->context, .tls_handshake_timeout = EDDY_MILLISECONDS(200)},
        &s->server));
    server_address(s->server, 0, &s->address);
}

static void scan_end(struct scan *s)
{
    assert_int_equal(s->program.count, 0);
    eddy_server_close(s->server);
    release_server(s->server);
    run_iterations(s->f->loop, 3);
}

static void scan_connect(struct scan *s)
{
    for (s->open = 0; s->open < BATCH; s->open++) {
        eddy_socket *socket = &s->sockets[s->open];
        int error;

        must(eddy_socket_new(s->f->loop, eddy_address_family(&s->address), EDDY_STREAM, EDDY_TCP,
                             socket));
        error = eddy_socket_connect(*socket, &s->address);
        must(error == EDDY_EINPROGRESS ? 0 : error);
    }
    run_iterations(s->f->loop, 3);
}

/** Bytes of the scanner number `index`; how many. */
static size_t scan_compose(struct scan *s, size_t index, unsigned char bytes[2 * HELLO_MAX])
{
    enum scan_kind kind = (enum scan_kind)(index % SCAN_KINDS);
    size_t garbage = kind == SCAN_GARBAGE || kind == SCAN_HELLO_AND_MORE ? 300 : 0;
    size_t hello = 0;

    if (kind == SCAN_CUT)
        hello = index / SCAN_KINDS % s->hello_size;
    else if (kind == SCAN_HELLO || kind == SCAN_HELLO_AND_MORE)
        hello = s->hello_size;
    memcpy(bytes, s->hello, hello);
    for (size_t i = 0; i < garbage; i++)
        bytes[hello + i] = (unsigned char)scan_random(s, 256);
    return garbage > 0 ? hello + 1 + scan_random(s, garbage) : hello;
}

static void scan_say(struct scan *s, size_t first)
{
    unsigned char bytes[2 * HELLO_MAX];

    for (size_t i = 0; i < s->open; i++) {
        size_t size = scan_compose(s, first + i, bytes);

        if (size > 0)
            assert_int_equal(eddy_socket_send(s->sockets[i], bytes, size), size);
    }
    run_iterations(s->f->loop, 3);
}

static void scan_listen(struct scan *s)
{
    char answer[64];

    for (size_t i = 0; i < s->open; i++)
        s->answered += eddy_socket_receive(s->sockets[i], answer, sizeof answer) > 0;
}

static void scan_leave(struct scan *s, bool by_reset)
{
    if (by_reset && s->f->sim != NULL)
        eddy_sim_reset_all(s->f->sim);
    while (s->open > 0) {
        eddy_socket socket = s->sockets[--s->open];

        if (by_reset && s->f->sim == NULL)
            platform_socket_reset(socket);
        else
            eddy_socket_close(socket);
    }
}

/** OpenSSL keeps the words of the last 16 errors, also when they are forgotten: make it so many. */
static size_t scan_live_others(void)
{
    for (int i = 0; i < 16; i++)
        ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "words");
    ERR_clear_error();
    return tls_allocations_live();
}

static bool scan_is_settled(const struct scan *s)
{
    return allocations_live() <= s->own && scan_live_others() <= s->others;
}

/** Run until all is as if nobody had come. */
static void scan_settle(struct scan *s, size_t first)
{
    eddy_time end = 0;

    for (int i = 0; i < 100 && !scan_is_settled(s); i++)
        run_iterations(s->f->loop, 1);
    while (!scan_is_settled(s) && fixture_wait_goes_on(eddy_loop_time(s->f->loop), &end))
        run_for(s->f->loop, EDDY_MILLISECONDS(1));
    if (!scan_is_settled(s))
        fail_msg("after %lu connections %lu blocks of eddy and %lu of OpenSSL, at first %lu and "
                 "%lu",
                 (unsigned long)(first + BATCH), (unsigned long)allocations_live(),
                 (unsigned long)tls_allocations_live(), (unsigned long)s->own,
                 (unsigned long)s->others);
    reports_reset();
}

static void scan_run_batch(struct scan *s, size_t batch)
{
    size_t live = allocations_live();

    scan_connect(s);
    scan_say(s, batch * BATCH);
    scan_listen(s);
    s->held += allocations_live() > live;
    if (batch % 64 == LINGERING_BATCH)
        run_for(s->f->loop, EDDY_MILLISECONDS(250)); /* the limit of the handshake ends them */
    scan_leave(s, batch % 2 != 0);
}

/** Have what is made once and kept: by OpenSSL, and by the loop for as many as come at once. */
static void scan_warm_up(struct scan *s)
{
    for (size_t batch = 0; batch < 2; batch++) {
        scan_run_batch(s, batch);
        run_for(s->f->loop, EDDY_MILLISECONDS(250));
    }
    reports_reset();
    s->own = allocations_live();
    s->others = scan_live_others();
}

static void test_scans_leave_nothing_behind(struct fixture *f)
{
    const char *wish = getenv("EDDY_TEST_TLS_SCANS");
    size_t count = (wish != NULL ? (size_t)strtoul(wish, NULL, 10) : SCANS) / BATCH;
    static struct scan s;

    scan_begin(&s, f);
    scan_warm_up(&s);
    for (size_t batch = 0; batch < count; batch++) {
        scan_run_batch(&s, batch);
        scan_settle(&s, batch * BATCH);
    }
    /* On a slow machine a handshake's limit may pass before we have looked. */
    assert_true(f->sim != NULL ? s.held >= count : s.held > 0);
    assert_true(f->sim != NULL ? s.answered >= count * BATCH / SCAN_KINDS * 2 : s.answered > 0);
    scan_end(&s);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_scans_leave_nothing_behind),
    };

    tls_allocations_install();
    return run_suite("tls_scan", tests);
}
