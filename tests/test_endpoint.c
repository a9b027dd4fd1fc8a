/* SPDX-License-Identifier: MIT */
/* create_datagram_endpoint(): DGRAM-1..DGRAM-7, NET-4 for datagrams. */
#include "common/loop.h"
#include "common/socket_view.h"
#include "support/listener.h"
#include "support/datagram.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

/* The call has to fail with EDDY_EINVALID, and its text to name `what`. */
static void assert_refused(struct fixture *f, const eddy_datagram_options *options,
                           const char *what)
{
    struct witness w;

    witness_init(&w, NULL);
    assert_int_equal(try_endpoint(f, &w, options), EDDY_EINVALID);
    if (strstr(eddy_error_text(), what) == NULL)
        fail_msg("\"%s\" does not name %s", eddy_error_text(), what);
    assert_nothing_recorded();
}

/* DGRAM-2: with a socket nothing else may be asked for; each is named. */
static void test_socket_goes_with_nothing_else(struct fixture *f)
{
    eddy_socket socket;
    eddy_datagram_options options = {.sock = &socket};
    eddy_datagram_options with;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &socket));
    fixture_keep_socket(f, socket);
#define REFUSED(field, value)                                                                      \
    with = options;                                                                                \
    with.field = value;                                                                            \
    assert_refused(f, &with, #field)
    REFUSED(family, EDDY_INET);
    REFUSED(protocol, EDDY_UDP);
    REFUSED(flags, EDDY_AI_NUMERICHOST);
    REFUSED(local_host, "127.0.0.1");
    REFUSED(local_service, "1");
    REFUSED(local_port, 1);
    REFUSED(remote_host, "127.0.0.1");
    REFUSED(remote_service, "1");
    REFUSED(remote_port, 1);
    REFUSED(local_path, "x");
    REFUSED(remote_path, "x");
    REFUSED(reuse_port, true);
    REFUSED(allow_broadcast, true);
#undef REFUSED
    options.local_host = "127.0.0.1";
    options.reuse_port = true;
    assert_refused(f, &options, "local_host, reuse_port");
}

/* DGRAM-2: what is no datagram socket, or nobody's. */
static void test_other_sockets_are_refused(struct fixture *f)
{
    eddy_socket socket = EDDY_NO_SOCKET;
    const eddy_datagram_options options = {.sock = &socket};

    assert_refused(f, &options, "no socket");
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_ANY_PROTOCOL, &socket));
    fixture_keep_socket(f, socket);
    assert_refused(f, &options, "not a datagram socket");
}

/* DGRAM-2: a socket that is connected sends to its peer, whatever sendto() says. */
static void test_connected_socket_sends_to_its_peer(struct fixture *f)
{
    struct witness s, c;
    eddy_address address, other;
    eddy_socket socket;
    const eddy_datagram_options options = {.sock = &socket};

    witness_init(&s, "s");
    witness_init(&c, "c");
    bind_endpoint(f, &s, &address);
    must(eddy_address_parse("127.0.0.1", 9, &other));
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &socket));
    fixture_keep_socket(f, socket);
    must(eddy_socket_connect(socket, &address));
    open_endpoint(f, &c, &options);
    fixture_drop_socket(f, socket);
    must(send_datagram(c.transport, "1", NULL));
    must(send_datagram(c.transport, "2", &other));
    run_until_recorded(f->loop, "s.datagram:2");
    assert_recorded("s.made", "c.made", "s.datagram:1", "s.datagram:2");
}

/* DGRAM-2: refused by the factory it is the library's and gone; before that it is the caller's. */
static void test_socket_is_taken_with_the_transport(struct fixture *f)
{
    struct witness w;
    eddy_socket socket;
    const eddy_datagram_options options = {.sock = &socket};
    eddy_value value;

    witness_init(&w, NULL);
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &socket));
    fixture_keep_socket(f, socket);
    open_endpoint(f, &w, &options);
    fixture_drop_socket(f, socket);
    assert_true(eddy_transport_get_extra_info(w.transport, "socket", &value));
    assert_int_equal(eddy_socket_view_fileno(value.socket_view), socket);
    close_endpoint(f, &w);
    assert_recorded("made", "lost:0");
}

/* DGRAM-3: a family is needed without an address; then the socket is unbound. */
static void test_family_alone_makes_an_unbound_endpoint(struct fixture *f)
{
    const eddy_datagram_options options = {.family = EDDY_INET};
    struct witness s, c;
    eddy_address address;

    assert_refused(f, NULL, "family");
    witness_init(&s, "s");
    witness_init(&c, "c");
    bind_endpoint(f, &s, &address);
    open_endpoint(f, &c, &options);
    assert_int_equal(send_datagram(c.transport, "x", NULL), EDDY_EINVALID);
    must(send_datagram(c.transport, "x", &address));
    run_until_recorded(f->loop, "s.datagram:x");
    assert_recorded("s.made", "c.made", "s.datagram:x");
}

/* DGRAM-3: hosts and Unix sockets do not mix. */
static void test_hosts_and_paths_do_not_mix(struct fixture *f)
{
    assert_refused(f, &(eddy_datagram_options){.family = EDDY_UNIX, .local_port = 1}, "local_path");
    assert_refused(f, &(eddy_datagram_options){.local_path = "x", .remote_host = "y"}, "hosts");
    assert_refused(f, &(eddy_datagram_options){.family = EDDY_INET, .local_path = "x"}, "Unix");
}

/* DGRAM-1: ports and services as with all calls; reserved words are zero. */
static void test_bad_ports_and_reserved_words(struct fixture *f)
{
    eddy_datagram_options options = {.local_port = 65536};

    assert_refused(f, &options, "65536");
    options = (eddy_datagram_options){.remote_port = 1, .remote_service = "2"};
    assert_refused(f, &options, "service");
    options = (eddy_datagram_options){.family = EDDY_INET, .reserved = {&options}};
    assert_refused(f, &options, "reserved");
}

/* NET-4: a numeric address asks no resolver: the socket is there when the call returns. */
static void test_numeric_addresses_are_not_resolved(struct fixture *f)
{
    const eddy_datagram_options options = {
        .local_host = "127.0.0.1",
        .remote_host = "127.0.0.1",
        .remote_service = "9",
    };
    struct witness w;
    eddy_future *future;

    witness_init(&w, NULL);
    future = eddy_loop_create_datagram_endpoint(f->loop, witness_factory, &w, &options);
    assert_null(f->loop->default_executor);
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
    assert_null(f->loop->default_executor);
    assert_recorded("made");
}

/* DGRAM-4: names are resolved, the sides joined by family. */
static void test_names_are_resolved_and_joined(struct fixture *f)
{
    struct witness s, c;
    eddy_address address;
    eddy_datagram_options options = {.local_host = "localhost", .family = EDDY_INET};

    need_localhost(f);
    witness_init(&s, "s");
    witness_init(&c, "c");
    bind_endpoint(f, &s, &address);
    options.remote_host = "localhost";
    options.remote_port = eddy_address_port(&address);
    open_endpoint(f, &c, &options);
    must(send_datagram(c.transport, "x", NULL));
    run_until_recorded(f->loop, "s.datagram:x");
    assert_recorded("s.made", "c.made", "s.datagram:x");
}

/* DGRAM-4: nothing in common; nobody there of that name. */
static void test_sides_without_a_common_family_are_refused(struct fixture *f)
{
    struct witness w;

    assert_refused(
        f,
        &(eddy_datagram_options){.local_host = "127.0.0.1", .remote_host = "::1", .remote_port = 9},
        "in common");
    witness_init(&w, NULL);
    assert_true(try_endpoint(f, &w,
                             &(eddy_datagram_options){.local_host = "name.invalid",
                                                      .flags = EDDY_AI_NUMERICHOST}) < 0);
    assert_nothing_recorded();
}

/* DGRAM-5: the error of the address that cannot be bound, with its name; the socket is closed. */
static void test_address_in_use_fails_with_its_name(struct fixture *f)
{
    struct witness s, c;
    eddy_address address;
    eddy_datagram_options options = {.local_host = "127.0.0.1"};

    witness_init(&s, "s");
    witness_init(&c, "c");
    bind_endpoint(f, &s, &address);
    options.local_port = eddy_address_port(&address);
    assert_int_equal(try_endpoint(f, &c, &options), EDDY_EADDRINUSE);
    assert_non_null(strstr(eddy_error_text(), "127.0.0.1:"));
    assert_recorded("s.made");
}

/* DGRAM-5: both may have the port that ask for it. */
static void test_reuse_port_shares_a_port(struct fixture *f)
{
    struct witness a, b;
    eddy_datagram_options options = {.local_host = "127.0.0.1", .reuse_port = true};
    eddy_address address;
    int error;

    witness_init(&a, "a");
    witness_init(&b, "b");
    error = try_endpoint(f, &a, &options);
    if (error == EDDY_EINVALID) /* Windows has no such option */
        skip();
    must(error);
    address = endpoint_address(a.transport);
    options.local_port = eddy_address_port(&address);
    open_endpoint(f, &b, &options);
    assert_recorded("a.made", "b.made");
}

static int option_of(const struct witness *w, eddy_socket_option option)
{
    eddy_value value;
    int number = -1;

    assert_true(eddy_transport_get_extra_info(w->transport, "socket", &value));
    eddy_socket_view_get_option(value.socket_view, option, &number);
    return number != 0;
}

/* DGRAM-5: no option is set unless it was asked for. */
static void test_options_are_off_by_default(struct fixture *f)
{
    struct witness w;
    eddy_address address;

    witness_init(&w, NULL);
    bind_endpoint(f, &w, &address);
    assert_false(option_of(&w, EDDY_SOCKET_BROADCAST));
    assert_false(option_of(&w, EDDY_SOCKET_REUSE_ADDRESS));
    assert_recorded("made");
}

/* DGRAM-6: allow_broadcast does not connect; the remote address is where it sends by default. */
static void test_allow_broadcast_does_not_connect(struct fixture *f)
{
    struct witness s, c, other;
    eddy_address address, client;
    eddy_datagram_options options = {.remote_host = "127.0.0.1", .allow_broadcast = true};
    eddy_value value;

    witness_init(&s, "s");
    witness_init(&c, "c");
    witness_init(&other, "other");
    bind_endpoint(f, &s, &address);
    options.remote_port = eddy_address_port(&address);
    open_endpoint(f, &c, &options);
    assert_true(option_of(&c, EDDY_SOCKET_BROADCAST));
    assert_false(eddy_transport_get_extra_info(c.transport, "peername", &value));
    must(send_datagram(c.transport, "x", NULL));
    run_until_recorded(f->loop, "s.datagram:x");
    client = s.from;
    assert_int_equal(send_datagram(c.transport, "no", &client), EDDY_EINVALID);
    bind_endpoint(f, &other, &address);
    must(send_datagram(other.transport, "anybody may", &client));
    run_until_recorded(f->loop, "c.datagram:anybody may");
    assert_int_equal(recorded("c.datagram:anybody may"), 1);
}

static eddy_protocol *refusing_factory(void *arg)
{
    (void)arg;
    eddy_error(EDDY_EACCES, "not today");
    return NULL;
}

/* DGRAM-7, TR-52: a factory that makes nothing fails the call with its reason. */
static void test_refusing_factory_fails_the_call(struct fixture *f)
{
    const eddy_datagram_options options = {.local_host = "127.0.0.1"};

    assert_int_equal(
        eddy_loop_run_until_complete(
            f->loop, eddy_loop_create_datagram_endpoint(f->loop, refusing_factory, NULL, &options),
            NULL),
        EDDY_EACCES);
    assert_string_equal(eddy_error_text(), "not today");
}

static eddy_protocol *careless_factory(void *protocol)
{
    return protocol;
}

/* TR-52: so does one whose protocol was never initialised. */
static void test_uninitialised_protocol_fails_the_call(struct fixture *f)
{
    const eddy_datagram_options options = {.local_host = "127.0.0.1"};
    eddy_protocol protocol = {0};
    int error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_datagram_endpoint(f->loop, careless_factory, &protocol, &options),
        NULL);

    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_EINVALID);
    assert_non_null(strstr(eddy_error_text(), "not initialised"));
}

/* TR-41: a failing connection_made() fails the call and ends the transport. */
static void test_failing_connection_made_ends_the_endpoint(struct fixture *f)
{
    const eddy_datagram_options options = {.local_host = "127.0.0.1"};
    struct witness w;

    witness_init(&w, NULL);
    w.results[WITNESS_MADE] = EDDY_EFAILED;
    assert_int_equal(try_endpoint(f, &w, &options), EDDY_EFAILED);
    assert_reported("connection_made", EDDY_EFAILED);
    run_iterations(f->loop, 2);
    assert_recorded("made", "lost:EDDY_EFAILED");
}

/* NET-16: cancelled before it is made, nothing is ever heard of it. */
static void test_cancelled_call_leaves_nothing(struct fixture *f)
{
    const eddy_datagram_options options = {.local_host = "127.0.0.1"};
    struct witness w;
    eddy_future *future;

    witness_init(&w, NULL);
    future = eddy_loop_create_datagram_endpoint(f->loop, witness_factory, &w, &options);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    assert_true(eddy_future_cancel(future, NULL));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECANCELED);
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
}

/* NET-15: a result that nobody asked for ends the endpoint. */
static void test_unclaimed_endpoint_is_closed(struct fixture *f)
{
    const eddy_datagram_options options = {.local_host = "127.0.0.1"};
    struct witness w;

    witness_init(&w, NULL);
    eddy_future_unref(eddy_loop_create_datagram_endpoint(f->loop, witness_factory, &w, &options));
    run_iterations(f->loop, 5);
    if (w.counts[WITNESS_MADE] > 0)
        assert_recorded("made", "lost:0");
}

/* LOOP-17: a loop closed while addresses are being resolved. */
static void test_loop_closed_meanwhile(struct fixture *f)
{
    const eddy_datagram_options options = {
        .local_host = "localhost", .remote_host = "localhost", .remote_port = 9};
    struct witness w;

    witness_init(&w, NULL);
    eddy_future_unref(eddy_loop_create_datagram_endpoint(f->loop, witness_factory, &w, &options));
    must(eddy_loop_close(f->loop));
    assert_nothing_recorded();
}

/* IPv6, with the sender's address as such. */
static void test_ipv6_endpoints(struct fixture *f)
{
    const eddy_datagram_options options = {.local_host = "::1"};
    eddy_datagram_options remote = {.remote_host = "::1"};
    struct witness s, c;
    eddy_address address;
    int error;

    witness_init(&s, "s");
    witness_init(&c, "c");
    error = try_endpoint(f, &s, &options);
    if (error == EDDY_EAFNOSUPPORT || error == EDDY_EADDRNOTAVAIL)
        skip();
    must(error);
    address = endpoint_address(s.transport);
    remote.remote_port = eddy_address_port(&address);
    open_endpoint(f, &c, &remote);
    must(send_datagram(c.transport, "six", NULL));
    run_until_recorded(f->loop, "s.datagram:six");
    address = endpoint_address(c.transport);
    assert_true(eddy_address_equal(&s.from, &address));
    assert_recorded("s.made", "c.made", "s.datagram:six");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_socket_goes_with_nothing_else),
        TEST(test_other_sockets_are_refused),
        TEST(test_connected_socket_sends_to_its_peer),
        TEST(test_socket_is_taken_with_the_transport),
        TEST(test_family_alone_makes_an_unbound_endpoint),
        TEST(test_hosts_and_paths_do_not_mix),
        TEST(test_bad_ports_and_reserved_words),
        TEST(test_numeric_addresses_are_not_resolved),
        TEST(test_names_are_resolved_and_joined),
        TEST(test_sides_without_a_common_family_are_refused),
        TEST(test_address_in_use_fails_with_its_name),
        TEST(test_reuse_port_shares_a_port),
        TEST(test_options_are_off_by_default),
        TEST(test_allow_broadcast_does_not_connect),
        TEST(test_refusing_factory_fails_the_call),
        TEST(test_uninitialised_protocol_fails_the_call),
        TEST(test_failing_connection_made_ends_the_endpoint),
        TEST(test_cancelled_call_leaves_nothing),
        TEST(test_unclaimed_endpoint_is_closed),
        TEST(test_loop_closed_meanwhile),
        TEST(test_ipv6_endpoints),
    };

    return run_suite("endpoint", tests);
}
