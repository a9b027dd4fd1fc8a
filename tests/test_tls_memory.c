/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL's own allocations fail, one after the other: contexts and handshakes fail with a code,
 * and nothing is left behind. The library's are swept over like everywhere, by EDDY_TEST_OOM=1.
 */
#include "support/certificates.h"
#include "support/support.h"
#include "support/tls_pair.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/** Points tried of each run; if there are more, they are spread over it. */
enum { POINTS = 120 };

/** OpenSSL's memory. The tests have one thread. */
static struct {
    size_t made;
    size_t live;
    size_t fail_at; /**< the number of the allocation that fails; 0: none */
    bool has_failed;
} memory;

static bool memory_fails(void)
{
    if (++memory.made != memory.fail_at)
        return false;
    memory.has_failed = true;
    return true;
}

static void *memory_malloc(size_t size, const char *file, int line)
{
    void *made;

    (void)file, (void)line;
    if (size == 0 || memory_fails())
        return NULL;
    made = malloc(size);
    memory.live += made != NULL;
    return made;
}

static void memory_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    memory.live -= block != NULL;
    free(block);
}

static void *memory_realloc(void *block, size_t size, const char *file, int line)
{
    if (block == NULL)
        return memory_malloc(size, file, line);
    if (size == 0) {
        memory_free(block, file, line);
        return NULL;
    }
    return memory_fails() ? NULL : realloc(block, size);
}

/* Have the n-th allocation from now on fail; 0: none. */
static void memory_begin(size_t nth)
{
    memory.made = 0;
    memory.fail_at = nth;
    memory.has_failed = false;
}

/** What is run again and again: 0, or a negative code. */
typedef int (*run)(const struct tls_scene *scene);

static int run_context(const eddy_tls_options *options)
{
    eddy_tls_context *context = NULL;
    int result = eddy_tls_context_new(options, &context);

    eddy_tls_context_unref(context);
    return result;
}

static int run_server(const struct tls_scene *scene)
{
    return run_context(&scene->server);
}

static int run_client(const struct tls_scene *scene)
{
    return run_context(&scene->client);
}

/* Both sides in one: which of them finds no memory is not the point. */
static int run_handshake(const struct tls_scene *scene)
{
    struct tls_outcome outcome;
    eddy_tls_context *client = NULL;
    eddy_tls_context *server = NULL;
    size_t fail_at = memory.fail_at;
    int result;

    memory_begin(0);
    result = eddy_tls_context_new(&scene->client, &client);
    if (result == 0)
        result = eddy_tls_context_new(&scene->server, &server);
    if (result == 0) {
        memory_begin(fail_at);
        outcome = tls_play(client, server, "a.test");
        memory.fail_at = 0;
        result = outcome.is_good ? 0 : outcome.client < 0 ? outcome.client : outcome.server;
    }
    eddy_tls_context_unref(client);
    eddy_tls_context_unref(server);
    return result;
}

static int run_once(run body, const struct tls_scene *scene, size_t nth)
{
    int result;

    memory_begin(nth);
    result = body(scene);
    memory.fail_at = 0;
    return result;
}

/* One failing allocation. What OpenSSL makes on the way and keeps for good is no leak: then it is
 * not made again. */
static int sweep_point(run body, const struct tls_scene *scene, size_t nth, size_t total)
{
    size_t live = 0;
    int result = 0;

    for (int i = 0; i < 3; i++) {
        live = memory.live;
        result = run_once(body, scene, nth);
        assert_int_equal(ERR_peek_error(), 0);
        if (memory.live <= live)
            break;
    }
    if (memory.live > live)
        fail_msg("point %zu of %zu leaves %zu blocks", nth, total, memory.live - live);
    /* OpenSSL does not pass on that it was memory everywhere. */
    assert_true(result == 0 || result == EDDY_ENOMEM || result == EDDY_ETLS ||
                result == EDDY_ETLSVERIFY);
    return result;
}

static void sweep(run body, const struct tls_scene *scene)
{
    size_t failed = 0;
    size_t total;

    must(run_once(body, scene, 0));
    must(run_once(body, scene, 0));
    total = memory.made;
    for (size_t nth = 1; nth <= total; nth += total / POINTS + 1)
        failed += sweep_point(body, scene, nth, total) < 0;
    assert_true(failed > 0);
    must(run_once(body, scene, 0));
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

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_server_is_not_half_made),
        TEST(test_a_client_is_not_half_made),
        TEST(test_pkcs12_is_not_half_read),
        TEST(test_a_handshake_leaves_nothing_behind),
    };

    /* Before OpenSSL has allocated anything, or never. */
    if (CRYPTO_set_mem_functions(memory_malloc, memory_realloc, memory_free) != 1) {
        fprintf(stderr, "OpenSSL has allocated already\n");
        return 1;
    }
    return run_suite("tls_memory", tests);
}
