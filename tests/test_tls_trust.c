/* SPDX-License-Identifier: MIT */
/* Whom a context trusts: each way for a certificate to be wrong has words of its own. */
#include "common/trust.h"
#include "support/certificates.h"
#include "support/support.h"
#include "support/tls_pair.h"
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

/** An authority, one that it lets sign, and options to begin with. */
struct scene {
    const struct certificate *ca;
    const struct certificate *between;
    eddy_tls_options client;
    eddy_tls_options server;
};

static struct scene scene_new(void)
{
    struct scene scene = {.server = {.server = true}};

    scene.ca = certificate_new(&(struct certificate_wish){.name = "root", .is_authority = true});
    scene.between = certificate_new(
        &(struct certificate_wish){.name = "between", .is_authority = true, .issuer = scene.ca});
    scene.client.ca_data = certificate_pem(scene.ca);
    return scene;
}

/* Have the server show this one, with the one between. */
static void scene_show(struct scene *scene, const struct certificate *own)
{
    scene->server.certificate_data =
        certificate_join(certificate_pem(own), certificate_pem(scene->between));
    scene->server.key_data = certificate_key_pem(own);
}

static struct tls_outcome scene_play(const struct scene *scene, const char *name)
{
    return tls_play_options(&scene->client, &scene->server, name);
}

/* A server for these names is asked for that one. */
static struct tls_outcome play_names(const char *names, const char *name)
{
    struct scene scene = scene_new();

    scene_show(&scene, certificate_for(names, scene.between));
    return scene_play(&scene, name);
}

/* TLS-4 */
static void test_a_good_certificate_is_accepted(struct fixture *f)
{
    struct tls_outcome outcome = play_names("DNS:a.test,DNS:example.test", "example.test");

    (void)f;
    assert_tls_good(&outcome);
    assert_string_equal(outcome.version, "TLSv1.3");
    give_up_if(!outcome.is_verified);
    assert_string_equal(outcome.subject, "CN=test");
}

/* TLS-4: names that match although they are not the same text. */
static void test_names_match_by_the_rules(struct fixture *f)
{
    static const char *const cases[][2] = {
        {"DNS:example.test", "EXAMPLE.test"},
        {"DNS:Example.Test", "example.test"},
        {"DNS:example.test", "example.test."},
        {"DNS:*.example.test", "a.example.test"},
        {"DNS:xn--bcher-kva.test", "xn--bcher-kva.test"},
        {"IP:127.0.0.1", "127.0.0.1"},
        {"IP:::1", "::1"},
        {"IP:FE80::1", "fe80::1%eth0"},
    };

    (void)f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_outcome outcome = play_names(cases[i][0], cases[i][1]);

        assert_tls_good(&outcome);
    }
}

/* TLS-4: names that do not, among them all that only looks like a match. */
static void test_another_name_is_refused(struct fixture *f)
{
    static const char *const cases[][3] = {
        {"DNS:other.test", "example.test", "certificate is for other.test, not for example.test"},
        {"DNS:a.test,IP:127.0.0.1", "b.test", "certificate is for a.test, 127.0.0.1, not for b"},
        {"DNS:*.example.test", "example.test", "not for example.test"},
        {"DNS:*.example.test", "a.b.example.test", "not for a.b.example.test"},
        {"DNS:a*.example.test", "ab.example.test", "not for ab.example.test"},
        {"DNS:*a.example.test", "ba.example.test", "not for ba.example.test"},
        {"DNS:a.*.test", "a.b.test", "not for a.b.test"},
        {"DNS:*", "test", "not for test"},
        {"DNS:127.0.0.1", "127.0.0.1", "not for 127.0.0.1"},
        {"IP:127.0.0.2", "127.0.0.1", "certificate is for 127.0.0.2, not for 127.0.0.1"},
        {"email:me@example.test", "example.test", "names no host, so it is not for example.test"},
    };

    (void)f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_outcome outcome = play_names(cases[i][0], cases[i][1]);

        assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, cases[i][2]);
    }
}

/* TLS-4: the subject's common name is nobody's name. */
static void test_the_common_name_is_no_name(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene_show(&scene, certificate_new(&(struct certificate_wish){.name = "example.test",
                                                                  .issuer = scene.between}));
    outcome = scene_play(&scene, "example.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "names no host");
    assert_int_equal(outcome.client_number, X509_V_ERR_HOSTNAME_MISMATCH);
}

/* TLS-3, TLS-5: an empty name is neither checked nor asked for; the chain is checked. */
static void test_no_name_means_no_name_check(struct fixture *f)
{
    struct tls_outcome outcome = play_names("DNS:other.test", "");

    (void)f;
    assert_tls_good(&outcome);
    outcome = play_names("DNS:other.test", NULL);
    assert_tls_good(&outcome);
}

static void test_no_name_check_checks_the_chain(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.client.no_name_check = true;
    scene_show(&scene, certificate_for("DNS:other.test", scene.between));
    outcome = scene_play(&scene, "example.test");
    assert_tls_good(&outcome);
    scene_show(&scene, certificate_for("DNS:other.test", NULL));
    outcome = scene_play(&scene, "example.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "is self-signed, and not trusted");
}

/* TLS-4: what cannot be the name of a server is refused before a byte is sent. */
static void test_what_is_no_name_is_refused(struct fixture *f)
{
    static const char *const names[] = {".example.test", "a..test",       ".",
                                        "a b",           "*.test",        "b\303\274cher.test",
                                        "a.test:443",    "https://a.test"};
    char longer[300];

    (void)f;
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    for (size_t i = 0; i <= sizeof names / sizeof names[0]; i++) {
        const char *name = i < sizeof names / sizeof names[0] ? names[i] : longer;
        struct tls_outcome outcome = play_names("DNS:example.test", name);

        assert_tls_failed(&outcome, "client", EDDY_EINVALID, "");
        assert_int_equal(outcome.server, 0);
    }
}

/* Days as a certificate's text says them. */
static void test_time_is_checked(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene_show(
        &scene,
        certificate_new(&(struct certificate_wish){
            .names = "DNS:a.test", .issuer = scene.between, .from_days = -9, .to_days = -2}));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "certificate of a.test expired on 20");
    assert_int_equal(outcome.client_number, X509_V_ERR_CERT_HAS_EXPIRED);
    assert_tls_failed(&outcome, "server", EDDY_ETLS,
                      "peer refused our certificate: alert certificate expired");
    scene_show(&scene, certificate_new(&(struct certificate_wish){
                           .names = "DNS:a.test", .issuer = scene.between, .from_days = 2}));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate of a.test is not valid before 20");
}

static void test_each_certificate_of_the_chain_is_checked(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.between = certificate_new(&(struct certificate_wish){
        .name = "stale", .is_authority = true, .issuer = scene.ca, .from_days = -9, .to_days = -2});
    scene_show(&scene, certificate_for("DNS:a.test", scene.between));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate \"CN=stale\" in the chain of a.test expired on 20");
    scene.between = certificate_new(
        &(struct certificate_wish){.name = "nobody", .names = "DNS:a.test", .issuer = scene.ca});
    scene_show(&scene, certificate_for("DNS:a.test", scene.between));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "in the chain of a.test");
}

static void test_an_unknown_root_is_refused(struct fixture *f)
{
    struct scene scene = scene_new();
    const struct certificate *stranger =
        certificate_new(&(struct certificate_wish){.name = "stranger", .is_authority = true});
    struct tls_outcome outcome;

    (void)f;
    scene_show(&scene, certificate_for("DNS:a.test", stranger));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "no trusted root signed the certificate of a.test (issuer \"CN=stranger\"");
    scene.between = stranger;
    scene_show(&scene, certificate_for("DNS:a.test", stranger));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate \"CN=stranger\" in the chain of a.test is a root that is not");
    scene_show(&scene, certificate_for("DNS:a.test", NULL));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate of a.test is self-signed, and not trusted");
}

static void test_a_missing_intermediate_is_named(struct fixture *f)
{
    struct scene scene = scene_new();
    const struct certificate *own = certificate_for("DNS:a.test", scene.between);
    struct tls_outcome outcome;

    (void)f;
    scene.server.certificate_data = certificate_pem(own);
    scene.server.key_data = certificate_key_pem(own);
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate of a.test (issuer \"CN=between\" was neither sent nor is it");
}

static void test_a_revoked_certificate_is_refused(struct fixture *f)
{
    struct scene scene = scene_new();
    const struct certificate *own = certificate_for("DNS:a.test", scene.between);
    struct tls_outcome outcome;

    (void)f;
    scene_show(&scene, own);
    scene.client.crl_data = certificate_crl(scene.between, own, 5);
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate of a.test was revoked by \"CN=between\"");
    scene.client.crl_data = certificate_crl(scene.between, NULL, 5);
    outcome = scene_play(&scene, "a.test");
    assert_tls_good(&outcome);
    scene.client.crl_data = certificate_crl(scene.between, NULL, -1);
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "the revocation list of \"CN=between\" cannot be used");
    scene.client.crl_data = certificate_crl(scene.ca, NULL, 5);
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "there is no revocation list of \"CN=between\"");
}

static void test_the_whole_chain_may_be_looked_up(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene_show(&scene, certificate_for("DNS:a.test", scene.between));
    scene.client.crl_data = certificate_crl(scene.between, NULL, 5);
    scene.client.crl_check = EDDY_TLS_CRL_CHAIN;
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "no revocation list of \"CN=root\"");
    scene.client.crl_data =
        certificate_join(scene.client.crl_data, certificate_crl(scene.ca, scene.between, 5));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate \"CN=between\" in the chain of a.test was revoked");
}

/* A server that lets itself be talked into what eddy does not make. */
static void test_a_weak_key_of_the_peer_is_refused(struct fixture *f)
{
    struct scene scene = scene_new();
    const struct certificate *weak = certificate_new(&(struct certificate_wish){
        .names = "DNS:a.test", .issuer = scene.between, .rsa_bits = 1024});
    SSL_CTX *native = SSL_CTX_new(TLS_server_method());
    eddy_tls_context *client = NULL;
    eddy_tls_context *server = NULL;
    struct tls_outcome outcome = {0};
    int result;

    (void)f;
    SSL_CTX_set_security_level(native, 0);
    assert_int_equal(SSL_CTX_use_certificate(native, certificate_x509(weak)), 1);
    assert_int_equal(SSL_CTX_add1_chain_cert(native, certificate_x509(scene.between)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(native, certificate_key(weak)), 1);
    result = eddy_tls_context_new(&scene.client, &client);
    if (result == 0)
        result =
            eddy_tls_context_new(&(eddy_tls_options){.server = true, .native = native}, &server);
    if (result == 0)
        outcome = tls_play(client, server, "a.test");
    eddy_tls_context_unref(server);
    eddy_tls_context_unref(client);
    SSL_CTX_free(native);
    must(result);
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate of a.test has a key that is too weak (RSA 1024 bits)");
}

static void test_a_certificate_for_something_else_is_refused(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene_show(&scene, certificate_new(&(struct certificate_wish){
                           .names = "DNS:a.test", .issuer = scene.between, .usage = "clientAuth"}));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY,
                      "certificate of a.test is not meant for a server");
}

static void test_without_verification_anybody_will_do(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene.client.verify = EDDY_TLS_VERIFY_NONE;
    scene_show(&scene, certificate_for("DNS:other.test", NULL));
    outcome = scene_play(&scene, "a.test");
    assert_tls_good(&outcome);
    assert_false(outcome.is_verified);
    assert_string_equal(outcome.subject, "");
}

/* A file, in place of memory, and a folder that has it under its hash. */
static void test_roots_come_from_files(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;
    char hash[32];
    char *end;
    char folder[SCRATCH_PATH_MAX];

    (void)f;
    scene_show(&scene, certificate_for("DNS:a.test", scene.between));
    scene.client.ca_data = (eddy_buffer){NULL, 0};
    scene.client.ca_file = certificate_file("ca.pem", certificate_pem(scene.ca));
    outcome = scene_play(&scene, "a.test");
    assert_tls_good(&outcome);
    scene.client.ca_file = NULL;
    snprintf(hash, sizeof hash, "%08lx.0", X509_subject_name_hash(certificate_x509(scene.ca)));
    snprintf(folder, sizeof folder, "%s", certificate_file(hash, certificate_pem(scene.ca)));
    end = strrchr(folder, '/');
    assert_non_null(end);
    *end = '\0';
    scene.client.ca_directory = folder;
    outcome = scene_play(&scene, "a.test");
    assert_tls_good(&outcome);
}

/* By the environment, since what a machine trusts is nothing to rely on. */
static void test_the_system_is_trusted_by_default(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene_show(&scene, certificate_for("DNS:a.test", scene.between));
    platform_set_environment("SSL_CERT_FILE", certificate_file("ca.pem", scene.client.ca_data));
    scene.client.ca_data = (eddy_buffer){NULL, 0};
    outcome = scene_play(&scene, "a.test");
    assert_tls_good(&outcome);
    scene.client.system_trust = EDDY_NO;
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "no trusted root signed");
    scene.client.ca_data = certificate_pem(certificate_for("DNS:b.test", NULL));
    scene.client.system_trust = EDDY_DEFAULT;
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "client", EDDY_ETLSVERIFY, "no trusted root signed");
    scene.client.system_trust = EDDY_YES;
    outcome = scene_play(&scene, "a.test");
    assert_tls_good(&outcome);
    platform_set_environment("SSL_CERT_FILE", NULL);
}

static int on_root(void *arg, const unsigned char *der, size_t size)
{
    X509 *root = d2i_X509(NULL, &der, (long)size);

    *(int *)arg += 1;
    assert_non_null(root);
    X509_free(root);
    return 0;
}

static int on_root_stop(void *arg, const unsigned char *der, size_t size)
{
    (void)arg, (void)der, (void)size;
    return EDDY_EUSER - 1;
}

/* Windows and macOS have a store of roots; others have files, of which there is a list. */
static void test_the_systems_roots_are_told_one_by_one(struct fixture *f)
{
    int told = 0;
    int count = eddy__trust_visit(EDDY__TRUST_SERVERS, on_root, &told);

    (void)f;
    assert_int_equal(count, told);
    assert_non_null(eddy__trust_files());
    if (count == 0) {
        assert_non_null(eddy__trust_files()[0]);
        return;
    }
    assert_int_equal(eddy__trust_visit(EDDY__TRUST_SERVERS, on_root_stop, NULL), EDDY_EUSER - 1);
}

/* A server that demands a certificate, and a client of `issuer`'s; NULL: without one. */
static void scene_demand(struct scene *scene, const struct certificate *own)
{
    scene_show(scene, certificate_for("DNS:a.test", scene->between));
    scene->server.verify = EDDY_TLS_VERIFY_REQUIRED;
    scene->server.ca_data = certificate_pem(scene->ca);
    if (own == NULL)
        return;
    scene->client.certificate_data = certificate_pem(own);
    scene->client.key_data = certificate_key_pem(own);
}

/* Before TLS 1.3 the server tells the client during the handshake, later after it. */
static void test_a_client_shows_its_certificate(struct fixture *f)
{
    static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};

    (void)f;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = scene_new();
        struct tls_outcome outcome;

        scene.client.version_max = versions[i];
        scene_demand(&scene, NULL);
        outcome = scene_play(&scene, "a.test");
        assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY, "the client showed no certificate");
        assert_tls_failed(&outcome, "client", EDDY_ETLS, "peer refused: ");
        scene.server.verify = EDDY_TLS_VERIFY_OPTIONAL;
        outcome = scene_play(&scene, "a.test");
        assert_tls_good(&outcome);
        scene_demand(&scene, certificate_new(&(struct certificate_wish){
                                 .name = "bob", .issuer = scene.ca, .usage = "clientAuth"}));
        outcome = scene_play(&scene, "a.test");
        assert_tls_good(&outcome);
    }
}

static void test_a_wrong_certificate_of_a_client_is_refused(struct fixture *f)
{
    struct scene scene = scene_new();
    struct tls_outcome outcome;

    (void)f;
    scene_demand(&scene, certificate_new(&(struct certificate_wish){.name = "bob"}));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY,
                      "certificate \"CN=bob\" of the peer is self-signed, and not trusted");
    assert_tls_failed(&outcome, "client", EDDY_ETLS,
                      "peer refused our certificate: alert unknown CA");
    scene.server.verify = EDDY_TLS_VERIFY_OPTIONAL;
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY, "\"CN=bob\"");
    scene_demand(&scene, certificate_new(&(struct certificate_wish){
                             .name = "srv", .issuer = scene.ca, .usage = "serverAuth"}));
    outcome = scene_play(&scene, "a.test");
    assert_tls_failed(&outcome, "server", EDDY_ETLSVERIFY,
                      "certificate \"CN=srv\" of the peer is not meant for a client");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_good_certificate_is_accepted),
        TEST(test_names_match_by_the_rules),
        TEST(test_another_name_is_refused),
        TEST(test_the_common_name_is_no_name),
        TEST(test_no_name_means_no_name_check),
        TEST(test_no_name_check_checks_the_chain),
        TEST(test_what_is_no_name_is_refused),
        TEST(test_time_is_checked),
        TEST(test_each_certificate_of_the_chain_is_checked),
        TEST(test_an_unknown_root_is_refused),
        TEST(test_a_missing_intermediate_is_named),
        TEST(test_a_revoked_certificate_is_refused),
        TEST(test_the_whole_chain_may_be_looked_up),
        TEST(test_a_weak_key_of_the_peer_is_refused),
        TEST(test_a_certificate_for_something_else_is_refused),
        TEST(test_without_verification_anybody_will_do),
        TEST(test_roots_come_from_files),
        TEST(test_the_system_is_trusted_by_default),
        TEST(test_the_systems_roots_are_told_one_by_one),
        TEST(test_a_client_shows_its_certificate),
        TEST(test_a_wrong_certificate_of_a_client_is_refused),
    };

    return run_suite("tls_trust", tests);
}
