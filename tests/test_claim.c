/* SPDX-License-Identifier: MIT */
/* Who has which socket: the table behind FD-1 and SOCK-1. */
#include "common/claim.h"
#include "support/allocations.h"
#include "support/support.h"

enum { MANY = 1000 };

/** Channels whose numbers look like descriptors, handles, or those of a simulation. */
static struct eddy__channel channels[3 * MANY];

static void fill(struct eddy__claims *claims)
{
    for (size_t i = 0; i < 3 * MANY; i++) {
        eddy_socket number = (eddy_socket)(i / 3);

        if (i % 3 == 1)
            number = (number + MANY) * 4;
        else if (i % 3 == 2)
            number = (number << 20) + 7;
        channels[i] = (struct eddy__channel){.socket = number};
        /* Some of the numbers of the first two kinds are equal: the later one is found. */
        eddy__claims_add(claims, &channels[i]);
        assert_ptr_equal(eddy__claims_find(claims, number), &channels[i]);
    }
}

static void empty(struct eddy__claims *claims)
{
    for (size_t i = 0; i < 3 * MANY; i++) {
        eddy__claims_remove(claims, &channels[i]);
        assert_ptr_not_equal(eddy__claims_find(claims, channels[i].socket), &channels[i]);
        eddy__claims_remove(claims, &channels[i]); /* not there any more: nothing happens */
    }
    assert_int_equal(claims->count, 0);
}

/* What was entered is found until it is taken out, whatever the table's size. */
static void test_channels_are_found_by_number(struct fixture *f)
{
    struct eddy__claims claims = {0};

    (void)f;
    assert_null(eddy__claims_find(&claims, 7));
    fill(&claims);
    for (size_t i = 5; i < 3 * MANY; i += 3) /* these numbers are nobody else's */
        assert_ptr_equal(eddy__claims_find(&claims, channels[i].socket), &channels[i]);
    empty(&claims);
    eddy__claims_fini(&claims);
}

/* Two for one number: the later one is found, then the earlier one, also in a larger table. */
static void test_later_channel_hides_the_earlier(struct fixture *f)
{
    struct eddy__channel first = {.socket = 5};
    struct eddy__channel second = {.socket = 5};
    struct eddy__claims claims = {0};

    (void)f;
    eddy__claims_add(&claims, &first);
    eddy__claims_add(&claims, &second);
    fill(&claims);
    eddy__claims_remove(&claims, &channels[15]); /* has the number 5, too */
    assert_int_equal(channels[15].socket, 5);
    assert_ptr_equal(eddy__claims_find(&claims, 5), &second);
    eddy__claims_remove(&claims, &second);
    assert_ptr_equal(eddy__claims_find(&claims, 5), &first);
    eddy__claims_remove(&claims, &first);
    eddy__claims_fini(&claims);
}

/* Without memory for a larger table everything is still found. */
static void test_table_that_cannot_grow_works(struct fixture *f)
{
    struct eddy__claims claims = {0};

    (void)f;
    for (size_t i = 0; i < MANY; i++) {
        channels[i] = (struct eddy__channel){.socket = (eddy_socket)i};
        allocations_fail(1);
        eddy__claims_add(&claims, &channels[i]);
    }
    assert_true(allocations_failed());
    allocations_fail(0);
    assert_null(claims.chains);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(eddy__claims_find(&claims, (eddy_socket)i), &channels[i]);
    eddy__claims_fini(&claims);
}

/* By kind: any of those with these events. */
static void test_channels_are_found_by_kind(struct fixture *f)
{
    static const struct eddy__channel_events events;
    struct eddy__claims claims = {0};

    (void)f;
    fill(&claims);
    assert_null(eddy__claims_find_kind(&claims, &events));
    channels[1234].events = &events;
    assert_ptr_equal(eddy__claims_find_kind(&claims, &events), &channels[1234]);
    eddy__claims_fini(&claims);
}

static struct eddy__claims *abandoned_from;

/* Takes another one of its chain with it, if there is one. */
static void leave(struct eddy__channel *channel)
{
    if (channel->next != NULL)
        eddy__claims_remove(abandoned_from, channel->next);
    eddy__claims_remove(abandoned_from, channel);
}

/* When the loop closes those go that can, whatever else that takes out of the table. */
static void test_channels_are_abandoned(struct fixture *f)
{
    static const struct eddy__channel_events leaving = {.abandon = leave};
    static const struct eddy__channel_events staying;
    struct eddy__claims claims = {0};
    struct eddy__channel *stayed;

    (void)f;
    fill(&claims);
    for (size_t i = 0; i < 3 * MANY; i++)
        channels[i].events = i % 5 == 0 ? &staying : &leaving;
    abandoned_from = &claims;
    eddy__claims_abandon(&claims);
    assert_null(eddy__claims_find_kind(&claims, &leaving));
    while ((stayed = eddy__claims_find_kind(&claims, &staying)) != NULL)
        eddy__claims_remove(&claims, stayed);
    assert_int_equal(claims.count, 0);
    eddy__claims_fini(&claims);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_channels_are_found_by_number), TEST(test_later_channel_hides_the_earlier),
        TEST(test_table_that_cannot_grow_works), TEST(test_channels_are_found_by_kind),
        TEST(test_channels_are_abandoned),
    };

    return run_suite("claim", tests);
}
