/* SPDX-License-Identifier: MIT */
/*
 * Every verb of a transport from every callback, and in every state: the table of section 8 in
 * docs/spec/transport.md, TR-6, TR-8, TR-43, TR-44. Whatever is called where, connection_made() is
 * first, connection_lost() last, each once, and nothing comes in between that may not.
 */
#include "common/socket_view.h"
#include "support/oom.h"
#include "support/support.h"
#include "support/sweep.h"

/* The verbs. */
static void verb_write(eddy_transport *transport)
{
    eddy_transport_write(transport, "w", 1);
}

static void verb_write_much(eddy_transport *transport)
{
    static const char data[100000];

    eddy_transport_write(transport, data, sizeof data);
}

static void verb_writelines(eddy_transport *transport)
{
    const eddy_buffer lines[] = {{"l", 1}, {"i", 1}};

    eddy_transport_writelines(transport, lines, 2);
}

static int released;

static void count_release(void *arg)
{
    (void)arg;
    released++;
}

static int handed_over;

static void verb_write_owned(eddy_transport *transport)
{
    handed_over++;
    eddy_transport_write_owned(transport, "owned", 5, count_release, NULL);
}

static void verb_write_eof(eddy_transport *transport)
{
    eddy_transport_write_eof(transport);
}

static void verb_pause(eddy_transport *transport)
{
    eddy_transport_pause_reading(transport);
}

static void verb_resume(eddy_transport *transport)
{
    eddy_transport_resume_reading(transport);
}

static void verb_flip(eddy_transport *transport)
{
    eddy_transport_pause_reading(transport);
    eddy_transport_resume_reading(transport);
}

static void verb_limits(eddy_transport *transport)
{
    eddy_transport_set_write_buffer_limits(transport, 0, 0);
    eddy_transport_set_write_buffer_limits(transport, 1 << 20, 0);
}

static void verb_set_protocol(eddy_transport *transport)
{
    eddy_protocol *protocol = eddy_transport_get_protocol(transport);

    if (protocol != NULL)
        eddy_transport_set_protocol(transport, protocol);
}

static void verb_close(eddy_transport *transport)
{
    eddy_transport_close(transport);
}

static void verb_abort(eddy_transport *transport)
{
    eddy_transport_abort(transport);
}

static void verb_stop(eddy_transport *transport)
{
    eddy_loop_stop(eddy_transport_get_loop(transport));
}

static void verb_ref(eddy_transport *transport)
{
    eddy_transport_unref(eddy_transport_ref(transport));
}

static const struct verb {
    const char *name;
    void (*act)(eddy_transport *transport);
} verbs[] = {
    {"write", verb_write},
    {"write much", verb_write_much},
    {"writelines", verb_writelines},
    {"write_owned", verb_write_owned},
    {"write_eof", verb_write_eof},
    {"pause", verb_pause},
    {"resume", verb_resume},
    {"pause and resume", verb_flip},
    {"limits", verb_limits},
    {"set_protocol", verb_set_protocol},
    {"close", verb_close},
    {"abort", verb_abort},
    {"stop", verb_stop},
    {"ref", verb_ref},
};

enum { VERBS = sizeof verbs / sizeof *verbs };

/* Two verbs in one callback. */
struct pair {
    enum witness_event event;
    const struct verb *first, *second;
    int depth; /* callbacks that are running, but for those that writes call */
    bool lost;
};

static int act_in_callback(struct witness *w, enum witness_event event)
{
    struct pair *pair = w->arg;
    bool synchronous = event == WITNESS_PAUSE;

    assert_false(pair->lost);
    pair->lost = event == WITNESS_LOST;
    if (!synchronous) {
        assert_int_equal(pair->depth, 0);
        pair->depth++;
    }
    if (event == pair->event && w->counts[event] == 1) {
        pair->first->act(w->transport);
        pair->second->act(w->transport);
    }
    if (!synchronous)
        pair->depth--;
    return 0;
}

/* Run until it is lost, receiving what comes, and ending it if nothing else does. */
static void bring_to_an_end(struct fixture *f, struct witness *w, struct peer *peer,
                            const struct pair *pair)
{
    char buffer[65536];
    int turn;

    for (turn = 0; turn < 200 && !pair->lost; turn++) {
        run_iterations(f->loop, 1);
        while (peer_receive(peer, buffer, sizeof buffer) > 0)
            ;
        if (turn == 20 && w->transport != NULL) {
            eddy_transport_resume_reading(w->transport);
            eddy_transport_close(w->transport);
        }
        if (turn > 20)
            run_for(f->loop, EDDY_MICROSECONDS(100));
    }
    run_iterations(f->loop, 3);
}

/* A connection that goes through every callback, with two verbs called in one of them. */
static void live_through(struct fixture *f, struct pair *pair, bool buffered)
{
    char buffer[16], drained[65536];
    struct witness w;
    struct peer peer;

    if (buffered)
        witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    else
        witness_init(&w, NULL);
    w.quiet = true;
    w.script = act_in_callback;
    w.arg = pair;
    pair->depth = 0;
    pair->lost = false;
    recorder_reset();
    connect_peer(f, &w, &peer);
    if (w.transport != NULL) {
        eddy_transport_set_write_buffer_limits(w.transport, 0, 0);
        if (!eddy_transport_is_closing(w.transport))
            verb_write_much(w.transport);
        while (peer_receive(&peer, drained, sizeof drained) > 0)
            ;
        /* The connection may be over already, so that these two fail. */
        eddy_socket_send(peer.socket, "data", 4);
        run_iterations(f->loop, 2);
        eddy__socket_ops_of(peer.socket)->shutdown_send(peer.socket);
    }
    bring_to_an_end(f, &w, &peer, pair);
    give_up_if(w.counts[WITNESS_MADE] == 0 || w.counts[WITNESS_LOST] == 0);
    if (w.counts[WITNESS_MADE] != 1 || w.counts[WITNESS_LOST] != 1 || w.counts[WITNESS_EOF] > 1 ||
        w.counts[WITNESS_RESUME] > w.counts[WITNESS_PAUSE]) {
        recorder_print();
        fail_msg("%s, then %s in callback %d", pair->first->name, pair->second->name,
                 (int)pair->event);
    }
    peer_close(&peer);
}

static void walk_callbacks(struct fixture *f, bool buffered)
{
    struct pair pair;
    /* In a sweep each connection is a point's: every fourth of them, or with allocations, of which
     * each has several, every fourteenth. */
    int step = sweep_is_over_calls() ? 4 : sweep_is_on() ? VERBS : 1;
    int event, first, second;

    released = handed_over = 0;
    for (event = WITNESS_MADE; event < WITNESS_EVENTS; event++) {
        for (first = 0; first < VERBS; first++) {
            for (second = (event + first) % step; second < VERBS; second += step) {
                pair = (struct pair){(enum witness_event)event, &verbs[first], &verbs[second], 0,
                                     false};
                live_through(f, &pair, buffered);
            }
        }
    }
    assert_true(handed_over > 0);
    assert_int_equal(released, handed_over);
    reports_reset(); /* writes after the end may have been warned of (TR-11) */
}

/* Table of section 8, TR-6, TR-43, TR-44 */
static void test_every_pair_of_verbs_in_every_callback(struct fixture *f)
{
    walk_callbacks(f, false);
}

static void test_every_pair_of_verbs_in_every_callback_of_a_buffered_protocol(struct fixture *f)
{
    walk_callbacks(f, true);
}

/* What the test below refers to, wherever it ends. */
static eddy_transport *held;

static void let_go(void *arg)
{
    (void)arg;
    eddy_transport_unref(held);
    held = NULL;
}

/* Three verbs from outside, one after the other, with the loop running in between or not. */
static void test_every_three_verbs_from_outside(struct fixture *f)
{
    /* All on Unix. A connection takes tens of milliseconds under Wine: there a quarter of the
     * threes, among which any two verbs meet at any two of the three places. A sweep has less. */
    int step = sweep_is_on() ? VERBS : fixture_backend_is(f, "iocp") ? 4 : 1;
    int first, second, third, between;

    fixture_at_end(f, let_go, NULL);
    released = handed_over = 0;
    for (between = 0; between < 2; between++) {
        for (first = 0; first < VERBS; first++) {
            for (second = 0; second < VERBS; second++) {
                for (third = (first + second) % step; third < VERBS; third += step) {
                    struct pair none = {.first = &verbs[0], .second = &verbs[0]};
                    struct witness w;
                    struct peer peer;

                    witness_init(&w, NULL);
                    w.quiet = true;
                    w.script = act_in_callback;
                    w.arg = &none;
                    recorder_reset();
                    connect_peer(f, &w, &peer);
                    held = eddy_transport_ref(w.transport);
                    verbs[first].act(held);
                    run_iterations(f->loop, between);
                    verbs[second].act(held);
                    run_iterations(f->loop, between);
                    verbs[third].act(held);
                    bring_to_an_end(f, &w, &peer, &none);
                    give_up_if(w.counts[WITNESS_LOST] == 0);
                    assert_int_equal(w.counts[WITNESS_LOST], 1);
                    verbs[third].act(held); /* TR-8: harmless after the end */
                    let_go(NULL);
                    peer_close(&peer);
                }
            }
        }
    }
    assert_int_equal(released, handed_over);
    reports_reset(); /* writes after the end may have been warned of (TR-11) */
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_every_pair_of_verbs_in_every_callback),
        TEST(test_every_pair_of_verbs_in_every_callback_of_a_buffered_protocol),
        TEST(test_every_three_verbs_from_outside),
    };

    return run_suite("reentrancy", tests);
}
