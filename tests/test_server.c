/* SPDX-License-Identifier: MIT */
/* Making servers: NET-18..NET-24, NET-17. */
#include "common/loop.h"
#include "support/listener.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/support.h"
#include <string.h>

/* NET-18, NET-28, TR-52: each client gets its protocol, right before connection_made(). */
static void test_clients_get_protocols(struct fixture *f)
{
    struct program program = {.count = 0};
    struct peer peer = {.f = f};
    eddy_server *server;
    eddy_value peername;
    eddy_address address;

    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    assert_int_equal(program.count, 0);
    peer.socket = connect_client(f, server);
    run_until_count(f, "made", 1);
    assert_int_equal(program.count, 1);
    must(eddy_socket_local_address(peer.socket, &address));
    assert_true(eddy_transport_get_extra_info(program.clients[0].transport, "peername", &peername));
    assert_true(eddy_address_equal(peername.address, &address));
    peer_send(&peer, "hello");
    run_until_recorded(f->loop, "data:hello");
    must(eddy_transport_write(program.clients[0].transport, "bye", 3));
    peer_expect(&peer, "bye");
    peer_close(&peer);
    run_until_recorded(f->loop, "lost:0");
    eddy_server_close(server);
    release_server(server);
}

struct refusal {
    const char *host;
    int port;
    eddy_server_options options;
    int code;
    const char *text;
};

/* NET-19: each bad combination is refused at once, with a text that says why. */
static void test_bad_combinations_are_refused(struct fixture *f)
{
    static const char *const hosts[] = {"127.0.0.1"};
    eddy_tls_context *tls = eddy_tls_default();
    eddy_socket none = EDDY_NO_SOCKET;
    eddy_socket datagram;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_DGRAM, EDDY_ANY_PROTOCOL, &datagram));
    fixture_keep_socket(f, datagram);
    {
        const struct refusal refusals[] = {
            {"h", 1, {.tls = tls}, NO_TLS_HERE, "TLS"},
            {"h", 1, {.tls_handshake_timeout = 1}, EDDY_EINVALID, "tls_handshake_timeout"},
            {"h", 1, {.tls_shutdown_timeout = 1}, EDDY_EINVALID, "tls_shutdown_timeout"},
            {"h", 0, {.sock = &datagram}, EDDY_EINVALID, "sock"},
            {NULL, 1, {.sock = &datagram}, EDDY_EINVALID, "sock"},
            {NULL, 0, {.backlog = 1}, EDDY_EINVALID, "neither"},
            {NULL, 0, {.sock = &datagram}, EDDY_EINVALID, "stream"},
            {NULL, 0, {.sock = &none}, EDDY_EINVALID, "no socket"},
            {"h", 1, {.hosts = hosts, .host_count = 1}, EDDY_EINVALID, "hosts"},
            {NULL, 1, {.hosts = hosts}, EDDY_EINVALID, "host_count"},
            {NULL, 1, {.host_count = 1}, EDDY_EINVALID, "host_count"},
            {"h", 1, {.service = "http"}, EDDY_EINVALID, "service"},
            {"h", 65536, {.backlog = 1}, EDDY_EINVALID, "65535"},
            {"h", 1, {.backlog = -1}, EDDY_EINVALID, "backlog"},
            {"h", 1, {.reserved = {tls}}, EDDY_EINVALID, "reserved"},
        };

        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
            assert_refused(eddy_loop_create_server(f->loop, program_factory, NULL, refusals[i].host,
                                                   refusals[i].port, &refusals[i].options),
                           refusals[i].code, refusals[i].text);
    }
    assert_refused(eddy_loop_create_server(f->loop, NULL, NULL, "h", 1, NULL), EDDY_EINVALID,
                   "factory");
    must(eddy_loop_close(f->loop));
    assert_refused(eddy_loop_create_server(f->loop, program_factory, NULL, "h", 1, NULL),
                   EDDY_EBADSTATE, "closed");
}

/* NET-19, NET-21: reuse_port where the system has it, else EDDY_EINVALID. */
static void test_reuse_port(struct fixture *f)
{
    eddy_server_options options = {.reuse_port = true};
    struct program program = {.count = 0};
    eddy_socket probe;
    eddy_server *server = NULL;
    bool available;
    int set = 0;
    int error;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &probe));
    available = eddy_socket_set_option(probe, EDDY_SOCKET_REUSE_PORT, 1) == 0;
    eddy_socket_close(probe);
    error = make_server(f, &program, "127.0.0.1", &options, &server);
    if (!available) {
        assert_int_equal(error, EDDY_EINVALID);
        return;
    }
    must(error);
    must(eddy_socket_view_get_option(eddy_server_socket(server, 0), EDDY_SOCKET_REUSE_PORT, &set));
    assert_true(set != 0);
    eddy_server_close(server);
    release_server(server);
}

/* NET-20: "" means all interfaces, on a port of the system's choice. */
static void test_all_interfaces(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_address address;
    char text[EDDY_ADDRESS_TEXT_MAX];

    must(make_server(f, &program, "", NULL, &server));
    assert_true(eddy_server_socket_count(server) >= 1);
    for (size_t i = 0; i < eddy_server_socket_count(server); i++) {
        server_address(server, i, &address);
        must(eddy_address_host(&address, text, sizeof text));
        assert_true(strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0);
        assert_true(eddy_address_port(&address) != 0);
    }
    eddy_server_close(server);
    release_server(server);
}

/* A port that is free right now. */
static int find_port(struct fixture *f)
{
    eddy_address address;
    eddy_socket socket = listener_new_deaf(f, &address);

    fixture_drop_socket(f, socket);
    eddy_socket_close(socket);
    return eddy_address_port(&address);
}

/* NET-20, NET-21: both families share a given port; nobody's duplicates are bound twice. */
static void test_dual_stack_on_one_port(struct fixture *f)
{
    static const char *const hosts[] = {"127.0.0.1", "::1", "127.0.0.1", "::1"};
    eddy_server_options options = {.hosts = hosts, .host_count = 4};
    struct program program = {.count = 0};
    int port = find_port(f);
    eddy_address address;
    eddy_value value;
    bool has_ipv6 = false;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_server(f->loop, program_factory, &program, NULL, port, &options),
        &value));
    keep_server(f, value.server);
    for (size_t i = 0; i < eddy_server_socket_count(value.server); i++) {
        server_address(value.server, i, &address);
        assert_int_equal(eddy_address_port(&address), port);
        has_ipv6 = has_ipv6 || eddy_address_family(&address) == EDDY_INET6;
    }
    assert_int_equal(eddy_server_socket_count(value.server), has_ipv6 ? 2 : 1);
    eddy_server_close(value.server);
    release_server(value.server);
}

/* NET-20, NET-21: no host means all interfaces; both families at once on the port given. */
static void test_all_interfaces_on_one_port(struct fixture *f)
{
    struct program program = {.count = 0};
    int port = find_port(f);
    eddy_value value;
    eddy_socket probe;
    bool has_ipv6;

    has_ipv6 = eddy_socket_new(f->loop, EDDY_INET6, EDDY_STREAM, EDDY_TCP, &probe) == 0;
    if (has_ipv6)
        eddy_socket_close(probe);
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_server(f->loop, program_factory, &program, NULL, port, NULL),
        &value));
    keep_server(f, value.server);
    assert_int_equal(eddy_server_socket_count(value.server), has_ipv6 ? 2 : 1);
    for (size_t i = 0; i < eddy_server_socket_count(value.server); i++) {
        eddy_socket_view *view = eddy_server_socket(value.server, i);
        int only = 0;

        if (eddy_socket_view_family(view) != EDDY_INET6)
            continue;
        must(eddy_socket_view_get_option(view, EDDY_SOCKET_IPV6_ONLY, &only));
        assert_true(only != 0);
    }
    eddy_server_close(value.server);
    release_server(value.server);
}

/* NET-20: "" in a list of hosts means all interfaces as well. */
static void test_empty_host_in_a_list(struct fixture *f)
{
    static const char *const hosts[] = {""};
    eddy_server_options options = {.hosts = hosts, .host_count = 1, .family = EDDY_INET};
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_address address;
    char text[EDDY_ADDRESS_TEXT_MAX];

    must(make_server(f, &program, NULL, &options, &server));
    assert_int_equal(eddy_server_socket_count(server), 1);
    server_address(server, 0, &address);
    must(eddy_address_host(&address, text, sizeof text));
    assert_string_equal(text, "0.0.0.0");
    eddy_server_close(server);
    release_server(server);
}

/* NET-20: a host that nobody knows fails the whole call. */
static void test_unknown_host_fails(struct fixture *f)
{
    static const char *const hosts[] = {"127.0.0.1", "no-number"};
    eddy_server_options options = {.hosts = hosts, .host_count = 2, .flags = EDDY_AI_NUMERICHOST};
    struct program program = {.count = 0};
    eddy_server *server;
    int error = make_server(f, &program, NULL, &options, &server);

    must(error == EDDY_EAI_NONAME ? 0 : error);
    assert_int_equal(error, EDDY_EAI_NONAME);
}

/* NET-21: SO_REUSEADDR by default where it is harmless; SO_KEEPALIVE on request. */
static void test_socket_options(struct fixture *f)
{
    bool by_default = !f->loop->backend->sockets->reuse_shares_port;
    static const eddy_choice choices[] = {EDDY_DEFAULT, EDDY_YES, EDDY_NO};

    for (size_t i = 0; i < 3; i++) {
        eddy_server_options options = {.reuse_address = choices[i], .keep_alive = i == 1};
        struct program program = {.count = 0};
        eddy_server *server;
        int reuse = 0;
        int keep = 0;

        must(make_server(f, &program, "127.0.0.1", &options, &server));
        must(eddy_socket_view_get_option(eddy_server_socket(server, 0), EDDY_SOCKET_REUSE_ADDRESS,
                                         &reuse));
        must(eddy_socket_view_get_option(eddy_server_socket(server, 0), EDDY_SOCKET_KEEP_ALIVE,
                                         &keep));
        assert_int_equal(reuse != 0, i == 1 || (i == 0 && by_default));
        assert_int_equal(keep != 0, i == 1);
        eddy_server_close(server);
        release_server(server);
    }
}

/* NET-22: one address in use fails the call, with the address; no socket is left. */
static void test_address_in_use_fails(struct fixture *f)
{
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.1"};
    eddy_server_options options = {.hosts = hosts, .host_count = 2};
    eddy_address address;
    eddy_future *future;
    char text[EDDY_ADDRESS_TEXT_MAX];
    int error;

    listener_new(f, &address);
    must(eddy_address_format(&address, text, sizeof text));
    future = eddy_loop_create_server(f->loop, program_factory, NULL, NULL,
                                     eddy_address_port(&address), &options);
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    must(error == EDDY_EADDRINUSE ? 0 : error);
    assert_int_equal(error, EDDY_EADDRINUSE);
    assert_non_null(strstr(eddy_error_text(), text));
}

/* NET-22: an address that is not here is skipped, with a word in debug mode. */
static void test_address_that_is_not_here_is_skipped(struct fixture *f)
{
    static const char *const hosts[] = {"192.0.2.1", "127.0.0.1"};
    eddy_server_options options = {.hosts = hosts, .host_count = 2};
    struct program program = {.count = 0};
    eddy_server *server;

    eddy_loop_set_debug(f->loop, true);
    must(make_server(f, &program, NULL, &options, &server));
    assert_logged(EDDY_LOG_WARNING, "192.0.2.1");
    assert_int_equal(eddy_server_socket_count(server), 1);
    eddy_server_close(server);
    release_server(server);
}

/* NET-22: if nothing could be bound, the error names the addresses. */
static void test_no_address_that_is_here(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    int error = make_server(f, &program, "192.0.2.1", NULL, &server);

    must(error == EDDY_EADDRNOTAVAIL ? 0 : error);
    assert_int_equal(error, EDDY_EADDRNOTAVAIL);
    assert_non_null(strstr(eddy_error_text(), "192.0.2.1"));
}

static struct {
    const struct eddy__backend *real;
    eddy_family missing_family;
    int listen_error;
} net;

static int net_open(struct eddy_loop *loop, int family, int type, int protocol, eddy_socket *socket)
{
    if (family == (int)net.missing_family)
        return EDDY_EAFNOSUPPORT;
    return net.real->sockets->open(loop, family, type, protocol, socket);
}

static int net_listen(eddy_socket socket, int backlog)
{
    record("listen:%d", backlog);
    return net.listen_error != 0 ? net.listen_error : net.real->sockets->listen(socket, backlog);
}

static void net_begin(struct fixture *f)
{
    struct spy *spy = spy_begin(f->loop);

    memset(&net, 0, sizeof net);
    net.real = spy->real;
    spy->sockets.open = net_open;
    spy->sockets.listen = net_listen;
}

/* NET-21: a family whose sockets cannot be made is skipped. */
static void test_missing_family_is_skipped(struct fixture *f)
{
    static const char *const hosts[] = {"::1", "127.0.0.1"};
    eddy_server_options options = {.hosts = hosts, .host_count = 2};
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_address address;

    net_begin(f);
    net.missing_family = EDDY_INET6;
    eddy_loop_set_debug(f->loop, true);
    must(make_server(f, &program, NULL, &options, &server));
    assert_logged(EDDY_LOG_WARNING, "::1");
    assert_int_equal(eddy_server_socket_count(server), 1);
    server_address(server, 0, &address);
    assert_int_equal(eddy_address_family(&address), EDDY_INET);
    eddy_server_close(server);
    release_server(server);
}

/* NET-18, NET-24: the backlog is 100 unless said otherwise; failing to listen fails the call. */
static void test_listening(struct fixture *f)
{
    eddy_server_options options = {.backlog = 7};
    struct program program = {.count = 0};
    eddy_server *server;

    net_begin(f);
    must(make_server(f, &program, "127.0.0.1", NULL, &server));
    eddy_server_close(server);
    release_server(server);
    must(make_server(f, &program, "127.0.0.1", &options, &server));
    eddy_server_close(server);
    release_server(server);
    assert_recorded("listen:100", "listen:7");
    net.listen_error = EDDY_EADDRINUSE;
    assert_int_equal(make_server(f, &program, "127.0.0.1", NULL, &server), EDDY_EADDRINUSE);
}

/* NET-23: a passed socket is the server's. */
static void test_passed_socket_is_served(struct fixture *f)
{
    eddy_address address;
    eddy_socket socket = listener_new_deaf(f, &address);
    eddy_server_options options = {.sock = &socket};
    struct program program = {.count = 0};
    eddy_server *server;

    must(make_server(f, &program, NULL, &options, &server));
    fixture_drop_socket(f, socket);
    assert_true(eddy_socket_view_fileno(eddy_server_socket(server, 0)) == socket);
    connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_server_close(server);
    release_server(server);
    eddy_transport_abort(program.clients[0].transport);
    run_until_recorded(f->loop, "lost:0");
}

/* NET-23: one that listens already is taken as it is. */
static void test_listening_socket_is_served(struct fixture *f)
{
    eddy_address address;
    eddy_socket socket = listener_new(f, &address);
    eddy_server_options options = {.sock = &socket};
    struct program program = {.count = 0};
    eddy_server *server;

    net_begin(f);
    must(make_server(f, &program, NULL, &options, &server));
    assert_nothing_recorded(); /* its backlog is its owner's affair */
    fixture_drop_socket(f, socket);
    connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_transport_abort(program.clients[0].transport);
    eddy_server_close(server);
    release_server(server);
    run_until_recorded(f->loop, "lost:0");
}

/* NET-23: a call that is cancelled in its last iteration gives the passed socket back. */
static void test_cancelled_call_leaves_the_passed_socket(struct fixture *f)
{
    eddy_address address;
    eddy_socket socket = listener_new_deaf(f, &address);
    eddy_server_options options = {.sock = &socket};
    eddy_future *future =
        eddy_loop_create_server(f->loop, program_factory, NULL, NULL, 0, &options);
    int error = eddy_future_done(future) ? eddy_future_exception(future) : 0;

    eddy_future_cancel(future, NULL);
    eddy_future_unref(future);
    run_iterations(f->loop, 2);
    must(error);
    must(eddy_socket_local_address(socket, &address));
}

/* NET-24: the call ends one iteration later; a client may connect right then. */
static void test_call_ends_one_iteration_later(struct fixture *f)
{
    eddy_future *future;
    eddy_value value;

    future = keep_future(
        f, eddy_loop_create_server(f->loop, program_factory, NULL, "127.0.0.1", 0, NULL));
    assert_false(eddy_future_done(future) && eddy_future_exception(future) == 0);
    run_iterations(f->loop, 1);
    assert_true(eddy_future_done(future));
    must(eddy_future_result(future, &value));
    keep_server(f, value.server);
    assert_true(eddy_server_is_serving(value.server));
    eddy_server_close(value.server);
    release_server(value.server);
}

/* NET-24, SRV-2, SRV-4: bound but deaf until start_serving(), which may come twice. */
static void test_deferred_serving(struct fixture *f)
{
    eddy_server_options options = {.defer_serving = true};
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_future *future;

    must(make_server(f, &program, "127.0.0.1", &options, &server));
    assert_false(eddy_server_is_serving(server));
    assert_int_equal(eddy_server_socket_count(server), 1);
    assert_ptr_equal(eddy_server_get_loop(server), f->loop);
    future = eddy_server_start_serving(server);
    assert_true(eddy_server_is_serving(server));
    assert_false(eddy_future_done(future));
    must(eddy_loop_run_until_complete(f->loop, future, NULL));
    must(eddy_loop_run_until_complete(f->loop, eddy_server_start_serving(server), NULL));
    connect_client(f, server);
    run_until_count(f, "made", 1);
    eddy_transport_abort(program.clients[0].transport);
    eddy_server_close(server);
    assert_false(eddy_server_is_serving(server));
    assert_refused(eddy_server_start_serving(server), EDDY_EBADSTATE, "closed");
    release_server(server);
    run_until_recorded(f->loop, "lost:0");
}

/* NET-18: nobody asked for the server in the end, so it does not stay. */
static void test_untaken_server_is_closed(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_future *future;

    need_whole_test();
    future = eddy_loop_create_server(f->loop, program_factory, &program, "127.0.0.1", 0, NULL);
    run_iterations(f->loop, 1);
    assert_true(eddy_future_done(future));
    eddy_future_unref(future);
    run_iterations(f->loop, 1);
    assert_true(eddy__list_is_empty(&f->loop->live));
}

/* Every allocation of making a server and of accepting may fail. */
static void test_making_and_serving_under_want_of_memory(struct fixture *f)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.1"};
    eddy_server_options options = {.hosts = hosts, .host_count = 2};
    struct program program = {.count = 0};
    eddy_server *server;
    eddy_address address;
    eddy_socket client;
    int error = make_server(f, &program, NULL, &options, &server);

    must(error);
    error = eddy_socket_view_getsockname(eddy_server_socket(server, 0), &address);
    if (error == 0)
        error = eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &client);
    if (error == 0) {
        fixture_keep_socket(f, client);
        eddy_socket_connect(client, &address);
        for (int i = 0; i < 10 && program.count == 0; i++) {
            eddy_loop_stop(f->loop);
            eddy_loop_run_forever(f->loop);
        }
    }
    eddy_server_close(server);
    eddy_server_abort_clients(server);
    for (int i = 0; i < 3; i++) {
        eddy_loop_stop(f->loop);
        eddy_loop_run_forever(f->loop);
    }
    release_server(server);
    must(error);
    assert_int_equal(recorded("made"), recorded("lost:0"));
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_clients_get_protocols),
        TEST(test_bad_combinations_are_refused),
        TEST(test_reuse_port),
        TEST(test_all_interfaces),
        TEST(test_all_interfaces_on_one_port),
        TEST(test_dual_stack_on_one_port),
        TEST(test_empty_host_in_a_list),
        TEST(test_unknown_host_fails),
        TEST(test_socket_options),
        TEST(test_address_in_use_fails),
        TEST(test_address_that_is_not_here_is_skipped),
        TEST(test_no_address_that_is_here),
        TEST(test_missing_family_is_skipped),
        TEST(test_listening),
        TEST(test_passed_socket_is_served),
        TEST(test_listening_socket_is_served),
        TEST(test_cancelled_call_leaves_the_passed_socket),
        TEST(test_call_ends_one_iteration_later),
        TEST(test_deferred_serving),
        TEST(test_untaken_server_is_closed),
        TEST(test_making_and_serving_under_want_of_memory),
    };

    return run_suite("server", tests);
}
