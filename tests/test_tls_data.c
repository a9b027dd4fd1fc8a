/* SPDX-License-Identifier: MIT */
/* What is sent and received over TLS (TLS-26..TLS-28, TLS-34, TLS-49). */
#include "support/support.h"
#include "support/tls_scene.h"
#include <string.h>

/** Make a record and take it, so that it can be sent in parts. */
static size_t make_record(struct tls_peer *peer, const char *text, char *record, size_t max)
{
    tls_peer_prepare(peer, text, strlen(text));
    return tls_peer_take(peer, record, max);
}

/* Receiving. */

/* TLS-26: all complete records that are there are one data_received(). */
static void test_records_are_joined(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    tls_peer_prepare(&s.peer, "one ", 4);
    tls_peer_prepare(&s.peer, "two ", 4);
    tls_peer_send(&s.peer, "three");
    run_until_recorded(f->loop, "data:one two three");
    assert_recorded("data:one two three");
    tls_scene_abort(f, &s);
}

/* TLS-26, TLS-33: a record that is not complete waits for its rest, inside the engine. */
static void test_a_partial_record_waits(struct fixture *f)
{
    struct tls_scene s;
    char record[256];
    size_t size;

    tls_scene_begin(f, &s, TLS_PEER_IS_CLIENT);
    size = make_record(&s.peer, "whole", record, sizeof record);
    for (size_t i = 0; i + 1 < size; i += 7) {
        peer_send_bytes(&s.peer.raw, record + i, i + 8 < size ? 7 : size - 1 - i);
        tls_scene_settle(f, &s);
        assert_nothing_recorded();
        assert_int_equal(eddy_transport_get_read_buffer_size(s.w.transport), 0);
    }
    peer_send_bytes(&s.peer.raw, record + size - 1, 1);
    run_until_recorded(f->loop, "data:whole");
    assert_recorded("data:whole");
    tls_scene_abort(f, &s);
}

static int pause_at_data(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_DATA || event == WITNESS_UPDATED)
        must(eddy_transport_pause_reading(w->transport));
    return 0;
}

/* TLS-26, TLS-34: after a pause from inside nothing more; resuming goes on an iteration later. */
static void test_pausing_from_inside(struct fixture *f)
{
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.script = pause_at_data;
    tls_peer_send(&s.peer, "first");
    run_until_recorded(f->loop, "data:first");
    tls_peer_send(&s.peer, "second");
    tls_scene_settle(f, &s);
    assert_recorded("data:first");
    assert_false(eddy_transport_is_reading(s.w.transport));
    assert_true(eddy_transport_get_read_buffer_size(s.w.transport) > 0);
    must(eddy_transport_resume_reading(s.w.transport));
    must(eddy_transport_resume_reading(s.w.transport));
    assert_true(eddy_transport_is_reading(s.w.transport));
    assert_nothing_recorded();
    run_iterations(f->loop, 1);
    assert_recorded("data:second");
    assert_false(eddy_transport_is_reading(s.w.transport));
    tls_scene_abort(f, &s);
}

/* TLS-34: pausing and resuming do no harm when everything is over. */
static void test_pausing_after_the_end(struct fixture *f)
{
    struct tls_scene s;
    eddy_transport *transport;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    transport = eddy_transport_ref(s.w.transport);
    tls_scene_abort(f, &s);
    must(eddy_transport_pause_reading(transport));
    must(eddy_transport_pause_reading(transport));
    assert_false(eddy_transport_is_reading(transport));
    must(eddy_transport_resume_reading(transport));
    must(eddy_transport_resume_reading(transport));
    assert_false(eddy_transport_is_reading(transport));
    run_iterations(f->loop, 2);
    eddy_transport_unref(transport);
}

/* TLS-26: the same where more is there than one data_received() holds. */
static void test_pausing_in_the_midst_of_much(struct fixture *f)
{
    static const char zeros[16000];
    struct tls_scene s;
    eddy_time end = 0;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.quiet = true;
    must(eddy_transport_set_read_buffer_limits(s.w.transport, 1 << 20, 1 << 19));
    must(eddy_transport_pause_reading(s.w.transport));
    for (int i = 0; i < 25; i++)
        tls_peer_prepare(&s.peer, zeros, sizeof zeros);
    do {
        tls_peer_pump(&s.peer);
        run_for(f->loop, EDDY_MILLISECONDS(1));
        give_up_if(witness_is_gone(&s.w));
    } while (eddy_transport_get_read_buffer_size(s.w.transport) < 25 * sizeof zeros &&
             fixture_wait_goes_on(eddy_loop_time(f->loop), &end));
    s.w.script = pause_at_data;
    must(eddy_transport_resume_reading(s.w.transport));
    run_iterations(f->loop, 3);
    assert_int_equal(s.w.counts[WITNESS_DATA], 1);
    assert_int_equal(s.w.received, 256 * 1024);
    must(eddy_transport_resume_reading(s.w.transport));
    run_iterations(f->loop, 1);
    assert_int_equal(s.w.received, 25 * sizeof zeros);
    tls_scene_abort(f, &s);
}

/* TLS-27: one buffer is filled as far as data goes; the hint is what waits to be decrypted. */
static void test_a_buffer_is_filled(struct fixture *f)
{
    struct tls_scene s;
    char buffer[64];

    tls_scene_begin_buffered(f, &s, TLS_PEER_IS_SERVER, buffer, sizeof buffer);
    tls_peer_prepare(&s.peer, "hello ", 6);
    tls_peer_prepare(&s.peer, "world", 5);
    assert_int_equal(BIO_ctrl_pending(s.peer.out), 2 * (5 + 1 + 16) + 11);
    tls_peer_pump(&s.peer);
    run_until_recorded(f->loop, "updated:11");
    assert_recorded("updated:11");
    assert_int_equal(s.w.size_hint, 2 * (5 + 1 + 16) + 11);
    assert_string_equal(s.w.text, "hello world");
    tls_scene_abort(f, &s);
}

/* TLS-27: if it became full the rest is for the next iteration. */
static void test_a_full_buffer(struct fixture *f)
{
    struct tls_scene s;
    char buffer[4];

    tls_scene_begin_buffered(f, &s, TLS_PEER_IS_SERVER, buffer, sizeof buffer);
    tls_peer_send(&s.peer, "hello world");
    run_until_recorded(f->loop, "updated:4");
    assert_recorded("updated:4");
    run_iterations(f->loop, 1);
    assert_recorded("updated:4");
    run_iterations(f->loop, 1);
    assert_recorded("updated:3");
    assert_string_equal(s.w.text, "hello world");
    tls_scene_abort(f, &s);
}

/* TLS-27, TR-47: a buffer of one byte, pausing at each. */
static void test_one_byte_at_a_time(struct fixture *f)
{
    static const char *const texts[] = {"h", "he", "hel", "hell", "hello"};
    struct tls_scene s;
    char buffer[1];

    tls_scene_begin_buffered(f, &s, TLS_PEER_IS_CLIENT, buffer, sizeof buffer);
    s.w.script = pause_at_data;
    tls_peer_send(&s.peer, "hello");
    run_until_recorded(f->loop, "updated:1");
    for (int i = 0; i < 5; i++) {
        run_iterations(f->loop, 3);
        assert_recorded("updated:1");
        assert_string_equal(s.w.text, texts[i]);
        must(eddy_transport_resume_reading(s.w.transport));
        run_iterations(f->loop, 1);
    }
    tls_scene_abort(f, &s);
}

/** After the first bytes another witness, the script's argument, takes over. */
static int hand_over(struct witness *w, enum witness_event event)
{
    struct witness *next = w->arg;

    if (event != WITNESS_DATA && event != WITNESS_UPDATED)
        return 0;
    must(eddy_transport_set_protocol(w->transport, &next->protocol));
    assert_ptr_equal(eddy_transport_get_protocol(w->transport), &next->protocol);
    return 0;
}

/* TLS-27, TLS-49: from a buffer of one byte to a plain protocol, in the middle of a record. */
static void test_from_buffered_to_plain(struct fixture *f)
{
    struct tls_scene s;
    struct witness next;
    char buffer[1];

    tls_scene_begin_buffered(f, &s, TLS_PEER_IS_SERVER, buffer, sizeof buffer);
    witness_init(&next, "next");
    s.w.script = hand_over;
    s.w.arg = &next;
    tls_peer_send(&s.peer, "hello");
    run_until_recorded(f->loop, "next.data:ello");
    assert_recorded("updated:1", "next.data:ello");
    eddy_transport_abort(s.w.transport);
    run_until_recorded(f->loop, "next.lost:0");
    assert_recorded("next.lost:0");
}

/* TLS-49: from plain to a buffer of one byte. */
static void test_from_plain_to_buffered(struct fixture *f)
{
    struct tls_scene s;
    struct witness next;
    char buffer[1];

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    witness_init_buffered(&next, "next", buffer, sizeof buffer);
    s.w.script = hand_over;
    s.w.arg = &next;
    tls_peer_send(&s.peer, "plain");
    run_until_recorded(f->loop, "data:plain");
    tls_peer_send(&s.peer, "ab");
    run_until_true(f->loop, next.received == 2 || next.counts[WITNESS_LOST] > 0);
    assert_recorded("data:plain", "next.updated:1", "next.updated:1");
    eddy_transport_abort(s.w.transport);
    run_until_recorded(f->loop, "next.lost:0");
    assert_recorded("next.lost:0");
}

/** Closes another transport, the argument, before it looks at its own data. */
static int on_data_close_another(eddy_protocol *protocol, const void *data, size_t size)
{
    eddy_transport_close(witness_of(protocol)->arg);
    record("after:%.*s", (int)size, (const char *)data);
    return 0;
}

/* TLS-26: what is lent stays what it is, even if another connection discards its input. */
static void test_lent_data_is_nobody_elses(struct fixture *f)
{
    eddy_protocol_callbacks callbacks = {.data_received = on_data_close_another};
    struct tls_scene s;
    struct witness other;
    struct tls_peer other_peer;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    witness_init(&other, "other");
    connect_tls_peer(f, &s.kit, &other, TLS_PEER_IS_SERVER, &other_peer);
    must(eddy_transport_pause_reading(other.transport));
    tls_peer_send(&other_peer, "OVERWRITTEN");
    tls_scene_settle(f, &s);
    give_up_if(witness_is_gone(&other));
    assert_recorded("other.made");
    callbacks.connection_lost = s.w.protocol.callbacks->connection_lost;
    eddy_protocol_init(&s.w.protocol, &callbacks);
    s.w.arg = other.transport;
    tls_peer_send(&s.peer, "untouched");
    run_until_recorded(f->loop, "after:untouched");
    assert_recorded("after:untouched");
    eddy_transport_abort(other.transport);
    run_until_recorded(f->loop, "other.lost:0");
    assert_recorded("other.lost:0");
    tls_scene_abort(f, &s);
}

/* Sending. */

/* TLS-28: a record for each piece, in order, none for an empty one. */
static void test_writelines(struct fixture *f)
{
    const eddy_buffer lines[] = {{"one,", 4}, {"", 0}, {"two,", 4}, {NULL, 0}, {"three", 5}};
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_writelines(s.w.transport, lines, 5));
    must(eddy_transport_writelines(s.w.transport, lines + 1, 1));
    must(eddy_transport_writelines(s.w.transport, lines, 0));
    must(eddy_transport_write(s.w.transport, "", 0));
    must(eddy_transport_write_owned(s.w.transport, "", 0, NULL, NULL));
    assert_int_equal(eddy_transport_get_write_buffer_size(s.w.transport), 0);
    tls_scene_settle(f, &s);
    assert_int_equal(tls_peer_count_records(&s.peer), 3);
    tls_peer_expect(&s.peer, "one,two,three");
    assert_int_equal(eddy_transport_write(s.w.transport, NULL, 3), EDDY_EINVALID);
    tls_scene_abort(f, &s);
}

static void note_release(void *count)
{
    ++*(int *)count;
}

static int write_thrice(struct witness *w, enum witness_event event)
{
    const eddy_buffer lines[] = {{"c", 1}, {"d", 1}};

    if (event != WITNESS_DATA)
        return 0;
    must(eddy_transport_write(w->transport, "a", 1));
    must(eddy_transport_write_owned(w->transport, "b", 1, note_release, w->arg));
    must(eddy_transport_writelines(w->transport, lines, 2));
    return 0;
}

static int on_call_write_thrice(void *witness)
{
    return write_thrice(witness, WITNESS_DATA);
}

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
#include "posix/sys.h"

static unsigned long sends_counted(void)
{
    return eddy__sys_count(EDDY__SYS_send) + eddy__sys_count(EDDY__SYS_sendmsg);
}
#else
static unsigned long sends_counted(void)
{
    return 1; /* system calls are counted in POSIX builds with EDDY_TEST_HOOKS */
}

static void eddy__sys_reset(void)
{
}
#endif

/** The peer's receiving, and its sends, are not counted: they come before, or behind. */
static unsigned long sends_for(struct fixture *f, struct tls_scene *s)
{
    eddy__sys_reset();
    run_iterations(f->loop, 2);
    give_up_if(witness_is_gone(&s->w));
    return f->sim != NULL ? 1 : sends_counted();
}

/* TLS-28: what one callback writes leaves in one system call. */
static void test_writes_leave_together(struct fixture *f)
{
    struct tls_scene s;
    int released = 0;

    if (fixture_backend_is(f, "iocp"))
        skip();
    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    s.w.arg = &released;
    s.w.script = write_thrice;
    tls_peer_send(&s.peer, "go");
    assert_int_equal(sends_for(f, &s), 1);
    assert_recorded("data:go");
    assert_int_equal(tls_peer_count_records(&s.peer), 4);
    tls_peer_expect(&s.peer, "abcd");
    must(eddy_loop_call_soon(f->loop, on_call_write_thrice, &s.w, NULL));
    assert_int_equal(sends_for(f, &s), 1);
    tls_peer_expect(&s.peer, "abcd");
    must(on_call_write_thrice(&s.w)); /* outside of the loop, too */
    assert_int_equal(sends_for(f, &s), 1);
    tls_peer_expect(&s.peer, "abcd");
    assert_int_equal(released, 3);
    tls_scene_abort(f, &s);
}

/* TLS-28: two connections that write in turns keep their bytes apart. */
static void test_two_connections_in_turns(struct fixture *f)
{
    struct tls_scene s;
    struct witness other;
    struct tls_peer other_peer;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    witness_init(&other, "other");
    connect_tls_peer(f, &s.kit, &other, TLS_PEER_IS_CLIENT, &other_peer);
    assert_recorded("other.made");
    give_up_if(witness_is_gone(&s.w) || witness_is_gone(&other));
    for (int i = 0; i < 3; i++) {
        must(write_text(s.w.transport, "ours"));
        must(write_text(other.transport, "theirs"));
    }
    tls_peer_expect(&s.peer, "oursoursours");
    tls_peer_expect(&other_peer, "theirstheirstheirs");
    eddy_transport_abort(other.transport);
    run_until_recorded(f->loop, "other.lost:0");
    assert_recorded("other.lost:0");
    tls_scene_abort(f, &s);
}

/* TLS-28: from 64 KiB on it does not wait for the end of the callback. */
static void test_much_leaves_at_once(struct fixture *f)
{
    static char data[100 * 1024];
    struct tls_scene s;

    tls_scene_begin(f, &s, TLS_PEER_IS_SERVER);
    must(eddy_transport_write(s.w.transport, data, 1000));
    assert_int_equal(peer_receive(&s.peer.raw, data, 1), EDDY_EAGAIN);
    must(eddy_transport_write(s.w.transport, data, sizeof data));
    if (f->sim == NULL)
        assert_true(eddy_transport_get_write_buffer_size(s.w.transport) > 0 ||
                    tls_peer_pump(&s.peer));
    assert_int_equal(tls_peer_drain(&s.peer, 1000 + sizeof data), 1000 + sizeof data);
    tls_scene_abort(f, &s);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_records_are_joined),
        TEST(test_a_partial_record_waits),
        TEST(test_pausing_from_inside),
        TEST(test_pausing_after_the_end),
        TEST(test_pausing_in_the_midst_of_much),
        TEST(test_a_buffer_is_filled),
        TEST(test_a_full_buffer),
        TEST(test_one_byte_at_a_time),
        TEST(test_from_buffered_to_plain),
        TEST(test_from_plain_to_buffered),
        TEST(test_lent_data_is_nobody_elses),
        TEST(test_writelines),
        TEST(test_writes_leave_together),
        TEST(test_two_connections_in_turns),
        TEST(test_much_leaves_at_once),
    };

    return run_suite("tls_data", tests);
}
