/* SPDX-License-Identifier: MIT */
/* Groups, broadcasts, and how far datagrams go: the options of DGRAM-1's endpoints. */
#include "support/datagram.h"
#include "support/support.h"
#include <string.h>

static eddy_socket socket_of(const struct witness *w)
{
    eddy_value value;

    assert_true(eddy_transport_get_extra_info(w->transport, "socket", &value));
    return eddy_socket_view_fileno(value.socket_view);
}

/* The loopback interface is the first one of all systems that were seen. */
enum { LOOPBACK_INDEX = 1 };

/* Emulators of other processors do not know all options, or drop the interface from them. */
static void need_option(int error)
{
#if defined(__x86_64__)
    const bool dropped = false;
#else
    const bool dropped = error == EDDY_ENODEV;
#endif

    if (error == EDDY_ENOPROTOOPT || dropped) {
        print_message("skipped: this system has no such option\n");
        skip();
    }
}

static void open_any(struct fixture *f, struct witness *w, eddy_address *group)
{
    const eddy_datagram_options options = {.local_host = "0.0.0.0"};
    eddy_address local;

    open_endpoint(f, w, &options);
    local = endpoint_address(w->transport);
    must(eddy_address_parse("239.255.77.1", eddy_address_port(&local), group));
}

/* What is sent to a group comes to its members, until they leave. */
static void test_members_of_a_group_hear_what_is_sent_to_it(struct fixture *f)
{
    struct witness member, sender;
    eddy_address group, member_address;
    int error;

    if (fixture_backend_is(f, "iocp"))
        skip(); /* wine 8 knows IPv4 interfaces only by their addresses */
    witness_init(&member, "m");
    witness_init(&sender, "s");
    open_any(f, &member, &group);
    bind_endpoint(f, &sender, &member_address);
    error = eddy_socket_join_group(socket_of(&member), &group, LOOPBACK_INDEX);
    need_option(error);
    must(error);
    must(eddy_socket_set_option(socket_of(&sender), EDDY_SOCKET_MULTICAST_INTERFACE,
                                LOOPBACK_INDEX));
    must(send_datagram(sender.transport, "all", &group));
    run_until_recorded(f->loop, "m.datagram:all");
    must(eddy_socket_leave_group(socket_of(&member), &group, LOOPBACK_INDEX));
    must(send_datagram(sender.transport, "nobody", &group));
    member_address = endpoint_address(member.transport);
    must(eddy_address_parse("127.0.0.1", eddy_address_port(&member_address), &member_address));
    must(send_datagram(sender.transport, "you", &member_address));
    run_until_recorded(f->loop, "m.datagram:you");
    assert_recorded("m.made", "s.made", "m.datagram:all", "m.datagram:you");
}

static void test_what_is_no_group_is_refused(struct fixture *f)
{
    struct witness w;
    eddy_address address;

    witness_init(&w, NULL);
    bind_endpoint(f, &w, &address);
    assert_true(eddy_socket_join_group(socket_of(&w), &address, 0) < 0);
    assert_non_null(strstr(eddy_error_text(), "127.0.0.1"));
    must(eddy_address_parse("239.255.77.1", 0, &address));
    assert_true(eddy_socket_leave_group(socket_of(&w), &address, 0) < 0);
    assert_recorded("made");
}

static void assert_option(const struct witness *w, eddy_socket_option option, int value)
{
    int now = -1;

    need_option(eddy_socket_set_option(socket_of(w), option, value));
    assert_int_equal(eddy_socket_set_option(socket_of(w), option, value), 0);
    assert_int_equal(eddy_socket_get_option(socket_of(w), option, &now), 0);
    assert_int_equal(now, value);
}

/* Both families, with the names that are theirs. */
static void test_options_of_both_families(struct fixture *f)
{
    static const eddy_family families[] = {EDDY_INET, EDDY_INET6};
    size_t i;

    for (i = 0; i < 2; i++) {
        const eddy_datagram_options options = {.family = families[i]};
        struct witness w;
        int error;

        witness_init(&w, NULL);
        error = try_endpoint(f, &w, &options);
        if (error == EDDY_EAFNOSUPPORT)
            continue;
        must(error);
        assert_option(&w, EDDY_SOCKET_HOP_LIMIT, 5);
        assert_option(&w, EDDY_SOCKET_MULTICAST_HOP_LIMIT, 7);
        assert_option(&w, EDDY_SOCKET_MULTICAST_LOOPBACK, 0);
        assert_option(&w, EDDY_SOCKET_MULTICAST_LOOPBACK, 1);
        need_option(eddy_socket_set_option(socket_of(&w), EDDY_SOCKET_MULTICAST_INTERFACE, 0));
        assert_int_equal(eddy_socket_set_option(socket_of(&w), EDDY_SOCKET_MULTICAST_INTERFACE, 0),
                         0);
    }
    assert_int_equal(eddy_socket_set_option(0, (eddy_socket_option)99, 1), EDDY_EINVALID);
}

/* Broadcasting has to be allowed: DGRAM-5. */
static void test_broadcast_needs_its_option(struct fixture *f)
{
    const eddy_datagram_options options = {.local_host = "127.0.0.1", .allow_broadcast = true};
    struct witness w, allowed;
    eddy_address address, everybody;

    if (fixture_backend_is(f, "iocp"))
        skip(); /* wine lets everybody send */
    witness_init(&w, "w");
    witness_init(&allowed, "allowed");
    bind_endpoint(f, &w, &address);
    open_endpoint(f, &allowed, &options);
    must(eddy_address_parse("255.255.255.255", 9, &everybody));
    must(send_datagram(w.transport, "x", &everybody));
    run_until_recorded(f->loop, "w.error:EDDY_EACCES");
    must(send_datagram(allowed.transport, "x", &everybody));
    assert_int_equal(recorded("allowed.error:EDDY_EACCES"), 0);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_members_of_a_group_hear_what_is_sent_to_it),
        TEST(test_what_is_no_group_is_refused),
        TEST(test_options_of_both_families),
        TEST(test_broadcast_needs_its_option),
    };

    return run_suite("multicast", tests);
}
