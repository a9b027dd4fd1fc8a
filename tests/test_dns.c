/* SPDX-License-Identifier: MIT */
/* Name resolution: NET-1..NET-5. Asks for nothing outside this machine. */
#include "common/dns.h"
#include "common/future.h"
#include "support/executor.h"
#include "support/listener.h"
#include "support/support.h"
#include <string.h>

/* Resolve, run, and take the list; the outcome. */
static int resolve(struct fixture *f, const char *host, const char *service,
                   const eddy_addrinfo_options *options, eddy_address_list **list)
{
    eddy_value value = {0};
    int error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_getaddrinfo(f->loop, host, service, options), &value);

    *list = value.addresses;
    return error;
}

static bool list_has(const eddy_address_list *list, const char *text)
{
    char buffer[EDDY_ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < eddy_address_list_count(list); i++) {
        eddy_address_format(&eddy_address_list_get(list, i)->address, buffer, sizeof buffer);
        if (strcmp(buffer, text) == 0)
            return true;
    }
    return false;
}

/* NET-1: family, type, protocol and address of each answer. */
static void test_getaddrinfo_answers_with_addresses(struct fixture *f)
{
    eddy_addrinfo_options options = {.type = EDDY_STREAM};
    const eddy_addrinfo *entry;
    eddy_address_list *list;

    must(resolve(f, "127.0.0.1", "80", &options, &list));
    assert_int_equal(eddy_address_list_count(list), 1);
    entry = eddy_address_list_get(list, 0);
    assert_int_equal(entry->family, EDDY_INET);
    assert_int_equal(entry->type, EDDY_STREAM);
    assert_int_equal(entry->protocol, EDDY_TCP);
    assert_null(entry->canonical_name);
    assert_true(list_has(list, "127.0.0.1:80"));
    assert_null(eddy_address_list_get(list, 1));
    eddy_address_list_free(list);
}

/* NET-1: names. */
static void test_getaddrinfo_knows_localhost(struct fixture *f)
{
    eddy_addrinfo_options options = {.type = EDDY_DGRAM, .family = EDDY_INET};
    eddy_address_list *list;

    need_localhost(f);
    must(resolve(f, "localhost", "7", &options, &list));
    assert_true(list_has(list, "127.0.0.1:7"));
    assert_int_equal(eddy_address_list_get(list, 0)->protocol, EDDY_UDP);
    eddy_address_list_free(list);
}

/* NET-1: the host may be absent; passive means all interfaces. */
static void test_getaddrinfo_without_a_host(struct fixture *f)
{
    eddy_addrinfo_options options = {.type = EDDY_STREAM, .family = EDDY_INET};
    eddy_address_list *list;

    must(resolve(f, NULL, "81", &options, &list));
    assert_true(list_has(list, "127.0.0.1:81"));
    eddy_address_list_free(list);
    options.flags = EDDY_AI_PASSIVE;
    must(resolve(f, NULL, "81", &options, &list));
    assert_true(list_has(list, "0.0.0.0:81"));
    eddy_address_list_free(list);
}

/* NET-1: the port may be absent, or a service's name. */
static void test_getaddrinfo_service_names(struct fixture *f)
{
    eddy_addrinfo_options options = {.type = EDDY_STREAM};
    eddy_address_list *list;
    int error;

    must(resolve(f, "127.0.0.1", NULL, &options, &list));
    assert_true(list_has(list, "127.0.0.1:0"));
    eddy_address_list_free(list);
    error = resolve(f, "127.0.0.1", "http", &options, &list);
    if (error == EDDY_EAI_SERVICE || error == EDDY_EAI_NONAME)
        skip(); /* a bare system has no list of services */
    must(error);
    assert_true(list_has(list, "127.0.0.1:80"));
    eddy_address_list_free(list);
}

/* NET-1: the canonical name on request. */
static void test_getaddrinfo_canonical_name(struct fixture *f)
{
    eddy_addrinfo_options options = {.type = EDDY_STREAM, .flags = EDDY_AI_CANONNAME};
    eddy_address_list *list;

    need_localhost(f);
    must(resolve(f, "localhost", NULL, &options, &list));
    assert_non_null(eddy_address_list_get(list, 0)->canonical_name);
    assert_true(strlen(eddy_address_list_get(list, 0)->canonical_name) > 0);
    eddy_address_list_free(list);
}

/* NET-1: resolver errors keep their code, and the text names what was asked. */
static void test_getaddrinfo_error_keeps_its_code(struct fixture *f)
{
    eddy_addrinfo_options options = {.type = EDDY_STREAM, .flags = EDDY_AI_NUMERICHOST};
    eddy_address_list *list;
    int error = resolve(f, "no-number.test", "80", &options, &list);

    must(error == EDDY_EAI_NONAME ? 0 : error);
    assert_int_equal(error, EDDY_EAI_NONAME);
    assert_non_null(strstr(eddy_error_text(), "no-number.test"));
}

static void assert_fails_at_once(eddy_future *future, int code)
{
    int error;

    assert_true(eddy_future_done(future));
    error = eddy_future_exception(future);
    eddy_future_unref(future);
    if (error != EDDY_ENOMEM || !allocations_failed())
        assert_int_equal(error, code);
}

/* NET-1: nonsense is refused before anything is asked. */
static void test_getaddrinfo_refuses_nonsense(struct fixture *f)
{
    eddy_addrinfo_options options = {.flags = 1u << 30};

    assert_fails_at_once(eddy_loop_getaddrinfo(f->loop, NULL, NULL, NULL), EDDY_EINVALID);
    assert_fails_at_once(eddy_loop_getaddrinfo(f->loop, "a", NULL, &options), EDDY_EINVALID);
    assert_fails_at_once(eddy_loop_getaddrinfo(NULL, "a", NULL, NULL), EDDY_EINVALID);
    assert_fails_at_once(eddy_loop_getnameinfo(f->loop, NULL, 0), EDDY_EINVALID);
}

/* NET-1, EXEC-3: it needs the default executor. */
static void test_getaddrinfo_after_shutdown_is_refused(struct fixture *f)
{
    eddy_address address;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_shutdown_default_executor(f->loop, EDDY_FOREVER), NULL));
    assert_fails_at_once(eddy_loop_getaddrinfo(f->loop, "localhost", NULL, NULL), EDDY_EBADSTATE);
    must(eddy_address_parse("127.0.0.1", 80, &address));
    assert_fails_at_once(eddy_loop_getnameinfo(f->loop, &address, 0), EDDY_EBADSTATE);
    must(eddy_loop_close(f->loop));
    assert_fails_at_once(eddy_loop_getaddrinfo(f->loop, "localhost", NULL, NULL), EDDY_EBADSTATE);
}

/* NET-2: the names of an address. */
static void test_getnameinfo_names_an_address(struct fixture *f)
{
    eddy_address address;
    eddy_value value;

    must(eddy_address_parse("127.0.0.1", 80, &address));
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_getnameinfo(f->loop, &address, EDDY_NI_NUMERICHOST | EDDY_NI_NUMERICSERV),
        &value));
    assert_string_equal(value.name_info->host, "127.0.0.1");
    assert_string_equal(value.name_info->service, "80");
    eddy_name_info_free(value.name_info);
}

/* NET-1, NET-2: a result that nobody takes is freed; the fixture would see it. */
static void test_untaken_answers_are_freed(struct fixture *f)
{
    eddy_address address;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_getaddrinfo(f->loop, "127.0.0.1", "80", NULL), NULL));
    must(eddy_address_parse("127.0.0.1", 80, &address));
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_getnameinfo(f->loop, &address, EDDY_NI_NUMERICHOST), NULL));
}

/* NET-3: cancelling stops the waiting; the answer that comes all the same is dropped. */
static void test_cancelled_question_drops_its_answer(struct fixture *f)
{
    static struct keeper keeper; /* the loop may hold it to its end */
    eddy_future *future;
    int error = 0;

    keeper_init(&keeper);
    must(eddy_loop_set_default_executor(f->loop, &keeper.executor));
    future = eddy_loop_getaddrinfo(f->loop, "127.0.0.1", "80", NULL);
    if (eddy_future_done(future))
        error = eddy_future_exception(future);
    else
        assert_true(eddy_future_cancel(future, NULL));
    run_iterations(f->loop, 2);
    if (keeper.work != NULL)
        eddy_work_run(keeper.work);
    run_iterations(f->loop, 1);
    if (error == 0)
        assert_int_equal(eddy_future_exception(future), EDDY_ECANCELED);
    eddy_future_unref(future);
    must(error);
}

struct literal_case {
    const char *host;
    const char *service;
    eddy_family family;
    int type;
    int protocol;
    const char *text; /* NULL: the resolver is asked */
};

/* NET-4: the whole table of what needs no resolver. */
static void test_literals_need_no_resolver(struct fixture *f)
{
    static const struct literal_case cases[] = {
        {"1.2.3.4", "80", EDDY_UNSPEC, EDDY_STREAM, 0, "1.2.3.4:80"},
        {"1.2.3.4", "80", EDDY_INET, EDDY_STREAM, EDDY_TCP, "1.2.3.4:80"},
        {"1.2.3.4", "80", EDDY_INET, EDDY_DGRAM, EDDY_UDP, "1.2.3.4:80"},
        {"1.2.3.4", "80", EDDY_INET, EDDY_STREAM, EDDY_UDP, "1.2.3.4:80"},
        {"1.2.3.4", NULL, EDDY_UNSPEC, EDDY_STREAM, 0, "1.2.3.4:0"},
        {"1.2.3.4", "", EDDY_UNSPEC, EDDY_STREAM, 0, "1.2.3.4:0"},
        {"::1", "80", EDDY_UNSPEC, EDDY_STREAM, 0, "[::1]:80"},
        {"::1", "80", EDDY_INET6, EDDY_STREAM, 0, "[::1]:80"},
        {"1.2.3.4", "80", EDDY_INET6, EDDY_STREAM, 0, NULL},
        {"::1", "80", EDDY_INET, EDDY_STREAM, 0, NULL},
        {"1.2.3.4", "http", EDDY_UNSPEC, EDDY_STREAM, 0, NULL},
        {"1.2.3.4", "70000", EDDY_UNSPEC, EDDY_STREAM, 0, NULL},
        {"1.2.3.4", "-1", EDDY_UNSPEC, EDDY_STREAM, 0, NULL},
        {"1.2.3.4", "80", EDDY_UNSPEC, EDDY_ANY_TYPE, 0, NULL},
        {"::1%1", "80", EDDY_UNSPEC, EDDY_STREAM, 0, NULL},
        {"localhost", "80", EDDY_UNSPEC, EDDY_STREAM, 0, NULL},
        {NULL, "80", EDDY_UNSPEC, EDDY_STREAM, 0, NULL},
        {"00:01:02:03:04:05", "1", EDDY_UNSPEC, EDDY_STREAM, 0, NULL},
        {"1.2.3.4", "80", EDDY_UNSPEC, EDDY_STREAM, 99, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct literal_case *c = &cases[i];
        struct eddy__resolver_query query = {c->host, c->service,  (int)c->family,
                                             c->type, c->protocol, 0};
        eddy_future *future = eddy__dns_resolve(f->loop, &query);
        eddy_value value = {0};

        if (c->text == NULL) {
            assert_true(!eddy_future_done(future) || allocations_failed());
            eddy_future_cancel(future, NULL);
            eddy_future_unref(future);
            continue;
        }
        assert_true(eddy_future_done(future));
        must(eddy__future_take(future, &value));
        assert_int_equal(eddy_address_list_count(value.addresses), 1);
        assert_true(list_has(value.addresses, c->text));
        assert_int_equal(value.addresses->entries[0].type, c->type);
        assert_int_equal(value.addresses->entries[0].protocol,
                         c->type == EDDY_STREAM ? EDDY_TCP : EDDY_UDP);
        eddy_address_list_free(value.addresses);
    }
}

/* NET-5: flow information and scope of a literal are 0. */
static void test_literal_ipv6_has_no_scope(struct fixture *f)
{
    struct eddy__resolver_query query = {.host = "fe80::1", .service = "80", .type = EDDY_STREAM};
    eddy_future *future = eddy__dns_resolve(f->loop, &query);
    eddy_value value;

    must(eddy__future_take(future, &value));
    assert_int_equal(eddy_address_flowinfo(&value.addresses->entries[0].address), 0);
    assert_int_equal(eddy_address_scope_id(&value.addresses->entries[0].address), 0);
    eddy_address_list_free(value.addresses);
}

/* NET-5: a scope id goes through the resolver, and stays in the answer. */
static void test_resolver_keeps_the_scope(struct fixture *f)
{
    eddy_addrinfo_options options = {.type = EDDY_STREAM, .flags = EDDY_AI_NUMERICHOST};
    eddy_address_list *list;
    int error = resolve(f, "fe80::1%1", "80", &options, &list);

    if (error <= -2000 && error > -3000)
        skip(); /* no IPv6 here, or none with number 1 */
    must(error);
    assert_int_equal(eddy_address_scope_id(&eddy_address_list_get(list, 0)->address), 1);
    eddy_address_list_free(list);
}

/* LOOP-33: debug mode tells how long the resolver took. */
static void test_debug_mode_times_the_resolver(struct fixture *f)
{
    eddy_loop_set_debug(f->loop, true);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_getaddrinfo(f->loop, "127.0.0.1", "80", NULL), NULL));
    assert_logged(EDDY_LOG_DEBUG, "resolving 127.0.0.1 took");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_getaddrinfo_answers_with_addresses),
        TEST(test_getaddrinfo_knows_localhost),
        TEST(test_getaddrinfo_without_a_host),
        TEST(test_getaddrinfo_service_names),
        TEST(test_getaddrinfo_canonical_name),
        TEST(test_getaddrinfo_error_keeps_its_code),
        TEST(test_getaddrinfo_refuses_nonsense),
        TEST(test_getaddrinfo_after_shutdown_is_refused),
        TEST(test_getnameinfo_names_an_address),
        TEST(test_untaken_answers_are_freed),
        TEST(test_cancelled_question_drops_its_answer),
        TEST(test_literals_need_no_resolver),
        TEST(test_literal_ipv6_has_no_scope),
        TEST(test_resolver_keeps_the_scope),
        TEST(test_debug_mode_times_the_resolver),
    };

    return run_suite("dns", tests);
}
