/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* CMocka leaves these to its users. */
#include "common/error.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/thread.h"
#include <cmocka.h>
#include <eddy/log.h>
#if defined(_WIN32)
#define NUMBER_OF_REFUSED 10061 /* WSAECONNREFUSED */
#define NUMBER_OF_NOTHING 60000
#else
#include <errno.h>
#define NUMBER_OF_REFUSED ECONNREFUSED
#define NUMBER_OF_NOTHING 60000
#endif

#define CODE(name, number, text) EDDY_##name,
static const int codes[] = {EDDY_ERRORS_OF_LIBRARY(CODE) EDDY_ERRORS_OF_SYSTEM(CODE)
                                EDDY_ERRORS_OF_RESOLVER(CODE) EDDY_ERRORS_OF_TLS(CODE)};
enum { CODES = sizeof codes / sizeof codes[0] };

static void test_every_code_has_a_name_and_a_text_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        assert_memory_equal(eddy_err_name(codes[i]), "EDDY_E", 6);
        assert_string_not_equal(eddy_err_name(codes[i]), "EDDY_E?");
        assert_string_not_equal(eddy_strerror(codes[i]), eddy_strerror(-999));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(eddy_err_name(codes[i]), eddy_err_name(codes[k]));
            assert_string_not_equal(eddy_strerror(codes[i]), eddy_strerror(codes[k]));
        }
    }
    assert_string_equal(eddy_err_name(EDDY_ECONNREFUSED), "EDDY_ECONNREFUSED");
    assert_string_equal(eddy_strerror(EDDY_ECONNREFUSED), "connection refused");
}

static void test_numbers_that_are_no_codes_have_a_text_too(void **state)
{
    (void)state;
    assert_string_equal(eddy_strerror(0), "no error");
    assert_string_equal(eddy_strerror(7), "no error");
    assert_string_equal(eddy_strerror(-999), "unknown error");
    assert_string_equal(eddy_strerror(EDDY_EUSER - 5), "error of the program");
    assert_string_equal(eddy_err_name(0), "EDDY_E?");
    assert_string_equal(eddy_err_name(EDDY_EUSER - 5), "EDDY_E?");
    assert_string_equal(eddy_err_name(EDDY_EUSER), "EDDY_EUSER");
}

static void test_a_program_sets_the_text_of_its_error(void **state)
{
    (void)state;
    assert_int_equal(eddy_error(EDDY_EUSER - 1, "no user %s", "ada"), EDDY_EUSER - 1);
    assert_string_equal(eddy_error_text(), "no user ada");
    assert_int_equal(eddy_error_number(), 0);
    eddy_error(EDDY_EBADF, "%s", "");
    assert_string_equal(eddy_error_text(), eddy_strerror(EDDY_EBADF));
}

static void test_an_error_text_may_contain_the_previous_one(void **state)
{
    (void)state;
    eddy_error(EDDY_EIO, "disk");
    eddy_error(EDDY_EUSER, "save: %s", eddy_error_text());
    assert_string_equal(eddy_error_text(), "save: disk");
}

static void test_a_long_text_is_cut_between_characters(void **state)
{
    char text[400];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    eddy_error(EDDY_EIO, "%s", text);
    assert_int_equal(strlen(eddy_error_text()), 255);
    memcpy(text + 254, "\xC3\xA9", 2); /* e with acute accent */
    eddy_error(EDDY_EIO, "%s", text);
    assert_int_equal(strlen(eddy_error_text()), 254);
}

static void test_the_number_of_the_system_comes_with_its_code_only(void **state)
{
    (void)state;
    assert_int_equal(eddy__system_error(NUMBER_OF_REFUSED), EDDY_ECONNREFUSED);
    eddy_error(EDDY_EINVALID, "something else");
    assert_int_equal(eddy_error_number(), 0);
    eddy_error(EDDY_ECONNREFUSED, "connecting");
    assert_int_equal(eddy_error_number(), NUMBER_OF_REFUSED);
    eddy_error(EDDY_ECONNREFUSED, "made up by a program");
    assert_int_equal(eddy_error_number(), 0);
}

static void test_a_failure_travels_with_its_text_and_number(void **state)
{
    struct eddy__failure *failure;

    (void)state;
    eddy_error(eddy__system_error(NUMBER_OF_REFUSED), "connecting to %s", "there");
    failure = eddy__failure_capture(EDDY_ECONNREFUSED);
    assert_non_null(failure);
    eddy_error(EDDY_EINVALID, "meanwhile");
    assert_null(eddy__failure_capture(EDDY_EBADF));
    eddy__failure_restore(EDDY_ECONNREFUSED, failure);
    assert_string_equal(eddy_error_text(), "connecting to there");
    assert_int_equal(eddy_error_number(), NUMBER_OF_REFUSED);
    eddy__failure_restore(EDDY_EBADF, NULL);
    assert_string_equal(eddy_error_text(), eddy_strerror(EDDY_EBADF));
    assert_int_equal(eddy_error_number(), 0);
    eddy__free(failure);
}

static void test_a_failure_without_a_text_does_not_take_an_older_one(void **state)
{
    struct eddy__failure *failure;

    (void)state;
    eddy_error(eddy__system_error(NUMBER_OF_REFUSED), "the first");
    eddy__system_error(NUMBER_OF_REFUSED);
    failure = eddy__failure_capture(EDDY_ECONNREFUSED);
    assert_non_null(failure);
    assert_string_equal(failure->text, "");
    assert_int_equal(failure->number, NUMBER_OF_REFUSED);
    eddy__free(failure);
}

static void test_an_unknown_error_is_told_in_the_words_of_the_system(void **state)
{
    struct eddy__failure *failure;
    char words[256];

    (void)state;
    assert_int_equal(eddy__system_error(NUMBER_OF_NOTHING), EDDY_EUNKNOWN);
    failure = eddy__failure_capture(EDDY_EUNKNOWN);
    assert_non_null(failure);
    eddy__failure_restore(EDDY_EUNKNOWN, failure);
    assert_int_equal(eddy_error_number(), NUMBER_OF_NOTHING);
    eddy__system_text(NUMBER_OF_NOTHING, words, sizeof words);
    if (words[0] != '\0')
        assert_string_equal(eddy_error_text(), words);
    eddy__free(failure);
}

static void other_thread(void *arg)
{
    *(bool *)arg = strcmp(eddy_error_text(), "no error") == 0;
    eddy_error(EDDY_EIO, "of the other thread");
}

static void test_each_thread_has_its_own_text(void **state)
{
    struct eddy__thread thread;
    bool was_empty = false;

    (void)state;
    eddy_error(EDDY_EUSER, "mine");
    assert_int_equal(eddy__thread_start(&thread, "other", other_thread, &was_empty), 0);
    eddy__thread_join(&thread);
    assert_true(was_empty);
    assert_string_equal(eddy_error_text(), "mine");
}

static char log_text[4096];
static eddy_log_level log_level;

static void log_keep(eddy_log_level level, const char *text, void *arg)
{
    assert_ptr_equal(arg, log_text);
    log_level = level;
    snprintf(log_text, sizeof log_text, "%s", text);
}

static void test_the_log_hook_gets_whole_records(void **state)
{
    char text[3000];

    (void)state;
    memset(text, 'y', sizeof text);
    text[sizeof text - 1] = '\0';
    eddy_set_log_handler(log_keep, log_text);
    eddy__log(EDDY_LOG_WARNING, "%d of %s", 3, "four");
    assert_string_equal(log_text, "3 of four");
    assert_int_equal(log_level, EDDY_LOG_WARNING);
    log_text[0] = '\0';
    eddy__log(EDDY_LOG_ERROR, "%s", text);
    assert_int_equal(strlen(log_text), sizeof text - 1);
    eddy_set_log_handler(NULL, NULL);
}

/* What the system says of a connection is put into words when somebody asks, not before. */
static void test_words_about_a_peer_are_composed_late(void **state)
{
    eddy_address peer;
    char text[200];

    (void)state;
    assert_int_equal(eddy_address_parse("192.0.2.1", 80, &peer), 0);
    assert_int_equal(eddy__error_of_peer(EDDY_ECONNRESET, &peer), EDDY_ECONNRESET);
    memset(&peer, 0, sizeof peer);
    assert_true(eddy__thread_state()->error->is_of_peer);
    snprintf(text, sizeof text, "connection with 192.0.2.1:80: %s", eddy_strerror(EDDY_ECONNRESET));
    assert_string_equal(eddy_error_text(), text);
    assert_string_equal(eddy__error_said(EDDY_ECONNRESET), text);
    assert_null(eddy__error_said(EDDY_EPIPE));
    eddy__error_of_peer(EDDY_EPIPE, &peer);
    snprintf(text, sizeof text, "connection with peer: %s", eddy_strerror(EDDY_EPIPE));
    assert_string_equal(eddy_error_text(), text);
    eddy__error_of_peer(EDDY_EPIPE, &peer);
    eddy_error(EDDY_EINVALID, "something else");
    assert_string_equal(eddy_error_text(), "something else");
}

/* Kept for later, a code stays what it is, whatever its number. */
static void test_a_late_error_keeps_its_code(void **state)
{
    static const int64_t numbers[] = {-5, 0, 1, 4999, INT64_C(0x7FFFFFFF), INT64_C(0xC0000005)};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int code = eddy__system_error(numbers[i]);

        assert_int_equal(eddy__late_error_tell(eddy__late_error_keep(code)), code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_name_and_a_text_of_its_own),
        cmocka_unit_test(test_numbers_that_are_no_codes_have_a_text_too),
        cmocka_unit_test(test_a_program_sets_the_text_of_its_error),
        cmocka_unit_test(test_an_error_text_may_contain_the_previous_one),
        cmocka_unit_test(test_a_long_text_is_cut_between_characters),
        cmocka_unit_test(test_the_number_of_the_system_comes_with_its_code_only),
        cmocka_unit_test(test_a_failure_travels_with_its_text_and_number),
        cmocka_unit_test(test_a_failure_without_a_text_does_not_take_an_older_one),
        cmocka_unit_test(test_an_unknown_error_is_told_in_the_words_of_the_system),
        cmocka_unit_test(test_words_about_a_peer_are_composed_late),
        cmocka_unit_test(test_a_late_error_keeps_its_code),
        cmocka_unit_test(test_each_thread_has_its_own_text),
        cmocka_unit_test(test_the_log_hook_gets_whole_records),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
