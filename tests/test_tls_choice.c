/* SPDX-License-Identifier: MIT */
/* What two contexts agree on: versions, ciphers, ALPN, the server's name. */
#include "support/certificates.h"
#include "support/support.h"
#include "support/tls_pair.h"
#include "support/tls_peer.h"
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static void test_the_newest_version_in_common_is_spoken(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.server.version_max = EDDY_TLS_1_2;
    outcome = tls_play_scene(&scene);
    assert_tls_good(&outcome);
    assert_string_equal(outcome.version, "TLSv1.2");
    scene.client.version_min = EDDY_TLS_1_3;
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "no TLS version in common");
    assert_tls_failed(&outcome, "client", EDDY_ETLS,
                      "no TLS version in common: the peer refused by alert protocol version");
}

static void test_a_cipher_has_to_be_in_common(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.client.version_max = EDDY_TLS_1_2;
    scene.client.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    scene.server.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "no cipher in common");
    assert_tls_failed(&outcome, "client", EDDY_ETLS, "peer refused: alert handshake failure");
    scene.client.version_max = EDDY_TLS_VERSION_DEFAULT;
    scene.client.ciphersuites = "TLS_AES_128_GCM_SHA256";
    scene.server.ciphersuites = "TLS_AES_256_GCM_SHA384";
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "no cipher in common");
}

static void test_a_group_has_to_be_in_common(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.client.groups = "X25519";
    scene.server.groups = "P-384";
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "no group for the key exchange in common");
}

/* One side as a text of bytes that are no TLS. */
static struct tls_outcome play_plain(const struct tls_scene *scene, const char *text,
                                     bool to_server)
{
    struct tls_contexts contexts = tls_contexts_new(&scene->client, &scene->server);
    struct tls_outcome outcome = {0};
    struct tls_pair pair;
    struct tls_side *side = to_server ? &pair.server : &pair.client;

    outcome.client = tls_pair_new(&pair, contexts.client, contexts.server, "a.test");
    if (outcome.client == 0) {
        side->wire.in = (const unsigned char *)text;
        side->wire.in_size = strlen(text);
        tls_side_step(side);
        outcome.client = pair.client.result;
        outcome.server = pair.server.result;
        memcpy(outcome.client_text, pair.client.text, sizeof outcome.client_text);
        memcpy(outcome.server_text, pair.server.text, sizeof outcome.server_text);
        tls_pair_free(&pair);
    }
    tls_contexts_free(&contexts);
    return outcome;
}

static void test_a_peer_without_tls_is_told_so(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_outcome outcome = play_plain(&scene, "220 mail.test ESMTP\r\n", false);

    (void)f;
    assert_tls_failed(&outcome, "client", EDDY_ETLS, "the peer does not speak TLS");
    outcome = play_plain(&scene, "GET / HTTP/1.1\r\n", true);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "the peer does not speak TLS, but HTTP");
    outcome = play_plain(&scene, "EHLO a.test or so\r\n", true);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "the peer does not speak TLS");
}

/* TLS-5: the server's order counts; nothing in common is no failure. */
static void test_alpn_goes_by_the_order_of_the_server(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.client.alpn = "http/1.1,h2";
    scene.server.alpn = "h3,h2,http/1.1";
    outcome = tls_play_scene(&scene);
    assert_tls_good(&outcome);
    assert_string_equal(outcome.alpn, "h2");
    scene.server.alpn = "imap";
    outcome = tls_play_scene(&scene);
    assert_tls_good(&outcome);
    assert_string_equal(outcome.alpn, "");
}

/* TLS-5: unless a side says that there has to be one. */
static void test_alpn_can_be_required(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.client.alpn = "h2";
    scene.client.alpn_required = true;
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "client", EDDY_ETLS, "the peer agreed to none by ALPN");
    scene.client.alpn_required = false;
    scene.server.alpn = "imap";
    scene.server.alpn_required = true;
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "the client offered only others by ALPN");
    assert_tls_failed(&outcome, "client", EDDY_ETLS, "peer refused: no protocol in common by ALPN");
    scene.client.alpn = NULL;
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "the client offered none by ALPN");
    assert_tls_failed(&outcome, "client", EDDY_ETLS, "peer refused: no protocol in common by ALPN");
}

static int on_select(void *arg, const char *const *offered, size_t count)
{
    char line[64] = "";
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s ", offered[i]);
    record("%s", line);
    return *(int *)arg;
}

static void test_alpn_can_be_chosen_by_a_callback(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct tls_outcome outcome;
    int answer = 1;

    (void)f;
    scene.client.alpn = "h2,imap,x";
    scene.server.select_alpn = on_select;
    scene.server.select_alpn_arg = &answer;
    outcome = tls_play_scene(&scene);
    assert_tls_good(&outcome);
    assert_recorded("h2 imap x ");
    assert_string_equal(outcome.alpn, "imap");
    answer = 3;
    outcome = tls_play_scene(&scene);
    assert_tls_good(&outcome);
    assert_string_equal(outcome.alpn, "");
    answer = EDDY_EUSER - 3;
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "select_alpn refused: error of the program");
    recorder_reset();
}

/** What a server's name callback answers. */
struct reply {
    int code;
    eddy_tls_context *context; /**< NULL: leave it */
};

static int on_name(void *arg, const char *server_name, eddy_tls_context **context)
{
    const struct reply *reply = arg;

    record("%s", server_name != NULL ? server_name : "none");
    if (reply->code < 0)
        return eddy_error(reply->code, "closed for today");
    if (reply->context != NULL)
        *context = eddy_tls_context_ref(reply->context);
    return 0;
}

/* TLS-5: names are asked for, addresses and nothing are not. */
static void test_the_name_is_asked_for(struct fixture *f)
{
    static const char *const cases[][2] = {
        {"a.test", "a.test"}, {"B.test.", "b.test"}, {"127.0.0.1", "none"}, {"", "none"}};
    struct tls_scene scene = tls_scene_new();
    struct reply reply = {0, NULL};

    (void)f;
    scene.client.no_name_check = true;
    scene.server.on_server_name = on_name;
    scene.server.on_server_name_arg = &reply;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_outcome outcome = tls_play_options(&scene.client, &scene.server, cases[i][0]);

        assert_tls_good(&outcome);
        assert_recorded(cases[i][1]);
    }
}

static void test_a_server_refuses_a_name(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    struct reply reply = {EDDY_EUSER - 4, NULL};
    struct tls_outcome outcome;

    (void)f;
    scene.server.on_server_name = on_name;
    scene.server.on_server_name_arg = &reply;
    outcome = tls_play_scene(&scene);
    assert_tls_failed(&outcome, "server", EDDY_ETLS,
                      "on_server_name refused a.test: closed for today");
    assert_tls_failed(&outcome, "client", EDDY_ETLS, "it does not know the name it was asked for");
    recorder_reset();
}

/* A server whose callback goes on with a context of `second`. */
static struct tls_outcome play_switched(struct fixture *f, struct tls_scene *scene,
                                        const eddy_tls_options *second)
{
    struct reply reply = {0, tls_kit_context(f, second)};

    scene->server.on_server_name = on_name;
    scene->server.on_server_name_arg = &reply;
    return tls_play_scene(scene);
}

static void test_a_name_changes_the_context(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    eddy_tls_options second = scene.server;
    const struct certificate *own = certificate_new(
        &(struct certificate_wish){.name = "second", .names = "DNS:a.test", .issuer = scene.ca});
    struct tls_outcome outcome;

    second.certificate_data = certificate_pem(own);
    second.key_data = certificate_key_pem(own);
    second.alpn = "imap";
    scene.client.alpn = "h2,imap";
    scene.server.alpn = "h2";
    outcome = play_switched(f, &scene, &second);
    assert_tls_good(&outcome);
    assert_string_equal(outcome.alpn, "imap");
    give_up_if(!outcome.is_verified);
    assert_string_equal(outcome.subject, "CN=second");
    assert_recorded("a.test");
}

/* What the second context demands counts, too: certificates, ALPN, versions. */
static void test_a_changed_context_brings_its_demands(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    eddy_tls_options second = scene.server;
    struct tls_outcome outcome;

    second.verify = EDDY_TLS_VERIFY_REQUIRED;
    second.ca_data = certificate_pem(scene.ca);
    outcome = play_switched(f, &scene, &second);
    assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY, "the client showed no certificate");
    second = scene.server;
    second.on_server_name = NULL;
    second.alpn = "imap";
    second.alpn_required = true;
    outcome = play_switched(f, &scene, &second);
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "the client offered none by ALPN");
    second = scene.server;
    second.on_server_name = NULL;
    second.version_max = EDDY_TLS_1_2;
    outcome = play_switched(f, &scene, &second);
    assert_tls_good(&outcome);
    assert_string_equal(outcome.version, "TLSv1.2");
    recorder_reset();
}

/* The client has to say hello again, with another group; the name was answered by then. */
static void test_a_second_hello_asks_no_second_time(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    eddy_tls_options second = scene.server;
    struct tls_outcome outcome;

    second.on_server_name = on_name;
    second.on_server_name_arg = &(struct reply){EDDY_EUSER - 1, NULL};
    scene.client.groups = "X25519:P-256";
    scene.server.groups = "P-256";
    outcome = play_switched(f, &scene, &second);
    assert_tls_good(&outcome);
    assert_recorded("a.test");
}

static void test_secrets_go_to_the_key_log(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    const char *path = scratch_path("keys.log");
    struct tls_outcome outcome;
    char line[256] = "";
    FILE *file;

    (void)f;
    scene.client.key_log_file = path;
    outcome = tls_play_scene(&scene);
    assert_tls_good(&outcome);
    file = fopen(path, "r");
    assert_non_null(file);
    while (strstr(line, "CLIENT_TRAFFIC_SECRET_0 ") == NULL)
        if (fgets(line, sizeof line, file) == NULL)
            break;
    fclose(file);
    assert_non_null(strstr(line, "CLIENT_TRAFFIC_SECRET_0 "));
}

/* Its callbacks are its own; what eddy says when it refuses stays the same. */
static int on_native_verify(int good, X509_STORE_CTX *store)
{
    (void)store;
    record("%d", good);
    return 0;
}

static void test_a_native_context_keeps_its_callback(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    SSL_CTX *native = SSL_CTX_new(TLS_client_method());
    struct tls_outcome outcome = {0};
    eddy_tls_context *client = NULL;
    eddy_tls_context *server = NULL;
    int result;

    (void)f;
    X509_STORE_add_cert(SSL_CTX_get_cert_store(native), certificate_x509(scene.ca));
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER, on_native_verify);
    result =
        eddy_tls_context_new(&(eddy_tls_options){.native = native, .session_cache = 2}, &client);
    if (result == 0)
        result = eddy_tls_context_new(&scene.server, &server);
    if (result == 0)
        outcome = tls_play(client, server, "a.test");
    eddy_tls_context_unref(client);
    eddy_tls_context_unref(server);
    SSL_CTX_free(native);
    must(result);
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "certificate");
    give_up_if(outcome.client == EDDY_ENOMEM);
    assert_recorded("1");
}

/* Begin a session under one name, and offer it under another, which leads to `second`. */
static struct tls_outcome play_crossing(struct tls_contexts *contexts, struct reply *reply,
                                        eddy_tls_context *second)
{
    struct tls_outcome outcome = {0};
    SSL_SESSION *session;
    struct tls_pair pair;

    outcome.client = tls_pair_new(&pair, contexts->client, contexts->server, "c.test");
    if (outcome.client < 0)
        return outcome;
    tls_pair_run(&pair);
    session = SSL_get1_session(pair.client.ssl);
    SSL_set_shutdown(pair.client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_pair_free(&pair);
    reply->context = second;
    outcome.client = tls_pair_new(&pair, contexts->client, contexts->server, "a.test");
    if (outcome.client == 0) {
        SSL_set_session(pair.client.ssl, session);
        tls_pair_run(&pair);
        outcome.is_good = tls_pair_is_good(&pair);
        outcome.was_resumed = SSL_session_reused(pair.server.ssl) == 1;
        outcome.server = pair.server.result;
        memcpy(outcome.server_text, pair.server.text, sizeof outcome.server_text);
        tls_pair_free(&pair);
    }
    SSL_SESSION_free(session);
    return outcome;
}

/* Nobody gets into a context that demands certificates by a session of one that does not. */
static void test_a_session_does_not_cross_to_a_stricter_context(struct fixture *f)
{
    static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};

    (void)f;
    for (size_t i = 0; i < 2; i++) {
        struct tls_scene scene = tls_scene_new();
        struct reply reply = {0, NULL};
        eddy_tls_options strict = scene.server;
        eddy_tls_context *second = NULL;
        struct tls_contexts contexts = {NULL, NULL};
        struct tls_outcome outcome = {0};
        int result;

        strict.verify = EDDY_TLS_VERIFY_REQUIRED;
        strict.ca_data = certificate_pem(scene.ca);
        scene.client.version_max = versions[i];
        scene.server.on_server_name = on_name;
        scene.server.on_server_name_arg = &reply;
        result = eddy_tls_context_new(&strict, &second);
        if (result == 0)
            result = eddy_tls_context_new(&scene.client, &contexts.client);
        if (result == 0)
            result = eddy_tls_context_new(&scene.server, &contexts.server);
        if (result == 0)
            outcome = play_crossing(&contexts, &reply, second);
        tls_contexts_free(&contexts);
        eddy_tls_context_unref(second);
        must(result);
        assert_false(outcome.is_good);
        assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY, "the client showed no certificate");
    }
    recorder_reset();
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_the_newest_version_in_common_is_spoken),
        TEST(test_a_cipher_has_to_be_in_common),
        TEST(test_a_group_has_to_be_in_common),
        TEST(test_a_peer_without_tls_is_told_so),
        TEST(test_alpn_goes_by_the_order_of_the_server),
        TEST(test_alpn_can_be_required),
        TEST(test_alpn_can_be_chosen_by_a_callback),
        TEST(test_the_name_is_asked_for),
        TEST(test_a_server_refuses_a_name),
        TEST(test_a_name_changes_the_context),
        TEST(test_a_changed_context_brings_its_demands),
        TEST(test_a_second_hello_asks_no_second_time),
        TEST(test_a_session_does_not_cross_to_a_stricter_context),
        TEST(test_secrets_go_to_the_key_log),
        TEST(test_a_native_context_keeps_its_callback),
    };

    return run_suite("tls_choice", tests);
}
