/* SPDX-License-Identifier: MIT */
/* TLS transports where callbacks interfere, and where a peer or a program is a nuisance. */
#include "support/support.h"
#include "support/program.h"
#include "support/sweep.h"
#include "support/tls_scene.h"
#include "common/loop.h"
#include "tls/parts.h"
#include <openssl/err.h>

/* After the end. */

/** One that has paused reading when the stream ends (TLS-42). */
static eddy_transport *begin_waiting(struct fixture *f, struct tls_scene *s)
{
    tls_scene_begin(f, s, TLS_PEER_IS_SERVER);
    must(eddy_transport_pause_reading(s->w.transport));
    tls_peer_send(&s->peer, "late");
    peer_shutdown(&s->peer.raw);
    tls_scene_settle(f, s);
    assert_nothing_recorded();
    return eddy_transport_ref(s->w.transport);
}

/* TR-8, TLS-51: close() after connection_lost() starts nothing, what was left unread or not. */
static void test_closing_after_the_end(struct fixture *f)
{
    struct tls_scene s;
    eddy_transport *transport = begin_waiting(f, &s);

    tls_scene_abort(f, &s);
    eddy_transport_close(transport);
    assert_int_equal(f->loop->timers.count, 0);
    eddy_transport_unref(transport);
    run_iterations(f->loop, 2);
}

/* TR-8, TLS-34: nor does resuming. */
static void test_resuming_after_the_end(struct fixture *f)
{
    struct tls_scene s;
    eddy_transport *transport = begin_waiting(f, &s);

    tls_scene_abort(f, &s);
    must(eddy_transport_resume_reading(transport));
    must(eddy_transport_pause_reading(transport));
    must(eddy_transport_resume_reading(transport));
    assert_false(eddy__list_is_linked(&tls_of(transport)->ready.node));
    eddy_transport_unref(transport);
    run_iterations(f->loop, 2);
}

/** A reference to the SSL of a connection, as SSL_dup() gives one, too. */
static SSL *ssl_ref(eddy_transport *transport)
{
    eddy_value value;
    SSL *ssl;

    must(eddy_transport_get_extra_info(transport, "ssl_object", &value) ? 0 : EDDY_EFAILED);
    ssl = eddy_tls_native(value.tls);
    assert_int_equal(SSL_up_ref(ssl), 1);
    return ssl;
}

/* A program may keep the SSL for longer than the connection: it moves no bytes then. */
static void test_an_ssl_that_stays(struct fixture *f)
{
    struct tls_scene s;
    SSL *ssl;
    char byte;

    need_whole_test(); /* it holds what a must() would leave behind */
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    ssl = ssl_ref(s.w.transport);
    tls_scene_abort(f, &s);
    run_iterations(f->loop, 2);
    assert_string_equal(SSL_get_version(ssl), "TLSv1.3");
    assert_true(SSL_read(ssl, &byte, 1) <= 0);
    assert_true(SSL_write(ssl, "x", 1) <= 0);
    ERR_clear_error();
    SSL_free(ssl);
}

/* Callbacks that end the connection. */

static int abort_at_pause(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_PAUSE)
        eddy_transport_abort(w->transport);
    return 0;
}

/* TR-32: who ends the connection when told to pause is not told to resume. */
static void test_aborting_in_pause_writing(struct fixture *f)
{
    static const char zeros[16384];
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.script = abort_at_pause;
    must(eddy_transport_set_write_buffer_limits(s.w.transport, 0, 0));
    while (s.w.counts[WITNESS_PAUSE] == 0) {
        give_up_if(eddy_transport_is_closing(s.w.transport));
        must(eddy_transport_write(s.w.transport, zeros, sizeof zeros));
    }
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("pause", "lost:0");
}

static int abort_at_made(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_MADE)
        eddy_transport_abort(w->transport);
    return 0;
}

/* TLS-18: the call that makes the connection gives it, as over TCP, if the protocol aborts it. */
static void test_aborting_in_connection_made(struct fixture *f)
{
    struct tls_scene s;
    eddy_future *future;
    eddy_value value;

    tls_kit_init(f, &s.kit);
    witness_init(&s.w, NULL);
    s.w.script = abort_at_made;
    future = begin_tls_peer(f, &s.kit, &s.w, TLS_PEER_IS_SERVER, &s.peer);
    tls_peer_shake(&s.peer);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    assert_true(eddy_transport_is_closing(value.transport));
    eddy_transport_unref(value.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

/* Marks. */

/* TLS-31: marks that are the same do not pause and resume in one breath. */
static void test_equal_marks(struct fixture *f)
{
    struct tls_scene s;
    size_t size;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_scene_fill(&s);
    size = eddy_transport_get_write_buffer_size(s.w.transport);
    must(eddy_transport_set_write_buffer_limits(s.w.transport, size, size));
    assert_recorded("pause");
    tls_scene_abort(f, &s);
}

/* The lane. */

/* TLS-28: a write that finds no room goes on when there is some. What the program has left in
 * OpenSSL's queue of errors is not taken for its failure. */
static void test_what_a_program_leaves_in_the_queue_of_errors(struct fixture *f)
{
    struct tls_scene s;
    struct eddy__tls_room *out;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(write_text(s.w.transport, "all "));
    out = tls_of(s.w.transport)->wire.out;
    assert_true(out->size > 0);
    out->max = out->size + 10;
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    must(write_text(s.w.transport, "is well"));
    tls_peer_expect(&s.peer, "all is well");
    tls_scene_abort(f, &s);
}

struct meddling {
    eddy_transport *other;
    size_t count;
};

static int on_name_write_elsewhere(void *arg, const char *name, eddy_tls_context **context)
{
    struct meddling *meddling = arg;

    (void)name, (void)context;
    meddling->count++;
    return write_text(meddling->other, "a client has come");
}

/* A callback inside of the handshake writes to another connection: both say what they have to. */
static void test_writing_elsewhere_in_the_handshake(struct fixture *f)
{
    struct tls_scene s;
    struct witness w;
    struct tls_peer peer;
    struct meddling meddling = {0};
    struct tls_kit kit;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    meddling.other = s.w.transport;
    kit = s.kit;
    kit.server =
        tls_kit_context(f, &(eddy_tls_options){.server = true,
                                               .certificate_data = certificate_pem(kit.certificate),
                                               .key_data = certificate_key_pem(kit.certificate),
                                               .on_server_name = on_name_write_elsewhere,
                                               .on_server_name_arg = &meddling});
    witness_init(&w, "b");
    connect_tls_peer(f, &kit, &w, TLS_PEER_IS_CLIENT, &peer);
    assert_recorded("b.made");
    assert_int_equal(meddling.count, 1);
    tls_peer_expect(&s.peer, "a client has come");
    must(write_text(w.transport, "welcome"));
    tls_peer_expect(&peer, "welcome");
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "b.lost:0");
    assert_recorded("b.lost:0");
    tls_scene_abort(f, &s);
}

/* Peers that are a nuisance. */

/** Have the peer ask for new keys, and read no answer. */
static void ask_for_keys(struct tls_peer *peer)
{
    char record[256];

    assert_int_equal(SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(peer->ssl), 1);
    peer_send_bytes(&peer->raw, record, tls_peer_take(peer, record, sizeof record));
}

/* A peer that asks and never reads does not fill our memory up with answers. */
static void test_answers_that_nobody_reads(struct fixture *f)
{
    enum { LIMIT = 128 * 1024, ANSWER_MIN = 20 };
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_peer_pump(&s.peer);
    tls_scene_settle(f, &s);
    must(eddy_transport_set_read_buffer_limits(s.w.transport, 4096, 1024));
    tls_scene_fill(&s);
    for (int i = 0; i < 2 * LIMIT / ANSWER_MIN; i++) {
        ask_for_keys(&s.peer);
        run_iterations(f->loop, 1);
        give_up_if(witness_is_gone(&s.w));
        if (!eddy_transport_is_reading(tls_scene_lower(&s)))
            break;
    }
    assert_false(eddy_transport_is_reading(tls_scene_lower(&s)));
    assert_true(eddy_transport_get_write_buffer_size(s.w.transport) < 1024 * 1024);
    tls_scene_abort(f, &s);
}

/** Records of the peer's that are sent in one. */
struct batch {
    unsigned char data[128 * 1024];
    size_t size;
};

static void batch_add_keys(struct batch *batch, struct tls_peer *peer, size_t size)
{
    size_t end = batch->size + size;

    while (batch->size < end) {
        assert_int_equal(SSL_key_update(peer->ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(peer->ssl), 1);
        batch->size +=
            tls_peer_take(peer, batch->data + batch->size, sizeof batch->data - batch->size);
    }
}

/* A peer that has us make key after key does not hold up the loop; what it sends behind comes. */
static void test_many_keys(struct fixture *f)
{
    static struct batch batch;
    struct tls_scene s;
    eddy_time end = 0;
    bool has_waited = false;
    int turn = 0;

    batch.size = 0;
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    batch_add_keys(&batch, &s.peer, 60 * 1024);
    tls_peer_prepare(&s.peer, "x", 1);
    batch.size += tls_peer_take(&s.peer, batch.data + batch.size, 1024);
    peer_send_bytes(&s.peer.raw, batch.data, batch.size);
    /* Not all of it in one turn: the rest is seen to wait. */
    while (recorded(NULL) == 0 && !has_waited &&
           fixture_wait_goes_on(eddy_loop_time(f->loop), &end)) {
        run_iterations(f->loop, 1);
        give_up_if(witness_is_gone(&s.w));
        has_waited = eddy_transport_get_read_buffer_size(s.w.transport) > 0;
        if (turn++ % 16 == 15)
            run_for(f->loop, EDDY_MICROSECONDS(100));
    }
    assert_nothing_recorded();
    assert_true(has_waited);
    run_until_recorded(f->loop, "data:x");
    assert_recorded("data:x");
    tls_scene_abort(f, &s);
}

/** Receive until `count` records like the first have come. */
static void expect_answers(struct fixture *f, struct tls_peer *peer, size_t count)
{
    unsigned char bytes[4096];
    size_t received = 0, size = 1;
    eddy_time end = 0;

    while (received < count * size) {
        int64_t part = peer_receive(&peer->raw, bytes, sizeof bytes);

        if (part > 5 && received == 0)
            size = 5 + 256 * (size_t)bytes[3] + bytes[4];
        if (part > 0)
            received += (size_t)part;
        else
            run_iterations(f->loop, 1);
        assert_true(part > 0 || fixture_wait_goes_on(eddy_loop_time(f->loop), &end));
    }
    assert_int_equal(received, count * size);
}

/** How often the peer asks before its next data, and how much data comes before all. */
struct asking {
    size_t data_first;
    int asks_first;
    int asks;
};

static void refuse_renegotiations(struct fixture *f, const struct asking *plan)
{
    static const char data[8192];
    static struct batch batch;
    struct tls_scene s;
    size_t sent = 0, asked = 0;

    tls_scene_begin_in_1_2(f, &s);
    s.w.quiet = true;
    batch.size = 0;
    tls_peer_prepare(&s.peer, data, plan->data_first);
    sent += plan->data_first;
    while (batch.size + 40 * (size_t)plan->asks + 1024 < sizeof batch.data) {
        int count = asked == 0 ? plan->asks_first : plan->asks;

        for (int i = 0; i < count; i++, asked++) {
            assert_int_equal(SSL_renegotiate(s.peer.ssl), 1);
            assert_int_equal(SSL_do_handshake(s.peer.ssl), 1);
        }
        tls_peer_prepare(&s.peer, data, 160);
        sent += 160;
        batch.size +=
            tls_peer_take(&s.peer, batch.data + batch.size, sizeof batch.data - batch.size);
    }
    peer_send_bytes(&s.peer.raw, batch.data, batch.size);
    run_until_true(f->loop, s.w.received == sent || witness_is_gone(&s.w));
    give_up_if(witness_is_gone(&s.w));
    assert_int_equal(s.w.received, sent);
    expect_answers(f, &s.peer, asked);
    must(write_text(s.w.transport, "still here"));
    tls_scene_settle(f, &s);
    assert_nothing_recorded();
    tls_scene_abort(f, &s);
}

/* TLS-29: a peer may ask for renegotiation as often as it likes: each time it is refused, and data
 * comes in between. */
static void test_many_renegotiations(struct fixture *f)
{
    refuse_renegotiations(f, &(struct asking){.data_first = 160, .asks_first = 48, .asks = 48});
}

/* So it is if OpenSSL has a buffer full of them when the answers fill nearly all of the lane. */
static void test_renegotiations_behind_data(struct fixture *f)
{
    refuse_renegotiations(f, &(struct asking){
                                 .data_first = 8192,
                                 .asks_first = 1950,
                                 .asks = 1000,
                             });
}

/* Keys without end while it closes: their end is found behind them. */
static void test_many_keys_while_closing(struct fixture *f)
{
    static struct batch batch;
    struct tls_scene s;

    batch.size = 0;
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    batch_add_keys(&batch, &s.peer, 60 * 1024);
    assert_int_equal(SSL_shutdown(s.peer.ssl), 0);
    batch.size += tls_peer_take(&s.peer, batch.data + batch.size, 1024);
    eddy_transport_close(s.w.transport);
    peer_send_bytes(&s.peer.raw, batch.data, batch.size);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* TLS in TLS. */

static void drop_transport(void *transport)
{
    eddy_transport_unref(transport);
}

/** Two witnesses, and the transports that they speak by: of the outer TLS, then the inner one. */
struct couple {
    struct tls_kit kit;
    struct witness client;
    struct witness server;
    eddy_transport *clients[3];
    eddy_transport *servers[3];
};

static void couple_wrap(struct fixture *f, struct couple *c, int layer)
{
    static const eddy_start_tls_options options = {.server_hostname = "example.test"};
    eddy_future *client = eddy_loop_start_tls(f->loop, c->clients[layer - 1], &c->client.protocol,
                                              c->kit.client, &options);
    eddy_future *server = eddy_loop_start_tls(f->loop, c->servers[layer - 1], &c->server.protocol,
                                              c->kit.server, NULL);
    eddy_value value;

    must(eddy_loop_run_until_complete(f->loop, client, &value));
    c->clients[layer] = value.transport;
    fixture_at_end(f, drop_transport, value.transport);
    must(eddy_loop_run_until_complete(f->loop, server, &value));
    c->servers[layer] = value.transport;
    fixture_at_end(f, drop_transport, value.transport);
}

static void couple_begin(struct fixture *f, struct couple *c)
{
    need_whole_test(); /* two futures are held at once */
    tls_kit_init(f, &c->kit);
    witness_init(&c->client, "client");
    witness_init(&c->server, "server");
    connect_witnesses(f, &c->client, &c->server);
    assert_recorded("client.made", "server.made");
    c->clients[0] = c->client.transport;
    c->servers[0] = c->server.transport;
    couple_wrap(f, c, 1);
    couple_wrap(f, c, 2);
}

/* TLS-14, TLS-41: the outer TLS ends and the inner has not: that is its end, and no warning. */
static void test_the_outer_tls_ends_first(struct fixture *f)
{
    struct couple c;

    couple_begin(f, &c);
    must(write_text(c.clients[2], "last"));
    run_until_recorded(f->loop, "server.data:last");
    eddy_transport_close(c.clients[1]);
    run_until_recorded(f->loop, "server.lost:0");
    run_until_recorded(f->loop, "client.lost:0");
    assert_recorded("server.data:last", "server.eof", "server.lost:0", "client.lost:0");
}

/* TLS-14, TLS-42: nor is anything lost then that was not read yet. */
static void test_the_outer_tls_ends_while_paused(struct fixture *f)
{
    struct couple c;

    couple_begin(f, &c);
    must(eddy_transport_pause_reading(c.servers[2]));
    must(write_text(c.clients[2], "late"));
    run_for(f->loop, EDDY_MILLISECONDS(5));
    eddy_transport_close(c.clients[1]);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_nothing_recorded();
    must(eddy_transport_resume_reading(c.servers[2]));
    run_until_recorded(f->loop, "server.lost:0");
    run_until_recorded(f->loop, "client.lost:0");
    assert_recorded("server.data:late", "server.eof", "server.lost:0", "client.lost:0");
}

/* TLS-7, TLS-14: two layers go over each other, not over the same transport. */
static void test_over_the_same_transport(struct fixture *f)
{
    static const eddy_start_tls_options options = {.server_hostname = "example.test"};
    struct couple c;

    couple_begin(f, &c);
    for (int layer = 0; layer < 2; layer++)
        assert_refused(eddy_loop_start_tls(f->loop, c.clients[layer], &c.client.protocol,
                                           c.kit.client, &options),
                       EDDY_EBADSTATE, "already");
    must(write_text(c.clients[2], "unharmed"));
    run_until_recorded(f->loop, "server.data:unharmed");
    eddy_transport_close(c.clients[2]);
    run_until_recorded(f->loop, "client.lost:0");
    recorder_reset();
}

/* Servers. */

/* TLS-25, SRV-8: a client that was upgraded is closed as TLS, after what was written to it. */
static void test_closing_upgraded_clients(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_transport *upper;
    struct tls_peer peer;
    struct tls_kit kit;
    eddy_server *server;
    eddy_future *future;
    eddy_value value;

    need_whole_test();
    tls_kit_init(f, &kit);
    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    tls_peer_init(&peer, f, &kit, TLS_PEER_IS_CLIENT, connect_client(f, server));
    fixture_drop_socket(f, peer.raw.socket); /* it is kept twice */
    run_until_count(f, "made", 1);
    future = eddy_loop_start_tls(f->loop, program.clients[0].transport,
                                 &program.clients[0].protocol, kit.server, NULL);
    assert_true(tls_peer_shake(&peer));
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    upper = value.transport;
    must(write_text(upper, "bye"));
    eddy_server_close(server);
    eddy_server_close_clients(server);
    assert_true(eddy_transport_is_closing(upper));
    tls_peer_expect(&peer, "bye");
    tls_peer_expect_close_notify(&peer);
    tls_peer_close_notify(&peer);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_wait_closed(server), NULL));
    assert_recorded("made", "lost:0");
    eddy_transport_unref(upper);
    release_server(server);
}

/* Input that waits. */

/* TLS-33: many small pieces are not copied again with each that comes. */
static void test_small_pieces_of_input(struct fixture *f)
{
    struct tls_scene s;
    size_t moves = 0, max = 0;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_pause_reading(s.w.transport));
    for (int i = 0; i < 500; i++) {
        tls_peer_send(&s.peer, "x");
        run_iterations(f->loop, 2);
        give_up_if(witness_is_gone(&s.w) || tls_of(s.w.transport)->kept == NULL);
        moves += tls_of(s.w.transport)->kept->max != max;
        max = tls_of(s.w.transport)->kept->max;
    }
    assert_in_range(moves, 1, 20);
    s.w.quiet = true;
    must(eddy_transport_resume_reading(s.w.transport));
    run_until_true(f->loop, s.w.received == 500 || witness_is_gone(&s.w));
    give_up_if(witness_is_gone(&s.w));
    tls_scene_abort(f, &s);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_closing_after_the_end),
        TEST(test_resuming_after_the_end),
        TEST(test_an_ssl_that_stays),
        TEST(test_aborting_in_pause_writing),
        TEST(test_aborting_in_connection_made),
        TEST(test_equal_marks),
        TEST(test_what_a_program_leaves_in_the_queue_of_errors),
        TEST(test_writing_elsewhere_in_the_handshake),
        TEST(test_answers_that_nobody_reads),
        TEST(test_many_keys),
        TEST(test_many_renegotiations),
        TEST(test_renegotiations_behind_data),
        TEST(test_many_keys_while_closing),
        TEST(test_the_outer_tls_ends_first),
        TEST(test_the_outer_tls_ends_while_paused),
        TEST(test_over_the_same_transport),
        TEST(test_closing_upgraded_clients),
        TEST(test_small_pieces_of_input),
    };

    return run_suite("tls_review", tests);
}
