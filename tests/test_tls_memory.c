/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's own allocations fail, one after the other: contexts and handshakes fail with a code,
 * and nothing is left behind. The library's are swept over like everywhere, by EDDY_TEST_OOM=1.
 */
#include "support/certificates.h"
#include "support/support.h"
#include "support/tls_allocations.h"
#include "support/tls_pair.h"
#include <openssl/err.h>

/** Points tried of each run; if there are more, they are spread over it. */
enum { POINTS = 120 };

/** What is run again and again, with the n-th allocation failing: 0, or a negative code. */
typedef int (*run)(const struct tls_scene *scene, size_t nth);

static int run_context(const eddy_tls_options *options, size_t nth)
{
    eddy_tls_context *context = NULL;
    int result;

    tls_allocations_begin(nth, false);
    result = eddy_tls_context_new(options, &context);
    tls_allocations_end();
    eddy_tls_context_unref(context);
    return result;
}

static int run_server(const struct tls_scene *scene, size_t nth)
{
    return run_context(&scene->server, nth);
}

static int run_client(const struct tls_scene *scene, size_t nth)
{
    return run_context(&scene->client, nth);
}

/* Both sides in one: which of them finds no memory is not the point. */
static int run_handshake(const struct tls_scene *scene, size_t nth)
{
    struct tls_outcome outcome;
    eddy_tls_context *client = NULL;
    eddy_tls_context *server = NULL;
    int result;

    result = eddy_tls_context_new(&scene->client, &client);
    if (result == 0)
        result = eddy_tls_context_new(&scene->server, &server);
    if (result == 0) {
        tls_allocations_begin(nth, false);
        outcome = tls_play(client, server, "a.test");
        tls_allocations_end();
        result = outcome.is_good ? 0 : outcome.client < 0 ? outcome.client : outcome.server;
    }
    eddy_tls_context_unref(client);
    eddy_tls_context_unref(server);
    return result;
}

/* One failing allocation. What OpenSSL makes on the way and keeps for good is no leak: then it is
 * not made again. */
static int sweep_point(run body, const struct tls_scene *scene, size_t nth, size_t total)
{
    size_t live = 0;
    size_t now = 0;
    int result = 0;

    for (int i = 0; i < 3; i++) {
        live = tls_allocations_live();
        result = body(scene, nth);
        assert_int_equal(ERR_peek_error(), 0);
        now = tls_allocations_live();
        if (now <= live)
            break;
    }
    if (now > live)
        fail_msg("point %lu of %lu leaves %lu blocks", (unsigned long)nth, (unsigned long)total,
                 (unsigned long)(now - live));
    /* OpenSSL does not pass on that it was memory everywhere. */
    assert_true(result == 0 || result == EDDY_ENOMEM || result == EDDY_ETLS ||
                result == EDDY_ETLSVERIFY);
    return result;
}

static void sweep(run body, const struct tls_scene *scene)
{
    size_t failed = 0;
    size_t total;

    must(body(scene, 0));
    must(body(scene, 0));
    total = tls_allocations_made();
    for (size_t nth = 1; nth <= total; nth += total / POINTS + 1)
        failed += sweep_point(body, scene, nth, total) < 0;
    assert_true(failed > 0);
    must(body(scene, 0));
}

static struct tls_scene scene_of_everything(void)
{
    struct tls_scene scene = tls_scene_new();

    scene.client.alpn = "h2,imap";
    scene.client.session_cache = 2;
    scene.client.crl_data = certificate_crl(scene.ca, NULL, 5);
    scene.server.alpn = "imap";
    scene.server.ocsp_response = certificate_ocsp(scene.own, scene.ca, CERTIFICATE_GOOD, 5);
    return scene;
}

static void test_a_server_is_not_half_made(struct fixture *f)
{
    struct tls_scene scene = scene_of_everything();

    (void)f;
    sweep(run_server, &scene);
}

static void test_a_client_is_not_half_made(struct fixture *f)
{
    struct tls_scene scene = scene_of_everything();

    (void)f;
    sweep(run_client, &scene);
}

static void test_pkcs12_is_not_half_read(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();

    (void)f;
    scene.server = (eddy_tls_options){.server = true,
                                      .pkcs12_data = certificate_pkcs12(scene.own, scene.ca, "")};
    sweep(run_server, &scene);
}

static void test_a_handshake_leaves_nothing_behind(struct fixture *f)
{
    static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};

    (void)f;
    for (size_t i = 0; i < 2; i++) {
        struct tls_scene scene = scene_of_everything();

        scene.client.version_max = versions[i];
        sweep(run_handshake, &scene);
    }
}

/* OpenSSL has numbers for some hundred kinds of BIOs: one is enough, however often it fails. First,
 * as what the kind needs is made once for the process. */
static void test_kinds_of_bios_are_not_used_up(struct fixture *f)
{
    struct eddy__tls_wire wire = {0};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    int before = BIO_get_new_index();

    (void)f;
    assert_non_null(ssl);
    for (int i = 0; i < 5; i++) {
        tls_allocations_begin(1, false);
        assert_int_equal(eddy__tls_wire_attach(&wire, ssl), EDDY_ENOMEM);
        tls_allocations_end();
    }
    assert_true(BIO_get_new_index() - before <= 2);
    assert_int_equal(ERR_peek_error(), 0);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_kinds_of_bios_are_not_used_up),     TEST(test_a_server_is_not_half_made),
        TEST(test_a_client_is_not_half_made),         TEST(test_pkcs12_is_not_half_read),
        TEST(test_a_handshake_leaves_nothing_behind),
    };

    tls_allocations_install();
    return run_suite("tls_memory", tests);
}
