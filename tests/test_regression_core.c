/* SPDX-License-Identifier: MIT */
/* What a review of the loop and the stream transport found. */
#include "support/oom.h"
#include "support/program.h"
#include "support/support.h"
#include <string.h>
#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

/* A factory that takes its own connection back before it answers. */
struct reluctant {
    struct witness w;
    eddy_future *connecting;
    eddy_server *server;
    bool abort;
    bool patient; /* leaves the clients alone */
    bool refuse;
};

static eddy_protocol *reluctant_factory(void *arg)
{
    struct reluctant *reluctant = arg;

    record("factory");
    if (reluctant->connecting != NULL)
        assert_true(eddy_future_cancel(reluctant->connecting, NULL));
    else if (reluctant->abort)
        eddy_server_abort_clients(reluctant->server);
    else if (reluctant->server != NULL && !reluctant->patient)
        eddy_server_close_clients(reluctant->server);
    return reluctant->refuse ? NULL : &reluctant->w.protocol;
}

static void cancel_in_the_factory(struct fixture *f, struct reluctant *reluctant)
{
    eddy_connection_options options = {0};
    eddy_socket sockets[2];

    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    fixture_keep_socket(f, sockets[0]);
    options.sock = &sockets[0];
    reluctant->connecting =
        eddy_loop_create_connection(f->loop, reluctant_factory, reluctant, NULL, 0, &options);
    give_up_if(eddy_future_done(reluctant->connecting));
    fixture_drop_socket(f, sockets[0]);
    run_iterations(f->loop, 4);
    assert_true(eddy_future_cancelled(reluctant->connecting));
    eddy_future_unref(reluctant->connecting);
}

/* NET-16, TR-52: the protocol exists, so it is told of the beginning and of the end. */
static void test_a_connection_cancelled_by_its_factory_is_made_and_lost(struct fixture *f)
{
    struct reluctant reluctant = {0};

    need_whole_test();
    witness_init(&reluctant.w, NULL);
    cancel_in_the_factory(f, &reluctant);
    assert_recorded("factory", "made", "lost:0");
}

/* NET-16, TR-52: without a protocol nobody hears anything. */
static void test_a_connection_cancelled_and_refused_by_its_factory_just_goes(struct fixture *f)
{
    struct reluctant reluctant = {.refuse = true};

    need_whole_test();
    cancel_in_the_factory(f, &reluctant);
    assert_recorded("factory");
}

static void serve_reluctantly(struct fixture *f, struct reluctant *reluctant)
{
    eddy_value value = {0};
    eddy_future *future;

    future = eddy_loop_create_server(f->loop, reluctant_factory, reluctant, "127.0.0.1", 0, NULL);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    reluctant->server = value.server;
    connect_client(f, reluctant->server);
    run_until_recorded(f->loop, "factory");
    run_iterations(f->loop, 3);
}

static void end_reluctant_server(struct fixture *f, struct reluctant *reluctant)
{
    eddy_server_close(reluctant->server);
    run_iterations(f->loop, 2);
    eddy_server_unref(reluctant->server);
}

/* SRV-9, TR-52: a factory may end all connections, the one it is asked for among them. */
static void test_a_factory_may_close_all_clients(struct fixture *f)
{
    struct reluctant reluctant = {0};

    need_whole_test();
    witness_init(&reluctant.w, NULL);
    serve_reluctantly(f, &reluctant);
    assert_recorded("factory", "made", "lost:0");
    end_reluctant_server(f, &reluctant);
}

static void test_a_factory_may_abort_all_clients(struct fixture *f)
{
    struct reluctant reluctant = {.abort = true};

    need_whole_test();
    witness_init(&reluctant.w, NULL);
    serve_reluctantly(f, &reluctant);
    assert_recorded("factory", "made", "lost:0");
    end_reluctant_server(f, &reluctant);
}

static int on_report_close_clients(eddy_loop *loop, const eddy_exception_context *context,
                                   void *arg)
{
    struct reluctant *reluctant = arg;

    (void)loop;
    record("reported:%s", eddy_err_name(context->exception));
    eddy_server_close_clients(reluctant->server);
    return 0;
}

static const struct eddy__socket_ops *real_sockets;

static void close_and_record(eddy_socket socket)
{
    record("closed");
    real_sockets->close(socket);
}

/* NET-28: the report of a refused connection comes before it goes, and may end it as well. Its
 * socket is closed once, since its number may be another's the second time. */
static void test_a_refused_connection_may_be_closed_by_its_report(struct fixture *f)
{
    struct reluctant reluctant = {.refuse = true, .patient = true};
    struct spy *spy = spy_begin(f->loop);

    need_whole_test();
    need_working_calls();
    real_sockets = spy->real->sockets;
    spy->sockets.close = close_and_record;
    eddy_loop_set_exception_handler(f->loop, on_report_close_clients, &reluctant);
    eddy_loop_set_debug(f->loop, true);
    serve_reluctantly(f, &reluctant);
    spy_end();
    assert_recorded("factory", "reported:EDDY_EFAILED", "closed");
    eddy_loop_set_exception_handler(f->loop, reports_handler, NULL);
    end_reluctant_server(f, &reluctant);
}

static int on_call_unref_and_stop(void *loop)
{
    eddy_loop_stop(loop);
    eddy_loop_unref(loop);
    record("dropped");
    return 0;
}

/* LOOP-20: the last reference goes while the loop runs: it is freed when the run is over. */
static void test_the_last_reference_may_go_inside_a_callback(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop;

    need_whole_test();
    must(eddy_loop_new(&options, &loop));
    eddy_loop_set_debug(loop, false);
    must(eddy_loop_call_soon(loop, on_call_unref_and_stop, loop, NULL));
    assert_int_equal(eddy_loop_run_forever(loop), 0);
    assert_recorded("dropped");
}

static bool posting_done;

static int wait_for_a_post(eddy_loop *loop, eddy_time timeout)
{
    (void)timeout;
    if (!posting_done)
        assert_int_equal(eddy_loop_call_soon_threadsafe(loop, on_call, "posted", NULL), 0);
    posting_done = true;
    return 0;
}

/* LOOP-36, LOOP-22: what ends the wait runs in that iteration, before the timers that are due. */
static void test_a_post_runs_in_the_iteration_whose_wait_it_ends(struct fixture *f)
{
    struct spy *spy;

    need_whole_test();
    posting_done = false;
    must(eddy_loop_call_later(f->loop, 0, on_call, "timer", NULL));
    spy = spy_begin(f->loop);
    spy->backend.wait = wait_for_a_post;
    run_iterations(f->loop, 1);
    spy_end();
    assert_recorded("posted", "timer");
}

#if !defined(_WIN32)

/* Collect the answer of a child that leaves by _exit(). */
static int child_answer(pid_t child)
{
    int status = -1;

    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* LOOP-2: nothing is posted in a child, where it would wake the parent's loop. */
static void test_a_forked_child_cannot_post(struct fixture *f)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(eddy_loop_call_soon_threadsafe(f->loop, on_call, "child", NULL) == EDDY_EBADSTATE
                  ? 0
                  : 1);
    assert_int_equal(child_answer(child), 0);
}

static pid_t forked;

static int on_call_fork_and_return(void *arg)
{
    (void)arg;
    forked = fork();
    return 0;
}

static int on_call_tell(void *arg)
{
    (void)arg;
    if (forked == 0)
        _exit(2);
    record("parent");
    return 0;
}

/* LOOP-2: a child that returns into the run of its parent's loop leaves that at once. */
static void test_a_forked_child_leaves_the_run(struct fixture *f)
{
    int error;

    must(eddy_loop_call_soon(f->loop, on_call_fork_and_return, NULL, NULL));
    must(eddy_loop_call_soon(f->loop, on_call_tell, NULL, NULL));
    must(eddy_loop_call_soon(f->loop, on_call_stop, f->loop, NULL));
    error = eddy_loop_run_forever(f->loop);
    if (forked == 0)
        _exit(error == EDDY_EBADSTATE ? 0 : 1);
    assert_int_equal(error, 0);
    assert_int_equal(child_answer(forked), 0);
    assert_recorded("parent");
}

#endif

/* ERR-3: the program's own keys stand among the library's, all in alphabetical order. */
static void test_the_default_handler_sorts_all_keys(struct fixture *f)
{
    static const eddy_exception_item items[] = {{"zebra", "5"}, {"colour", "1"}, {"sauce", "2"},
                                                {"so", "4"},    {"sauce", "3"},  {NULL, "x"}};
    eddy_socket socket = 7;
    eddy_exception_context context = {
        .message = "it broke",
        .exception = EDDY_EIO,
        .handle_traceback = "there",
        .socket = &socket,
        .source_traceback = "here",
        .items = items,
        .item_count = sizeof items / sizeof items[0],
    };

    eddy_loop_default_exception_handler(f->loop, &context);
    assert_string_equal(assert_logged(EDDY_LOG_ERROR, "it broke"), "it broke\n"
                                                                   "  colour: 1\n"
                                                                   "  handle_traceback: there\n"
                                                                   "  sauce: 2\n"
                                                                   "  sauce: 3\n"
                                                                   "  so: 4\n"
                                                                   "  socket: 7\n"
                                                                   "  source_traceback: here\n"
                                                                   "  zebra: 5\n"
                                                                   "EDDY_EIO: input/output error");
}

/* LOOP-34: callbacks posted from other threads are callbacks. */
static void test_debug_reports_slow_posted_callbacks(struct fixture *f)
{
    eddy_loop_set_debug(f->loop, true);
    eddy_loop_set_slow_callback_duration(f->loop, 0);
    must(eddy_loop_call_soon_threadsafe(f->loop, on_call, "posted", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("posted");
    assert_logged(EDDY_LOG_WARNING, "took");
}

static int on_call_fail(void *arg)
{
    (void)arg;
    return EDDY_EUSER;
}

/* LOOP-33 (d): a posted callback that fails is reported with the place that posted it. */
static void test_debug_reports_where_a_callback_was_posted(struct fixture *f)
{
    eddy_loop_set_debug(f->loop, true);
    must(eddy_loop_call_soon_threadsafe(f->loop, on_call_fail, NULL, NULL));
    run_iterations(f->loop, 1);
#if defined(__GNUC__)
    assert_string_not_equal(assert_reported("posted", EDDY_EUSER)->handle_traceback, "");
#else
    assert_reported("posted", EDDY_EUSER);
#endif
}

static int on_done_debug(eddy_future *future, void *arg)
{
    (void)arg;
    eddy_loop_set_debug(eddy_future_get_loop(future), true);
    return 0;
}

/* LOOP-34: what began before debug mode was on has no duration. */
static void test_debug_switched_on_in_a_done_callback_times_nothing(struct fixture *f)
{
    eddy_future *future = eddy_loop_create_future(f->loop);

    need_whole_test();
    must(eddy_future_add_done_callback(future, on_done_debug, NULL));
    must(eddy_future_set_result(future, (eddy_value){0}));
    run_for(f->loop, EDDY_MILLISECONDS(101)); /* so that the clock itself would be slow */
    assert_int_equal(logged(EDDY_LOG_WARNING, "took"), 0);
    eddy_future_unref(future);
}

/* LOOP-34: the callbacks of protocols too; each is named. */
static void test_debug_reports_slow_protocol_callbacks(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    eddy_loop_set_debug(f->loop, true);
    eddy_loop_set_slow_callback_duration(f->loop, 0);
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    peer_send(&peer, "hello");
    run_until_recorded(f->loop, "data:hello");
    peer_shutdown(&peer);
    run_until_recorded(f->loop, "lost:0");
    assert_logged(EDDY_LOG_WARNING, "connection_made() of transport");
    assert_logged(EDDY_LOG_WARNING, "data_received() of transport");
    assert_logged(EDDY_LOG_WARNING, "eof_received() of transport");
    assert_logged(EDDY_LOG_WARNING, "connection_lost() of transport");
    reports_reset(); /* the fixture's own callbacks are as slow */
}

/* LOOP-33 (g): connecting and accepting are logged. */
static void test_debug_logs_connections(struct fixture *f)
{
    struct reluctant reluctant = {.patient = true};
    struct witness w;
    struct peer peer;

    need_whole_test();
    eddy_loop_set_debug(f->loop, true);
    witness_init(&w, "client");
    connect_tcp_peer(f, &w, &peer);
    assert_logged(EDDY_LOG_DEBUG, "connected to 127.0.0.1:");
    witness_init(&reluctant.w, NULL);
    serve_reluctantly(f, &reluctant);
    assert_logged(EDDY_LOG_DEBUG, "accepted from 127.0.0.1:");
    assert_recorded("client.made", "factory", "made");
    eddy_transport_close(w.transport);
    eddy_transport_close(reluctant.w.transport);
    end_reluctant_server(f, &reluctant);
}

static int on_report_fail_otherwise(eddy_loop *loop, const eddy_exception_context *context,
                                    void *arg)
{
    (void)loop;
    record("reported:%s", context->exception_text);
    eddy_error(EDDY_EINVALID, "something else");
    eddy_transport_abort(((struct witness *)arg)->transport);
    return 0;
}

static int fail_with_words(struct witness *w, enum witness_event event)
{
    (void)w;
    if (event == WITNESS_DATA)
        return eddy_error(EDDY_EUSER - 3, "too many cooks");
    if (event == WITNESS_LOST)
        record("%s", eddy_error_text());
    return 0;
}

/* TR-26, TR-42: whatever the exception handler does, connection_lost() tells this error. */
static void test_the_handler_does_not_change_why_a_connection_is_lost(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    w.script = fail_with_words;
    connect_peer(f, &w, &peer);
    eddy_loop_set_exception_handler(f->loop, on_report_fail_otherwise, &w);
    peer_send(&peer, "x");
    run_until_recorded(f->loop, "data:x");
    run_iterations(f->loop, 2);
    assert_recorded("made", "data:x", "reported:too many cooks", "lost:EDDY_E?", "too many cooks");
    eddy_loop_set_exception_handler(f->loop, reports_handler, NULL);
}

/* TR-23, TR-11: an empty write is nothing, not a write that was dropped. */
static void test_empty_writes_to_a_closed_transport_are_not_warned_of(struct fixture *f)
{
    struct witness w;
    struct peer peer;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    eddy_transport_close(w.transport);
    for (int i = 0; i < 9; i++)
        assert_int_equal(eddy_transport_write(w.transport, "", 0), 0);
    assert_int_equal(logged(EDDY_LOG_WARNING, "write"), 0);
}

/* LOOP-5: what a later version may give a meaning must be zero. */
static void test_reserved_options_of_a_loop_are_refused(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop = NULL;

    options.reserved[1] = &options;
    assert_int_equal(eddy_loop_new(&options, &loop), EDDY_EINVALID);
    assert_null(loop);
}

/* POL-5: a loop that has been freed is no current one any more. */
static void test_a_freed_loop_is_not_the_current_one(struct fixture *f)
{
    eddy_loop_options options = {.backend = eddy_loop_get_backend(f->loop)};
    eddy_loop *loop;

    must(eddy_loop_new(&options, &loop));
    assert_int_equal(eddy_set_event_loop(loop), 0);
    assert_int_equal(eddy_loop_close(loop), 0);
    eddy_loop_unref(loop);
    assert_int_equal(eddy_get_event_loop(&loop), EDDY_EBADSTATE);
}

/* LOOP-17: what was closed is not called unclosed, though it could not end any more. */
static void test_closing_the_loop_knows_what_was_closing(struct fixture *f)
{
    struct witness closed;
    struct peer peer;

    eddy_loop_set_debug(f->loop, true);
    witness_init(&closed, NULL);
    connect_peer(f, &closed, &peer);
    eddy_transport_close(closed.transport);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_int_equal(logged(EDDY_LOG_WARNING, "never closed"), 0);
    assert_logged(EDDY_LOG_WARNING, "still closing");
    assert_recorded("made");
}

/* What epoll says when the user has as many watches as the system allows. */
static int accept_without_watches(eddy_socket socket, eddy_socket *accepted, eddy_address *peer)
{
    (void)socket;
    (void)accepted;
    (void)peer;
    record("accept");
    return EDDY_ENOSPC;
}

/* NET-26: a shortage does not pass by asking again at once. */
static void test_a_shortage_of_watches_is_waited_out(struct fixture *f)
{
    struct reluctant reluctant = {0};
    eddy_value value = {0};
    struct spy *spy;

    need_whole_test();
    if (fixture_backend_is(f, "iocp"))
        skip(); /* accepts by itself */
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_server(f->loop, reluctant_factory, &reluctant, "127.0.0.1", 0, NULL),
        &value));
    spy = spy_begin(f->loop);
    spy->sockets.accept = accept_without_watches;
    connect_client(f, value.server);
    run_until_recorded(f->loop, "accept");
    run_iterations(f->loop, 10);
    spy_end();
    assert_recorded("accept");
    assert_reported("out of resources", EDDY_ENOSPC);
    eddy_server_close(value.server);
    eddy_server_unref(value.server);
}

/* A protocol whose memory was made but not initialised; it stays the program's. */
static eddy_protocol *raw_factory(void *arg)
{
    return arg;
}

/* TR-52: an uninitialised protocol is refused with a clear error, not called. */
static void test_uninitialised_protocol_is_refused(struct fixture *f)
{
    eddy_protocol raw = {0};
    eddy_socket sockets[2];
    int error;

    need_whole_test();
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    error = eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, raw_factory, &raw, NULL, 0,
                                    &(eddy_connection_options){.sock = &sockets[0]}),
        NULL);
    assert_int_equal(error, EDDY_EINVALID);
    assert_string_equal(eddy_error_text(), "the protocol was not initialised");
    eddy_socket_close(sockets[1]);
}

/* EXEC-7: there is no default executor to shut down without a loop. */
static void test_shutting_down_the_executor_of_no_loop_is_invalid(struct fixture *f)
{
    eddy_future *future = eddy_loop_shutdown_default_executor(NULL, EDDY_FOREVER);

    (void)f;
    assert_int_equal(eddy_future_exception(future), EDDY_EINVALID);
    eddy_future_unref(future);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_a_connection_cancelled_by_its_factory_is_made_and_lost),
        TEST(test_a_connection_cancelled_and_refused_by_its_factory_just_goes),
        TEST(test_a_factory_may_close_all_clients),
        TEST(test_a_factory_may_abort_all_clients),
        TEST(test_a_refused_connection_may_be_closed_by_its_report),
        TEST(test_the_last_reference_may_go_inside_a_callback),
        TEST(test_a_post_runs_in_the_iteration_whose_wait_it_ends),
#if !defined(_WIN32)
        TEST(test_a_forked_child_cannot_post),
        TEST(test_a_forked_child_leaves_the_run),
#endif
        TEST(test_the_default_handler_sorts_all_keys),
        TEST(test_debug_reports_slow_posted_callbacks),
        TEST(test_debug_reports_where_a_callback_was_posted),
        TEST(test_debug_switched_on_in_a_done_callback_times_nothing),
        TEST(test_debug_reports_slow_protocol_callbacks),
        TEST(test_debug_logs_connections),
        TEST(test_the_handler_does_not_change_why_a_connection_is_lost),
        TEST(test_empty_writes_to_a_closed_transport_are_not_warned_of),
        TEST(test_reserved_options_of_a_loop_are_refused),
        TEST(test_a_freed_loop_is_not_the_current_one),
        TEST(test_closing_the_loop_knows_what_was_closing),
        TEST(test_a_shortage_of_watches_is_waited_out),
        TEST(test_uninitialised_protocol_is_refused),
        TEST(test_shutting_down_the_executor_of_no_loop_is_invalid),
    };

    return run_suite("regression_core", tests);
}
