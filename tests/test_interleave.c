/* SPDX-License-Identifier: MIT */
/* The order in which the addresses of a host are tried: NET-12. */
#include "common/interleave.h"
#include "common/resolver.h"
#include "support/oom.h"
#include "support/support.h"
#include <string.h>

enum { TARGETS_MAX = 6 };

struct order {
    const char *families; /* of the answers: 4 and 6 */
    size_t first_count;
    const char *expected; /* indices */
};

/* NET-12: the whole rule. */
static void test_interleaving(struct fixture *f)
{
    static const struct order orders[] = {
        {"", 0, ""},
        {"", 2, ""},
        {"4466", 0, "0123"},
        {"4466", 1, "0213"},
        {"6644", 1, "0213"},
        {"444466", 1, "041523"},
        {"444466", 2, "014253"},
        {"444466", 3, "012435"},
        {"446", 9, "012"},
        {"64", 1, "01"},
        {"466", 1, "012"},
        {"464646", 1, "012345"},
    };

    (void)f;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        const eddy_addrinfo *ordered[TARGETS_MAX + 1];
        size_t count = strlen(orders[i].families);
        eddy_address_list *list = eddy__address_list_new(TARGETS_MAX, 0);

        must(list != NULL ? 0 : EDDY_ENOMEM);
        list->count = count;
        for (size_t k = 0; k < count; k++)
            list->entries[k].family = orders[i].families[k] == '4' ? EDDY_INET : EDDY_INET6;
        eddy__interleave(list, orders[i].first_count, ordered);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(ordered[k] - list->entries, orders[i].expected[k] - '0');
        eddy_address_list_free(list);
    }
}

/* NET-12: happy eyeballs interleave by default; who does not want that says so. */
static void test_happy_eyeballs_interleave(struct fixture *f)
{
    eddy_connection_options options = {.happy_eyeballs_delay = EDDY_MILLISECONDS(1)};
    static const char *const hosts[] = {"10.1.2.1", "10.1.2.2", "fd00::1"};
    eddy_address address;

    if (f->sim == NULL)
        skip(); /* a host with several addresses is needed */
    need_whole_test();
    for (int i = 0; i < 3; i++) {
        must(eddy_address_parse(hosts[i], 0, &address));
        must(eddy_sim_add_host(f->sim, "many.test", &address));
    }
    for (int plain = 0; plain < 2; plain++) {
        eddy_future *future;
        const char *text;
        bool second_family_first;

        options.no_interleave = plain != 0;
        future =
            eddy_loop_create_connection(f->loop, witness_factory, NULL, "many.test", 9, &options);
        eddy_future_ref(future);
        assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECONNREFUSED);
        text = eddy_future_error_text(future);
        second_family_first = strstr(text, "fd00::1") < strstr(text, "10.1.2.2");
        assert_int_equal(second_family_first, plain == 0);
        eddy_future_unref(future);
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_interleaving),
        TEST(test_happy_eyeballs_interleave),
    };

    return run_suite("interleave", tests);
}
