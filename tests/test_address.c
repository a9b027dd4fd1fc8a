/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* CMocka leaves these to its users. */
#include "common/address.h"
#include <cmocka.h>
#include <eddy/error.h>

static void assert_format(const eddy_address *address, const char *expected)
{
    char text[EDDY_ADDRESS_TEXT_MAX];

    assert_int_equal(eddy_address_format(address, text, sizeof text), 0);
    assert_string_equal(text, expected);
}

static void assert_host(const eddy_address *address, const char *expected)
{
    char text[EDDY_ADDRESS_TEXT_MAX];

    assert_int_equal(eddy_address_host(address, text, sizeof text), 0);
    assert_string_equal(text, expected);
}

static void test_numbers_are_parsed_and_printed(void **state)
{
    static const struct {
        const char *host;
        eddy_family family;
        const char *text;
    } rows[] = {
        {"127.0.0.1", EDDY_INET, "127.0.0.1:80"},
        {"255.255.255.255", EDDY_INET, "255.255.255.255:80"},
        {NULL, EDDY_INET, "0.0.0.0:80"},
        {"", EDDY_INET, "0.0.0.0:80"},
        {"::", EDDY_INET6, "[::]:80"},
        {"::1", EDDY_INET6, "[::1]:80"},
        {"2001:DB8:0:0::1", EDDY_INET6, "[2001:db8::1]:80"},
        {"::ffff:1.2.3.4", EDDY_INET6, "[::ffff:1.2.3.4]:80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        eddy_address address;

        assert_int_equal(eddy_address_parse(rows[i].host, 80, &address), 0);
        assert_int_equal(eddy_address_family(&address), rows[i].family);
        assert_int_equal(eddy_address_port(&address), 80);
        assert_format(&address, rows[i].text);
    }
}

static void test_what_is_no_number_is_refused_and_changes_nothing(void **state)
{
    static const char *const hosts[] = {"localhost", "1.2.3",   "1.2.3.4.5", "1.2.3.256",
                                        "1.2.3.4%1", "::1%",    "::1%x",     "::1%4294967296",
                                        "::1%-1",    "1::2::3", "[::1]",     " 1.2.3.4"};
    eddy_address before;
    eddy_address address;

    (void)state;
    memset(&before, 0x5A, sizeof before);
    address = before;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_int_equal(eddy_address_parse(hosts[i], 1, &address), EDDY_EINVALID);
    assert_int_equal(eddy_address_parse("::1", -1, &address), EDDY_EINVALID);
    assert_int_equal(eddy_address_parse("::1", 65536, &address), EDDY_EINVALID);
    assert_memory_equal(&address, &before, sizeof before);
}

static void test_a_host_of_any_length_is_only_refused(void **state)
{
    char host[300];
    eddy_address address;

    (void)state;
    memset(host, ':', sizeof host);
    memcpy(host + sizeof host - 3, "%1", 3);
    assert_int_equal(eddy_address_parse(host, 1, &address), EDDY_EINVALID);
}

/* NET-5: scope and flow information are kept. */
static void test_the_scope_of_an_ipv6_address_is_kept_and_printed(void **state)
{
    struct eddy__endpoint endpoint;
    eddy_address address;

    (void)state;
    assert_int_equal(eddy_address_parse("fe80::1%4294967295", 65535, &address), 0);
    assert_int_equal(eddy_address_scope_id(&address), UINT32_MAX);
    assert_host(&address, "fe80::1%4294967295");
    assert_format(&address, "[fe80::1%4294967295]:65535");
    eddy__address_split(&address, &endpoint);
    endpoint.flowinfo = 0x12345;
    assert_int_equal(eddy__address_join(&endpoint, &address), 0);
    assert_int_equal(eddy_address_flowinfo(&address), 0x12345);
    assert_int_equal(eddy_address_scope_id(&address), UINT32_MAX);
}

static void test_all_zero_is_the_unspecified_address(void **state)
{
    eddy_address address = {{0}, 0, 0};
    size_t size = 1;

    (void)state;
    assert_int_equal(eddy_address_family(&address), EDDY_UNSPEC);
    assert_int_equal(eddy_address_port(&address), 0);
    assert_format(&address, "");
    assert_non_null(eddy_address_native(&address, &size));
    assert_int_equal(size, 0);
}

static void test_a_native_address_goes_in_and_out(void **state)
{
    eddy_address address;
    eddy_address copy;
    size_t size;
    const void *native;
    char large[200] = {0};

    (void)state;
    assert_int_equal(eddy_address_parse("10.1.2.3", 4567, &address), 0);
    native = eddy_address_native(&address, &size);
    assert_true(size >= 16);
    assert_int_equal(eddy_address_from_native(native, size, &copy), 0);
    assert_true(eddy_address_equal(&address, &copy));
    assert_format(&copy, "10.1.2.3:4567");
    assert_int_equal(eddy_address_from_native(large, sizeof large, &copy), EDDY_EINVALID);
    assert_format(&copy, "10.1.2.3:4567");
}

static void test_a_cut_off_native_address_is_read_within_its_bounds(void **state)
{
    eddy_address whole;

    (void)state;
    assert_int_equal(eddy_address_parse("1.2.3.4", 80, &whole), 0);
    for (size_t size = 0; size < 16; size++) {
        eddy_address cut;

        assert_int_equal(eddy_address_from_native(&whole.storage, size, &cut), 0);
        assert_int_equal(eddy_address_port(&cut), 0);
    }
}

static void test_equal_means_the_same_endpoint(void **state)
{
    static const struct {
        const char *host;
        int port;
    } rows[] = {{"1.2.3.4", 1},   {"1.2.3.4", 2},   {"1.2.3.5", 1},       {"::1", 1},
                {"fe80::1%1", 1}, {"fe80::1%2", 1}, {"::ffff:1.2.3.4", 1}};
    enum { ROWS = sizeof rows / sizeof rows[0] };

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < ROWS; k++) {
            eddy_address a;
            eddy_address b;

            assert_int_equal(eddy_address_parse(rows[i].host, rows[i].port, &a), 0);
            assert_int_equal(eddy_address_parse(rows[k].host, rows[k].port, &b), 0);
            assert_int_equal(eddy_address_equal(&a, &b), i == k);
        }
    }
}

static void test_too_small_a_buffer_is_refused_with_an_empty_text(void **state)
{
    eddy_address address;
    char text[16] = "before";

    (void)state;
    assert_int_equal(eddy_address_parse("127.0.0.1", 80, &address), 0);
    assert_int_equal(eddy_address_host(&address, text, 10), 0);
    assert_string_equal(text, "127.0.0.1");
    assert_int_equal(eddy_address_host(&address, text, 9), EDDY_EINVALID);
    assert_string_equal(text, "");
    assert_int_equal(eddy_address_format(&address, text, 12), EDDY_EINVALID);
    assert_int_equal(eddy_address_format(&address, text, 13), 0);
    assert_int_equal(eddy_address_format(&address, NULL, 0), EDDY_EINVALID);
}

/* NET-31 */
static void test_a_unix_path_is_kept_or_refused(void **state)
{
    char path[300];
    eddy_address address;
    int error = eddy_address_unix("/tmp/x", 6, &address);

    (void)state;
    if (error == EDDY_ENOTSUPPORTED)
        skip();
    assert_int_equal(error, 0);
    assert_int_equal(eddy_address_family(&address), EDDY_UNIX);
    assert_format(&address, "/tmp/x");
    memset(path, 'p', sizeof path);
    assert_int_equal(eddy_address_unix(path, sizeof path, &address), EDDY_EINVALID);
    assert_int_equal(eddy_address_unix("", 0, &address), EDDY_EINVALID);
    assert_int_equal(eddy_address_unix("a\0b", 3, &address), EDDY_EINVALID);
    assert_format(&address, "/tmp/x");
}

/* NET-31: the abstract namespace is Linux's. */
static void test_an_abstract_name_is_bytes(void **state)
{
    eddy_address address;
    eddy_address other;
    int error = eddy_address_unix("\0a\0b", 4, &address);

    (void)state;
    if (error == EDDY_ENOTSUPPORTED)
        skip();
    assert_int_equal(error, 0);
    assert_host(&address, "@a@b");
    assert_int_equal(eddy_address_unix("\0a\0b\0", 5, &other), 0);
    assert_false(eddy_address_equal(&address, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_parsed_and_printed),
        cmocka_unit_test(test_what_is_no_number_is_refused_and_changes_nothing),
        cmocka_unit_test(test_a_host_of_any_length_is_only_refused),
        cmocka_unit_test(test_the_scope_of_an_ipv6_address_is_kept_and_printed),
        cmocka_unit_test(test_all_zero_is_the_unspecified_address),
        cmocka_unit_test(test_a_native_address_goes_in_and_out),
        cmocka_unit_test(test_a_cut_off_native_address_is_read_within_its_bounds),
        cmocka_unit_test(test_equal_means_the_same_endpoint),
        cmocka_unit_test(test_too_small_a_buffer_is_refused_with_an_empty_text),
        cmocka_unit_test(test_a_unix_path_is_kept_or_refused),
        cmocka_unit_test(test_an_abstract_name_is_bytes),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
