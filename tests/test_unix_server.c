/* SPDX-License-Identifier: MIT */
/* create_unix_server() and its file: NET-32..NET-35; credentials of the peer. */
#include "common/loop.h"
#include "support/listener.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>
#if !defined(_WIN32)
#include "posix/sys.h"
#include <unistd.h>
#endif

static int make_unix_server(struct fixture *f, struct program *program, const char *path,
                            const eddy_unix_server_options *options, eddy_server **server)
{
    eddy_value value = {0};
    int error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_unix_server(f->loop, program_factory, program, path, options),
        &value);

    *server = value.server;
    return error;
}

static void drop_server(eddy_server *server)
{
    eddy_server_close(server);
    eddy_server_unref(server);
}

/* Names of a simulated network have no files behind them. */
static void need_files(struct fixture *f)
{
    need_unix(f);
    if (f->sim != NULL) {
        print_message("skipped: no files in a simulated network\n");
        skip();
    }
}

/* NET-32, NET-28: clients of a path get their protocols; the name is the server's. */
static void test_clients_of_a_path_get_protocols(struct fixture *f)
{
    struct program program = {.count = 0};
    struct peer peer = {.f = f};
    const char *path = scratch_path("server");
    eddy_address address, name;
    eddy_server *server;

    need_unix(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, NULL, &server));
    assert_true(eddy_server_is_serving(server));
    server_address(server, 0, &name);
    must(eddy_address_unix(path, strlen(path), &address));
    assert_true(eddy_address_equal(&name, &address));
    peer.socket = listener_connect_unix(f, path);
    run_until_recorded(f->loop, "made");
    peer_send(&peer, "hello");
    run_until_recorded(f->loop, "data:hello");
    must(write_text(program.clients[0].transport, "bye"));
    peer_expect(&peer, "bye");
    peer_close(&peer);
    run_until_recorded(f->loop, "lost:0");
    drop_server(server);
}

/* NET-32: both ends made by the library. */
static void test_both_ends_meet(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;
    struct witness w;

    need_unix(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, NULL, &server));
    witness_init(&w, "client");
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_unix_connection(f->loop, witness_factory, &w, path, NULL), NULL));
    run_until_recorded(f->loop, "made");
    must(write_text(w.transport, "to the server"));
    run_until_recorded(f->loop, "data:to the server");
    must(write_text(program.clients[0].transport, "to the client"));
    run_until_recorded(f->loop, "client.data:to the client");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    drop_server(server);
}

/* NET-32, NET-30: each bad combination is refused at once. */
static void test_bad_combinations_are_refused(struct fixture *f)
{
    eddy_tls_context *tls = eddy_tls_default();
    eddy_socket inet;

    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &inet));
    fixture_keep_socket(f, inet);
    {
        const struct {
            const char *path;
            eddy_unix_server_options options;
            int code;
            const char *text;
        } refusals[] = {
            {NULL, {.backlog = 0}, EDDY_EINVALID, "neither"},
            {"p", {.sock = &inet}, EDDY_EINVALID, "same time"},
            {NULL, {.sock = &inet}, EDDY_EINVALID, "not a Unix socket"},
            {"p", {.backlog = -1}, EDDY_EINVALID, "backlog"},
            {"p", {.remove_sock_file = true}, EDDY_EINVALID, "remove_sock_file"},
            {"p", {.tls = tls}, NO_TLS_HERE, "TLS"},
            {"p", {.tls_handshake_timeout = 1}, EDDY_EINVALID, "tls_handshake_timeout"},
            {"p", {.tls_shutdown_timeout = 1}, EDDY_EINVALID, "tls_shutdown_timeout"},
            {"p", {.reserved = {tls}}, EDDY_EINVALID, "reserved"},
        };

        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
            assert_refused(eddy_loop_create_unix_server(f->loop, program_factory, NULL,
                                                        refusals[i].path, &refusals[i].options),
                           refusals[i].code, refusals[i].text);
    }
    assert_refused(eddy_loop_create_unix_server(f->loop, NULL, NULL, "p", NULL), EDDY_EINVALID,
                   "factory");
    must(eddy_loop_close(f->loop));
    assert_refused(eddy_loop_create_unix_server(f->loop, program_factory, NULL, "p", NULL),
                   EDDY_EBADSTATE, "closed");
}

/* NET-32: nothing listens until start_serving(). */
static void test_serving_can_be_put_off(struct fixture *f)
{
    eddy_unix_server_options options = {.defer_serving = true, .backlog = 3};
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;
    struct witness w;

    need_unix(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, &options, &server));
    assert_false(eddy_server_is_serving(server));
    witness_init(&w, "client");
    assert_int_equal(eddy_loop_run_until_complete(
                         f->loop,
                         eddy_loop_create_unix_connection(f->loop, witness_factory, &w, path, NULL),
                         NULL),
                     EDDY_ECONNREFUSED);
    must(eddy_loop_run_until_complete(f->loop, eddy_server_start_serving(server), NULL));
    listener_connect_unix(f, path);
    run_until_recorded(f->loop, "made");
    drop_server(server);
}

/* NET-33: a socket that nobody closed properly is in nobody's way. */
static void test_a_stale_socket_is_replaced(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_socket stale;
    eddy_server *server;

    need_files(f);
    need_whole_test();
    stale = listener_new_unix(f, path, 0);
    fixture_drop_socket(f, stale);
    eddy_socket_close(stale);
    assert_true(scratch_exists(path));
    must(make_unix_server(f, &program, path, NULL, &server));
    listener_connect_unix(f, path);
    run_until_recorded(f->loop, "made");
    drop_server(server);
}

#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
/* NET-33: without a socket to take its place, the stale one stays. */
static void test_a_stale_socket_stays_if_none_can_be_made(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;
    eddy_socket stale;
    int error;

    need_files(f);
    need_whole_test();
    stale = listener_new_unix(f, path, 0);
    fixture_drop_socket(f, stale);
    eddy_socket_close(stale);
    eddy__sys_fail(EDDY__SYS_socket, 1, EMFILE);
    error = make_unix_server(f, &program, path, NULL, &server);
    eddy__sys_reset();
    assert_int_equal(error, EDDY_EMFILE);
    assert_true(scratch_exists(path));
}
#endif

static int refuse_channel(struct eddy__channel *channel)
{
    (void)channel;
    return EDDY_EMFILE;
}

/* NET-22, NET-35: nothing is left of a bound socket that cannot be served, if it was to be kept
 * or not. */
static void test_a_socket_that_cannot_be_served_leaves_no_file(struct fixture *f)
{
    eddy_unix_server_options options = {.backlog = 1};
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;

    need_files(f);
    need_whole_test();
    spy_begin(f->loop)->backend.channel_open = refuse_channel;
    for (int keep = 0; keep < 2; keep++) {
        options.keep_socket_file = keep != 0;
        assert_int_equal(make_unix_server(f, &program, path, &options, &server), EDDY_EMFILE);
        assert_false(scratch_exists(path));
    }
    spy_end();
}

/* NET-33, NET-34: any other file stays as it is, and is in the way: the text says which. */
static void test_a_regular_file_is_in_the_way(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_file("server", 3);
    eddy_server *server;
    int error;

    need_files(f);
    error = make_unix_server(f, &program, path, NULL, &server);
    must(error == EDDY_ENOMEM ? error : 0);
    assert_int_equal(error, EDDY_EADDRINUSE);
    assert_non_null(strstr(eddy_error_text(), path));
    assert_true(scratch_exists(path));
}

/* NET-33, NET-34: a name in use in the simulated network is in use. */
static void test_a_name_in_use_is_in_use(struct fixture *f)
{
    struct program program = {.count = 0};
    eddy_server *server;
    int error;

    need_unix(f);
    if (f->sim == NULL) {
        print_message("skipped: a system's file would be replaced\n");
        skip();
    }
    listener_new_unix(f, "/run/name", 0);
    error = make_unix_server(f, &program, "/run/name", NULL, &server);
    must(error == EDDY_ENOMEM ? error : 0);
    assert_int_equal(error, EDDY_EADDRINUSE);
    assert_non_null(strstr(eddy_error_text(), "/run/name"));
}

/* NET-34: other errors of binding come as they are; NET-33: no file there is no error. */
static void test_a_folder_that_is_not_there(struct fixture *f)
{
    struct program program = {.count = 0};
    char path[SCRATCH_PATH_MAX + 8];
    eddy_server *server;
    int error;

    need_files(f);
    snprintf(path, sizeof path, "%s/server", scratch_path("missing"));
    error = make_unix_server(f, &program, path, NULL, &server);
    must(error == EDDY_ENOMEM ? error : 0);
    assert_int_equal(error, EDDY_ENOENT);
    assert_non_null(strstr(eddy_error_text(), path));
}

/* NET-33: a stale file that cannot be looked at is logged; binding then has its own error. */
static void test_what_cannot_be_checked_is_logged(struct fixture *f)
{
    struct program program = {.count = 0};
    char path[SCRATCH_PATH_MAX + 8];
    eddy_server *server;
    int error;

    need_files(f);
    need_whole_test();
    snprintf(path, sizeof path, "%s/server", scratch_file("file", 1));
    error = make_unix_server(f, &program, path, NULL, &server);
    assert_int_equal(error, EDDY_ENOTDIR);
    assert_logged(EDDY_LOG_WARNING, "stale");
}

/* NET-35: closing removes the file; a file that is gone already is no matter. */
static void test_closing_removes_the_file(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;

    need_files(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, NULL, &server));
    assert_true(scratch_exists(path));
    drop_server(server);
    assert_false(scratch_exists(path));
    must(make_unix_server(f, &program, path, NULL, &server));
    scratch_remove(path);
    drop_server(server);
    assert_false(scratch_exists(path));
}

/* NET-35: so does closing the loop, with a server that nobody closed. */
static void test_closing_the_loop_removes_the_file(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;

    need_files(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, NULL, &server));
    eddy_server_unref(server);
    must(eddy_loop_close(f->loop));
    assert_false(scratch_exists(path));
}

/* NET-35: what has taken the file's place is left alone, be it a socket or not. */
static void test_a_replaced_file_is_left_alone(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;

    need_files(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, NULL, &server));
    scratch_remove(path);
    listener_new_unix(f, path, 0);
    drop_server(server);
    assert_true(scratch_exists(path));
    must(make_unix_server(f, &program, path, NULL, &server));
    scratch_file("server", 1);
    drop_server(server);
    assert_true(scratch_exists(path));
}

/* NET-35: a file that cannot be removed is logged, and the server closes all the same. */
static void test_a_file_that_cannot_be_removed_is_logged(struct fixture *f)
{
#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;

    need_files(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, NULL, &server));
    eddy__sys_fail(EDDY__SYS_unlink, 1, EACCES);
    drop_server(server);
    eddy__sys_reset();
    assert_logged(EDDY_LOG_WARNING, path);
    assert_true(scratch_exists(path));
#else
    (void)f;
    print_message("skipped: built without test hooks\n");
    skip();
#endif
}

/* NET-35: the file stays if that is asked for. */
static void test_the_file_can_be_kept(struct fixture *f)
{
    eddy_unix_server_options options = {.keep_socket_file = true};
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;

    need_files(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, &options, &server));
    drop_server(server);
    assert_true(scratch_exists(path));
}

/* NET-32, NET-35: the file of a passed socket goes only if that is asked for. */
static void test_the_file_of_a_passed_socket(struct fixture *f)
{
    eddy_unix_server_options options = {.backlog = 5};
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_socket sock;
    eddy_server *server;

    need_files(f);
    need_whole_test();
    for (int asked = 0; asked < 2; asked++) {
        sock = listener_new_unix(f, path, 0);
        options.sock = &sock;
        options.remove_sock_file = asked != 0;
        must(make_unix_server(f, &program, NULL, &options, &server));
        fixture_drop_socket(f, sock);
        listener_connect_unix(f, path);
        run_until_count(f, "made", (size_t)asked + 1);
        drop_server(server);
        assert_int_equal(scratch_exists(path), !asked);
        scratch_remove(path);
    }
}

/* NET-23: a passed socket stays the caller's, and its file there, if the call is cancelled. */
static void test_a_cancelled_call_leaves_the_passed_socket(struct fixture *f)
{
    eddy_unix_server_options options = {.remove_sock_file = true};
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_socket sock;
    eddy_future *future;

    need_files(f);
    need_whole_test();
    sock = listener_new_unix(f, path, 0);
    options.sock = &sock;
    future = eddy_loop_create_unix_server(f->loop, program_factory, &program, NULL, &options);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    run_iterations(f->loop, 2);
    assert_true(scratch_exists(path));
    listener_connect_unix(f, path);
    listener_accept(f, sock);
}

/* NET-22, NET-35: cancelled right after binding, the path is free again. */
static void test_a_cancelled_call_leaves_no_file(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_future *future;

    need_files(f);
    need_whole_test();
    future = eddy_loop_create_unix_server(f->loop, program_factory, &program, path, NULL);
    assert_true(scratch_exists(path));
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    assert_false(scratch_exists(path));
}

/* NET-31, NET-33, NET-35: abstract names have no file to care for. */
static void test_an_abstract_name_is_served(struct fixture *f)
{
    char name[SCRATCH_PATH_MAX + 1];
    size_t size = scratch_abstract(name);
    eddy_unix_server_options options = {.path_size = size};
    eddy_unix_connection_options client = {.path_size = size};
    struct program program = {.count = 0};
    eddy_address address;
    eddy_server *server;
    struct witness w;
    int error = eddy_address_unix(name, size, &address);

    need_unix(f);
    need_whole_test();
    if (error == EDDY_ENOTSUPPORTED) {
        assert_int_equal(make_unix_server(f, &program, name, &options, &server), error);
        return;
    }
    must(make_unix_server(f, &program, name, &options, &server));
    witness_init(&w, "client");
    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_unix_connection(f->loop, witness_factory, &w, name, &client),
        NULL));
    run_until_recorded(f->loop, "made");
    drop_server(server);
}

/* NET-34: no memory at any point leaves neither a file nor a server. */
static void test_a_server_is_made_or_leaves_nothing(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_server *server;
    int error;

    need_files(f);
    error = make_unix_server(f, &program, path, NULL, &server);
    if (error != 0 && allocations_failed())
        assert_false(scratch_exists(path));
    must(error);
    drop_server(server);
}

/* The other end's process and user, of accepted connections and of our own. */
static void test_the_peer_has_credentials(struct fixture *f)
{
    struct program program = {.count = 0};
    const char *path = scratch_path("server");
    eddy_peer_credentials credentials = {0};
    eddy_server *server;
    eddy_socket client;
    int error;

    need_unix(f);
    need_whole_test();
    must(make_unix_server(f, &program, path, NULL, &server));
    client = listener_connect_unix(f, path);
    assert_true(client != EDDY_NO_SOCKET);
    run_until_recorded(f->loop, "made");
    error =
        eddy_socket_peer_credentials(transport_socket(program.clients[0].transport), &credentials);
#if defined(_WIN32)
    assert_int_equal(error, EDDY_ENOTSUPPORTED);
#else
    if (f->sim != NULL) {
        assert_int_equal(error, EDDY_ENOTSUPPORTED);
    } else {
        must(error);
        assert_true(credentials.pid == getpid() || credentials.pid == -1);
        assert_int_equal(credentials.uid, getuid());
        assert_int_equal(credentials.gid, getgid());
        must(eddy_socket_peer_credentials(client, &credentials));
        assert_int_equal(credentials.uid, getuid());
    }
#endif
    drop_server(server);
}

/* What has no such peer has no credentials. */
static void test_others_have_no_credentials(struct fixture *f)
{
    eddy_peer_credentials credentials = {0};
    eddy_socket sockets[2];

    need_whole_test();
    assert_int_equal(eddy_socket_peer_credentials(EDDY_NO_SOCKET, &credentials), EDDY_EBADF);
    tcp_pair(f, sockets);
    assert_true(eddy_socket_peer_credentials(sockets[0], &credentials) < 0);
    eddy_socket_close(sockets[0]);
    eddy_socket_close(sockets[1]);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_clients_of_a_path_get_protocols),
        TEST(test_both_ends_meet),
        TEST(test_bad_combinations_are_refused),
        TEST(test_serving_can_be_put_off),
        TEST(test_a_stale_socket_is_replaced),
#if defined(EDDY_TEST_HOOKS) && !defined(_WIN32)
        TEST(test_a_stale_socket_stays_if_none_can_be_made),
#endif
        TEST(test_a_socket_that_cannot_be_served_leaves_no_file),
        TEST(test_a_regular_file_is_in_the_way),
        TEST(test_a_name_in_use_is_in_use),
        TEST(test_a_folder_that_is_not_there),
        TEST(test_what_cannot_be_checked_is_logged),
        TEST(test_closing_removes_the_file),
        TEST(test_closing_the_loop_removes_the_file),
        TEST(test_a_replaced_file_is_left_alone),
        TEST(test_a_file_that_cannot_be_removed_is_logged),
        TEST(test_the_file_can_be_kept),
        TEST(test_the_file_of_a_passed_socket),
        TEST(test_a_cancelled_call_leaves_the_passed_socket),
        TEST(test_a_cancelled_call_leaves_no_file),
        TEST(test_an_abstract_name_is_served),
        TEST(test_a_server_is_made_or_leaves_nothing),
        TEST(test_the_peer_has_credentials),
        TEST(test_others_have_no_credentials),
    };

    return run_suite("unix_server", tests);
}
