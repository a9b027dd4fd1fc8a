/* SPDX-License-Identifier: MIT */
/* The host table of a simulation, and what resolves from it. */
/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/allocations.h"
#include "support/sim_net.h"
#include <string.h>

/** The answer as one text: addresses with their types, separated by blanks; or the error's name. */
static const char *resolved(eddy_sim *sim, struct eddy__resolver_query query)
{
    static char text[512];
    eddy_address_list *list = NULL;
    int error = eddy__sim_resolve(sim, &query, &list);

    text[0] = '\0';
    if (error)
        return eddy_err_name(error);
    for (size_t i = 0; i < list->count; i++) {
        size_t used = strlen(text);

        eddy_address_format(&list->entries[i].address, text + used, sizeof text - used);
        used = strlen(text);
        memcpy(text + used, list->entries[i].type == EDDY_STREAM ? "/s " : "/d ", 4);
    }
    eddy__free(list);
    return text;
}

static void test_localhost_has_both_families(void **state)
{
    eddy_sim *sim = perfect_sim();

    (void)state;
    assert_string_equal(resolved(sim, (struct eddy__resolver_query){.host = "LocalHost",
                                                                    .service = "80",
                                                                    .type = EDDY_STREAM}),
                        "127.0.0.1:80/s [::1]:80/s ");
    assert_string_equal(resolved(sim, (struct eddy__resolver_query){.host = "localhost",
                                                                    .family = EDDY_INET6,
                                                                    .type = EDDY_DGRAM}),
                        "[::1]:0/d ");
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_without_a_type_every_type_is_answered(void **state)
{
    eddy_sim *sim = perfect_sim();

    (void)state;
    assert_string_equal(resolved(sim, (struct eddy__resolver_query){.host = "192.0.2.9"}),
                        "192.0.2.9:0/s 192.0.2.9:0/d ");
    assert_string_equal(
        resolved(sim, (struct eddy__resolver_query){.host = "192.0.2.9", .protocol = EDDY_UDP}),
        "192.0.2.9:0/d ");
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_added_hosts_resolve_in_the_order_of_adding(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_address first = address_of("2001:db8::1", 99);
    eddy_address second = address_of("192.0.2.1", 0);

    (void)state;
    assert_int_equal(eddy_sim_add_host(sim, "mail.test", &first), 0);
    assert_int_equal(eddy_sim_add_host(sim, "mail.test", &second), 0);
    assert_string_equal(resolved(sim, (struct eddy__resolver_query){.host = "mail.test",
                                                                    .service = "smtp",
                                                                    .type = EDDY_STREAM}),
                        "[2001:db8::1]:25/s 192.0.2.1:25/s ");
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_no_host_is_any_or_this_one(void **state)
{
    eddy_sim *sim = perfect_sim();
    struct eddy__resolver_query query = {.service = "http", .type = EDDY_STREAM};

    (void)state;
    assert_string_equal(resolved(sim, query), "127.0.0.1:80/s [::1]:80/s ");
    query.flags = EDDY_AI_PASSIVE;
    assert_string_equal(resolved(sim, query), "0.0.0.0:80/s [::]:80/s ");
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_ipv4_addresses_are_mapped_only_on_request(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_address address = address_of("192.0.2.1", 0);
    struct eddy__resolver_query query = {
        .host = "mail.test", .family = EDDY_INET6, .type = EDDY_STREAM};

    (void)state;
    assert_int_equal(eddy_sim_add_host(sim, "mail.test", &address), 0);
    assert_string_equal(resolved(sim, query), "EDDY_EAI_NODATA");
    query.flags = EDDY_AI_V4MAPPED;
    assert_string_equal(resolved(sim, query), "[::ffff:192.0.2.1]:0/s ");
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_what_does_not_resolve_says_why(void **state)
{
    static const struct {
        struct eddy__resolver_query query;
        const char *error;
    } cases[] = {
        {{.host = "unknown.test"}, "EDDY_EAI_NONAME"},
        {{.host = NULL}, "EDDY_EAI_NONAME"},
        {{.host = "localhost", .flags = EDDY_AI_NUMERICHOST}, "EDDY_EAI_NONAME"},
        {{.host = "localhost", .service = "no-such"}, "EDDY_EAI_SERVICE"},
        {{.host = "localhost", .service = "65536"}, "EDDY_EAI_SERVICE"},
        {{.host = "localhost", .service = "http", .flags = EDDY_AI_NUMERICSERV}, "EDDY_EAI_NONAME"},
        {{.host = "::1", .family = EDDY_INET}, "EDDY_EAI_ADDRFAMILY"},
        {{.host = "localhost", .family = EDDY_UNIX}, "EDDY_EAI_FAMILY"},
        {{.host = "localhost", .type = EDDY_STREAM, .protocol = EDDY_UDP}, "EDDY_EAI_SOCKTYPE"},
        {{.host = "localhost", .flags = 1u << 30}, "EDDY_EAI_BADFLAGS"},
        {{.service = "80", .flags = EDDY_AI_CANONNAME}, "EDDY_EAI_BADFLAGS"},
    };
    eddy_sim *sim = perfect_sim();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(resolved(sim, cases[i].query), cases[i].error);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_the_canonical_name_comes_with_the_first_entry(void **state)
{
    eddy_sim *sim = perfect_sim();
    struct eddy__resolver_query query = {.host = "localhost", .flags = EDDY_AI_CANONNAME};
    eddy_address_list *list;

    (void)state;
    assert_int_equal(eddy__sim_resolve(sim, &query, &list), 0);
    assert_string_equal(list->entries[0].canonical_name, "localhost");
    assert_null(list->entries[1].canonical_name);
    eddy__free(list);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_addresses_have_names_if_the_table_knows_them(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_address known = address_of("127.0.0.1", 443);
    eddy_address unknown = address_of("192.0.2.1", 444);
    eddy_name_info *info;

    (void)state;
    assert_int_equal(eddy__sim_name(sim, &known, 0, &info), 0);
    assert_string_equal(info->host, "localhost");
    assert_string_equal(info->service, "https");
    eddy__free(info);
    assert_int_equal(eddy__sim_name(sim, &known, EDDY_NI_NUMERICHOST | EDDY_NI_NUMERICSERV, &info),
                     0);
    assert_string_equal(info->host, "127.0.0.1");
    assert_string_equal(info->service, "443");
    eddy__free(info);
    assert_int_equal(eddy__sim_name(sim, &unknown, EDDY_NI_NAMEREQD, &info), EDDY_EAI_NONAME);
    assert_int_equal(eddy__sim_name(sim, &unknown, 0, &info), 0);
    assert_string_equal(info->host, "192.0.2.1");
    assert_string_equal(info->service, "444");
    eddy__free(info);
    assert_int_equal(eddy_sim_free(sim), 0);
}

static void test_hosts_without_name_or_address_are_refused(void **state)
{
    eddy_sim *sim = perfect_sim();
    eddy_address address = address_of("192.0.2.1", 0);
    eddy_address none = {0};

    (void)state;
    assert_int_equal(eddy_sim_add_host(sim, "", &address), EDDY_EINVALID);
    assert_int_equal(eddy_sim_add_host(sim, NULL, &address), EDDY_EINVALID);
    assert_int_equal(eddy_sim_add_host(sim, "mail.test", &none), EDDY_EINVALID);
    assert_int_equal(eddy_sim_add_host(sim, "mail.test", NULL), EDDY_EINVALID);
    assert_int_equal(eddy_sim_free(sim), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(test_localhost_has_both_families),
        SIM_TEST(test_without_a_type_every_type_is_answered),
        SIM_TEST(test_added_hosts_resolve_in_the_order_of_adding),
        SIM_TEST(test_no_host_is_any_or_this_one),
        SIM_TEST(test_ipv4_addresses_are_mapped_only_on_request),
        SIM_TEST(test_what_does_not_resolve_says_why),
        SIM_TEST(test_the_canonical_name_comes_with_the_first_entry),
        SIM_TEST(test_addresses_have_names_if_the_table_knows_them),
        SIM_TEST(test_hosts_without_name_or_address_are_refused),
    };

    allocations_install();
    return cmocka_run_group_tests_name("sim_names", tests, NULL, NULL);
}
