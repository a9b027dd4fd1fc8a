/* SPDX-License-Identifier: MIT */
/* What is remembered of a server, and what is shown of its certificate's state. */
#include "support/certificates.h"
#include "support/support.h"
#include "support/tls_pair.h"
#include <string.h>

/* Each of the names in turn; true where a session was resumed. */
static void assert_resumed(struct tls_contexts *contexts, const char *name, bool expected)
{
    struct tls_outcome outcome = tls_play(contexts->client, contexts->server, name);

    if (!outcome.is_good || outcome.was_resumed != expected) {
        tls_contexts_free(contexts);
        /* Without memory nothing is remembered, and nothing said. */
        give_up_if(true);
        fail_msg("%s: resumed %d, \"%s\"", name, outcome.was_resumed, outcome.client_text);
    }
}

static void test_a_client_resumes_by_name(struct fixture *f)
{
    static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};

    (void)f;
    for (size_t i = 0; i < 2; i++) {
        struct tls_scene scene = tls_scene_new();
        struct tls_contexts contexts;

        scene.client.version_max = versions[i];
        scene.client.session_cache = 4;
        contexts = tls_contexts_new(&scene.client, &scene.server);
        assert_resumed(&contexts, "a.test", false);
        assert_resumed(&contexts, "b.test", false);
        assert_resumed(&contexts, "A.test", true);
        assert_resumed(&contexts, "a.test.", true);
        assert_resumed(&contexts, "b.test", true);
        tls_contexts_free(&contexts);
    }
}

static void test_without_a_cache_nothing_is_resumed(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_contexts contexts = tls_contexts_new(&scene.client, &scene.server);

    (void)f;
    assert_resumed(&contexts, "a.test", false);
    assert_resumed(&contexts, "a.test", false);
    tls_contexts_free(&contexts);
}

static void test_the_longest_unused_session_is_forgotten(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_contexts contexts;

    (void)f;
    scene.client.session_cache = 2;
    contexts = tls_contexts_new(&scene.client, &scene.server);
    assert_resumed(&contexts, "a.test", false);
    assert_resumed(&contexts, "b.test", false);
    assert_resumed(&contexts, "a.test", true);
    assert_resumed(&contexts, "c.test", false);
    assert_resumed(&contexts, "a.test", true);
    assert_resumed(&contexts, "b.test", false);
    tls_contexts_free(&contexts);
}

/* A session of TLS 1.3 goes out of the memory when it is offered. */
static void test_a_ticket_is_used_once(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_contexts contexts;
    struct tls_pair one;
    struct tls_pair two;
    bool both = false;

    (void)f;
    scene.client.session_cache = 4;
    contexts = tls_contexts_new(&scene.client, &scene.server);
    assert_resumed(&contexts, "a.test", false);
    if (tls_pair_new(&one, contexts.client, contexts.server, "a.test") == 0) {
        if (tls_pair_new(&two, contexts.client, contexts.server, "a.test") == 0) {
            /* Both have said hello before either is done. */
            tls_side_step(&one.client);
            tls_side_step(&two.client);
            tls_pair_run(&one);
            tls_pair_run(&two);
            both = SSL_session_reused(one.client.ssl) == 1 && !SSL_session_reused(two.client.ssl);
            tls_pair_free(&two);
        }
        tls_pair_free(&one);
    }
    tls_contexts_free(&contexts);
    give_up_if(!both);
    assert_true(both);
}

static void test_a_server_without_tickets_resumes_nothing(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_contexts contexts;

    (void)f;
    scene.client.session_cache = 4;
    scene.server.no_tickets = true;
    contexts = tls_contexts_new(&scene.client, &scene.server);
    assert_resumed(&contexts, "a.test", false);
    assert_resumed(&contexts, "a.test", false);
    tls_contexts_free(&contexts);
}

/* A resumed session shows no certificate, and is as good as the one it resumes. */
static void test_client_certificates_are_resumed(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_contexts contexts;

    (void)f;
    scene.server.verify = EDDY_TLS_VERIFY_REQUIRED;
    scene.server.ca_data = certificate_pem(scene.ca);
    scene.client.certificate_data = certificate_pem(scene.own);
    scene.client.key_data = certificate_key_pem(scene.own);
    scene.client.session_cache = 4;
    scene.client.ocsp_required = true;
    scene.server.ocsp_response = certificate_ocsp(scene.own, scene.ca, CERTIFICATE_GOOD, 5);
    contexts = tls_contexts_new(&scene.client, &scene.server);
    assert_resumed(&contexts, "a.test", false);
    assert_resumed(&contexts, "a.test", true);
    tls_contexts_free(&contexts);
}

/* How it goes with `response`, which the client may demand. */
static struct tls_outcome play_response(const struct tls_scene *scene, eddy_buffer response,
                                        bool required, eddy_tls_version version)
{
    struct tls_scene copy = *scene;

    copy.server.ocsp_response = response;
    copy.client.ocsp_required = required;
    copy.client.version_max = version;
    return tls_play_scene(&copy);
}

static void test_a_stapled_response_is_checked(struct fixture *f)
{
    static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};
    struct tls_scene scene = tls_scene_new();
    eddy_buffer good = certificate_ocsp(scene.own, scene.ca, CERTIFICATE_GOOD, 5);
    eddy_buffer revoked = certificate_ocsp(scene.own, scene.ca, CERTIFICATE_REVOKED, 5);
    struct tls_outcome outcome;

    (void)f;
    for (size_t i = 0; i < 2; i++) {
        outcome = play_response(&scene, good, true, versions[i]);
        assert_tls_good(&outcome);
        outcome = play_response(&scene, revoked, false, versions[i]);
        assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                          "the OCSP response for the certificate of a.test says that it was "
                          "revoked");
    }
}

/* What is of no use counts as none. */
static void test_a_useless_response_counts_as_none(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    const struct certificate *other = certificate_for("DNS:a.test", scene.ca);
    const struct certificate *stranger =
        certificate_new(&(struct certificate_wish){.name = "root", .is_authority = true});
    const struct {
        eddy_buffer response;
        const char *text;
    } cases[] = {
        {{NULL, 0}, "a.test is missing"},
        {{"no DER", 6}, "is damaged"},
        {certificate_ocsp(scene.own, scene.ca, CERTIFICATE_GOOD, -5), "is out of date"},
        {certificate_ocsp(scene.own, scene.ca, CERTIFICATE_UNKNOWN, 5), "does not know it"},
        {certificate_ocsp(other, scene.ca, CERTIFICATE_GOOD, 5), "is about another one"},
        {certificate_ocsp(scene.own, stranger, CERTIFICATE_GOOD, 5), "is signed by nobody"},
    };

    (void)f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_outcome outcome =
            play_response(&scene, cases[i].response, false, EDDY_TLS_VERSION_DEFAULT);

        assert_tls_good(&outcome);
        outcome = play_response(&scene, cases[i].response, true, EDDY_TLS_VERSION_DEFAULT);
        assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, cases[i].text);
    }
}

enum { THREADS = 2, PLAYS = 20 };

/** One of the threads that share two contexts. */
struct player {
    struct eddy__thread thread;
    const struct tls_contexts *contexts;
    int good;
};

static void player_main(void *arg)
{
    struct player *player = arg;

    for (int i = 0; i < PLAYS; i++) {
        struct tls_outcome outcome = tls_play(player->contexts->client, player->contexts->server,
                                              i % 2 == 0 ? "a.test" : "b.test");

        player->good += outcome.is_good;
    }
}

static void test_threads_share_contexts(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct player players[THREADS] = {0};
    struct tls_contexts contexts;
    int started = 0;

    (void)f;
    scene.client.session_cache = 1;
    contexts = tls_contexts_new(&scene.client, &scene.server);
    for (; started < THREADS; started++) {
        players[started].contexts = &contexts;
        if (eddy__thread_start(&players[started].thread, "player", player_main, &players[started]) <
            0)
            break;
    }
    for (int i = 0; i < started; i++)
        eddy__thread_join(&players[i].thread);
    tls_contexts_free(&contexts);
    give_up_if(started < THREADS);
    for (int i = 0; i < THREADS; i++) {
        give_up_if(players[i].good < PLAYS);
        assert_int_equal(players[i].good, PLAYS);
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_client_resumes_by_name),
        TEST(test_without_a_cache_nothing_is_resumed),
        TEST(test_the_longest_unused_session_is_forgotten),
        TEST(test_a_ticket_is_used_once),
        TEST(test_a_server_without_tickets_resumes_nothing),
        TEST(test_client_certificates_are_resumed),
        TEST(test_a_stapled_response_is_checked),
        TEST(test_a_useless_response_counts_as_none),
        TEST(test_threads_share_contexts),
    };

    return run_suite("tls_resume", tests);
}
