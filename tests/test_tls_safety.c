/* SPDX-License-Identifier: MIT */
/* Verification is never dropped by accident: not by odd names, ciphers, sessions or changes. */
#include "support/certificates.h"
#include "support/support.h"
#include "support/sweep.h"
#include "support/tls_pair.h"
#include "support/tls_peer.h"
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};

/* Play by contexts of these options, of which either may be for a program's own SSL_CTX. */
static struct tls_outcome play(const struct tls_scene *scene, const char *name)
{
    return tls_play_options(&scene->client, &scene->server, name);
}

/* TLS-3, TLS-4: what is left of a name is never nothing, unless nothing was given. */
static void test_no_name_is_shortened_to_none(struct fixture *f)
{
    static const char *const names[] = {
        "%:",       "%eth0:1", ".",       "..",    "a..",      "[::1]",
        "::1 x",    "a:%b",    "::1/64",  " a",    "1.2.3.4 ", "1.2.3.4 a.b",
        "+1.2.3.4", "\n::1",   "a.test/", "a@b.c", "*.test",   "a.test:443",
    };
    struct tls_scene scene = tls_scene_new();

    (void)f;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tls_outcome outcome = play(&scene, names[i]);

        if (outcome.is_good)
            fail_msg("\"%s\" was taken for a name", names[i]);
        assert_tls_failed(&outcome, "client", EDDY_EINVALID, "");
    }
}

/* An SSL_CTX that speaks TLS 1.2 without certificates, to be wrapped. */
static SSL_CTX *anonymous_new(const SSL_METHOD *method)
{
    SSL_CTX *native = SSL_CTX_new(method);

    assert_non_null(native);
    SSL_CTX_set_security_level(native, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(native, "AECDH-AES128-SHA:@SECLEVEL=0"), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(native, TLS1_2_VERSION), 1);
    return native;
}

/* OpenSSL does not verify where a cipher has no place for certificates. */
static void test_a_server_without_a_certificate_is_refused(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    SSL_CTX *native = anonymous_new(TLS_server_method());
    struct tls_outcome outcome;

    (void)f;
    fixture_at_end(f, (void (*)(void *))SSL_CTX_free, native);
    scene.server = (eddy_tls_options){.server = true, .native = native};
    scene.client.ciphers = "ALL:@SECLEVEL=0";
    outcome = play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "the server showed no certificate");
    scene.client.verify = EDDY_TLS_VERIFY_OPTIONAL;
    outcome = play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "the server showed no certificate");
    scene.client.verify = EDDY_TLS_VERIFY_NONE;
    outcome = play(&scene, "a.test");
    assert_tls_good(&outcome);
}

static void test_a_client_without_a_certificate_is_refused(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    SSL_CTX *native = anonymous_new(TLS_client_method());
    struct tls_outcome outcome;

    (void)f;
    fixture_at_end(f, (void (*)(void *))SSL_CTX_free, native);
    scene.client = (eddy_tls_options){.native = native};
    scene.server.ciphers = "ALL:@SECLEVEL=0";
    scene.server.verify = EDDY_TLS_VERIFY_REQUIRED;
    scene.server.ca_data = certificate_pem(scene.ca);
    outcome = play(&scene, "a.test");
    assert_tls_failed(&outcome, "server", EDDY_ETLS, "peer refused: alert unexpected_message");
}

/* A session of the one context, offered to the other; both wrap the same SSL_CTX. */
static struct tls_outcome play_wrapped(const struct tls_scene *scene, SSL_CTX *native)
{
    eddy_tls_options open = {.server = true, .native = native, .verify = EDDY_TLS_VERIFY_NONE};
    eddy_tls_options strict = open;
    eddy_tls_context *made[3] = {NULL, NULL, NULL};
    struct tls_outcome outcome = {0};
    int result;

    strict.verify = EDDY_TLS_VERIFY_REQUIRED;
    result = eddy_tls_context_new(&open, &made[0]);
    if (result == 0)
        result = eddy_tls_context_new(&strict, &made[1]);
    if (result == 0)
        result = eddy_tls_context_new(&scene->client, &made[2]);
    if (result == 0)
        outcome = tls_play(made[2], made[0], "a.test");
    if (outcome.is_good)
        outcome = tls_play(made[2], made[1], "a.test");
    for (int i = 0; i < 3; i++)
        eddy_tls_context_unref(made[i]);
    must(result);
    return outcome;
}

static SSL_CTX *native_server_new(const struct tls_scene *scene)
{
    SSL_CTX *native = SSL_CTX_new(TLS_server_method());

    assert_non_null(native);
    assert_int_equal(SSL_CTX_use_certificate(native, certificate_x509(scene->own)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(native, certificate_key(scene->own)), 1);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(native), certificate_x509(scene->ca));
    return native;
}

static void test_a_session_does_not_cross_between_wrapped_contexts(struct fixture *f)
{
    for (size_t i = 0; i < 2; i++) {
        struct tls_scene scene = tls_scene_new();
        SSL_CTX *native = native_server_new(&scene);
        struct tls_outcome outcome;

        fixture_at_end(f, (void (*)(void *))SSL_CTX_free, native);
        SSL_CTX_set_session_id_context(native, (const unsigned char *)"mine", 4);
        scene.client.session_cache = 2;
        scene.client.version_max = versions[i];
        outcome = play_wrapped(&scene, native);
        assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY, "the client showed no certificate");
    }
}

/** What a server's name callback goes on with. */
static int on_name(void *arg, const char *server_name, eddy_tls_context **context)
{
    (void)server_name;
    *context = eddy_tls_context_ref(arg);
    return 0;
}

/* How it goes on with a context that wraps `native`. */
static struct tls_outcome play_switched(struct fixture *f, struct tls_scene *scene, SSL_CTX *native)
{
    scene->server.on_server_name = on_name;
    scene->server.on_server_name_arg =
        tls_kit_context(f, &(eddy_tls_options){.server = true, .native = native});
    return tls_play_scene(scene);
}

/* What a program told its SSL_CTX about verifying goes for connections that come to it late. */
static void test_a_changed_context_brings_its_parameters(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    SSL_CTX *native = native_server_new(&scene);
    struct tls_outcome outcome;

    fixture_at_end(f, (void (*)(void *))SSL_CTX_free, native);
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    scene.client.certificate_data = certificate_pem(scene.own);
    scene.client.key_data = certificate_key_pem(scene.own);
    outcome = play_switched(f, &scene, native);
    assert_tls_good(&outcome);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_CRL_CHECK);
    outcome = play_switched(f, &scene, native);
    assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY, "there is no revocation list");
}

/* A client may offer a session that was begun under another name; the name counts that it says. */
static void test_a_resumed_session_brings_no_name(struct fixture *f)
{
    (void)f;
    for (size_t i = 0; i < 2; i++) {
        struct tls_scene scene = tls_scene_new();
        struct tls_pair pairs[2];
        SSL_SESSION *session = NULL;
        eddy_tls_context *contexts[2];
        const char *name;

        need_whole_test(); /* it holds what a must() would leave behind */
        scene.client.version_max = versions[i];
        must(eddy_tls_context_new(&scene.client, &contexts[0]));
        must(eddy_tls_context_new(&scene.server, &contexts[1]));
        must(tls_pair_new(&pairs[0], contexts[0], contexts[1], "c.test"));
        tls_pair_run(&pairs[0]);
        session = SSL_get1_session(pairs[0].client.ssl);
        must(tls_pair_new(&pairs[1], contexts[0], contexts[1], "a.test"));
        SSL_set_session(pairs[1].client.ssl, session);
        SSL_SESSION_free(session);
        tls_pair_run(&pairs[1]);
        name = eddy__tls_server_name(pairs[1].server.ssl);
        assert_true(tls_pair_is_good(&pairs[1]));
        assert_int_equal(SSL_session_reused(pairs[1].server.ssl), 1);
        assert_string_equal(name != NULL ? name : "none", "a.test");
        for (int side = 0; side < 2; side++) {
            tls_pair_free(&pairs[side]);
            eddy_tls_context_unref(contexts[side]);
        }
    }
}

/* A server that agrees to what nobody has offered. */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *size,
                   const unsigned char *offered, unsigned offered_size, void *arg)
{
    (void)ssl, (void)offered, (void)offered_size;
    *chosen = arg;
    *size = 5;
    return SSL_TLSEXT_ERR_OK;
}

static void test_a_protocol_that_was_not_offered_is_refused(struct fixture *f)
{
    static char *const answers[] = {"h2\0no", "other"};

    for (size_t i = 0; i < 4; i++) {
        struct tls_scene scene = tls_scene_new();
        SSL_CTX *native = native_server_new(&scene);
        struct tls_outcome outcome;

        fixture_at_end(f, (void (*)(void *))SSL_CTX_free, native);
        SSL_CTX_set_alpn_select_cb(native, on_alpn, answers[i / 2]);
        scene.server = (eddy_tls_options){.server = true, .native = native};
        scene.client.alpn = "h2,http/1.1";
        scene.client.version_max = versions[i % 2];
        outcome = play(&scene, "a.test");
        assert_tls_failed(&outcome, "client", EDDY_ETLS, "");
    }
}

/* Whoever is at the other end must not write lines of its own into logs, or drive terminals. */
static void test_texts_of_the_peer_are_tame(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    const struct certificate *odd = certificate_for("DNS:a\n\033[2Jb.test", scene.ca);
    struct tls_outcome outcome;

    (void)f;
    scene.server.certificate_data = certificate_pem(odd);
    scene.server.key_data = certificate_key_pem(odd);
    outcome = play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "not for a.test");
    give_up_if(outcome.client == EDDY_ENOMEM);
    for (const char *at = outcome.client_text; *at != '\0'; at++)
        assert_true((unsigned char)*at >= ' ' && *at != 0x7f);
}

/* A response about the server that names no end, signed by `signer`, which is in it. */
static eddy_buffer endless_response(const struct tls_scene *scene, const struct certificate *signer,
                                    long age, unsigned char *room)
{
    OCSP_CERTID *id =
        OCSP_cert_to_id(EVP_sha256(), certificate_x509(scene->own), certificate_x509(scene->ca));
    ASN1_TIME *from = X509_gmtime_adj(NULL, -age);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_RESPONSE *response;
    int size;

    assert_non_null(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, NULL));
    assert_int_equal(OCSP_basic_sign(basic, certificate_x509(signer), certificate_key(signer),
                                     EVP_sha256(), NULL, 0),
                     1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    size = i2d_OCSP_RESPONSE(response, NULL);
    assert_in_range(size, 1, 4096);
    i2d_OCSP_RESPONSE(response, &(unsigned char *){room});
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    ASN1_TIME_free(from);
    OCSP_CERTID_free(id);
    return (eddy_buffer){room, (size_t)size};
}

static void test_a_response_without_an_end_grows_old(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    unsigned char room[4096];
    struct tls_outcome outcome;

    (void)f;
    scene.client.ocsp_required = true;
    scene.server.ocsp_response = endless_response(&scene, scene.ca, 3600, room);
    outcome = play(&scene, "a.test");
    assert_tls_good(&outcome);
    scene.server.ocsp_response = endless_response(&scene, scene.ca, 21 * 24 * 3600L, room);
    outcome = play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "is out of date");
}

/* An authority may let others speak for it, but not whomever it has certified. */
static void test_a_response_of_another_leaf_is_refused(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    const struct certificate *leaf = certificate_for("DNS:b.test", scene.ca);
    const struct certificate *responder = certificate_new(&(struct certificate_wish){
        .name = "responder", .issuer = scene.ca, .usage = "OCSPSigning"});
    unsigned char room[4096];
    struct tls_outcome outcome;

    (void)f;
    scene.client.ocsp_required = true;
    scene.server.ocsp_response = endless_response(&scene, responder, 3600, room);
    outcome = play(&scene, "a.test");
    assert_tls_good(&outcome);
    scene.server.ocsp_response = endless_response(&scene, leaf, 3600, room);
    outcome = play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "is signed by nobody who may");
}

static void default_restore(void *unused)
{
    (void)unused;
    EVP_set_default_properties(NULL, "");
}

/* By a library context of the program's own, where the default one finds nothing. */
static void test_the_default_library_context_is_not_needed(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    eddy_buffer good = certificate_ocsp(scene.own, scene.ca, CERTIFICATE_GOOD, 5);
    eddy_buffer revoked = certificate_ocsp(scene.own, scene.ca, CERTIFICATE_REVOKED, 5);
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    struct tls_outcome outcome;

    assert_non_null(library);
    fixture_at_end(f, (void (*)(void *))OSSL_LIB_CTX_free, library);
    scene.server.pkcs12_data = certificate_pkcs12(scene.own, NULL, "");
    scene.server.certificate_data = scene.server.key_data = (eddy_buffer){NULL, 0};
    scene.client.library_context = scene.server.library_context = library;
    scene.client.ocsp_required = true;
    scene.server.ocsp_response = good;
    fixture_at_end(f, default_restore, NULL);
    assert_int_equal(EVP_set_default_properties(NULL, "provider=none"), 1);
    outcome = play(&scene, "a.test");
    assert_tls_good(&outcome);
    scene.client.ocsp_required = false;
    scene.server.ocsp_response = revoked;
    outcome = play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "says that it was revoked");
}

/* A thread may have another default than the one that made the contexts: nothing stays behind. */
static void test_the_default_library_context_may_be_another(struct fixture *f)
{
    struct tls_scene scene = tls_scene_new();
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    OSSL_LIB_CTX *usual;
    eddy_tls_context *contexts[2];
    struct tls_outcome outcome;

    assert_non_null(library);
    fixture_at_end(f, (void (*)(void *))OSSL_LIB_CTX_free, library);
    need_whole_test(); /* it holds what a must() would leave behind */
    must(eddy_tls_context_new(&scene.client, &contexts[0]));
    must(eddy_tls_context_new(&scene.server, &contexts[1]));
    usual = OSSL_LIB_CTX_set0_default(library);
    outcome = tls_play(contexts[0], contexts[1], "a.test");
    OSSL_LIB_CTX_set0_default(usual);
    assert_tls_good(&outcome);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(contexts[i]->references, 1);
        eddy_tls_context_unref(contexts[i]);
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_no_name_is_shortened_to_none),
        TEST(test_a_server_without_a_certificate_is_refused),
        TEST(test_a_client_without_a_certificate_is_refused),
        TEST(test_a_session_does_not_cross_between_wrapped_contexts),
        TEST(test_a_changed_context_brings_its_parameters),
        TEST(test_a_resumed_session_brings_no_name),
        TEST(test_a_protocol_that_was_not_offered_is_refused),
        TEST(test_texts_of_the_peer_are_tame),
        TEST(test_a_response_without_an_end_grows_old),
        TEST(test_a_response_of_another_leaf_is_refused),
        TEST(test_the_default_library_context_is_not_needed),
        TEST(test_the_default_library_context_may_be_another),
    };

    return run_suite("tls_safety", tests);
}
