/* SPDX-License-Identifier: MIT */
/* TLS inside TLS, over Unix sockets, with files and in numbers (TLS-14, TLS-50). */
#include "support/support.h"
#include "support/files.h"
#include "support/listener.h"
#include "support/program.h"
#include "support/sweep.h"
#include "support/tls_scene.h"
#include <string.h>

enum { CROWD = 25 };

static void drop_transport(void *transport)
{
    eddy_transport_unref(transport);
}

static void drop_server(void *server)
{
    eddy_server_unref(server);
}

/* Two witnesses at both ends of one connection. */

struct couple {
    struct tls_kit kit;
    struct witness client;
    struct witness server;
    eddy_transport *client_end; /**< the uppermost, each held to the end of the test */
    eddy_transport *server_end;
};

static void couple_begin(struct fixture *f, struct couple *c)
{
    tls_kit_init(f, &c->kit);
    witness_init(&c->client, "client");
    witness_init(&c->server, "server");
    connect_witnesses(f, &c->client, &c->server);
    assert_recorded("client.made", "server.made");
    give_up_if(witness_is_gone(&c->client) || witness_is_gone(&c->server));
    c->client_end = c->client.transport;
    c->server_end = c->server.transport;
}

/** `side` has no one to talk to once `other` has failed. */
static void give_up_on(eddy_future *side, eddy_future *other)
{
    if (eddy_future_done(other) && eddy_future_exception(other) != 0 && !eddy_future_done(side))
        eddy_future_cancel(side, NULL);
}

/** One more layer of TLS. */
static void couple_wrap(struct fixture *f, struct couple *c)
{
    static const eddy_start_tls_options options = {.server_hostname = "example.test"};
    eddy_future *futures[2];
    eddy_value value;
    int errors[2];

    futures[0] =
        eddy_loop_start_tls(f->loop, c->client_end, &c->client.protocol, c->kit.client, &options);
    futures[1] =
        eddy_loop_start_tls(f->loop, c->server_end, &c->server.protocol, c->kit.server, NULL);
    run_until_true(f->loop, eddy_future_done(futures[0]) || eddy_future_done(futures[1]));
    give_up_on(futures[0], futures[1]);
    give_up_on(futures[1], futures[0]);
    errors[0] = eddy_loop_run_until_complete(f->loop, futures[0], &value);
    if (errors[0] == 0) {
        c->client_end = value.transport;
        fixture_at_end(f, drop_transport, value.transport);
    }
    errors[1] = eddy_loop_run_until_complete(f->loop, futures[1], &value);
    if (errors[1] == 0) {
        c->server_end = value.transport;
        fixture_at_end(f, drop_transport, value.transport);
    }
    must(errors[0]);
    must(errors[1]);
}

static int on_call_write_both(void *couple)
{
    struct couple *c = couple;

    must(write_text(c->client_end, "ping"));
    must(write_text(c->server_end, "pong"));
    return 0;
}

/* TLS-14: three layers, data both ways, and every one of them closes in order. */
static void test_nested_twice(struct fixture *f)
{
    struct couple c;

    couple_begin(f, &c);
    for (int layer = 1; layer <= 3; layer++) {
        couple_wrap(f, &c);
        must(eddy_loop_call_soon(f->loop, on_call_write_both, &c, NULL));
        run_until_true(f->loop,
                       (c.client.received == 4 && c.server.received == 4) || recorded(NULL) > 2);
        assert_int_equal(recorded("client.data:pong"), 1);
        assert_int_equal(recorded("server.data:ping"), 1);
        c.client.received = c.server.received = 0;
        recorder_reset();
    }
    assert_int_equal(c.client.counts[WITNESS_MADE], 1);
    eddy_transport_close(c.client_end);
    run_until_true(f->loop, c.client.counts[WITNESS_LOST] > 0 && c.server.counts[WITNESS_LOST] > 0);
    assert_int_equal(recorded("client.lost:0"), 1);
    assert_int_equal(recorded("server.eof"), 1);
    assert_int_equal(recorded("server.lost:0"), 1);
    assert_int_equal(recorded(NULL), 3);
    recorder_reset();
}

/* TLS-14, TLS-31, TLS-33: much through two layers, with a reader that pauses in between. */
static void test_much_through_two_layers(struct fixture *f)
{
    static char data[1024 * 1024];
    struct couple c;

    couple_begin(f, &c);
    couple_wrap(f, &c);
    couple_wrap(f, &c);
    c.client.quiet = c.server.quiet = true;
    must(eddy_transport_pause_reading(c.server_end));
    must(eddy_transport_write(c.client_end, data, sizeof data));
    must(eddy_transport_write(c.client_end, data, sizeof data));
    eddy_transport_close(c.client_end);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    run_iterations(f->loop, 5);
    assert_int_equal(c.server.received, 0);
    must(eddy_transport_resume_reading(c.server_end));
    run_until_true(f->loop, c.client.counts[WITNESS_LOST] > 0 && c.server.counts[WITNESS_LOST] > 0);
    assert_int_equal(c.server.received, 2 * sizeof data);
    assert_int_equal(c.client.error, 0);
    assert_int_equal(c.server.error, 0);
    recorder_reset();
}

/* TLS-14, TLS-45: the lowest breaks: each protocol hears of it once. */
static void test_the_lowest_breaks(struct fixture *f)
{
    struct couple c;
    eddy_transport *lowest;

    couple_begin(f, &c);
    lowest = c.client_end;
    couple_wrap(f, &c);
    couple_wrap(f, &c);
    eddy_transport_abort(lowest);
    assert_true(eddy_transport_is_closing(c.client_end));
    run_until_true(f->loop, c.client.counts[WITNESS_LOST] > 0 && c.server.counts[WITNESS_LOST] > 0);
    assert_int_equal(recorded("client.lost:0"), 1);
    assert_int_equal(c.server.counts[WITNESS_LOST], 1);
    recorder_reset();
}

/* What a failing layer has to say. */

static int error_of(struct fixture *f, eddy_future *future)
{
    int error = eddy_loop_run_until_complete(f->loop, future, NULL);

    give_up_if(error == EDDY_ENOMEM);
    return error;
}

/* TLS-14, TLS-19: the alert of a handshake in the second layer leaves through the first one. */
static void test_an_alert_of_the_second_handshake(struct fixture *f)
{
    static const eddy_start_tls_options options = {.server_hostname = "another.test"};
    struct couple c;
    eddy_future *futures[2];

    couple_begin(f, &c);
    couple_wrap(f, &c);
    futures[0] =
        eddy_loop_start_tls(f->loop, c.client_end, &c.client.protocol, c.kit.client, &options);
    futures[1] = keep_future(
        f, eddy_loop_start_tls(f->loop, c.server_end, &c.server.protocol, c.kit.server, NULL));
    assert_int_equal(error_of(f, futures[0]), EDDY_ETLSVERIFY);
    assert_int_equal(error_of(f, eddy_future_ref(futures[1])), EDDY_ETLS);
    assert_non_null(strstr(eddy_error_text(), "alert"));
    run_until_true(f->loop, c.client.counts[WITNESS_LOST] > 0 && c.server.counts[WITNESS_LOST] > 0);
    recorder_reset();
}

/* TLS-14, TLS-19: so does that of a record which the second layer cannot decrypt. */
static void test_an_alert_of_the_second_layer(struct fixture *f)
{
    static const unsigned char damaged[] = {23,  3,   3,   0,   20,  'n', 'o', ' ',
                                            'r', 'e', 'c', 'o', 'r', 'd', ' ', 'o',
                                            'f', ' ', 't', 'h', 'e', ' ', 'p', 'e'};
    struct couple c;
    eddy_transport *first;

    couple_begin(f, &c);
    couple_wrap(f, &c);
    first = c.client_end;
    couple_wrap(f, &c);
    must(eddy_transport_write(first, damaged, sizeof damaged));
    must(eddy_transport_write(first, "er", 2));
    run_until_true(f->loop, c.client.counts[WITNESS_LOST] > 0 && c.server.counts[WITNESS_LOST] > 0);
    give_up_if(c.client.error == EDDY_ENOMEM || c.server.error == EDDY_ENOMEM);
    assert_int_equal(c.server.error, EDDY_ETLS);
    assert_int_equal(c.client.error, EDDY_ETLS);
    recorder_reset();
}

/* A crowd that starts its second layer from inside connection_made(). */

struct member {
    struct witness w;
    struct crowd *crowd;
    eddy_future *made; /**< of a client's first layer */
    eddy_future *wrapped;
    eddy_transport *upper;
    bool is_server;
};

struct crowd {
    struct fixture *f;
    struct tls_kit kit;
    size_t size; /**< of the clients */
    struct member members[2 * CROWD];
    size_t count;
};

static void crowd_drop(void *crowd)
{
    struct crowd *c = crowd;

    for (size_t i = 0; i < c->count; i++) {
        eddy_future *wrapped = c->members[i].wrapped;

        if (wrapped != NULL && eddy_future_done(wrapped))
            eddy_future_exception(wrapped); /* asked */
        eddy_future_unref(wrapped);
        eddy_future_unref(c->members[i].made);
        eddy_transport_unref(c->members[i].upper);
    }
}

/** A second layer from inside connection_made(), with reading paused. */
static int member_made(struct witness *w, enum witness_event event)
{
    static const eddy_start_tls_options options = {
        .server_hostname = "example.test",
        .handshake_timeout = EDDY_SECONDS(5),
    };
    struct member *m = w->arg;
    struct crowd *c = m->crowd;

    if (event != WITNESS_MADE)
        return 0;
    must(eddy_transport_pause_reading(w->transport));
    m->wrapped = eddy_loop_start_tls(c->f->loop, w->transport, &w->protocol,
                                     m->is_server ? c->kit.server : c->kit.client, &options);
    return eddy_future_done(m->wrapped) ? eddy_future_exception(m->wrapped) : 0;
}

static struct member *crowd_add(struct crowd *c, bool is_server)
{
    struct member *m = &c->members[c->count];

    assert_true(c->count < 2 * CROWD);
    c->count++;
    m->crowd = c;
    m->is_server = is_server;
    witness_init(&m->w, NULL);
    m->w.script = member_made;
    m->w.arg = m;
    return m;
}

static eddy_protocol *crowd_factory(void *crowd)
{
    return &crowd_add(crowd, true)->w.protocol;
}

/** A server, and as many clients at the same time. */
static void crowd_begin(struct crowd *c, eddy_server *server)
{
    eddy_address address;

    server_address(server, 0, &address);
    for (size_t i = 0; i < c->size; i++) {
        struct member *m = crowd_add(c, false);

        m->made = eddy_loop_create_connection(
            c->f->loop, witness_factory, &m->w, "127.0.0.1", eddy_address_port(&address),
            &(eddy_connection_options){.tls = c->kit.client,
                                       .server_hostname = "example.test",
                                       .tls_handshake_timeout = EDDY_SECONDS(5)});
    }
}

static void take(struct fixture *f, eddy_future **future, eddy_transport **transport)
{
    eddy_future *taken = *future;
    eddy_value value = {0};

    *future = NULL;
    must(eddy_loop_run_until_complete(f->loop, taken, &value));
    eddy_transport_unref(*transport);
    *transport = value.transport;
}

/* TLS-14, TLS-25: 25 clients in two layers each at the same time. */
static void test_a_crowd(struct fixture *f)
{
    static struct crowd c;
    eddy_server *server;
    eddy_value value = {0};

    memset(&c, 0, sizeof c);
    c.f = f;
    c.size = (size_t)sweep_fewer(CROWD);
    tls_kit_init(f, &c.kit);
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_server(f->loop, crowd_factory, &c, "127.0.0.1", 0,
                                &(eddy_server_options){.tls = c.kit.server}),
        &value));
    server = value.server;
    fixture_at_end(f, drop_server, server);
    fixture_at_end(f, crowd_drop, &c);
    crowd_begin(&c, server);
    for (size_t i = 0; i < c.size; i++)
        take(f, &c.members[i].made, &c.members[i].upper);
    run_until_true(f->loop, c.count == 2 * c.size);
    for (size_t i = 0; i < 2 * c.size; i++) {
        run_until_true(f->loop, c.members[i].wrapped != NULL);
        take(f, &c.members[i].wrapped, &c.members[i].upper);
        must(write_text(c.members[i].upper, "hi"));
    }
    run_until_count(f, "data:hi", 2 * c.size);
    for (size_t i = 0; i < c.size; i++)
        eddy_transport_close(c.members[i].upper);
    run_until_count(f, "lost:0", 2 * c.size);
    assert_int_equal(recorded("made"), 2 * c.size);
    assert_int_equal(recorded("eof"), c.size);
    recorder_reset();
}

/* Unix sockets. */

static int echo(struct witness *w, enum witness_event event)
{
    return event == WITNESS_DATA ? write_text(w->transport, "echo") : 0;
}

/* TLS-50, TLS-3: over a Unix socket, whose clients have to name the server. */
static void test_over_a_unix_socket(struct fixture *f)
{
    const char *path = scratch_path("tls");
    struct program program = {.script = echo};
    struct tls_kit kit;
    struct witness w;
    eddy_unix_connection_options options = {0};
    eddy_value value = {0};

    need_unix(f);
    tls_kit_init(f, &kit);
    witness_init(&w, "client");
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_unix_server(f->loop, program_factory, &program, path,
                                     &(eddy_unix_server_options){.tls = kit.server}),
        &value));
    fixture_at_end(f, drop_server, value.server);
    options.tls = kit.client;
    assert_refused(eddy_loop_create_unix_connection(f->loop, witness_factory, &w, path, &options),
                   EDDY_EINVALID, "server_hostname");
    options.server_hostname = "example.test";
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_unix_connection(f->loop, witness_factory, &w, path, &options),
        &value));
    fixture_at_end(f, drop_transport, value.transport);
    must(write_text(value.transport, "hello"));
    run_until_recorded(f->loop, "client.data:echo");
    eddy_transport_close(value.transport);
    run_until_recorded(f->loop, "client.lost:0");
    assert_int_equal(recorded("data:hello"), 1);
    recorder_reset();
}

/* Files. */

/** Receive `size` bytes of a scratch file by TLS. */
static void expect_file(struct tls_peer *peer, size_t offset, size_t size)
{
    char buffer[8192];
    size_t have = 0;

    while (have < size) {
        size_t room = size - have < sizeof buffer ? size - have : sizeof buffer;
        size_t part = tls_peer_receive(peer, buffer, room);

        if (part == 0)
            fail_msg("%lu of %lu bytes came", (unsigned long)have, (unsigned long)size);
        assert_true(peer_is_filling(buffer, part, offset + have));
        have += part;
    }
}

/* TLS-50, FILE-5: a file over TLS is encrypted piece by piece, in its place among the writes. */
static void test_sending_a_file(struct fixture *f)
{
    enum { SIZE = 600 * 1024, OFFSET = 1000 };
    struct tls_scene s;
    eddy_file file;
    eddy_future *future;

    need_whole_test();
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    file = scratch_open("file", SIZE);
    must(write_text(s.w.transport, "before,"));
    future = eddy_loop_sendfile(f->loop, s.w.transport, file, OFFSET, 0,
                                &(eddy_sendfile_options){.head = {"head,", 5}});
    assert_int_equal(write_text(s.w.transport, "meanwhile"), EDDY_EBADSTATE);
    tls_peer_expect(&s.peer, "before,head,");
    expect_file(&s.peer, OFFSET, SIZE - OFFSET);
    files_assert_sent(f, future, SIZE - OFFSET);
    must(write_text(s.w.transport, "after"));
    tls_peer_expect(&s.peer, "after");
    future = eddy_loop_sendfile(f->loop, s.w.transport, file, 0, 0,
                                &(eddy_sendfile_options){.no_fallback = true});
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EBADSTATE);
    scratch_close(file);
    recorder_reset();
    tls_scene_abort(f, &s);
}

/* TLS-50: the connection ends in the middle of the file. */
static void test_a_file_that_is_cut_off(struct fixture *f)
{
    struct tls_scene s;
    eddy_file file;
    eddy_future *future;

    need_whole_test();
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    file = scratch_open("file", 4 * 1024 * 1024);
    future = eddy_loop_sendfile(f->loop, s.w.transport, file, 0, 0, NULL);
    run_iterations(f->loop, 3);
    eddy_transport_abort(s.w.transport);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECONNABORTED);
    scratch_close(file);
    run_until_true(f->loop, s.w.counts[WITNESS_LOST] > 0);
    assert_recorded("lost:0");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_nested_twice),
        TEST(test_much_through_two_layers),
        TEST(test_an_alert_of_the_second_handshake),
        TEST(test_an_alert_of_the_second_layer),
        TEST(test_the_lowest_breaks),
        TEST(test_a_crowd),
        TEST(test_over_a_unix_socket),
        TEST(test_sending_a_file),
        TEST(test_a_file_that_is_cut_off),
    };

    return run_suite("tls_nested", tests);
}
