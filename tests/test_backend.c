/* SPDX-License-Identifier: MIT */
/* The contract of src/common/backend.h, on every backend. */
#include "support/probe.h"
#include "support/support.h"
#include <string.h>

static const struct eddy__backend *backend_of(const struct fixture *f)
{
    return f->loop->backend;
}

static void close_pair(struct fixture *f, struct probe *pair[2])
{
    probe_close(pair[0]);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
    recorder_reset();
}

static void test_what_one_side_sends_the_other_receives(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[1]->channel);
    probe_send(pair[0], "hello");
    assert_nothing_recorded();
    run_until_recorded(f->loop, "b.received:hello");
    assert_recorded("a.sent:5", "b.received:hello");
    close_pair(f, pair);
}

static void test_several_spans_are_sent_in_order(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    pair[0]->spans[0] = (struct eddy__span){(char[]){'h', 'e'}, 2};
    pair[0]->spans[1] = (struct eddy__span){(char[]){'l'}, 1};
    pair[0]->spans[2] = (struct eddy__span){(char[]){'l', 'o'}, 2};
    pair[0]->span_count = 3;
    backend_of(f)->send_start(&pair[0]->channel);
    run_until_recorded(f->loop, "a.sent:5");
    backend_of(f)->receive_start(&pair[1]->channel);
    run_until_recorded(f->loop, "b.received:hello");
    close_pair(f, pair);
}

/* TR-23: a small write is tried at once, where the backend can. */
static void test_send_now_takes_bytes_or_says_that_it_cannot(struct fixture *f)
{
    struct eddy__span span = {(char[]){'x', 'y'}, 2};
    struct probe *pair[2];
    int64_t sent;

    probe_pair(f, pair);
    sent = backend_of(f)->send_now(&pair[0]->channel, &span, 1);
    assert_true(sent == 2 || sent == EDDY_EAGAIN);
    if (sent == EDDY_EAGAIN)
        probe_send(pair[0], "xy");
    backend_of(f)->receive_start(&pair[1]->channel);
    run_until_recorded(f->loop, "b.received:xy");
    close_pair(f, pair);
}

static void test_the_end_of_the_stream_ends_the_order(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "a.ended:0");
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_int_equal(recorded("a.ended:0"), 1);
    probe_close(pair[0]);
    run_until_recorded(f->loop, "a.closed");
}

static void test_sending_to_who_has_gone_ends_with_an_error(struct fixture *f)
{
    struct probe *pair[2];
    int i;

    probe_pair(f, pair);
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
    for (i = 0; i < 100 && recorded("a.sent:EDDY_EPIPE") + recorded("a.sent:EDDY_ECONNRESET") +
                                   recorded("a.sent:EDDY_ECONNABORTED") ==
                               0;
         i++) {
        probe_send(pair[0], "x");
        run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    assert_true(i < 100);
    probe_close(pair[0]);
    run_until_recorded(f->loop, "a.closed");
}

/* A pair where each side has something to receive; who is told first does `script`. */
static void receive_by_both(struct fixture *f, struct probe *pair[2],
                            void (*script)(struct probe *p))
{
    probe_pair(f, pair);
    probe_send(pair[0], "1");
    probe_send(pair[1], "2");
    run_until_recorded(f->loop, "a.sent:1");
    run_until_recorded(f->loop, "b.sent:1");
    recorder_reset();
    for (int i = 0; i < 2; i++) {
        pair[i]->other = pair[1 - i];
        pair[i]->script = script;
        backend_of(f)->receive_start(&pair[i]->channel);
    }
    run_for(f->loop, EDDY_MILLISECONDS(50));
}

/* TR-14, TR-15: nothing comes after a stop, and what came meanwhile is kept. */
static void stop_other(struct probe *p)
{
    p->script = NULL;
    p->other->script = NULL;
    backend_of(p->f)->receive_stop(&p->other->channel);
}

static void test_an_event_on_its_way_does_not_arrive_after_a_stop(struct fixture *f)
{
    struct probe *pair[2];

    receive_by_both(f, pair, stop_other);
    assert_int_equal(recorded(NULL), 1);
    backend_of(f)->receive_start(&pair[0]->channel);
    backend_of(f)->receive_start(&pair[1]->channel);
    run_until_recorded(f->loop, "a.received:2");
    run_until_recorded(f->loop, "b.received:1");
    assert_int_equal(recorded(NULL), 2);
    close_pair(f, pair);
}

static void close_other(struct probe *p)
{
    p->script = NULL;
    p->other->script = NULL;
    backend_of(p->f)->receive_stop(&p->channel);
    probe_close(p->other);
}

static void test_a_close_drops_events_that_are_queued(struct fixture *f)
{
    struct probe *pair[2];
    struct probe *left;

    receive_by_both(f, pair, close_other);
    left = recorded("a.closed") == 1 ? pair[1] : pair[0];
    if (left == pair[0])
        assert_recorded("a.received:2", "b.closed");
    else
        assert_recorded("b.received:1", "a.closed");
    probe_close(left);
    run_iterations(f->loop, 2);
}

static void test_closing_is_told_by_the_loop_and_once(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    probe_close(pair[0]);
    probe_close(pair[0]);
    assert_nothing_recorded();
    run_until_recorded(f->loop, "a.closed");
    assert_recorded("a.closed");
    probe_close(pair[1]);
    run_until_recorded(f->loop, "b.closed");
}

static void test_closing_the_loop_ends_what_is_still_closing(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_iterations(f->loop, 1);
    probe_close(pair[0]);
    probe_close(pair[1]);
    must(eddy_loop_close(f->loop));
    assert_int_equal(recorded("a.closed"), 1);
    assert_int_equal(recorded("b.closed"), 1);
}

static void test_a_close_in_an_event_is_safe(struct fixture *f)
{
    struct probe *pair[2];

    probe_pair(f, pair);
    pair[1]->script = probe_close;
    backend_of(f)->receive_start(&pair[1]->channel);
    probe_send(pair[0], "bye");
    run_until_recorded(f->loop, "b.closed");
    assert_recorded("a.sent:3", "b.received:bye", "b.closed");
    probe_close(pair[0]);
    run_until_recorded(f->loop, "a.closed");
}

/* "b" sends "abcd" to "a", which receives into memory of its own. */
static void send_to_buffered(struct fixture *f, struct probe *pair[2], void *memory, size_t size)
{
    eddy_socket sockets[2];

    must(backend_of(f)->sockets->pair(f->loop, EDDY_STREAM, sockets));
    pair[0] = probe_open_buffered(f, "a", sockets[0], memory, size);
    pair[1] = probe_open(f, "b", sockets[1]);
    backend_of(f)->receive_start(&pair[0]->channel);
    probe_send(pair[1], "abcd");
}

/* TR-43: data goes into the object's own memory. */
static void test_get_buffer_says_where_to_receive(struct fixture *f)
{
    char memory[4] = "";
    struct probe *pair[2];

    send_to_buffered(f, pair, memory, 3);
    run_until_recorded(f->loop, "a.received:d");
    assert_int_equal(recorded("a.received:abc"), 1);
    assert_memory_equal(memory, "dbc", 3);
    close_pair(f, pair);
}

static void test_get_buffer_may_skip_a_receive(struct fixture *f)
{
    char memory[8] = "";
    struct probe *pair[2];

    send_to_buffered(f, pair, NULL, 0);
    run_for(f->loop, EDDY_MILLISECONDS(20));
    assert_recorded("b.sent:4");
    assert_true(pair[0]->buffers_asked > 0);
    pair[0]->buffer = (struct eddy__span){memory, sizeof memory};
    backend_of(f)->receive_stop(&pair[0]->channel);
    backend_of(f)->receive_start(&pair[0]->channel);
    run_until_recorded(f->loop, "a.received:abcd");
    close_pair(f, pair);
}

/* What is received is lent where processors are fast at putting it: see eddy__buffer_alloc(). */
static void test_the_loops_buffer_is_aligned(struct fixture *f)
{
    void *scratch = eddy__loop_scratch(f->loop);

    must(scratch == NULL ? EDDY_ENOMEM : 0);
    assert_int_equal((uintptr_t)scratch % EDDY__BUFFER_ALIGNMENT, 0);
}

/* NET-25: a turn accepts so many, not more; the next turn goes on. */
static void test_accepting_is_limited_a_turn(struct fixture *f)
{
    eddy_address address;
    struct probe *p = probe_open(f, "server", probe_listener(f, &address));
    size_t before = 0;

    for (int i = 0; i < 3; i++)
        probe_connect_raw(f, &address);
    run_for(f->loop, EDDY_MILLISECONDS(10));
    backend_of(f)->accept_start(&p->channel, 1);
    for (int i = 0; i < 1000 && recorded("server.accepted") < 3; i++) {
        run_iterations(f->loop, 1);
        if (!fixture_backend_is(f, "iocp"))
            assert_true(recorded("server.accepted") <= before + 1);
        before = recorded("server.accepted");
        if (before == 0)
            run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    assert_recorded("server.accepted", "server.accepted", "server.accepted");
    probe_close(p);
    run_until_recorded(f->loop, "server.closed");
}

/* NET-25: a crowd is taken in few turns, although a turn begins with as few as came last. */
static void test_accepting_many_takes_few_turns(struct fixture *f)
{
    enum { CROWD = 14, TURNS = 6 }; /* 1, 1, 1, 2, 4 and the rest */
    eddy_address address;
    struct probe *p = probe_open(f, "server", probe_listener(f, &address));
    int turns = 0;

    for (int i = 0; i < CROWD; i++)
        probe_connect_raw(f, &address);
    run_for(f->loop, EDDY_MILLISECONDS(10));
    backend_of(f)->accept_start(&p->channel, 64);
    for (int i = 0; i < 1000 && recorded("server.accepted") < CROWD; i++) {
        run_iterations(f->loop, 1);
        if (recorded("server.accepted") > 0)
            turns++;
        else
            run_for(f->loop, EDDY_MILLISECONDS(1));
    }
    assert_int_equal(recorded("server.accepted"), CROWD);
    if (!fixture_backend_is(f, "iocp"))
        assert_true(turns <= TURNS);
    probe_close(p);
    run_until_recorded(f->loop, "server.closed");
}

static void stop_accepting(struct probe *p)
{
    backend_of(p->f)->accept_stop(&p->channel);
}

static void test_accepting_can_be_stopped_by_its_event(struct fixture *f)
{
    eddy_address address;
    struct probe *p = probe_open(f, "server", probe_listener(f, &address));

    p->script = stop_accepting;
    backend_of(f)->accept_start(&p->channel, 8);
    probe_connect_raw(f, &address);
    probe_connect_raw(f, &address);
    run_until_recorded(f->loop, "server.accepted");
    run_for(f->loop, EDDY_MILLISECONDS(10));
    assert_recorded("server.accepted");
    backend_of(f)->accept_start(&p->channel, 8);
    run_until_recorded(f->loop, "server.accepted");
    probe_close(p);
    run_until_recorded(f->loop, "server.closed");
}

static struct probe *open_client(struct fixture *f)
{
    eddy_socket socket;

    /* No must(): the caller has a listener of its own. */
    assert_int_equal(
        backend_of(f)->sockets->open(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket), 0);
    return probe_open(f, "client", socket);
}

static void test_connecting_succeeds(struct fixture *f)
{
    eddy_address address;
    struct probe *server = probe_open(f, "server", probe_listener(f, &address));
    struct probe *client = open_client(f);

    backend_of(f)->accept_start(&server->channel, 1);
    backend_of(f)->connect_start(&client->channel, &address);
    assert_nothing_recorded();
    run_until_recorded(f->loop, "client.connected:0");
    run_until_recorded(f->loop, "server.accepted");
    probe_close(client);
    probe_close(server);
    run_until_recorded(f->loop, "server.closed");
}

static void test_connecting_to_nobody_is_refused(struct fixture *f)
{
    eddy_address address;
    struct probe *client = open_client(f);

    backend_of(f)->sockets->close(probe_listener(f, &address));
    backend_of(f)->connect_start(&client->channel, &address);
    assert_nothing_recorded();
    run_until_recorded(f->loop, "client.connected:EDDY_ECONNREFUSED");
    probe_close(client);
    run_until_recorded(f->loop, "client.closed");
}

static void test_an_unfinished_connect_can_be_closed(struct fixture *f)
{
    eddy_address address;
    struct probe *server = probe_open(f, "server", probe_listener(f, &address));
    struct probe *client = open_client(f);

    backend_of(f)->connect_start(&client->channel, &address);
    probe_close(client);
    run_until_recorded(f->loop, "client.closed");
    run_for(f->loop, EDDY_MILLISECONDS(2));
    assert_recorded("client.closed");
    probe_close(server);
    run_until_recorded(f->loop, "server.closed");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_what_one_side_sends_the_other_receives),
        TEST(test_several_spans_are_sent_in_order),
        TEST(test_send_now_takes_bytes_or_says_that_it_cannot),
        TEST(test_the_end_of_the_stream_ends_the_order),
        TEST(test_sending_to_who_has_gone_ends_with_an_error),
        TEST(test_an_event_on_its_way_does_not_arrive_after_a_stop),
        TEST(test_a_close_drops_events_that_are_queued),
        TEST(test_closing_is_told_by_the_loop_and_once),
        TEST(test_closing_the_loop_ends_what_is_still_closing),
        TEST(test_a_close_in_an_event_is_safe),
        TEST(test_get_buffer_says_where_to_receive),
        TEST(test_get_buffer_may_skip_a_receive),
        TEST(test_the_loops_buffer_is_aligned),
        TEST(test_accepting_is_limited_a_turn),
        TEST(test_accepting_many_takes_few_turns),
        TEST(test_accepting_can_be_stopped_by_its_event),
        TEST(test_connecting_succeeds),
        TEST(test_connecting_to_nobody_is_refused),
        TEST(test_an_unfinished_connect_can_be_closed),
    };

    return run_suite("backend", tests);
}
