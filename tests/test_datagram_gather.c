/* SPDX-License-Identifier: MIT */
/* What a protocol sends while datagrams are delivered that came together: TR-33..TR-37. */
#include "common/loop.h"
#include "support/datagram.h"
#include "support/oom.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "posix/sys.h"
#endif

/* A server "s", whose script is `script`, and a client "c" that is connected to it. */
static void open_pair(struct fixture *f, struct witness *s, struct witness *c,
                      witness_script script)
{
    open_endpoint_pair(f, s, c);
    s->quiet = true;
    s->script = script;
}

/* The texts "1", "2" and so on, from the client to the server. */
static void send_numbers(struct witness *c, int count)
{
    char text[24];

    for (int i = 1; i <= count; i++) {
        snprintf(text, sizeof text, "%d", i);
        must(send_datagram(c->transport, text, NULL));
    }
}

/* Answers with how many have come by now. */
static int answer(struct witness *w, enum witness_event event)
{
    char text[24];

    if (event != WITNESS_DATAGRAM)
        return 0;
    snprintf(text, sizeof text, "%zu", w->counts[WITNESS_DATAGRAM]);
    return send_datagram(w->transport, text, &w->from);
}

/* TR-33: answers leave in the order in which they were given. */
static void test_answers_keep_their_order(struct fixture *f)
{
    struct witness s, c;

    open_pair(f, &s, &c, answer);
    send_numbers(&c, 3);
    run_until_recorded(f->loop, "c.datagram:3");
    assert_recorded("c.datagram:1", "c.datagram:2", "c.datagram:3");
}

/* Sixteen answers that are given one by one: one receive, one send, no allocation. */
static void test_answers_to_a_batch_leave_in_one_call(struct fixture *f)
{
#if defined(EDDY__HAVE_MMSG) && defined(EDDY_TEST_HOOKS)
    enum { COUNT = 16 };
    struct witness s, c;
    size_t before;

    need_working_calls();
    if (!fixture_backend_is(f, "epoll"))
        skip();
    open_pair(f, &s, &c, answer);
    c.quiet = true;
    for (int round = 0; round < 2; round++) {
        send_numbers(&c, COUNT);
        before = allocations_made();
        eddy__sys_reset();
        while (c.counts[WITNESS_DATAGRAM] < COUNT)
            run_iterations(f->loop, 1);
        c.counts[WITNESS_DATAGRAM] = 0;
    }
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendmmsg), 1);
    assert_int_equal(eddy__sys_count(EDDY__SYS_sendmsg), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_recvmmsg), 2); /* the server's, the client's */
#if !defined(EDDY_COROUTINE_THREAD)
    assert_int_equal(allocations_made() - before, 0);
#endif
    (void)before;
#else
    (void)f;
    skip(); /* the system sends them one by one, or nobody counts */
#endif
}

/* One that came alone is answered at once. */
static void test_an_answer_to_a_single_one_is_not_held_back(struct fixture *f)
{
    struct witness s, c;

    open_pair(f, &s, &c, answer);
    hold_sending(f);
    release_sending(f);
    send_numbers(&c, 1);
    run_until_recorded(f->loop, "c.datagram:1");
    assert_int_equal(eddy_transport_get_write_buffer_size(s.transport), 0);
    assert_recorded("c.datagram:1");
}

/* TR-27, TR-36: what is gathered counts, until it leaves. */
static int count_waiting(struct witness *w, enum witness_event event)
{
    size_t *waiting = w->arg;
    size_t before = eddy_transport_get_write_buffer_size(w->transport);

    if (event != WITNESS_DATAGRAM)
        return 0;
    must(send_datagram(w->transport, "abcd", &w->from));
    if (eddy_transport_get_write_buffer_size(w->transport) == before + 4 + 8)
        ++*waiting;
    return 0;
}

static void test_gathered_datagrams_count_as_queued(struct fixture *f)
{
    struct witness s, c;
    size_t waiting = 0;

    need_whole_test();
    need_working_calls();
    open_pair(f, &s, &c, count_waiting);
    s.arg = &waiting;
    c.quiet = true;
    must(eddy_transport_set_write_buffer_limits(s.transport, 0, 0));
    send_numbers(&c, 3);
    while (c.counts[WITNESS_DATAGRAM] < 3)
        run_iterations(f->loop, 1);
    assert_true(waiting == 3 || waiting == 0); /* 0: they came one by one */
    assert_int_equal(eddy_transport_get_write_buffer_size(s.transport), 0);
    assert_nothing_recorded(); /* TR-29: the system took them all: nobody was told to pause */
}

/* TR-36: what the system does not take at the end of the batch is queued, and then told. */
static void test_what_is_not_taken_is_queued(struct fixture *f)
{
    struct witness s, c;

    need_whole_test(); /* a datagram that found no memory is lost */
    need_working_calls();
    open_pair(f, &s, &c, answer);
    must(eddy_transport_set_write_buffer_limits(s.transport, 0, 0));
    send_numbers(&c, 3);
    hold_sending(f);
    run_until_recorded(f->loop, "s.pause");
    while (s.counts[WITNESS_DATAGRAM] < 3)
        run_iterations(f->loop, 1);
    assert_int_equal(eddy_transport_get_write_buffer_size(s.transport), 3 * (1 + 8));
    release_sending(f);
    run_until_recorded(f->loop, "c.datagram:3");
    assert_recorded("s.pause", "s.resume", "c.datagram:1", "c.datagram:2", "c.datagram:3");
}

/* TR-34: one that the system refuses is told, the others arrive. */
static void test_an_error_takes_one_of_them(struct fixture *f)
{
    struct witness s, c;

    open_pair(f, &s, &c, answer);
    send_numbers(&c, 3);
    fail_sending(f, EDDY_ECONNREFUSED, 1);
    run_until_recorded(f->loop, "c.datagram:3");
    assert_recorded("s.error:EDDY_ECONNREFUSED", "c.datagram:2", "c.datagram:3");
}

/* Sends more from error_received(): behind those that were gathered. */
static int answer_and_complain(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_ERROR)
        return send_datagram(w->transport, "sorry", &w->from);
    return answer(w, event);
}

static void test_what_an_error_has_sent_is_the_last(struct fixture *f)
{
    struct witness s, c;

    if (f->sim != NULL)
        skip(); /* nothing is gathered: the error comes between the answers */
    open_pair(f, &s, &c, answer_and_complain);
    send_numbers(&c, 3);
    fail_sending(f, EDDY_ECONNREFUSED, 1);
    run_until_recorded(f->loop, "c.datagram:sorry");
    assert_int_equal(s.counts[WITNESS_ERROR], 1);
}

/* TR-37: closed within the batch, it sends what it was given before. */
static int answer_and_close(struct witness *w, enum witness_event event)
{
    int error = answer(w, event);

    if (event == WITNESS_DATAGRAM && w->counts[WITNESS_DATAGRAM] == 2)
        eddy_transport_close(w->transport);
    return error;
}

static void test_close_sends_what_was_gathered(struct fixture *f)
{
    struct witness s, c;

    open_pair(f, &s, &c, answer_and_close);
    send_numbers(&c, 3);
    run_until_recorded(f->loop, "c.datagram:2");
    assert_int_equal(s.counts[WITNESS_DATAGRAM], 2);
    assert_int_equal(s.counts[WITNESS_LOST], 1);
    assert_recorded("s.lost:0", "c.datagram:1", "c.datagram:2");
}

/* TR-5, TR-37: aborted within the batch, it drops that. */
static int answer_and_abort(struct witness *w, enum witness_event event)
{
    int error = answer(w, event);

    if (event == WITNESS_DATAGRAM && w->counts[WITNESS_DATAGRAM] == 2)
        eddy_transport_abort(w->transport);
    return error;
}

static void test_abort_drops_what_was_gathered(struct fixture *f)
{
    struct witness s, c;

    if (f->sim != NULL || fixture_backend_is(f, "iocp"))
        skip(); /* nothing is gathered: the answers have left */
    open_pair(f, &s, &c, answer_and_abort);
    send_numbers(&c, 3);
    run_until_recorded(f->loop, "s.lost:0");
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_recorded("s.lost:0");
}

/* More than there is room for: still in order, and still whole. */
static int answer_much(struct witness *w, enum witness_event event)
{
    static char data[17000];

    if (event != WITNESS_DATAGRAM)
        return 0;
    memset(data, '0' + (int)w->counts[WITNESS_DATAGRAM], sizeof data);
    return eddy_transport_sendto(w->transport, data, sizeof data, &w->from);
}

static int note_first(struct witness *w, enum witness_event event)
{
    char *firsts = w->arg;

    if (event == WITNESS_DATAGRAM && strlen(firsts) < 8)
        firsts[strlen(firsts)] = w->text[0];
    w->text[0] = '\0';
    w->received = 0;
    return 0;
}

static void test_more_than_there_is_room_for_keeps_its_order(struct fixture *f)
{
    struct witness s, c;
    char firsts[16] = "";

    need_whole_test(); /* what is refused for want of memory is not there */
    if (f->sim != NULL)
        skip(); /* nothing is gathered, and it has room for three of them */
    open_pair(f, &s, &c, answer_much);
    c.quiet = true;
    c.script = note_first;
    c.arg = firsts;
    send_numbers(&c, 4); /* fits into the buffer of any socket */
    for (int i = 0; i < 1000 && c.counts[WITNESS_DATAGRAM] < 4; i++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_string_equal(firsts, "1234");
}

/* Answers twice, and a failure by more than there is room for beside the second one. */
static int answer_and_complain_much(struct witness *w, enum witness_event event)
{
    static char answers[40000];
    static char complaint[60000];
    int error = 0;

    if (event == WITNESS_ERROR) {
        memset(complaint, 'e', sizeof complaint);
        return eddy_transport_sendto(w->transport, complaint, sizeof complaint, &w->from);
    }
    if (event != WITNESS_DATAGRAM || w->counts[WITNESS_DATAGRAM] > 1)
        return 0;
    for (int i = 0; i < 2 && error == 0; i++) {
        memset(answers, '1' + i, sizeof answers);
        error = eddy_transport_sendto(w->transport, answers, sizeof answers, &w->from);
    }
    return error;
}

/* TR-34: what is sent from there does not take the place of what is being sent. */
static void test_what_an_error_has_sent_leaves_room_for_the_rest(struct fixture *f)
{
    struct witness s, c;
    char firsts[16] = "";

    need_whole_test();
    if (f->sim != NULL)
        skip(); /* as above */
    open_pair(f, &s, &c, answer_and_complain_much);
    c.quiet = true;
    c.script = note_first;
    c.arg = firsts;
    send_numbers(&c, 2);
    fail_sending(f, EDDY_ECONNREFUSED, 1);
    for (int i = 0; i < 1000 && c.counts[WITNESS_DATAGRAM] < 2; i++)
        run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_string_equal(firsts, "e2");
    assert_int_equal(s.counts[WITNESS_ERROR], 1);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_answers_keep_their_order),
        TEST(test_answers_to_a_batch_leave_in_one_call),
        TEST(test_an_answer_to_a_single_one_is_not_held_back),
        TEST(test_gathered_datagrams_count_as_queued),
        TEST(test_what_is_not_taken_is_queued),
        TEST(test_an_error_takes_one_of_them),
        TEST(test_what_an_error_has_sent_is_the_last),
        TEST(test_close_sends_what_was_gathered),
        TEST(test_abort_drops_what_was_gathered),
        TEST(test_more_than_there_is_room_for_keeps_its_order),
        TEST(test_what_an_error_has_sent_leaves_room_for_the_rest),
    };

    return run_suite("datagram_gather", tests);
}
