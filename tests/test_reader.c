/* SPDX-License-Identifier: MIT */
/* Readers and writers: FD-1..FD-5, LOOP-27. */
#include "support/listener.h"
#include "support/support.h"
#include <string.h>

/** Two connected sockets of the fixture. */
static void new_pair(struct fixture *f, eddy_socket sockets[2])
{
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
}

static void send_text(eddy_socket socket, const char *text)
{
    must((int)eddy_socket_send(socket, text, strlen(text)));
}

static void close_now(struct fixture *f, eddy_socket socket)
{
    fixture_drop_socket(f, socket);
    eddy_socket_close(socket);
}

/** What a callback does to the descriptor of another, or its own. */
struct script {
    struct fixture *f;
    eddy_socket fd;
    eddy_callback replacement; /* NULL: remove */
    const char *name;
};

/** Record and read what is there, so that it comes once for each sending. */
static int on_readable(void *arg)
{
    struct script *script = arg;
    char buffer[64];
    int64_t received = eddy_socket_receive(script->fd, buffer, sizeof buffer);

    if (received < 0)
        record("%s:error", script->name);
    else
        record("%s:%.*s", script->name, (int)received, buffer);
    return 0;
}

/** Remove or replace the script's reader, whoever has it. */
static int on_change_reader(void *arg)
{
    struct script *script = arg;

    record("%s", script->name);
    if (script->replacement == NULL)
        assert_int_equal(eddy_loop_remove_reader(script->f->loop, script->fd), 1);
    else
        must(eddy_loop_add_reader(script->f->loop, script->fd, script->replacement, "new"));
    return 0;
}

/* FD-1: data calls the reader, with its argument. */
static void test_reader_hears_of_data(struct fixture *f)
{
    eddy_socket sockets[2];
    struct script script = {.f = f, .name = "read"};

    new_pair(f, sockets);
    script.fd = sockets[0];
    must(eddy_loop_add_reader(f->loop, sockets[0], on_readable, &script));
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_nothing_recorded();
    send_text(sockets[1], "hello");
    run_until_recorded(f->loop, "read:hello");
    run_iterations(f->loop, 3);
    assert_recorded("read:hello");
    send_text(sockets[1], "again");
    run_until_recorded(f->loop, "read:again");
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
}

/* FD-1: level-triggered, once an iteration as long as it lasts. */
static void test_reader_comes_once_an_iteration(struct fixture *f)
{
    eddy_socket sockets[2];

    new_pair(f, sockets);
    send_text(sockets[1], "x");
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "ready"));
    run_until_recorded(f->loop, "ready");
    assert_recorded("ready");
    run_iterations(f->loop, 1);
    assert_recorded("ready");
    run_iterations(f->loop, 2);
    assert_recorded("ready", "ready");
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
    run_iterations(f->loop, 3);
    assert_nothing_recorded();
}

/* FD-1: a socket with room calls the writer. */
static void test_writer_hears_of_room(struct fixture *f)
{
    static char filling[64 * 1024];
    eddy_socket sockets[2];

    new_pair(f, sockets);
    must(eddy_loop_add_writer(f->loop, sockets[0], on_call, "room"));
    run_until_recorded(f->loop, "room");
    while (eddy_socket_send(sockets[0], filling, sizeof filling) > 0)
        continue;
    run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_true(recorded("room") > 0);
    recorder_reset();
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_nothing_recorded();
    while (eddy_socket_receive(sockets[1], filling, sizeof filling) > 0)
        continue;
    run_until_recorded(f->loop, "room");
    assert_int_equal(eddy_loop_remove_writer(f->loop, sockets[0]), 1);
    assert_int_equal(eddy_loop_remove_writer(f->loop, sockets[0]), 0);
}

/* LOOP-27: of one descriptor the reader comes before the writer, in either order of adding. */
static void test_reader_comes_before_writer(struct fixture *f)
{
    eddy_socket sockets[2];

    new_pair(f, sockets);
    send_text(sockets[1], "x");
    must(eddy_loop_add_writer(f->loop, sockets[0], on_call, "write"));
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "read"));
    run_until_recorded(f->loop, "write");
    assert_recorded("read", "write");
    eddy_loop_remove_reader(f->loop, sockets[0]);
    run_iterations(f->loop, 1);
    assert_recorded("write");
    eddy_loop_remove_writer(f->loop, sockets[0]);
}

/* FD-2: the later callback takes the place of the earlier one; the writer stays as it is. */
static void test_second_reader_replaces_first(struct fixture *f)
{
    eddy_socket sockets[2];

    new_pair(f, sockets);
    send_text(sockets[1], "x");
    must(eddy_loop_add_writer(f->loop, sockets[0], on_call, "write"));
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "old"));
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "new"));
    run_until_recorded(f->loop, "write");
    assert_recorded("new", "write");
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 0);
    run_iterations(f->loop, 1);
    assert_recorded("write");
    eddy_loop_remove_writer(f->loop, sockets[0]);
}

/** Watch both pairs with a script that changes the other one's reader; run until one has come. */
static void change_each_other(struct fixture *f, eddy_callback replacement)
{
    eddy_socket a[2];
    eddy_socket b[2];
    struct script to_b = {.f = f, .replacement = replacement, .name = "a"};
    struct script to_a = {.f = f, .replacement = replacement, .name = "b"};

    new_pair(f, a);
    new_pair(f, b);
    to_a.fd = a[0];
    to_b.fd = b[0];
    send_text(a[1], "x");
    send_text(b[1], "x");
    must(eddy_loop_add_reader(f->loop, a[0], on_change_reader, &to_b));
    must(eddy_loop_add_reader(f->loop, b[0], on_change_reader, &to_a));
    run_iterations(f->loop, 1);
    run_until_true(f->loop, recorded(NULL) > 0);
    /* Whichever came first, the other one does not come any more. */
    assert_int_equal(recorded("a") + recorded("b"), 1);
    recorder_reset();
    eddy_loop_remove_reader(f->loop, a[0]);
    eddy_loop_remove_reader(f->loop, b[0]);
}

/* FD-3: a callback that is due does not come after it was removed. */
static void test_removed_reader_does_not_come(struct fixture *f)
{
    change_each_other(f, NULL);
}

/* FD-2: neither does one that was replaced. */
static void test_replaced_reader_does_not_come(struct fixture *f)
{
    change_each_other(f, on_call);
}

/* FD-3: from inside the callback. */
static void test_reader_removes_itself(struct fixture *f)
{
    eddy_socket sockets[2];
    struct script script = {.f = f, .name = "once"};

    new_pair(f, sockets);
    script.fd = sockets[0];
    send_text(sockets[1], "x");
    must(eddy_loop_add_reader(f->loop, sockets[0], on_change_reader, &script));
    run_until_recorded(f->loop, "once");
    run_iterations(f->loop, 3);
    assert_recorded("once");
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 0);
}

/* FD-2: a callback puts another one in its own place. */
static void test_reader_replaces_itself(struct fixture *f)
{
    eddy_socket sockets[2];
    struct script script = {.f = f, .replacement = on_call, .name = "old"};

    new_pair(f, sockets);
    script.fd = sockets[0];
    send_text(sockets[1], "x");
    must(eddy_loop_add_reader(f->loop, sockets[0], on_change_reader, &script));
    run_until_recorded(f->loop, "new");
    assert_recorded("old", "new");
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
}

/* FD-4: the end of the stream makes a descriptor readable. */
static void test_end_of_stream_calls_the_reader(struct fixture *f)
{
    eddy_socket sockets[2];
    struct script script = {.f = f, .name = "end"};

    new_pair(f, sockets);
    script.fd = sockets[0];
    must(eddy_loop_add_reader(f->loop, sockets[0], on_readable, &script));
    close_now(f, sockets[1]);
    run_until_recorded(f->loop, "end:");
    eddy_loop_remove_reader(f->loop, sockets[0]);
}

/* FD-4, LOOP-27: a broken connection calls whoever watches, and only that. */
static void test_reset_calls_reader_and_writer(struct fixture *f)
{
    static char filling[64 * 1024];
    eddy_socket sockets[2];

    tcp_pair(f, sockets);
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
    while (eddy_socket_send(sockets[0], filling, sizeof filling) > 0)
        continue;
    run_for(f->loop, EDDY_MILLISECONDS(5));
    while (eddy_socket_send(sockets[0], filling, sizeof filling) > 0)
        continue;
    must(eddy_loop_add_writer(f->loop, sockets[0], on_call, "write"));
    recorder_reset();
    close_now(f, sockets[1]); /* with data that nobody read: a reset */
    run_until_recorded(f->loop, "write");
    eddy_loop_remove_writer(f->loop, sockets[0]);
    recorder_reset();
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "read"));
    run_until_recorded(f->loop, "read");
    eddy_loop_remove_reader(f->loop, sockets[0]);
    assert_int_equal(recorded("write"), 0);
    recorder_reset();
}

/* A listening socket is readable when there is somebody to accept. */
static void test_listening_socket_becomes_readable(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    eddy_socket client;
    int error;

    must(eddy_loop_add_reader(f->loop, listener, on_call, "accept"));
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &client));
    fixture_keep_socket(f, client);
    error = eddy_socket_connect(client, &address);
    must(error == EDDY_EINPROGRESS ? 0 : error);
    run_until_recorded(f->loop, "accept");
    eddy_loop_remove_reader(f->loop, listener);
}

/* FD-1: what is no descriptor, or not open, is refused; unknown ones have no reader. */
static void test_bad_descriptors_are_refused(struct fixture *f)
{
    eddy_socket sockets[2];

    new_pair(f, sockets);
    assert_int_equal(eddy_loop_add_reader(f->loop, EDDY_NO_SOCKET, on_call, "x"), EDDY_EINVALID);
    assert_int_equal(eddy_loop_remove_writer(f->loop, -5), EDDY_EINVALID);
    assert_int_equal(eddy_loop_add_reader(f->loop, sockets[0], NULL, NULL), EDDY_EINVALID);
    assert_int_equal(eddy_loop_add_reader(NULL, sockets[0], on_call, "x"), EDDY_EINVALID);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 0);
    close_now(f, sockets[0]);
    if (fixture_backend_is(f, "iocp")) /* says "not a socket" */
        assert_true(eddy_loop_add_reader(f->loop, sockets[0], on_call, "x") < 0);
    else
        assert_int_equal(eddy_loop_add_reader(f->loop, sockets[0], on_call, "x"), EDDY_EBADF);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 0);
}

static void expect_all_four(struct fixture *f, eddy_socket fd, int add, int remove)
{
    assert_int_equal(eddy_loop_add_reader(f->loop, fd, on_call, "x"), add);
    assert_int_equal(eddy_loop_remove_reader(f->loop, fd), remove);
    assert_int_equal(eddy_loop_add_writer(f->loop, fd, on_call, "x"), add);
    assert_int_equal(eddy_loop_remove_writer(f->loop, fd), remove);
}

/* FD-1: a transport's descriptor is its own, as long as it has it. */
static void test_transport_keeps_its_descriptor(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    eddy_socket fd;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    fd = transport_socket(w.transport);
    expect_all_four(f, fd, EDDY_EBADSTATE, EDDY_EBADSTATE);
    assert_non_null(strstr(eddy_error_text(), "transport"));
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_int_equal(eddy_loop_remove_reader(f->loop, fd), 0);
    recorder_reset();
}

/* FD-1: so is a server's. */
static void test_server_keeps_its_descriptor(struct fixture *f)
{
    eddy_value server;
    eddy_socket fd;

    must(eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_server(f->loop, witness_factory, NULL, "127.0.0.1", 0, NULL),
        &server));
    fd = eddy_socket_view_fileno(eddy_server_socket(server.server, 0));
    expect_all_four(f, fd, EDDY_EBADSTATE, EDDY_EBADSTATE);
    eddy_server_close(server.server);
    assert_int_equal(eddy_loop_remove_reader(f->loop, fd), 0);
    eddy_server_unref(server.server);
}

/* The other way round: nobody makes a transport of a descriptor that is watched. */
static void test_watched_socket_becomes_no_transport(struct fixture *f)
{
    eddy_socket sockets[2];
    eddy_connection_options options = {.sock = &sockets[0]};
    struct witness w;

    witness_init(&w, NULL);
    new_pair(f, sockets);
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "x"));
    assert_int_equal(
        eddy_loop_run_until_complete(
            f->loop, eddy_loop_create_connection(f->loop, witness_factory, &w, NULL, 0, &options),
            NULL),
        EDDY_EBADSTATE);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
    fixture_drop_socket(f, sockets[0]);
    connect_socket(f, &w, sockets[0]);
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    recorder_reset();
}

/* FD-1, FD-3: a closed loop takes no readers and has none. */
static void test_closed_loop_has_no_readers(struct fixture *f)
{
    eddy_socket sockets[2];

    new_pair(f, sockets);
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "x"));
    must(eddy_loop_add_writer(f->loop, sockets[1], on_call, "x"));
    must(eddy_loop_close(f->loop));
    expect_all_four(f, sockets[0], EDDY_EBADSTATE, 0);
    assert_nothing_recorded();
}

static int on_call_fail(void *name)
{
    record("%s", (const char *)name);
    return EDDY_EUSER - 3;
}

/* ERR-1, LOOP-42: a failing callback is reported with its handle, and stays. */
static void test_failing_reader_is_reported(struct fixture *f)
{
    eddy_socket sockets[2];

    new_pair(f, sockets);
    send_text(sockets[1], "x");
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call_fail, "bad"));
    run_until_recorded(f->loop, "bad");
    assert_true(assert_reported("callback failed", EDDY_EUSER - 3)->has_handle);
    assert_recorded("bad");
    run_until_recorded(f->loop, "bad");
    assert_true(assert_reported("callback failed", EDDY_EUSER - 3)->has_handle);
    assert_int_equal(eddy_loop_remove_reader(f->loop, sockets[0]), 1);
    recorder_reset();
}

/** Record the value of the current context. */
static int on_call_context(void *arg)
{
    const char *value = eddy_context_value(eddy_get_context());

    (void)arg;
    record("%s", value != NULL ? value : "none");
    return 0;
}

/* FD-1, LOOP-35: the callback runs in the context in which it was added. */
static void test_reader_runs_in_its_context(struct fixture *f)
{
    static char value[] = "mine";
    eddy_context *context = NULL;
    eddy_socket sockets[2];
    int error;

    new_pair(f, sockets);
    send_text(sockets[1], "x");
    must(eddy_context_new(value, NULL, &context));
    eddy_set_context(context);
    eddy_context_unref(context);
    error = eddy_loop_add_reader(f->loop, sockets[0], on_call_context, NULL);
    eddy_set_context(NULL);
    must(error);
    run_until_recorded(f->loop, "mine");
    run_iterations(f->loop, 1);
    assert_recorded("mine", "mine");
    eddy_loop_remove_reader(f->loop, sockets[0]);
}

/* Closed without being removed: the number means something else as soon as the library has it. */
static void test_forgotten_reader_ends_with_its_number(struct fixture *f)
{
    eddy_address address;
    eddy_socket listener = listener_new(f, &address);
    eddy_socket sockets[2];
    struct witness w;
    eddy_value value;

    if (fixture_backend_is(f, "sim") || fixture_backend_is(f, "iocp"))
        skip(); /* numbers do not come back, or nobody knows when */
    witness_init(&w, NULL);
    new_pair(f, sockets);
    must(eddy_loop_add_reader(f->loop, sockets[0], on_call, "stale"));
    must(eddy_loop_add_writer(f->loop, sockets[0], on_call, "stale"));
    close_now(f, sockets[0]);
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, witness_factory, &w, "127.0.0.1",
                                    eddy_address_port(&address), NULL),
        &value));
    assert_logged(EDDY_LOG_WARNING, "closed while it was being watched");
    assert_recorded("made");
    eddy_transport_unref(value.transport);
    listener_accept(f, listener);
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_reader_hears_of_data),          TEST(test_reader_comes_once_an_iteration),
        TEST(test_writer_hears_of_room),          TEST(test_reader_comes_before_writer),
        TEST(test_second_reader_replaces_first),  TEST(test_removed_reader_does_not_come),
        TEST(test_replaced_reader_does_not_come), TEST(test_reader_removes_itself),
        TEST(test_reader_replaces_itself),        TEST(test_end_of_stream_calls_the_reader),
        TEST(test_reset_calls_reader_and_writer), TEST(test_listening_socket_becomes_readable),
        TEST(test_bad_descriptors_are_refused),   TEST(test_transport_keeps_its_descriptor),
        TEST(test_server_keeps_its_descriptor),   TEST(test_watched_socket_becomes_no_transport),
        TEST(test_closed_loop_has_no_readers),    TEST(test_failing_reader_is_reported),
        TEST(test_reader_runs_in_its_context),    TEST(test_forgotten_reader_ends_with_its_number),
    };

    return run_suite("reader", tests);
}
