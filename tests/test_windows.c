/* SPDX-License-Identifier: MIT */
/* The small files of src/win32 that know no loop: numbers, texts, names. */
#include "support/support.h"

#if defined(_WIN32)
#include "common/clock.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/resolver.h"
#include "win32/status.h"
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
