/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's own allocations fail, one after the other, while connections are made, used and closed:
 * they end with a code, every protocol hears of its end once, and nothing is left behind.
 *
 * A connection is a story in phases, of which one is swept at a time: its n-th allocation fails,
 * once or with all that follow. As many n are tried as fit into a few seconds, spread over all;
 * EDDY_TEST_TLS_OOM=all tries each, EDDY_TEST_TLS_OOM=17 only the 17th of each phase.
 */
#include "support/certificates.h"
#include "support/support.h"
#include "support/sweep.h"
#include "support/tls_allocations.h"
#include "support/tls_pair.h"
#include <openssl/err.h>
#include <stddef.h>
#include <stdlib.h>

/** Points of each sweep, if not all are asked for; OpenSSL knows nothing of backends. */
enum { POINTS = 16, FEWER_POINTS = 4 };

enum { DATA_SIZE = 256 * 1024, MORE_SIZE = 1000 };

enum phase { PHASE_CREATE, PHASE_HANDSHAKE, PHASE_DATA, PHASE_KEYS, PHASE_CLOSE, PHASES };

static const char *const phase_names[PHASES] = {"create", "handshake", "data", "keys", "close"};

/** What is told, and what fails in it. */
struct story {
    struct fixture *f;
    struct tls_scene scene;
    eddy_tls_version version;
    bool is_resumed; /**< an earlier connection, of which nothing fails, has left its session */
    bool by_start_tls;
    enum phase phase; /**< the one that is swept */
    bool for_good;
    size_t nth;    /**< 0: nothing fails */
    size_t points; /**< how many allocations the phase made */
};

/** One end of a connection. */
struct side {
    eddy_protocol protocol;
    eddy_transport *transport;
    eddy_future *future; /**< what makes it; NULL once it has been looked at */
    eddy_loop *loop;
    size_t received;
    size_t made;
    size_t lost;
    bool is_wrong; /**< bytes came that were not sent */
    bool is_plain; /**< start_tls() was refused at once */
    int error;     /**< the first one that was said: by a call, the future, or the end */
};

struct play {
    struct story *story;
    eddy_tls_context *contexts[2];
    struct side sides[2];
};

static struct side *side_of(eddy_protocol *protocol)
{
    return (struct side *)(void *)((char *)protocol - offsetof(struct side, protocol));
}

static void side_note(struct side *side, int error)
{
    if (error < 0 && side->error == 0)
        side->error = error;
}

static int side_made(eddy_protocol *protocol, eddy_transport *transport)
{
    side_of(protocol)->transport = transport;
    side_of(protocol)->made++;
    return 0;
}

/** Byte `at` of what each side sends. */
static unsigned char story_byte(size_t at)
{
    return (unsigned char)(at * 31 + at / 251);
}

static int side_received(eddy_protocol *protocol, const void *data, size_t size)
{
    struct side *side = side_of(protocol);
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        side->is_wrong = side->is_wrong || bytes[i] != story_byte(side->received + i);
    side->received += size;
    return 0;
}

static int side_lost(eddy_protocol *protocol, int error)
{
    side_of(protocol)->transport = NULL;
    side_of(protocol)->lost++;
    side_note(side_of(protocol), error);
    return 0;
}

static const eddy_protocol_callbacks side_callbacks = {
    .connection_made = side_made,
    .data_received = side_received,
    .connection_lost = side_lost,
};

static eddy_protocol *side_factory(void *side)
{
    return &((struct side *)side)->protocol;
}

/** Look at the future if it is done; what it gives is the protocol's already. */
static void side_take(struct side *side)
{
    eddy_value value = {0};
    int error;

    if (side->future == NULL || !eddy_future_done(side->future))
        return;
    error = eddy_future_result(side->future, &value);
    eddy_future_unref(side->future);
    side->future = NULL;
    side_note(side, error);
    if (error == 0) {
        assert_int_equal(side->made, 1);
        if (side->lost == 0)
            side->transport = value.transport;
        eddy_transport_unref(value.transport);
    }
}

static bool side_can_write(const struct side *side)
{
    return side->transport != NULL && !side->is_plain;
}

/** Nothing more will come of it. */
static bool side_is_over(struct side *side)
{
    side_take(side);
    return side->future == NULL && side->made == side->lost;
}

/** Both have received so much, or one of them has failed or ended. SIZE_MAX: both are over. */
static bool play_is_at(struct play *play, size_t received)
{
    size_t over = 0;
    bool is_there = true;

    for (int i = 0; i < 2; i++) {
        struct side *side = &play->sides[i];

        over += side_is_over(side);
        is_there = is_there && side->future == NULL && side->received >= received;
        if (side->error != 0 && received < SIZE_MAX)
            return true;
    }
    return received == SIZE_MAX ? over == 2 : over > 0 || is_there;
}

static void story_fail(const struct story *story, const char *what)
{
    fail_msg("TLS %d.%d%s%s, %s: allocation %lu of %lu%s: %s", 1, story->version - 0x0301,
             story->is_resumed ? " resumed" : "", story->by_start_tls ? " by start_tls" : "",
             phase_names[story->phase], (unsigned long)story->nth, (unsigned long)story->points,
             story->for_good ? " and all behind it" : "", what);
}

/** Run until both have received so much (SIZE_MAX: are over), or one is over. */
static void play_until(struct play *play, size_t received)
{
    eddy_loop *loop = play->story->f->loop;
    eddy_time end = eddy_loop_time(loop) + EDDY_SECONDS(10);

    /* Everything is in this process: mostly there is nothing to wait for. */
    for (int i = 0; i < 300 && !play_is_at(play, received); i++)
        run_iterations(loop, 1);
    while (!play_is_at(play, received)) {
        if (eddy_loop_time(loop) >= end)
            story_fail(play->story, "hangs");
        run_for(loop, EDDY_MILLISECONDS(1));
    }
}

static void play_write(struct play *play, size_t from, size_t size)
{
    unsigned char *bytes = malloc(size);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = story_byte(from + i);
    for (int i = 0; i < 2; i++) {
        if (side_can_write(&play->sides[i]))
            side_note(&play->sides[i], eddy_transport_write(play->sides[i].transport, bytes, size));
    }
    free(bytes);
    play_until(play, from + size);
}

/** What is made when it is asked for; without memory there is none. */
static void side_ask(struct side *side)
{
    eddy_value value;
    eddy_buffer der;

    assert_true(eddy_transport_get_extra_info(side->transport, "ssl_object", &value));
    eddy_tls_get_peer_der(value.tls, &der);
    eddy_transport_get_extra_info(side->transport, "peercert", &value);
}

static void play_new_keys(struct play *play)
{
    for (int i = 0; i < 2; i++) {
        struct side *side = &play->sides[i];
        eddy_value value;

        if (side_can_write(side))
            side_ask(side);
        if (!side_can_write(side) || play->story->version < EDDY_TLS_1_3 ||
            eddy_transport_is_closing(side->transport))
            continue;
        assert_true(eddy_transport_get_extra_info(side->transport, "ssl_object", &value));
        side_note(side, eddy_tls_update_keys(value.tls, true));
    }
    play_write(play, DATA_SIZE, MORE_SIZE);
}

static void play_close(struct play *play)
{
    if (play->sides[0].transport != NULL)
        eddy_transport_close(play->sides[0].transport);
    if (play->sides[1].transport != NULL)
        eddy_transport_close(play->sides[1].transport);
    play_until(play, SIZE_MAX);
}

/** Those that the library has not taken are still ours. */
static void play_close_untaken(struct play *play, const eddy_socket sockets[2])
{
    for (int i = 0; i < 2; i++) {
        if (eddy_future_done(play->sides[i].future))
            eddy_socket_close(sockets[i]);
    }
}

static void play_connect(struct play *play, bool with_tls)
{
    struct fixture *f = play->story->f;
    eddy_socket sockets[2];

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    play->sides[0].future = eddy_loop_create_connection(
        f->loop, side_factory, &play->sides[0], NULL, 0,
        &(eddy_connection_options){.sock = &sockets[0],
                                   .tls = with_tls ? play->contexts[0] : NULL,
                                   .server_hostname = with_tls ? "a.test" : NULL});
    play->sides[1].future = eddy_loop_connect_accepted_socket(
        f->loop, side_factory, &play->sides[1], sockets[1],
        &(eddy_accepted_options){.tls = with_tls ? play->contexts[1] : NULL});
    play_close_untaken(play, sockets);
}

static void play_start_tls(struct play *play)
{
    for (int i = 0; i < 2; i++) {
        struct side *side = &play->sides[i];

        side->future = eddy_loop_start_tls(
            side->loop, side->transport, &side->protocol, play->contexts[i],
            &(eddy_start_tls_options){.server_hostname = i == 0 ? "a.test" : NULL});
        /* The old one is the library's now, if that has not failed at once. */
        side->is_plain = eddy_future_done(side->future);
        if (!side->is_plain)
            side->transport = NULL;
    }
}

static void play_enter(const struct play *play, enum phase phase)
{
    if (play->story->phase == phase)
        tls_allocations_begin(play->story->nth, play->story->for_good);
}

static void play_leave(const struct play *play, enum phase phase)
{
    if (play->story->phase == phase && play->story->nth == 0)
        play->story->points = tls_allocations_made();
}

static void play_phase(struct play *play, enum phase phase)
{
    play_enter(play, phase);
    switch (phase) {
    case PHASE_CREATE:
        if (play->story->by_start_tls)
            play_start_tls(play);
        else
            play_connect(play, true);
        break;
    case PHASE_HANDSHAKE:
        play_until(play, 0);
        break;
    case PHASE_DATA:
        play_write(play, 0, DATA_SIZE);
        break;
    case PHASE_KEYS:
        play_new_keys(play);
        break;
    default:
        play_close(play);
        break;
    }
    play_leave(play, phase);
}

static void play_begin(struct play *play)
{
    for (int i = 0; i < 2; i++) {
        play->sides[i] = (struct side){.loop = play->story->f->loop};
        eddy_protocol_init(&play->sides[i].protocol, &side_callbacks);
    }
    if (!play->story->by_start_tls)
        return;
    play_connect(play, false);
    play_until(play, 0);
}

/** 0: everything arrived, and the end was an orderly one; else the first error. */
static int play_judge(const struct play *play)
{
    int error = 0;

    for (int i = 0; i < 2; i++) {
        const struct side *side = &play->sides[i];

        if (side->is_wrong || side->received > DATA_SIZE + MORE_SIZE)
            story_fail(play->story, "wrong bytes were received");
        if (side->made > 1 || side->made != side->lost)
            story_fail(play->story, "a protocol has not heard of its end once");
        error = error != 0 ? error : side->error;
    }
    for (int i = 0; i < 2; i++) {
        if (error == 0 && play->sides[i].received != DATA_SIZE + MORE_SIZE)
            story_fail(play->story, "bytes are missing, and nobody was told");
    }
    return error;
}

static int play_run(struct play *play)
{
    play_begin(play);
    for (int phase = PHASE_CREATE; phase < PHASES; phase++)
        play_phase(play, (enum phase)phase);
    run_iterations(play->story->f->loop, 3);
    return play_judge(play);
}

/** One connection, with contexts of its own; its first error, or 0. */
static int story_run(struct story *story)
{
    struct play play = {.story = story};
    int error;

    must(eddy_tls_context_new(&story->scene.client, &play.contexts[0]));
    must(eddy_tls_context_new(&story->scene.server, &play.contexts[1]));
    if (story->is_resumed) {
        struct story prologue = *story;

        prologue.phase = PHASES;
        play.story = &prologue;
        assert_int_equal(play_run(&play), 0);
        play.story = story;
    }
    error = play_run(&play);
    /* Also what closes finds no memory. */
    eddy_tls_context_unref(play.contexts[0]);
    eddy_tls_context_unref(play.contexts[1]);
    tls_allocations_end();
    if (ERR_peek_error() != 0)
        story_fail(story, "errors of OpenSSL are left");
    reports_reset();
    return error;
}

static void story_check_error(const struct story *story, int error)
{
    static const int expected[] = {0,          EDDY_ENOMEM,    EDDY_ETLS, EDDY_ETLSVERIFY,
                                   EDDY_EPIPE, EDDY_ECONNRESET};

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (error == expected[i])
            return;
    }
    story_fail(story, eddy_err_name(error));
}

/** One point. What is made on the way and kept for good is no leak: it is not made again. */
static int story_try(struct story *story, size_t nth)
{
    size_t own = 0;
    size_t others = 0;
    int error = 0;

    story->nth = nth;
    for (int i = 0; i < 3; i++) {
        own = allocations_live();
        others = tls_allocations_live();
        error = story_run(story);
        story_check_error(story, error);
        if (allocations_live() <= own && tls_allocations_live() <= others)
            return error;
    }
    print_error("%lu blocks of eddy and %lu of OpenSSL are left\n",
                (unsigned long)(allocations_live() - own),
                (unsigned long)(tls_allocations_live() - others));
    story_fail(story, "leaks");
    return error;
}

/** All points of one phase that are to be tried; how many of them made the connection fail. */
static size_t story_sweep(struct story *story)
{
    const char *wish = getenv("EDDY_TEST_TLS_OOM");
    size_t only = wish != NULL ? (size_t)strtoul(wish, NULL, 10) : 0;
    size_t points = fixture_backend_is_default(story->f) ? POINTS : FEWER_POINTS;
    size_t failed = 0;
    size_t step;

    assert_int_equal(story_try(story, 0), 0);
    step = wish != NULL ? 1 : story->points / points + 1;
    for (size_t nth = only > 0 ? only : 1; nth <= story->points; nth += step) {
        failed += story_try(story, nth) < 0;
        if (only > 0)
            break;
    }
    return failed;
}

static void sweep(struct fixture *f, eddy_tls_version version, bool is_resumed, bool by_start_tls)
{
    struct story story = {.f = f,
                          .scene = tls_scene_new(),
                          .version = version,
                          .is_resumed = is_resumed,
                          .by_start_tls = by_start_tls};
    size_t failed = 0;

    need_whole_test();
    need_working_calls();
    story.scene.client.version_max = version;
    story.scene.client.alpn = story.scene.server.alpn = "imap";
    story.scene.client.session_cache = is_resumed ? 2 : 0;
    for (int i = 0; i < 2 * PHASES; i++) {
        story.phase = (enum phase)(i / 2);
        story.for_good = i % 2 != 0;
        failed += story_sweep(&story);
    }
    assert_true(failed > 0);
    story.nth = 0;
    assert_int_equal(story_run(&story), 0);
}

static void test_a_connection_of_1_2_copes(struct fixture *f)
{
    sweep(f, EDDY_TLS_1_2, false, false);
}

static void test_a_connection_of_1_3_copes(struct fixture *f)
{
    sweep(f, EDDY_TLS_1_3, false, false);
}

static void test_a_resumed_connection_of_1_2_copes(struct fixture *f)
{
    sweep(f, EDDY_TLS_1_2, true, false);
}

static void test_a_resumed_connection_of_1_3_copes(struct fixture *f)
{
    sweep(f, EDDY_TLS_1_3, true, false);
}

static void test_start_tls_copes(struct fixture *f)
{
    sweep(f, EDDY_TLS_1_3, false, true);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_connection_of_1_2_copes),
        TEST(test_a_connection_of_1_3_copes),
        TEST(test_a_resumed_connection_of_1_2_copes),
        TEST(test_a_resumed_connection_of_1_3_copes),
        TEST(test_start_tls_copes),
    };

    tls_allocations_install();
    return run_suite("tls_memory_transport", tests);
}
