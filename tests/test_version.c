/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* CMocka leaves these to its users. */
#include <cmocka.h>
#include <eddy/version.h>

static void test_library_and_header_are_of_one_version(void **state)
{
    (void)state;
    assert_int_equal(eddy_version(), EDDY_VERSION_NUMBER);
}

static void test_text_says_the_same_as_the_number(void **state)
{
    unsigned version = eddy_version();
    char expected[32];

    (void)state;
    snprintf(expected, sizeof expected, "%u.%u.%u", version >> 16, (version >> 8) & 0xff,
             version & 0xff);
    assert_string_equal(eddy_version_text(), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library_and_header_are_of_one_version),
        cmocka_unit_test(test_text_says_the_same_as_the_number),
    };

    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
