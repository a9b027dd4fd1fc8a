/* SPDX-License-Identifier: MIT */
/* What a review found about things that outlive their loop, or their process. */
#include "common/log.h"
#include "common/loop.h"
#include "common/thread.h"
#include "support/child.h"
#include "support/files.h"
#include "support/oom.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/support.h"
#include <string.h>

#if !defined(_WIN32)
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

static int wait_for_ever(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_await(eddy_sleep(EDDY_SECONDS(3600)), NULL);
}

static eddy_protocol *no_protocol(void *arg)
{
    (void)arg;
    return NULL;
}

/* FUT-3, LOOP-16: what a closed loop has let go of can still be cancelled, and given up. */
static void test_operations_are_cancelled_after_the_loop_closed(struct fixture *f)
{
    eddy_future *futures[6];

    futures[0] = eddy_loop_create_connection(f->loop, no_protocol, NULL, "127.0.0.1", 9, NULL);
    futures[1] = eddy_loop_create_server(f->loop, no_protocol, NULL, "127.0.0.1", 0, NULL);
    futures[2] = eddy_loop_create_server(f->loop, no_protocol, NULL, "localhost", 0, NULL);
    futures[3] = eddy_loop_getaddrinfo(f->loop, "localhost", "80", NULL);
    futures[4] = eddy_loop_shutdown_default_executor(f->loop, EDDY_FOREVER);
    futures[5] = eddy_loop_create_task(f->loop, wait_for_ever, NULL, NULL);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    for (int i = 0; i < 6; i++) {
        if (eddy_future_cancel(futures[i], NULL))
            assert_true(eddy_future_cancelled(futures[i]));
        eddy_future_unref(futures[i]);
    }
    give_up_if(reported() == 0);
    assert_reported("destroyed while it was pending", 0);
}

static int wait_for_task(void *arg, eddy_value *result)
{
    (void)result;
    return eddy_await(eddy_future_ref(arg), NULL);
}

static void cancel_awaiting(void *arg)
{
    eddy_future **awaiting = arg;

    if (*awaiting != NULL)
        eddy_future_cancel(*awaiting, NULL);
}

/* TASK-10, TASK-16: a request goes down to a task that the closing loop has let go of already. */
static void test_a_task_may_be_cancelled_while_the_loop_lets_go(struct fixture *f)
{
    static eddy_future *awaiting;
    eddy_task_options options = {.release = cancel_awaiting};
    eddy_future *awaited;

    awaiting = NULL;
    awaited = keep_future(f, eddy_loop_create_task(f->loop, wait_for_ever, &awaiting, &options));
    awaiting = keep_future(f, eddy_loop_create_task(f->loop, wait_for_task, awaited, NULL));
    run_iterations(f->loop, 1);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    give_up_if(reported() < 2);
    assert_reported("destroyed while it was pending", 0);
    assert_reported("destroyed while it was pending", 0);
    assert_true(eddy_future_cancelled(awaited));
}

/* LOOP-2, SUB-14: a forked child cannot reach the children of its parent. */
static void test_forked_child_signals_nobody(struct fixture *f)
{
#if defined(_WIN32)
    (void)f;
    print_message("skipped: this system does not fork\n");
    skip();
#else
    struct child c;
    int status = -1;
    pid_t forked;

    child_or_skip(f);
    need_whole_test();
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    forked = fork();
    if (forked == 0)
        _exit(eddy_transport_kill(c.transport) == EDDY_EBADSTATE ? 0 : 1);
    assert_int_equal(waitpid(forked, &status, 0), forked);
    assert_int_equal(status, 0);
    eddy_transport_close(eddy_transport_get_pipe_transport(c.transport, 0));
    child_run(f, &c);
    assert_int_equal(c.returncode, 0);
#endif
}

/* FILE-5: the protocol that a pause is owed to goes before it is told; its memory is cleared. */
static void test_a_protocol_that_is_owed_a_pause_may_go(struct fixture *f)
{
    struct witness w, other;
    struct peer peer;
    eddy_future *future;
    eddy_file file;
    eddy_time wait_end = 0;
    size_t size = 0;

    if (fixture_backend_is(f, "iocp"))
        skip(); /* sockets there take more than the test has */
    need_whole_test();
    if (files_are_native(f) && !files_refuse())
        skip(); /* the system cannot be made to refuse */
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    file = scratch_open("file", 3 * 1024 * 1024);
    must(eddy_transport_set_write_buffer_limits(w.transport, 20000, 10000));
    future = eddy_loop_sendfile(f->loop, w.transport, file, 0, 0, NULL);
    while (size <= 20000 && run_a_little(f->loop, &wait_end)) {
        size = eddy_transport_get_write_buffer_size(w.transport);
    }
    assert_true(size > 20000);
    assert_true(eddy_future_cancel(future, NULL));
    eddy_future_unref(future);
    witness_init(&other, "other");
    other.transport = w.transport;
    must(eddy_transport_set_protocol(w.transport, &other.protocol));
    memset(&w.protocol, 0, sizeof w.protocol);
    run_iterations(f->loop, 2);
    scratch_close(file);
    files_restore();
    eddy_transport_abort(other.transport);
    run_until_recorded(f->loop, "other.lost:0");
    assert_recorded("made", "other.lost:0");
}

static int leave(void *loop)
{
    eddy_loop_exit(loop, EDDY_EEXIT);
    return 0;
}

/* LOOP-17: closing frees a connection of which only connection_lost() was still to come. */
static void test_a_connection_may_be_freed_while_the_loop_closes(struct fixture *f)
{
    struct witness first, second;
    struct peer peers[2];

    witness_init(&first, "first");
    connect_peer(f, &first, &peers[0]);
    witness_init(&second, "second");
    connect_peer(f, &second, &peers[1]);
    /* What the backend owes both comes before the loop is left, the second loss after that. */
    eddy_transport_abort(first.transport);
    must(eddy_loop_call_soon(f->loop, leave, f->loop, NULL));
    eddy_transport_abort(second.transport);
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EEXIT);
    must(eddy_loop_close(f->loop));
    assert_recorded("first.made", "second.made", "first.lost:0");
}

#if !defined(_WIN32)
static atomic_bool log_threads_stop;

static void log_nothing(eddy_log_level level, const char *text, void *arg)
{
    (void)level;
    (void)text;
    (void)arg;
}

static void log_until_stopped(void *arg)
{
    (void)arg;
    while (!atomic_load(&log_threads_stop))
        eddy_set_log_handler(log_nothing, NULL);
}

/* A child that was forked while another thread logged can log itself. */
static void test_forked_child_can_log(struct fixture *f)
{
    struct eddy__thread thread;
    bool all_well = true;

    (void)f;
    need_whole_test();
    eddy_set_log_handler(log_nothing, NULL);
    atomic_store(&log_threads_stop, false);
    must(eddy__thread_start(&thread, "logger", log_until_stopped, NULL));
    for (int i = 0; i < 40 && all_well; i++) {
        int status = -1;
        pid_t forked = fork();

        if (forked == 0) {
            alarm(10); /* in place of waiting for ever */
            eddy__log(EDDY_LOG_WARNING, "from the child");
            _exit(0);
        }
        all_well = waitpid(forked, &status, 0) == forked && status == 0;
    }
    atomic_store(&log_threads_stop, true);
    eddy__thread_join(&thread);
    assert_true(all_well);
}
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_operations_are_cancelled_after_the_loop_closed),
        TEST(test_a_task_may_be_cancelled_while_the_loop_lets_go),
        TEST(test_a_protocol_that_is_owed_a_pause_may_go),
        TEST(test_a_connection_may_be_freed_while_the_loop_closes),
        TEST(test_forked_child_signals_nobody),
#if !defined(_WIN32)
        TEST(test_forked_child_can_log),
#endif
    };

    return run_suite("regression_close", tests);
}
