/* SPDX-License-Identifier: MIT */
/*
 * What can be wrong with the other side, over transports, in TLS 1.2 and 1.3: each has its own
 * words at both ends, and no protocol hears of a connection (TLS-4, TLS-19).
 */
#include "support/program.h"
#include "support/support.h"
#include "support/tls_peer.h"
#include "support/tls_trial.h"
#include <openssl/x509v3.h>

/* What is common to most rows: the client refuses the server's certificate. */
#define REFUSED(prepare, host, text, alert)                                                        \
    {                                                                                              \
        (prepare), (host), EDDY_ETLSVERIFY, (text), EDDY_ETLS,                                     \
            "peer refused our certificate: alert " alert, false                                    \
    }

static void show_good(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.name = "own"});
}

/* The control: nothing is wrong, and bytes go through. */
static void test_what_is_good_is_usable(struct fixture *f)
{
    static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};

    for (size_t i = 0; i < 2; i++) {
        struct tls_trial trial = tls_trial_new(versions[i]);

        tls_trial_run(f, &trial, "a.test");
        tls_trial_assert_side(&tls_trial_client, 0, "");
        tls_trial_assert_side(&tls_trial_server, 0, "");
        assert_recorded("made", "made");
        eddy_transport_write(tls_trial_client.w.transport, "hello", 5);
        run_until_recorded(f->loop, "data:hello");
        eddy_transport_abort(tls_trial_client.w.transport);
        eddy_transport_abort(tls_trial_server.w.transport);
        run_until_true(f->loop, tls_trial_client.w.counts[WITNESS_LOST] > 0 &&
                                    tls_trial_server.w.counts[WITNESS_LOST] > 0);
        assert_recorded("data:hello", "lost:0", "lost:0");
    }
}

static void show_expired(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.from_days = -9, .to_days = -2});
}

static void show_early(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.from_days = 2});
}

static void show_stale_issuer(struct tls_trial *trial)
{
    trial->between = certificate_new(&(struct certificate_wish){.name = "between",
                                                                .is_authority = true,
                                                                .issuer = trial->root,
                                                                .from_days = -9,
                                                                .to_days = -2});
    show_good(trial);
}

static void test_time(struct fixture *f)
{
    static const struct tls_row rows[] = {
        REFUSED(show_expired, "a.test", "certificate of a.test expired on 20",
                "certificate expired"),
        REFUSED(show_early, "a.test", "certificate of a.test is not valid before 20",
                "bad certificate"),
        REFUSED(show_stale_issuer, "a.test",
                "certificate \"CN=between\" in the chain of a.test expired on 20",
                "certificate expired"),
    };

    tls_run_rows(f, rows);
}

static void show_self_signed(struct tls_trial *trial)
{
    tls_trial_show(trial, certificate_for("DNS:a.test", NULL));
}

static void show_stranger(struct tls_trial *trial)
{
    trial->between =
        certificate_new(&(struct certificate_wish){.name = "stranger", .is_authority = true});
    show_good(trial);
}

static void show_without_issuer(struct tls_trial *trial)
{
    const struct certificate *own = certificate_for("DNS:a.test", trial->between);

    trial->server.certificate_data = certificate_pem(own);
    trial->server.key_data = certificate_key_pem(own);
}

static void show_signed_by_no_authority(struct tls_trial *trial)
{
    trial->between = certificate_new(
        &(struct certificate_wish){.name = "nobody", .names = "DNS:b.test", .issuer = trial->root});
    show_good(trial);
}

/* The issuer's name is the trusted one's, its key is another. */
static void show_forged(struct tls_trial *trial)
{
    struct certificate *forger =
        certificate_new(&(struct certificate_wish){.name = "between", .is_authority = true});
    struct certificate *own = certificate_new(
        &(struct certificate_wish){.names = "DNS:a.test", .issuer = trial->between});

    X509_sign(certificate_x509(own), certificate_key(forger), EVP_sha256());
    tls_trial_show(trial, own);
}

static void test_trust(struct fixture *f)
{
    static const struct tls_row rows[] = {
        REFUSED(show_self_signed, "a.test", "certificate of a.test is self-signed, and not trusted",
                "unknown CA"),
        REFUSED(show_stranger, "a.test",
                "certificate \"CN=stranger\" in the chain of a.test is a root that is not trusted",
                "unknown CA"),
        REFUSED(show_without_issuer, "a.test",
                "certificate of a.test (issuer \"CN=between\" was neither sent nor is it known)",
                "unknown CA"),
        REFUSED(show_signed_by_no_authority, "a.test",
                "certificate \"CN=nobody\" in the chain of a.test may not sign others",
                "unknown CA"),
        {show_forged, "a.test", EDDY_ETLSVERIFY,
         "certificate of a.test: certificate signature failure", EDDY_ETLS,
         "peer refused: alert decrypt error", false},
    };

    tls_run_rows(f, rows);
}

static void show_other(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.names = "DNS:b.test,DNS:c.test"});
}

static void show_common_name(struct tls_trial *trial)
{
    tls_trial_show_wish(trial,
                        (struct certificate_wish){.name = "a.test", .names = "email:a@a.test"});
}

static void show_wildcard(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.names = "DNS:*.a.test"});
}

static void show_odd_wildcards(struct tls_trial *trial)
{
    tls_trial_show_wish(trial,
                        (struct certificate_wish){
                            .names = "DNS:*,DNS:*.test,DNS:b*.a.test,DNS:*b.a.test,DNS:b.*.test,"
                                     "DNS:*.*.test,DNS:b.a.*"});
}

static void test_names(struct fixture *f)
{
    static const struct tls_row rows[] = {
        REFUSED(show_other, "a.test", "certificate is for b.test, c.test, not for a.test",
                "bad certificate"),
        REFUSED(show_common_name, "a.test", "certificate names no host, so it is not for a.test",
                "bad certificate"),
        REFUSED(show_wildcard, "a.test", "certificate is for *.a.test, not for a.test",
                "bad certificate"),
        REFUSED(show_wildcard, "c.b.a.test", "certificate is for *.a.test, not for c.b.a.test",
                "bad certificate"),
        REFUSED(show_odd_wildcards, "b.a.test", "not for b.a.test", "bad certificate"),
        REFUSED(show_odd_wildcards, "a.test", "not for a.test", "bad certificate"),
    };

    tls_run_rows(f, rows);
}

static void show_address_as_name(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.names = "DNS:127.0.0.1,DNS:a.test"});
}

static void show_name_as_address(struct tls_trial *trial)
{
    tls_trial_show_wish(trial,
                        (struct certificate_wish){.name = "::1", .names = "IP:127.0.0.1,IP:::2"});
}

static void test_addresses(struct fixture *f)
{
    static const struct tls_row rows[] = {
        REFUSED(show_address_as_name, "127.0.0.1",
                "certificate is for 127.0.0.1, a.test, not for 127.0.0.1", "bad certificate"),
        REFUSED(show_name_as_address, "127.0.0.2", "not for 127.0.0.2", "bad certificate"),
        REFUSED(show_name_as_address, "::1", "certificate is for 127.0.0.1, 0:0:0:0:0:0:0:2, not",
                "bad certificate"),
        REFUSED(show_name_as_address, "a.test", "not for a.test", "bad certificate"),
    };

    tls_run_rows(f, rows);
}

static void revoke(struct tls_trial *trial)
{
    struct certificate *own = certificate_for("DNS:a.test", trial->between);

    tls_trial_show(trial, own);
    trial->client.crl_data = certificate_crl(trial->between, own, 5);
}

static void revoke_issuer(struct tls_trial *trial)
{
    trial->client.crl_data = certificate_join(certificate_crl(trial->between, NULL, 5),
                                              certificate_crl(trial->root, trial->between, 5));
    trial->client.crl_check = EDDY_TLS_CRL_CHAIN;
}

static void list_expired(struct tls_trial *trial)
{
    trial->client.crl_data = certificate_crl(trial->between, NULL, -1);
}

static void list_missing(struct tls_trial *trial)
{
    trial->client.crl_data = certificate_crl(trial->root, NULL, 5);
}

static void revoke_by_ocsp(struct tls_trial *trial)
{
    struct certificate *own = certificate_for("DNS:a.test", trial->between);

    tls_trial_show(trial, own);
    trial->server.ocsp_response = certificate_ocsp(own, trial->between, CERTIFICATE_REVOKED, 5);
}

static void demand_ocsp(struct tls_trial *trial)
{
    trial->client.ocsp_required = true;
}

static void test_revocation(struct fixture *f)
{
    static const struct tls_row rows[] = {
        REFUSED(revoke, "a.test", "certificate of a.test was revoked by \"CN=between\"",
                "certificate revoked"),
        REFUSED(revoke_issuer, "a.test",
                "certificate \"CN=between\" in the chain of a.test was revoked by \"CN=root\"",
                "certificate revoked"),
        REFUSED(list_expired, "a.test", "the revocation list of \"CN=between\" cannot be used",
                "certificate expired"),
        REFUSED(list_missing, "a.test", "there is no revocation list of \"CN=between\"",
                "unknown CA"),
        {revoke_by_ocsp, "a.test", EDDY_ETLSVERIFY,
         "the OCSP response for the certificate of a.test says that it was revoked", EDDY_ETLS,
         "peer refused: alert bad certificate status response", false},
        {demand_ocsp, "a.test", EDDY_ETLSVERIFY,
         "the OCSP response for the certificate of a.test is missing", EDDY_ETLS,
         "peer refused: alert bad certificate status response", false},
    };

    tls_run_rows(f, rows);
}

static void show_weak_key(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.rsa_bits = 1024});
    trial->server.ciphers = "DEFAULT:@SECLEVEL=1";
}

static void show_weak_digest(struct tls_trial *trial)
{
    struct certificate *own = certificate_for("DNS:a.test", trial->between);

    X509_sign(certificate_x509(own), certificate_key(trial->between), EVP_sha1());
    tls_trial_show(trial, own);
    trial->server.ciphers = "DEFAULT:@SECLEVEL=0";
}

static void show_for_clients(struct tls_trial *trial)
{
    tls_trial_show_wish(trial, (struct certificate_wish){.usage = "clientAuth"});
}

static void test_strength_and_use(struct fixture *f)
{
    static const struct tls_row rows[] = {
        REFUSED(show_weak_key, "a.test",
                "certificate of a.test has a key that is too weak (RSA 1024 bits)",
                "bad certificate"),
        REFUSED(show_weak_digest, "a.test",
                "certificate of a.test: CA signature digest algorithm too weak", "bad certificate"),
        REFUSED(show_for_clients, "a.test", "certificate of a.test is not meant for a server",
                "unsupported certificate"),
    };

    tls_run_rows(f, rows);
}

/* The server demands a certificate, the client shows this one; NULL: none. */
static void demand(struct tls_trial *trial, const struct certificate *own)
{
    trial->server.verify = EDDY_TLS_VERIFY_REQUIRED;
    trial->server.ca_data = certificate_pem(trial->root);
    if (own == NULL)
        return;
    trial->client.certificate_data = certificate_pem(own);
    trial->client.key_data = certificate_key_pem(own);
}

static void demand_from_none(struct tls_trial *trial)
{
    demand(trial, NULL);
}

static void demand_from_stranger(struct tls_trial *trial)
{
    demand(trial, certificate_new(&(struct certificate_wish){.name = "bob"}));
}

static void demand_from_expired(struct tls_trial *trial)
{
    demand(trial, certificate_new(&(struct certificate_wish){
                      .name = "bob", .issuer = trial->root, .from_days = -9, .to_days = -2}));
}

static void demand_from_server(struct tls_trial *trial)
{
    demand(trial, certificate_new(&(struct certificate_wish){
                      .name = "bob", .issuer = trial->root, .usage = "serverAuth"}));
}

static void ask_a_stranger(struct tls_trial *trial)
{
    demand_from_stranger(trial);
    trial->server.verify = EDDY_TLS_VERIFY_OPTIONAL;
}

static void test_certificates_of_clients(struct fixture *f)
{
    static const struct tls_row rows[] = {
        {demand_from_none, "a.test", EDDY_ETLS, "peer refused: ", EDDY_ETLSVERIFY,
         "the client showed no certificate, which is demanded", true},
        {demand_from_stranger, "a.test", EDDY_ETLS,
         "peer refused our certificate: alert unknown CA", EDDY_ETLSVERIFY,
         "certificate \"CN=bob\" of the peer is self-signed, and not trusted", true},
        {demand_from_expired, "a.test", EDDY_ETLS,
         "peer refused our certificate: alert certificate expired", EDDY_ETLSVERIFY,
         "certificate \"CN=bob\" of the peer expired on 20", true},
        {demand_from_server, "a.test", EDDY_ETLS,
         "peer refused our certificate: alert unsupported certificate", EDDY_ETLSVERIFY,
         "certificate \"CN=bob\" of the peer is not meant for a client", true},
        {ask_a_stranger, "a.test", EDDY_ETLS, "peer refused our certificate: alert unknown CA",
         EDDY_ETLSVERIFY, "certificate \"CN=bob\" of the peer is self-signed, and not trusted",
         true},
    };

    tls_run_rows(f, rows);
}

static void speak_another_version(struct tls_trial *trial)
{
    eddy_tls_version other =
        trial->client.version_min == EDDY_TLS_1_2 ? EDDY_TLS_1_3 : EDDY_TLS_1_2;

    trial->server.version_min = trial->server.version_max = other;
}

static void speak_other_ciphers(struct tls_trial *trial)
{
    trial->client.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    trial->server.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    trial->client.ciphersuites = "TLS_AES_128_GCM_SHA256";
    trial->server.ciphersuites = "TLS_AES_256_GCM_SHA384";
}

static void speak_other_groups(struct tls_trial *trial)
{
    trial->client.groups = "X25519";
    trial->server.groups = "P-384";
    trial->client.ciphers = trial->server.ciphers = "ECDHE+AESGCM";
}

static void speak_another_protocol(struct tls_trial *trial)
{
    trial->client.alpn = "h2";
    trial->server.alpn = "imap";
    trial->server.alpn_required = true;
}

static void offer_no_protocol(struct tls_trial *trial)
{
    speak_another_protocol(trial);
    trial->client.alpn = NULL;
}

static void test_nothing_in_common(struct fixture *f)
{
    static const struct tls_row rows[] = {
        {speak_another_version, "a.test", EDDY_ETLS, "no TLS version in common", EDDY_ETLS,
         "no TLS version in common", false},
        {speak_other_ciphers, "a.test", EDDY_ETLS, "peer refused: alert handshake failure",
         EDDY_ETLS, "no cipher in common", false},
        {speak_other_groups, "a.test", EDDY_ETLS, "peer refused: alert handshake failure",
         EDDY_ETLS, "in common", false},
        {speak_another_protocol, "a.test", EDDY_ETLS, "peer refused: no protocol in common by ALPN",
         EDDY_ETLS, "no protocol in common: the client offered only others by ALPN", false},
        {offer_no_protocol, "a.test", EDDY_ETLS, "peer refused: no protocol in common by ALPN",
         EDDY_ETLS, "no protocol in common: the client offered none by ALPN", false},
    };

    tls_run_rows(f, rows);
}

/* TLS-5: the server has done nothing wrong, so it may have taken the connection for made. */
static void test_a_client_demands_a_protocol(struct fixture *f)
{
    static const eddy_tls_version versions[] = {EDDY_TLS_1_2, EDDY_TLS_1_3};

    for (size_t i = 0; i < 2; i++) {
        struct tls_trial trial = tls_trial_new(versions[i]);

        trial.client.alpn = "h2";
        trial.client.alpn_required = true;
        tls_trial_run(f, &trial, "a.test");
        tls_trial_assert_side(&tls_trial_client, EDDY_ETLS,
                              "no protocol in common: the peer agreed to none by ALPN");
        tls_trial_assert_unusable(&tls_trial_client, false);
        assert_int_equal(tls_trial_server.w.counts[WITNESS_MADE],
                         tls_trial_server.w.counts[WITNESS_LOST]);
        assert_int_equal(tls_trial_server.w.counts[WITNESS_DATA], 0);
        recorder_reset();
    }
}

/* NET-7, TLS-3: an empty host is no leave to check no name. */
static void test_an_empty_host_is_none(struct fixture *f)
{
    struct tls_trial trial = tls_trial_new(EDDY_TLS_VERSION_DEFAULT);
    struct witness w;

    witness_init(&w, NULL);
    assert_refused(eddy_loop_create_connection(
                       f->loop, witness_factory, &w, "", 1,
                       &(eddy_connection_options){.tls = tls_kit_context(f, &trial.client)}),
                   EDDY_EINVALID, "needs server_hostname");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_what_is_good_is_usable),
        TEST(test_time),
        TEST(test_trust),
        TEST(test_names),
        TEST(test_addresses),
        TEST(test_revocation),
        TEST(test_strength_and_use),
        TEST(test_certificates_of_clients),
        TEST(test_nothing_in_common),
        TEST(test_a_client_demands_a_protocol),
        TEST(test_an_empty_host_is_none),
    };

    return run_suite("tls_badssl", tests);
}
