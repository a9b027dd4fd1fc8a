/* SPDX-License-Identifier: MIT */
/*
 * Every event in every state of a TLS transport (TLS-15, TLS-16, TLS-36). The connection began
 * plain, so that its protocol hears of its end in each state, and that exactly once (TLS-13).
 */
#include "support/support.h"
#include "support/tls_peer.h"
#include "tls/parts.h"
#include <stdio.h>
#include <string.h>

/** Where the walk stands. */
enum place {
    IN_NEW,
    IN_HANDSHAKE,
    IN_WRAPPED,
    IN_WAITING,
    IN_FLUSHING,
    IN_SHUTDOWN,
    IN_UNWRAPPED,
    IN_LOSING,
    IN_LOST,
    PLACES
};

enum event {
    ON_BYTES, /* what the peer would send there: its handshake, data */
    ON_GARBAGE,
    ON_EOF,
    ON_LOWER_LOST,
    ON_LOST_TWICE,
    ON_WRITE,
    ON_CLOSE,
    ON_ABORT,
    ON_PAUSE,
    ON_RESUME,
    ON_SET_PROTOCOL,
    ON_START_TLS,
    ON_CANCEL,
    ON_TIMEOUT,
    EVENTS
};

/** What is recorded until nothing more happens; NULL: it cannot be there. */
static const char *const expected[PLACES][EVENTS] = {
    [IN_NEW] =
        {
            [ON_BYTES] = "",
            [ON_GARBAGE] = "lost:EDDY_ETLS",
            [ON_EOF] = "lost:EDDY_ECONNRESET",
            [ON_LOWER_LOST] = "lost:0",
            [ON_WRITE] = "",
            [ON_CLOSE] = "lost:0",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "",
            [ON_RESUME] = "",
            [ON_SET_PROTOCOL] = "",
            [ON_CANCEL] = "lost:0",
            [ON_TIMEOUT] = "lost:EDDY_ECONNABORTED",
        },
    [IN_HANDSHAKE] =
        {
            [ON_BYTES] = "",
            [ON_GARBAGE] = "lost:EDDY_ETLS",
            [ON_EOF] = "lost:EDDY_ECONNRESET",
            [ON_LOWER_LOST] = "lost:0",
            [ON_WRITE] = "",
            [ON_CLOSE] = "lost:0",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "",
            [ON_RESUME] = "",
            [ON_SET_PROTOCOL] = "",
            [ON_CANCEL] = "lost:0",
            [ON_TIMEOUT] = "lost:EDDY_ECONNABORTED",
        },
    [IN_WRAPPED] =
        {
            [ON_BYTES] = "data:x",
            [ON_GARBAGE] = "lost:EDDY_ETLS",
            [ON_EOF] = "eof lost:0",
            [ON_LOWER_LOST] = "lost:0",
            [ON_WRITE] = "",
            [ON_CLOSE] = "",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "",
            [ON_RESUME] = "",
            [ON_SET_PROTOCOL] = "",
            [ON_START_TLS] = "",
            [ON_TIMEOUT] = "",
        },
    [IN_WAITING] =
        {
            [ON_LOWER_LOST] = "lost:0",
            [ON_WRITE] = "",
            [ON_CLOSE] = "lost:0",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "",
            [ON_RESUME] = "data:x eof lost:0",
            [ON_SET_PROTOCOL] = "",
            [ON_START_TLS] = "",
            [ON_TIMEOUT] = "",
        },
    [IN_FLUSHING] =
        {
            [ON_BYTES] = "",
            [ON_GARBAGE] = "lost:EDDY_ETLS",
            [ON_EOF] = "",
            [ON_LOWER_LOST] = "lost:0",
            [ON_WRITE] = "",
            [ON_CLOSE] = "",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "",
            [ON_RESUME] = "",
            [ON_SET_PROTOCOL] = "",
            [ON_START_TLS] = "",
            [ON_TIMEOUT] = "lost:EDDY_ETIMEDOUT",
        },
    [IN_SHUTDOWN] =
        {
            [ON_BYTES] = "",
            [ON_GARBAGE] = "lost:EDDY_ETLS",
            [ON_EOF] = "lost:0",
            [ON_LOWER_LOST] = "lost:0",
            [ON_WRITE] = "",
            [ON_CLOSE] = "",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "",
            [ON_RESUME] = "",
            [ON_SET_PROTOCOL] = "",
            [ON_START_TLS] = "",
            [ON_TIMEOUT] = "lost:EDDY_ETIMEDOUT",
        },
    [IN_UNWRAPPED] =
        {
            [ON_BYTES] = "lost:0",
            [ON_GARBAGE] = "lost:0",
            [ON_EOF] = "lost:0",
            [ON_LOWER_LOST] = "lost:0",
            [ON_WRITE] = "lost:0",
            [ON_CLOSE] = "lost:0",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "lost:0",
            [ON_RESUME] = "lost:0",
            [ON_SET_PROTOCOL] = "other.lost:0",
            [ON_START_TLS] = "lost:0",
            [ON_TIMEOUT] = "lost:0",
        },
    [IN_LOSING] =
        {
            [ON_LOST_TWICE] = "lost:0",
            [ON_WRITE] = "lost:0",
            [ON_CLOSE] = "lost:0",
            [ON_ABORT] = "lost:0",
            [ON_PAUSE] = "lost:0",
            [ON_RESUME] = "lost:0",
            [ON_SET_PROTOCOL] = "other.lost:0",
            [ON_START_TLS] = "lost:0",
            [ON_TIMEOUT] = "lost:0",
        },
    [IN_LOST] =
        {
            [ON_WRITE] = "",
            [ON_CLOSE] = "",
            [ON_ABORT] = "",
            [ON_PAUSE] = "",
            [ON_RESUME] = "",
            [ON_SET_PROTOCOL] = "",
            [ON_START_TLS] = "",
            [ON_TIMEOUT] = "",
        },
};

/** One connection; what it refers to is dropped at the end of the test. */
struct walk {
    struct fixture *f;
    const struct tls_kit *kit;
    struct witness w;
    struct witness other;
    struct tls_peer peer;
    eddy_transport *plain;
    eddy_transport *upper;
    eddy_future *future;
    eddy_future *second; /**< of the event START_TLS */
};

static void walk_drop(void *walk)
{
    struct walk *k = walk;

    if (k->future != NULL && eddy_future_done(k->future))
        eddy_future_exception(k->future); /* asked */
    eddy_future_unref(k->future);
    eddy_future_unref(k->second);
    eddy_transport_unref(k->upper);
    eddy_transport_unref(k->plain);
}

static unsigned walk_state(const struct walk *k)
{
    return tls_of(k->upper)->state;
}

static void walk_begin(struct walk *k, struct fixture *f, const struct tls_kit *kit,
                       enum event event)
{
    eddy_time limit = event == ON_TIMEOUT ? EDDY_MILLISECONDS(20) : EDDY_SECONDS(60);
    eddy_start_tls_options options = {
        .server_hostname = "example.test",
        .handshake_timeout = limit,
        .shutdown_timeout = limit,
    };
    eddy_socket sockets[2];

    memset(k, 0, sizeof *k);
    k->f = f;
    k->kit = kit;
    witness_init(&k->w, NULL);
    witness_init(&k->other, "other");
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    tls_peer_init(&k->peer, f, kit, TLS_PEER_IS_SERVER, sockets[1]);
    connect_socket(f, &k->w, sockets[0]);
    k->plain = eddy_transport_ref(k->w.transport);
    fixture_at_end(f, walk_drop, k);
    k->future = eddy_loop_start_tls(f->loop, k->plain, &k->w.protocol, kit->client, &options);
    if (eddy_future_done(k->future)) {
        eddy_future *failed = k->future;

        k->future = NULL;
        must(eddy_loop_run_until_complete(f->loop, failed, NULL));
    }
    k->upper =
        eddy_transport_ref(&EDDY__OWNER(k->plain->protocol, struct eddy__tls, below)->transport);
    assert_int_equal(walk_state(k), TLS_NEW);
    assert_recorded("made");
}

static void walk_settle(struct walk *k)
{
    run_for(k->f->loop, EDDY_MILLISECONDS(2));
    run_iterations(k->f->loop, 4);
}

static void walk_reach(struct walk *k, unsigned state)
{
    for (int i = 0; i < 4 && walk_state(k) != state; i++)
        run_iterations(k->f->loop, 1);
    give_up_if(walk_state(k) != state);
}

static void walk_shake(struct walk *k)
{
    give_up_if(!tls_peer_shake(&k->peer));
    run_until_true(k->f->loop, eddy_future_done(k->future));
    give_up_if(walk_state(k) != TLS_WRAPPED);
}

static void walk_to(struct walk *k, enum place place)
{
    if (place == IN_HANDSHAKE)
        walk_reach(k, TLS_HANDSHAKE);
    if (place >= IN_WRAPPED)
        walk_shake(k);
    if (place == IN_FLUSHING)
        fill_transport(k->upper);
    if (place == IN_WAITING) {
        must(eddy_transport_pause_reading(k->upper));
        tls_peer_send(&k->peer, "x");
        peer_shutdown(&k->peer.raw);
        walk_settle(k);
        give_up_if(walk_state(k) != TLS_WAITING);
    }
    if (place == IN_FLUSHING || place == IN_SHUTDOWN)
        eddy_transport_close(k->upper);
    if (place == IN_FLUSHING || place == IN_SHUTDOWN)
        walk_reach(k, place == IN_SHUTDOWN ? TLS_SHUTDOWN : TLS_FLUSHING);
    if (place >= IN_UNWRAPPED)
        eddy_transport_abort(k->upper);
    if (place >= IN_UNWRAPPED)
        walk_reach(k, TLS_UNWRAPPED + (unsigned)place - IN_UNWRAPPED);
    if (place == IN_LOST)
        assert_recorded("lost:0");
}

/** What comes from below. */
static void walk_receive(struct walk *k, enum place place, enum event event)
{
    struct eddy__tls *tls = tls_of(k->upper);

    if (event == ON_BYTES && place < IN_WRAPPED)
        walk_shake(k);
    else if (event == ON_BYTES)
        tls_peer_send(&k->peer, "x");
    else if (event == ON_GARBAGE)
        peer_send(&k->peer.raw, "HTTP/1.0 400 Bad Request\r\n\r\n");
    else if (event == ON_EOF)
        peer_shutdown(&k->peer.raw);
    else if (event == ON_LOWER_LOST)
        eddy_transport_abort(tls->lower);
    else if (event == ON_LOST_TWICE)
        assert_int_equal(tls->below.callbacks->connection_lost(&tls->below, EDDY_ECONNRESET), 0);
}

/** What the program does. */
static void walk_do(struct walk *k, enum place place, enum event event)
{
    bool is_open = place <= IN_WRAPPED;

    if (event == ON_WRITE) {
        size_t before = eddy_transport_get_write_buffer_size(k->upper);

        must(write_text(k->upper, "y"));
        assert_int_equal(eddy_transport_get_write_buffer_size(k->upper) - before,
                         place < IN_WRAPPED);
    } else if (event == ON_CLOSE) {
        eddy_transport_close(k->upper);
        assert_true(eddy_transport_is_closing(k->upper));
    } else if (event == ON_ABORT) {
        eddy_transport_abort(k->upper);
        assert_true(eddy_transport_is_closing(k->upper));
    } else if (event == ON_PAUSE) {
        must(eddy_transport_pause_reading(k->upper));
        assert_false(eddy_transport_is_reading(k->upper));
    } else if (event == ON_RESUME) {
        must(eddy_transport_resume_reading(k->upper));
        assert_int_equal(eddy_transport_is_reading(k->upper), is_open);
    } else if (event == ON_SET_PROTOCOL) {
        must(eddy_transport_set_protocol(k->upper, &k->other.protocol));
        assert_ptr_equal(eddy_transport_get_protocol(k->upper),
                         place == IN_LOST ? NULL : &k->other.protocol);
    } else if (event == ON_START_TLS) {
        k->second = eddy_loop_start_tls(k->f->loop, k->upper, &k->w.protocol, k->kit->server, NULL);
        if (!is_open)
            assert_int_equal(eddy_future_exception(k->second), EDDY_EBADSTATE);
    } else if (event == ON_CANCEL) {
        eddy_future_cancel(k->future, NULL);
    }
}

/** Fail unless exactly the words of `text` were recorded, in this order; forget them. */
static void check_words(const char *text, enum place place, enum event event)
{
    char where[48], words[3][64] = {{0}};
    const char *given[4] = {NULL};
    int count = 0;

    for (const char *at = text; *at != '\0'; count++) {
        size_t size = strcspn(at, " ");

        assert_true(count < 3 && size < sizeof words[0]);
        given[count] = memcpy(words[count], at, size);
        at += size + (at[size] == ' ');
    }
    snprintf(where, sizeof where, "place %d, event %d", (int)place, (int)event);
    recorder_check(where, __LINE__, given[0], given[1], given[2], NULL);
}

/** Whatever has happened, it ends, and that once. */
static void walk_end(struct walk *k, enum place place, enum event event)
{
    const struct witness *a = &k->w, *b = &k->other;
    bool is_shaken = event == ON_BYTES; /* those were the rest of the handshake */

    eddy_transport_abort(k->upper);
    if (k->second != NULL && !eddy_future_done(k->second))
        eddy_future_cancel(k->second, NULL);
    run_until_true(k->f->loop, walk_state(k) == TLS_LOST);
    walk_settle(k);
    assert_int_equal(a->counts[WITNESS_LOST] + b->counts[WITNESS_LOST], 1);
    assert_true(a->counts[WITNESS_EOF] + b->counts[WITNESS_EOF] <= 1);
    assert_int_equal(a->counts[WITNESS_MADE] + b->counts[WITNESS_MADE], 1);
    assert_true(eddy_future_done(k->future));
    assert_int_equal(eddy_future_exception(k->future) == 0, place >= IN_WRAPPED || is_shaken);
    recorder_reset();
}

static void walk_all(struct fixture *f, enum place place)
{
    static struct walk walks[EVENTS];
    struct tls_kit kit;

    tls_kit_init(f, &kit);
    for (enum event event = 0; event < EVENTS; event++) {
        struct walk *k = &walks[event];

        if (expected[place][event] == NULL)
            continue;
        walk_begin(k, f, &kit, event);
        walk_to(k, place);
        walk_receive(k, place, event);
        walk_do(k, place, event);
        if (event == ON_TIMEOUT)
            run_for(f->loop, EDDY_MILLISECONDS(60));
        walk_settle(k);
        check_words(expected[place][event], place, event);
        walk_end(k, place, event);
    }
}

/* TLS-23: what is written before the end of the handshake goes first, reading paused or not. */
static void test_writing_before_the_end_of_the_handshake(struct fixture *f)
{
    static struct walk k;
    struct tls_kit kit;

    tls_kit_init(f, &kit);
    walk_begin(&k, f, &kit, ON_WRITE);
    must(write_text(k.upper, "one,"));
    walk_to(&k, IN_HANDSHAKE);
    must(write_text(k.upper, "two,"));
    assert_int_equal(eddy_transport_get_write_buffer_size(k.upper), 8);
    must(eddy_transport_pause_reading(k.upper));
    walk_shake(&k);
    must(write_text(k.upper, "three"));
    tls_peer_expect(&k.peer, "one,two,three");
    assert_int_equal(eddy_transport_get_write_buffer_size(k.upper), 0);
    walk_end(&k, IN_WRAPPED, ON_WRITE);
}

static void test_new(struct fixture *f)
{
    walk_all(f, IN_NEW);
}

static void test_in_the_handshake(struct fixture *f)
{
    walk_all(f, IN_HANDSHAKE);
}

static void test_wrapped(struct fixture *f)
{
    walk_all(f, IN_WRAPPED);
}

static void test_waiting(struct fixture *f)
{
    walk_all(f, IN_WAITING);
}

static void test_flushing(struct fixture *f)
{
    walk_all(f, IN_FLUSHING);
}

static void test_shutting_down(struct fixture *f)
{
    walk_all(f, IN_SHUTDOWN);
}

static void test_unwrapped(struct fixture *f)
{
    walk_all(f, IN_UNWRAPPED);
}

static void test_losing(struct fixture *f)
{
    walk_all(f, IN_LOSING);
}

static void test_lost(struct fixture *f)
{
    walk_all(f, IN_LOST);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_writing_before_the_end_of_the_handshake),
        TEST(test_new),
        TEST(test_in_the_handshake),
        TEST(test_wrapped),
        TEST(test_waiting),
        TEST(test_flushing),
        TEST(test_shutting_down),
        TEST(test_unwrapped),
        TEST(test_losing),
        TEST(test_lost),
    };

    return run_suite("tls_states", tests);
}
