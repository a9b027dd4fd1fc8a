/* SPDX-License-Identifier: MIT */
/* What a context is made from: files, texts, and what is wrong with them. */
#include "support/certificates.h"
#include "support/support.h"
#include "support/tls_pair.h"
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

/* Make one that has to be refused; nothing may be left in OpenSSL's queue. */
static void assert_refused(const eddy_tls_options *options, int code, const char *text)
{
    eddy_tls_context *context = eddy_tls_default();
    int result = eddy_tls_context_new(options, &context);

    give_up_if(result == EDDY_ENOMEM);
    if (result != code || strstr(eddy_error_text(), text) == NULL)
        fail_msg("%s \"%s\", expected %s \"...%s...\"", eddy_err_name(result), eddy_error_text(),
                 eddy_err_name(code), text);
    assert_null(context);
    assert_int_equal(ERR_peek_error(), 0);
}

/* Make one that has to work. */
static eddy_tls_context *make(const eddy_tls_options *options)
{
    eddy_tls_context *context;

    must(eddy_tls_context_new(options, &context));
    assert_int_equal(ERR_peek_error(), 0);
    return context;
}

static eddy_buffer text_buffer(const char *text)
{
    return (eddy_buffer){text, strlen(text)};
}

/* TLS-2: what a program gets that asks for nothing. */
static void test_the_default_is_safe(struct fixture *f)
{
    eddy_tls_context *context = make(NULL);
    SSL_CTX *native = eddy_tls_context_native(context);
    uint64_t options = SSL_CTX_get_options(native);

    (void)f;
    assert_false(eddy__tls_context_is_server(context));
    assert_true(eddy__tls_context_checks_name(context));
    assert_int_equal(SSL_CTX_get_verify_mode(native), SSL_VERIFY_PEER);
    assert_true(SSL_CTX_get_min_proto_version(native) >= TLS1_2_VERSION);
    assert_true(SSL_CTX_get_security_level(native) >= 2);
    assert_true((options & SSL_OP_NO_RENEGOTIATION) != 0);
    assert_true((options & SSL_OP_NO_COMPRESSION) != 0);
    assert_true((options & SSL_OP_LEGACY_SERVER_CONNECT) == 0);
    assert_true((options & SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION) == 0);
    eddy_tls_context_unref(context);
}

/* TLS-1, TLS-2: the default stands for a context, and needs no counting. */
static void test_the_default_context_is_a_mark(struct fixture *f)
{
    eddy_tls_context *mark = eddy_tls_default();

    (void)f;
    assert_true(eddy__tls_context_is_default(mark));
    assert_true(eddy__tls_context_checks_name(mark));
    assert_false(eddy__tls_context_is_server(mark));
    assert_null(eddy_tls_context_native(mark));
    for (int i = 0; i < 3; i++)
        eddy_tls_context_unref(mark);
    assert_ptr_equal(eddy_tls_context_ref(mark), eddy_tls_default());
}

static void test_references_are_counted(struct fixture *f)
{
    eddy_tls_context *context = make(&(eddy_tls_options){.system_trust = EDDY_NO});

    (void)f;
    assert_false(eddy__tls_context_is_default(context));
    assert_ptr_equal(eddy_tls_context_ref(context), context);
    eddy_tls_context_unref(context);
    assert_non_null(eddy_tls_context_native(context));
    eddy_tls_context_unref(context);
    eddy_tls_context_unref(NULL);
    assert_null(eddy_tls_context_ref(NULL));
}

static void test_options_that_exclude_each_other_are_refused(struct fixture *f)
{
    static int anything;
    const eddy_buffer data = {"x", 1};
    const struct {
        eddy_tls_options options;
        const char *text;
    } cases[] = {
        {{.reserved = {NULL, &anything}}, "reserved"},
        {{.certificate_file = "a", .certificate_data = data}, "certificate_file and"},
        {{.certificate_file = "a", .key_file = "b", .key_data = data}, "key_file and key_data"},
        {{.pkcs12_file = "a", .pkcs12_data = data}, "pkcs12_file and pkcs12_data"},
        {{.pkcs12_file = "a", .key_file = "b"}, "PKCS#12 and another"},
        {{.key_file = "a"}, "a key without a certificate"},
        {{.server = true}, "a server needs a certificate"},
        {{.ca_file = "a", .ca_data = data}, "ca_file and ca_data"},
        {{.crl_file = "a", .crl_data = data}, "crl_file and crl_data"},
        {{.crl_check = EDDY_TLS_CRL_CHAIN}, "crl_check without"},
        {{.verify = EDDY_TLS_VERIFY_NONE, .crl_file = "a"}, "list without verification"},
        {{.server = true, .certificate_file = "a", .ca_file = "a", .crl_data = data},
         "list without verification"},
        {{.server = true, .certificate_file = "a", .verify = EDDY_TLS_VERIFY_REQUIRED},
         "whom to trust"},
        {{.server = true, .certificate_file = "a", .no_name_check = true}, "no_name_check"},
        {{.version_min = EDDY_TLS_1_3, .version_max = EDDY_TLS_1_2}, "version_min is above"},
        {{.version_min = (eddy_tls_version)0x0301}, "no such version"},
        {{.alpn_required = true}, "alpn_required without"},
        {{.no_tickets = true}, "no_tickets is for servers"},
        {{.ocsp_response = data}, "ocsp_response is for servers"},
        {{.ocsp_required = true, .verify = EDDY_TLS_VERIFY_NONE}, "ocsp_required without"},
        {{.server = true, .certificate_file = "a", .ocsp_required = true}, "is for clients"},
        {{.server = true, .certificate_file = "a", .session_cache = 1}, "is for clients"},
        {{.native = &anything, .ca_file = "a"}, "native and whom"},
        {{.native = &anything, .key_file = "a"}, "native and a certificate"},
        {{.native = &anything, .ciphers = "a"}, "native and what to speak"},
        {{.native = &anything, .alpn = "a"}, "native and ALPN"},
        {{.native = &anything, .key_log_file = "a"}, "native and tickets"},
    };

    (void)f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(&cases[i].options, EDDY_EINVALID, cases[i].text);
}

static void test_what_openssl_does_not_know_is_refused(struct fixture *f)
{
    const eddy_tls_options base = {.system_trust = EDDY_NO};
    eddy_tls_options options = base;

    (void)f;
    options.ciphers = "NO-SUCH-CIPHER";
    assert_refused(&options, EDDY_EINVALID, "ciphers: no cipher match");
    options = base;
    options.ciphersuites = "NO_SUCH_SUITE";
    assert_refused(&options, EDDY_EINVALID, "ciphersuites: ");
    options = base;
    options.groups = "no-such-group";
    assert_refused(&options, EDDY_EINVALID, "groups: ");
    options = base;
    options.alpn = "h2,,http/1.1";
    assert_refused(&options, EDDY_EINVALID, "alpn: ");
    options.alpn = "";
    assert_refused(&options, EDDY_EINVALID, "alpn: ");
}

static void test_a_file_that_cannot_be_read_is_named(struct fixture *f)
{
    const char *missing = scratch_path("missing.pem");

    (void)f;
    assert_refused(&(eddy_tls_options){.certificate_file = missing}, EDDY_ENOENT, missing);
    assert_refused(&(eddy_tls_options){.ca_file = missing}, EDDY_ENOENT, missing);
    assert_refused(&(eddy_tls_options){.ca_directory = missing}, EDDY_ENOENT, missing);
    assert_refused(&(eddy_tls_options){.system_trust = EDDY_NO, .crl_file = missing}, EDDY_ENOENT,
                   missing);
    assert_refused(&(eddy_tls_options){.pkcs12_file = missing}, EDDY_ENOENT, missing);
    assert_true(eddy_error_number() != 0);
    missing = scratch_path("missing/key.log");
    assert_refused(&(eddy_tls_options){.system_trust = EDDY_NO, .key_log_file = missing},
                   EDDY_ENOENT, missing);
}

static void test_a_file_without_what_it_is_for_is_named(struct fixture *f)
{
    const char *empty = certificate_file("empty.pem", text_buffer(""));
    const struct certificate *own = certificate_for("DNS:a.test", NULL);
    const char *only = certificate_file("only.pem", certificate_pem(own));

    (void)f;
    assert_refused(&(eddy_tls_options){.certificate_file = empty}, EDDY_ETLS, empty);
    assert_refused(&(eddy_tls_options){.certificate_file = empty}, EDDY_ETLS, "no certificate in");
    assert_refused(&(eddy_tls_options){.certificate_file = only}, EDDY_ETLS, only);
    assert_refused(&(eddy_tls_options){.certificate_file = only}, EDDY_ETLS, "no private key in");
    assert_refused(&(eddy_tls_options){.ca_file = empty}, EDDY_ETLS, "no certificate in");
    assert_refused(&(eddy_tls_options){.system_trust = EDDY_NO, .crl_file = only}, EDDY_ETLS,
                   "no revocation list in");
    assert_refused(&(eddy_tls_options){.pkcs12_file = only}, EDDY_ETLS, "this is no PKCS#12");
}

/* In the middle of the text, so that beginning and end are there. */
static eddy_buffer spoil(eddy_buffer pem, char *room, size_t size)
{
    assert_true(pem.size < size);
    memcpy(room, pem.data, pem.size);
    memset(room + pem.size / 2, '!', 3);
    return (eddy_buffer){room, pem.size};
}

static void test_damaged_pem_is_told_from_none(struct fixture *f)
{
    const struct certificate *own = certificate_for("DNS:a.test", NULL);
    char room[4096];
    eddy_buffer bad = spoil(certificate_pem(own), room, sizeof room);
    char key_room[4096];
    eddy_buffer bad_key = spoil(certificate_key_pem(own), key_room, sizeof key_room);

    (void)f;
    assert_refused(&(eddy_tls_options){.certificate_data = bad}, EDDY_ETLS,
                   "certificate_data: a certificate is damaged");
    assert_refused(&(eddy_tls_options){.ca_data = certificate_join(certificate_pem(own), bad)},
                   EDDY_ETLS, "ca_data: a certificate is damaged");
    assert_refused(
        &(eddy_tls_options){.certificate_data = certificate_pem(own), .key_data = bad_key},
        EDDY_ETLS, "key_data: the private key is damaged");
}

static void test_a_key_of_another_certificate_is_refused(struct fixture *f)
{
    const struct certificate *one = certificate_for("DNS:a.test", NULL);
    const struct certificate *other = certificate_for("DNS:a.test", NULL);

    (void)f;
    assert_refused(&(eddy_tls_options){.certificate_data = certificate_pem(one),
                                       .key_data = certificate_key_pem(other)},
                   EDDY_ETLS, "key_data: the key does not belong to the certificate");
    other = certificate_new(&(struct certificate_wish){.rsa_bits = 2048});
    assert_refused(&(eddy_tls_options){.certificate_data = certificate_pem(one),
                                       .key_data = certificate_key_pem(other)},
                   EDDY_ETLS, "key_data: the key does not belong to the certificate");
}

static void test_a_weak_key_is_refused(struct fixture *f)
{
    const struct certificate *weak =
        certificate_new(&(struct certificate_wish){.names = "DNS:a.test", .rsa_bits = 1024});
    eddy_tls_options options = {.system_trust = EDDY_NO,
                                .certificate_data = certificate_pem(weak),
                                .key_data = certificate_key_pem(weak)};

    (void)f;
    assert_refused(&options, EDDY_ETLS,
                   "certificate_data: the certificate's key is too weak (RSA 1024 bits): ee key "
                   "too small");
    options.ciphers = "DEFAULT:@SECLEVEL=1";
    eddy_tls_context_unref(make(&options));
}

static void test_certificate_chain_and_key_come_from_one_file(struct fixture *f)
{
    const struct certificate *ca =
        certificate_new(&(struct certificate_wish){.is_authority = true});
    const struct certificate *between =
        certificate_new(&(struct certificate_wish){.is_authority = true, .issuer = ca});
    const struct certificate *own = certificate_for("DNS:a.test", between);
    eddy_buffer chain = certificate_join(certificate_pem(own), certificate_pem(between));
    const char *path =
        certificate_file("all.pem", certificate_join(certificate_key_pem(own), chain));
    eddy_tls_context *context = make(&(eddy_tls_options){.server = true, .certificate_file = path});
    SSL_CTX *native = eddy_tls_context_native(context);
    STACK_OF(X509) *others = NULL;

    (void)f;
    assert_int_equal(X509_cmp(SSL_CTX_get0_certificate(native), certificate_x509(own)), 0);
    assert_int_equal(EVP_PKEY_eq(SSL_CTX_get0_privatekey(native), certificate_key(own)), 1);
    assert_int_equal(SSL_CTX_get0_chain_certs(native, &others), 1);
    assert_int_equal(sk_X509_num(others), 1);
    assert_int_equal(X509_cmp(sk_X509_value(others, 0), certificate_x509(between)), 0);
    eddy_tls_context_unref(context);
}

/* A password, or a refusal. */
struct answer {
    const char *text;
    int code;
    int asked;
};

static int on_password(void *arg, char *buffer, size_t size)
{
    struct answer *answer = arg;

    answer->asked++;
    if (answer->code != 0)
        return eddy_error(answer->code, "nobody is at home");
    assert_true(strlen(answer->text) <= size);
    memcpy(buffer, answer->text, strlen(answer->text));
    return (int)strlen(answer->text);
}

static void test_a_locked_key_opens_with_its_password(struct fixture *f)
{
    const struct certificate *own = certificate_for("DNS:a.test", NULL);
    struct answer answer = {.text = "sesame"};
    eddy_tls_options options = {.server = true,
                                .certificate_data = certificate_pem(own),
                                .key_data = certificate_locked_key_pem(own, "sesame"),
                                .password = on_password,
                                .password_arg = &answer};

    (void)f;
    eddy_tls_context_unref(make(&options));
    assert_true(answer.asked > 0);
    answer.text = "open barley";
    assert_refused(&options, EDDY_ETLS, "key_data: wrong password");
    answer.code = EDDY_EUSER - 7;
    assert_refused(&options, EDDY_EUSER - 7, "nobody is at home");
    options.password = NULL;
    assert_refused(&options, EDDY_ETLS, "key_data: the key is encrypted, and there is no password");
}

static void test_pkcs12_brings_everything(struct fixture *f)
{
    const struct certificate *ca =
        certificate_new(&(struct certificate_wish){.is_authority = true});
    const struct certificate *between =
        certificate_new(&(struct certificate_wish){.is_authority = true, .issuer = ca});
    const struct certificate *own = certificate_for("DNS:a.test", between);
    struct answer answer = {.text = "sesame"};
    eddy_tls_options options = {.pkcs12_data = certificate_pkcs12(own, between, "sesame"),
                                .password = on_password,
                                .password_arg = &answer};
    eddy_tls_context *context = make(&options);
    STACK_OF(X509) *others = NULL;

    (void)f;
    SSL_CTX_get0_chain_certs(eddy_tls_context_native(context), &others);
    assert_int_equal(sk_X509_num(others), 1);
    assert_non_null(SSL_CTX_get0_privatekey(eddy_tls_context_native(context)));
    eddy_tls_context_unref(context);
    answer.text = "open barley";
    assert_refused(&options, EDDY_ETLS, "pkcs12_data: wrong password");
    options.password = NULL;
    assert_refused(&options, EDDY_ETLS, "pkcs12_data: the key is encrypted");
}

static void test_pkcs12_without_a_password_needs_none(struct fixture *f)
{
    const struct certificate *own = certificate_for("DNS:a.test", NULL);
    eddy_tls_options options = {.pkcs12_data = certificate_pkcs12(own, NULL, "")};

    (void)f;
    eddy_tls_context_unref(make(&options));
    options.pkcs12_data = certificate_pkcs12(own, NULL, NULL);
    eddy_tls_context_unref(make(&options));
}

static void test_versions_are_set(struct fixture *f)
{
    eddy_tls_context *context = make(&(eddy_tls_options){
        .system_trust = EDDY_NO, .version_min = EDDY_TLS_1_2, .version_max = EDDY_TLS_1_2});
    SSL_CTX *native = eddy_tls_context_native(context);

    (void)f;
    assert_int_equal(SSL_CTX_get_min_proto_version(native), TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_max_proto_version(native), TLS1_2_VERSION);
    eddy_tls_context_unref(context);
}

/* OpenSSL's own thing, with our rules for names on each connection. */
static void test_a_native_context_is_left_as_it_is(struct fixture *f)
{
    SSL_CTX *native = SSL_CTX_new(TLS_client_method());
    uint64_t before = SSL_CTX_get_options(native);
    eddy_tls_context *context = NULL;
    int result;

    (void)f;
    result = eddy_tls_context_new(&(eddy_tls_options){.native = native}, &context);
    if (result == 0) {
        assert_ptr_equal(eddy_tls_context_native(context), native);
        assert_false(eddy__tls_context_checks_name(context)); /* it does not verify */
        eddy_tls_context_unref(context);
        result = eddy_tls_context_new(
            &(eddy_tls_options){.native = native, .verify = EDDY_TLS_VERIFY_REQUIRED}, &context);
    }
    if (result == 0) {
        assert_true(eddy__tls_context_checks_name(context));
        assert_int_equal(SSL_CTX_get_verify_mode(native), SSL_VERIFY_NONE);
        assert_true(SSL_CTX_get_options(native) == before);
        eddy_tls_context_unref(context);
        assert_refused(&(eddy_tls_options){.native = native, .server = true}, EDDY_EINVALID,
                       "for the other side");
    }
    SSL_CTX_free(native);
    must(result);
}

static void test_a_library_context_of_its_own_serves(struct fixture *f)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    const struct certificate *own = certificate_for("DNS:a.test", NULL);
    eddy_tls_options options = {.server = true,
                                .certificate_data = certificate_pem(own),
                                .key_data = certificate_key_pem(own),
                                .library_context = library};
    eddy_tls_context *context = NULL;
    int result;

    (void)f;
    result = eddy_tls_context_new(&options, &context);
    eddy_tls_context_unref(context);
    OSSL_LIB_CTX_free(library);
    must(result);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_the_default_is_safe),
        TEST(test_the_default_context_is_a_mark),
        TEST(test_references_are_counted),
        TEST(test_options_that_exclude_each_other_are_refused),
        TEST(test_what_openssl_does_not_know_is_refused),
        TEST(test_a_file_that_cannot_be_read_is_named),
        TEST(test_a_file_without_what_it_is_for_is_named),
        TEST(test_damaged_pem_is_told_from_none),
        TEST(test_a_key_of_another_certificate_is_refused),
        TEST(test_a_weak_key_is_refused),
        TEST(test_certificate_chain_and_key_come_from_one_file),
        TEST(test_a_locked_key_opens_with_its_password),
        TEST(test_pkcs12_brings_everything),
        TEST(test_pkcs12_without_a_password_needs_none),
        TEST(test_versions_are_set),
        TEST(test_a_native_context_is_left_as_it_is),
        TEST(test_a_library_context_of_its_own_serves),
    };

    return run_suite("tls_context", tests);
}
