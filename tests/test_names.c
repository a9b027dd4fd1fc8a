/* SPDX-License-Identifier: MIT */
/* The packed addresses of a connection, from inside: TR-9. */
#include "common/memory.h"
#include "common/names.h"
#include "support/support.h"
#include <string.h>

static void check(struct eddy__names **names, enum eddy__name which, const eddy_address *expected)
{
    eddy_address copy;
    const eddy_address *lent;

    assert_int_equal(eddy__names_get(*names, which, &copy), expected != NULL);
    lent = eddy__names_lend(names, which);
    if (expected == NULL) {
        assert_null(lent);
        return;
    }
    assert_memory_equal(&copy, expected, sizeof copy);
    if (lent == NULL && allocations_failed())
        return;
    assert_memory_equal(lent, expected, sizeof copy);
}

/* What goes in comes out, packed and unpacked, and packed it is small: with the memory that is its
 * owner's, and what it takes itself if that is not enough. */
static void check_pair(const eddy_address *local, const eddy_address *peer, size_t limit)
{
    size_t before = allocations_live_bytes();
    void *memory = eddy__alloc(eddy__names_size(peer));
    struct eddy__names *names = memory != NULL ? eddy__names_init(memory, peer) : NULL;
    eddy_address copy;

    if (names == NULL)
        eddy__free(memory);
    must(names == NULL ? EDDY_ENOMEM : 0);
    if (local != NULL && eddy__names_put(&names, EDDY__LOCAL_NAME, local) != 0) {
        eddy__names_free(names);
        eddy__free(memory);
        must(EDDY_ENOMEM);
    }
    assert_true(allocations_live_bytes() - before <= limit || allocations_failed());
    if (peer != NULL) {
        assert_true(eddy__names_get(names, EDDY__PEER_NAME, &copy));
        assert_memory_equal(&copy, peer, sizeof copy);
    }
    check(&names, EDDY__LOCAL_NAME, local);
    check(&names, EDDY__PEER_NAME, peer);
    eddy__names_free(names);
    eddy__free(memory);
}

static void test_addresses_survive_packing(struct fixture *f)
{
    eddy_address four, six, plain, path;

    (void)f;
    assert_int_equal(eddy_address_parse("192.0.2.255", 65535, &four), 0);
    assert_int_equal(eddy_address_parse("fe80::ffff%3", 443, &six), 0);
    assert_int_equal(eddy_address_parse("2001:db8::1:2:3:4", 80, &plain), 0);
    check_pair(&four, &four, 15);
    check_pair(&plain, &plain, 39);
    check_pair(&six, &six, 39 + 64);
    check_pair(&four, &six, 39 + 64);
    check_pair(NULL, &four, 16);
    check_pair(&six, NULL, 15 + 40);
    check_pair(&four, NULL, 15 + 16);
    check_pair(NULL, NULL, 15);
    if (eddy_address_unix("/tmp/a socket", 13, &path) == 0)
        check_pair(&path, &four, 15 + 40);
}

/* One that is asked for late goes beside one that has been lent, which stays where it is. */
static void test_late_address_joins_one_that_is_lent(struct fixture *f)
{
    struct eddy__names *names;
    const eddy_address *lent;
    eddy_address peer, local;
    void *memory;

    (void)f;
    must(eddy_address_parse("192.0.2.1", 80, &peer));
    must(eddy_address_parse("192.0.2.2", 81, &local));
    memory = eddy__alloc(eddy__names_size(&peer));
    must(memory == NULL ? EDDY_ENOMEM : 0);
    names = eddy__names_init(memory, &peer);
    assert_ptr_equal(names, memory);
    lent = eddy__names_lend(&names, EDDY__PEER_NAME);
    if (lent != NULL) {
        assert_int_equal(eddy__names_put(&names, EDDY__LOCAL_NAME, &local), 0);
        assert_ptr_equal(eddy__names_lend(&names, EDDY__PEER_NAME), lent);
        check(&names, EDDY__LOCAL_NAME, &local);
    }
    eddy__names_free(names);
    eddy__free(memory);
}

/* A peer over IPv4 that is known late has room in the owner's memory, and so has what follows. */
static void test_late_peer_is_no_piece_of_memory(struct fixture *f)
{
    struct eddy__names *names;
    eddy_address peer, local;
    void *memory;

    (void)f;
    must(eddy_address_parse("192.0.2.1", 80, &peer));
    must(eddy_address_parse("192.0.2.2", 81, &local));
    memory = eddy__alloc(eddy__names_size(NULL));
    must(memory == NULL ? EDDY_ENOMEM : 0);
    names = eddy__names_init(memory, NULL);
    assert_int_equal(eddy__names_put(&names, EDDY__PEER_NAME, &peer), 0);
    assert_int_equal(eddy__names_put(&names, EDDY__LOCAL_NAME, &local), 0);
    assert_ptr_equal(names, memory);
    check(&names, EDDY__PEER_NAME, &peer);
    check(&names, EDDY__LOCAL_NAME, &local);
    eddy__names_free(names);
    eddy__free(memory);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_addresses_survive_packing),
        TEST(test_late_address_joins_one_that_is_lent),
        TEST(test_late_peer_is_no_piece_of_memory),
    };

    return run_suite("names", tests);
}
