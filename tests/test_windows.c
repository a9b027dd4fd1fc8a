/* SPDX-License-Identifier: MIT */
/* The small files of src/win32 that know no loop: numbers, texts, names. */
#include "support/support.h"

#if defined(_WIN32)
#include "common/clock.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/resolver.h"
#include "win32/status.h"
#include "win32/trust.h"
#include "win32/wide.h"
#include <stdio.h>
#include <string.h>

/* NTSTATUS, by value: the kernel's header does not go together with <windows.h>. */
static void test_statuses_become_portable_codes(void **state)
{
    static const struct {
        ULONG status;
        int code;
    } rows[] = {
        {0x00000000, 0},                  /* SUCCESS */
        {0x00000103, 0},                  /* PENDING: no failure */
        {0xC0000120, EDDY_ECONNABORTED},  /* CANCELLED */
        {0x8000000A, EDDY_ECONNABORTED},  /* HANDLES_CLOSED */
        {0xC000020D, EDDY_ECONNRESET},    /* CONNECTION_RESET */
        {0xC0000236, EDDY_ECONNREFUSED},  /* CONNECTION_REFUSED */
        {0xC00000B5, EDDY_ECONNTIMEDOUT}, /* IO_TIMEOUT */
        {0xC000023D, EDDY_EHOSTUNREACH},  /* HOST_UNREACHABLE */
        {0xC000023C, EDDY_ENETUNREACH},   /* NETWORK_UNREACHABLE */
        {0xC000009A, EDDY_ENOBUFS},       /* INSUFFICIENT_RESOURCES */
        {0xC0000022, EDDY_EACCES},        /* ACCESS_DENIED */
        {0xC000014B, EDDY_EPIPE},         /* PIPE_BROKEN, by the system's own table */
        {0xC0070040, EDDY_ECONNRESET},    /* facility NTWIN32: ERROR_NETNAME_DELETED */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(eddy__status_error((eddy__ntstatus)rows[i].status), rows[i].code);
}

static void test_numbers_of_both_kinds_become_codes(void **state)
{
    (void)state;
    assert_int_equal(eddy__system_error(WSAECONNREFUSED), EDDY_ECONNREFUSED);
    assert_int_equal(eddy__system_error(ERROR_FILE_NOT_FOUND), EDDY_ENOENT);
    assert_int_equal(eddy__system_error(ERROR_NOT_ENOUGH_MEMORY), EDDY_ENOMEM);
    assert_int_equal(eddy__system_error(WSAEWOULDBLOCK), EDDY_EAGAIN);
    assert_int_equal(eddy__system_error(0x7FFFFFFF), EDDY_EUNKNOWN);
    assert_int_equal(eddy__system_error(WSAETIMEDOUT), EDDY_ECONNTIMEDOUT);
    assert_int_equal(eddy_error(EDDY_ECONNTIMEDOUT, "no answer"), EDDY_ECONNTIMEDOUT);
    assert_int_equal(eddy_error_number(), WSAETIMEDOUT);
    assert_int_equal(eddy__resolver_error(WSAHOST_NOT_FOUND), EDDY_EAI_NONAME);
    assert_int_equal(eddy__resolver_error(WSATRY_AGAIN), EDDY_EAI_AGAIN);
    assert_int_equal(eddy__resolver_error(WSANO_DATA), EDDY_EAI_NODATA);
    assert_int_equal(eddy__resolver_error(WSA_NOT_ENOUGH_MEMORY), EDDY_ENOMEM);
}

static void test_the_systems_words_are_one_line(void **state)
{
    char text[128] = "unset";

    (void)state;
    eddy__system_text(ERROR_FILE_NOT_FOUND, text, sizeof text);
    assert_true(strlen(text) > 3);
    assert_null(strpbrk(text, "\r\n"));
    assert_int_not_equal(text[strlen(text) - 1], '.');
    eddy__system_text(ERROR_FILE_NOT_FOUND, text, 4);
    assert_int_equal(strlen(text), 3);
    eddy__system_text(0x7FFFFFFF, text, sizeof text);
    assert_string_equal(text, "");
}

static void test_texts_survive_the_way_there_and_back(void **state)
{
    static const char *const texts[] = {"", "abc", "gr\xC3\xBC\xC3\x9F", "\xE2\x82\xAC",
                                        "\xF0\x9F\x98\x80 beyond the first plane"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        WCHAR *wide = NULL;
        char text[64];
        size_t size = strlen(texts[i]) + 1;

        assert_int_equal(eddy__wide_from_utf8(texts[i], &wide), 0);
        assert_int_equal(eddy__wide_to_utf8(wide, NULL, 0), size);
        strcpy_s(text, sizeof text, "unset");
        if (size > 1) {
            assert_int_equal(eddy__wide_to_utf8(wide, text, size - 1), size);
            assert_string_equal(text, "unset");
        }
        assert_int_equal(eddy__wide_to_utf8(wide, text, sizeof text), size);
        assert_string_equal(text, texts[i]);
        eddy__free(wide);
    }
}

static void test_what_is_no_utf8_is_refused(void **state)
{
    WCHAR *wide = NULL;
    WCHAR lone[] = {0xD800, L'x', 0};
    char text[16];

    (void)state;
    assert_int_equal(eddy__wide_from_utf8("\xFF", &wide), EDDY_EINVALID);
    assert_null(wide);
    assert_int_equal(eddy__wide_from_utf8(NULL, &wide), 0);
    assert_null(wide);
    assert_int_equal(eddy__wide_to_utf8(lone, text, sizeof text), 5);
    assert_string_equal(text, "\xEF\xBF\xBDx");
}

static void test_numbers_are_resolved_without_asking(void **state)
{
    const struct eddy__resolver_query query = {.host = "127.0.0.1",
                                               .service = "80",
                                               .type = EDDY_STREAM,
                                               .flags = EDDY_AI_NUMERICHOST | EDDY_AI_NUMERICSERV |
                                                        EDDY_AI_CANONNAME};
    eddy_address_list *list = NULL;
    const eddy_addrinfo *entry;
    char text[EDDY_ADDRESS_TEXT_MAX];

    (void)state;
    assert_int_equal(eddy__resolver_addresses(&query, &list), 0);
    assert_int_equal(eddy_address_list_count(list), 1);
    entry = eddy_address_list_get(list, 0);
    assert_int_equal(entry->family, EDDY_INET);
    assert_int_equal(entry->type, EDDY_STREAM);
    assert_int_equal(eddy_address_format(&entry->address, text, sizeof text), 0);
    assert_string_equal(text, "127.0.0.1:80");
    assert_string_equal(entry->canonical_name, "127.0.0.1");
    eddy_address_list_free(list);
}

static void test_a_name_that_is_none_is_said_so(void **state)
{
    const struct eddy__resolver_query query = {.host = "no number", .flags = EDDY_AI_NUMERICHOST};
    eddy_address_list *list = NULL;

    (void)state;
    assert_int_equal(eddy__resolver_addresses(&query, &list), EDDY_EAI_NONAME);
    assert_null(list);
    assert_non_null(strstr(eddy_error_text(), "no number"));
}

static void test_an_address_gets_its_numbers_back(void **state)
{
    eddy_address address;
    eddy_name_info *info = NULL;

    (void)state;
    assert_int_equal(eddy_address_parse("::1", 443, &address), 0);
    assert_int_equal(
        eddy__resolver_name(&address, EDDY_NI_NUMERICHOST | EDDY_NI_NUMERICSERV, &info), 0);
    assert_string_equal(info->host, "::1");
    assert_string_equal(info->service, "443");
    eddy_name_info_free(info);
}

/* The two clocks of the system tell the same time, in whole seconds of a long uptime too. */
static void test_the_clock_keeps_up_with_the_systems(void **state)
{
    eddy_time ours = eddy__clock_now();
    ULONGLONG theirs = GetTickCount64();

    (void)state;
    while (GetTickCount64() - theirs < 100)
        continue;
    ours = eddy__clock_now() - ours;
    assert_in_range(ours, EDDY_MILLISECONDS(70), EDDY_SECONDS(5));
    assert_in_range(eddy__clock_resolution(), 1, EDDY_MICROSECONDS(10));
}

/** A root that signed itself, without any extension. */
static const unsigned char root_der[] = {
    0x30, 0x82, 0x01, 0x1a, 0x30, 0x81, 0xc1, 0x02, 0x14, 0x08, 0x05, 0xfd, 0xa5, 0xde, 0x09, 0x5a,
    0x2d, 0x8b, 0x1d, 0x4c, 0x98, 0x94, 0x00, 0xf7, 0xfd, 0x67, 0xe1, 0x47, 0x6d, 0x30, 0x0a, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x30, 0x0f, 0x31, 0x0d, 0x30, 0x0b, 0x06,
    0x03, 0x55, 0x04, 0x03, 0x0c, 0x04, 0x72, 0x6f, 0x6f, 0x74, 0x30, 0x20, 0x17, 0x0d, 0x32, 0x36,
    0x31, 0x31, 0x33, 0x30, 0x30, 0x32, 0x35, 0x31, 0x32, 0x36, 0x5a, 0x18, 0x0f, 0x32, 0x31, 0x32,
    0x36, 0x31, 0x31, 0x30, 0x36, 0x30, 0x32, 0x35, 0x31, 0x32, 0x36, 0x5a, 0x30, 0x0f, 0x31, 0x0d,
    0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x04, 0x72, 0x6f, 0x6f, 0x74, 0x30, 0x59, 0x30,
    0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0xe1, 0xd7, 0xbe, 0xab, 0x96, 0x8f, 0xa2, 0x18,
    0xd7, 0x4b, 0x96, 0x01, 0x0e, 0xa2, 0x88, 0x4a, 0xfe, 0xc2, 0x56, 0x34, 0x4a, 0x2a, 0x2d, 0x83,
    0xe8, 0x50, 0x13, 0x98, 0x8e, 0x09, 0x61, 0x72, 0x02, 0xa5, 0xd7, 0x57, 0xd0, 0xcf, 0x4e, 0x5c,
    0x87, 0xc9, 0xbf, 0xb3, 0xa0, 0xee, 0xfb, 0xa7, 0x52, 0xdd, 0x84, 0x45, 0x8c, 0xbe, 0x68, 0xef,
    0xd9, 0x67, 0x45, 0xbf, 0xfa, 0xa0, 0x08, 0x32, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x04, 0x03, 0x02, 0x03, 0x48, 0x00, 0x30, 0x45, 0x02, 0x21, 0x00, 0xe1, 0x26, 0x8d, 0x73,
    0xb0, 0xbd, 0xe5, 0xd9, 0x39, 0x98, 0x4f, 0x7f, 0x94, 0x5f, 0xbe, 0xc9, 0xeb, 0xbe, 0x0e, 0xcf,
    0x62, 0xd0, 0x2d, 0x61, 0xc4, 0xc2, 0xf1, 0x31, 0xd4, 0x57, 0x92, 0x6b, 0x02, 0x20, 0x56, 0x78,
    0xb8, 0xb9, 0xd4, 0x84, 0xac, 0x63, 0x30, 0x06, 0xc1, 0x35, 0x04, 0xb5, 0x13, 0x37, 0x98, 0xae,
    0xe7, 0x87, 0xae, 0xa3, 0xb3, 0x7e, 0xd2, 0x02, 0x6d, 0xff, 0x59, 0x54, 0x07, 0x3d,
};

/* What a root is for is a property beside it: with none it is for everything. */
static void test_a_root_is_for_what_its_property_says(void **state)
{
    static char *servers[] = {szOID_PKIX_KP_SERVER_AUTH};
    static char *mail[] = {szOID_PKIX_KP_EMAIL_PROTECTION, szOID_PKIX_KP_CLIENT_AUTH};
    CERT_ENHKEY_USAGE for_servers = {1, servers};
    CERT_ENHKEY_USAGE for_mail = {2, mail};
    CERT_ENHKEY_USAGE for_nothing = {0, NULL};
    const CERT_CONTEXT *root =
        CertCreateCertificateContext(X509_ASN_ENCODING, root_der, sizeof root_der);

    (void)state;
    assert_non_null(root);
    assert_int_equal(eddy__trust_allows(root, EDDY__TRUST_SERVERS), 1);
    assert_true(CertSetEnhancedKeyUsage(root, &for_servers));
    assert_int_equal(eddy__trust_allows(root, EDDY__TRUST_SERVERS), 1);
    assert_int_equal(eddy__trust_allows(root, EDDY__TRUST_CLIENTS), 0);
    assert_true(CertSetEnhancedKeyUsage(root, &for_mail));
    assert_int_equal(eddy__trust_allows(root, EDDY__TRUST_SERVERS), 0);
    assert_int_equal(eddy__trust_allows(root, EDDY__TRUST_CLIENTS), 1);
    assert_true(CertSetEnhancedKeyUsage(root, &for_nothing));
    assert_int_equal(eddy__trust_allows(root, EDDY__TRUST_SERVERS), 0);
    assert_true(CertSetEnhancedKeyUsage(root, NULL));
    assert_int_equal(eddy__trust_allows(root, EDDY__TRUST_SERVERS), 1);
    CertFreeCertificateContext(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_become_portable_codes),
        cmocka_unit_test(test_numbers_of_both_kinds_become_codes),
        cmocka_unit_test(test_the_systems_words_are_one_line),
        cmocka_unit_test(test_texts_survive_the_way_there_and_back),
        cmocka_unit_test(test_what_is_no_utf8_is_refused),
        cmocka_unit_test(test_numbers_are_resolved_without_asking),
        cmocka_unit_test(test_a_name_that_is_none_is_said_so),
        cmocka_unit_test(test_an_address_gets_its_numbers_back),
        cmocka_unit_test(test_a_root_is_for_what_its_property_says),
        cmocka_unit_test(test_the_clock_keeps_up_with_the_systems),
    };

    return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
#else

int main(void)
{
    print_message("skipped: this system is not Windows\n");
    return 0;
}
#endif
