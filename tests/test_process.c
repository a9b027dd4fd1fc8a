/* SPDX-License-Identifier: MIT */
/* A child's life as a transport: SUB-11..SUB-13, SUB-15..SUB-22. Starting: test_process_start.c. */
#include "support/child.h"
#include "support/support.h"

#if !defined(_WIN32)
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* SUB-18: through cat and back, in two rounds, and the end in any order but with its frame. */
static void test_echo_in_two_rounds(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    child_write(&c, "one");
    run_until_recorded(f->loop, "data1:one");
    child_write(&c, "two");
    run_until_recorded(f->loop, "data1:two");
    assert_recorded("made", "data1:one", "data1:two");
    child_close_stdin(&c);
    child_run(f, &c);
    assert_int_equal(recorded("pipe0:0"), 1);
    assert_int_equal(recorded("pipe1:0"), 1);
    assert_int_equal(recorded("pipe2:0"), 1);
    assert_int_equal(recorded("exited:0"), 1);
    assert_int_equal(recorded("lost:0"), 1);
    assert_int_equal(recorded(NULL), 5);
}

/* SUB-18: per stream, data comes before its end; stderr is a stream of its own. */
static void test_output_and_errors_are_apart(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "echo out; echo err >&2", NULL);
    child_run(f, &c);
    assert_string_equal(c.text[1], "out\n");
    assert_string_equal(c.text[2], "err\n");
}

/* SUB-4: stderr into stdout keeps the order, and has no transport. */
static void test_errors_into_output(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "echo 1; echo 2 >&2; echo 3",
                &(eddy_subprocess_options){.stderr_mode = EDDY_STDOUT});
    assert_non_null(eddy_transport_get_pipe_transport(c.transport, 1));
    assert_null(eddy_transport_get_pipe_transport(c.transport, 2));
    child_run(f, &c);
    assert_string_equal(c.text[1], "1\n2\n3\n");
    assert_int_equal(recorded("pipe2:0"), 0);
}

static void close_again(struct child *c, enum child_event event)
{
    if (event == CHILD_LOST) {
        eddy_transport_close(c->transport);
        eddy_transport_abort(c->transport);
    }
}

/* SUB-11, SUB-12: no pipes at all; closing afterwards is harmless. */
static void test_exit_code_without_pipes(struct fixture *f)
{
    eddy_transport *transport;
    struct child c;
    int64_t pid;
    int64_t code = 12345;
    eddy_value value;

    child_or_skip(f);
    child_init(&c);
    c.script = close_again;
    child_shell(f, &c, "exit 7", &child_no_pipes);
    transport = eddy_transport_ref(c.transport);
    for (int fd = -1; fd < 4; fd++)
        assert_null(eddy_transport_get_pipe_transport(transport, fd));
    pid = eddy_transport_get_pid(transport);
    assert_true(pid > 0 && pid != (int64_t)getpid());
    assert_false(eddy_transport_get_returncode(transport, &code));
    assert_int_equal(code, 12345);
    assert_true(eddy_transport_get_extra_info(transport, "subprocess", &value));
    assert_int_equal(value.integer, pid);
    assert_ptr_equal(eddy_transport_get_protocol(transport), &c.protocol);
    child_run(f, &c);
    assert_recorded("made", "exited:7", "lost:0");
    assert_true(eddy_transport_get_returncode(transport, &code));
    assert_int_equal(code, 7);
    assert_int_equal(eddy_transport_get_pid(transport), pid);
    assert_null(eddy_transport_get_protocol(transport));
    eddy_transport_unref(transport);
}

/* SUB-12: a pipe's transport is still there after it has closed. */
static void test_pipe_transports_stay(struct fixture *f)
{
    eddy_transport *transport, *pipes[3];
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    transport = eddy_transport_ref(c.transport);
    for (int fd = 0; fd < 3; fd++) {
        pipes[fd] = eddy_transport_get_pipe_transport(transport, fd);
        assert_non_null(pipes[fd]);
    }
    assert_true(eddy_transport_can_write_eof(pipes[0]));
    assert_true(eddy_transport_is_reading(pipes[1]));
    child_close_stdin(&c);
    child_run(f, &c);
    for (int fd = 0; fd < 3; fd++)
        assert_ptr_equal(eddy_transport_get_pipe_transport(transport, fd), pipes[fd]);
    assert_true(eddy_transport_is_closing(pipes[1]));
    eddy_transport_unref(transport);
}

/* SUB-13, SUB-11: the three calls, and -N as the code. */
static void test_signals_end_the_child(struct fixture *f)
{
    /* Not SIGHUP, which nohup has ignored in us and then in the child. */
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGKILL};
    char wanted[32];

    child_or_skip(f);
    for (size_t i = 0; i < 3; i++) {
        struct child c;

        child_init(&c);
        child_shell(f, &c, "exec cat", NULL);
        if (numbers[i] == SIGTERM)
            assert_int_equal(eddy_transport_terminate(c.transport), 0);
        else if (numbers[i] == SIGKILL)
            assert_int_equal(eddy_transport_kill(c.transport), 0);
        else
            assert_int_equal(eddy_transport_send_signal(c.transport, numbers[i]), 0);
        child_run(f, &c);
        snprintf(wanted, sizeof wanted, "exited:%d", -numbers[i]);
        assert_int_equal(recorded(wanted), 1);
        recorder_reset();
    }
}

static void signal_after_exit(struct child *c, enum child_event event)
{
    if (event == CHILD_EXITED || event == CHILD_LOST) {
        assert_int_equal(eddy_transport_send_signal(c->transport, SIGTERM), EDDY_ENOPROCESS);
        assert_int_equal(eddy_transport_terminate(c->transport), EDDY_ENOPROCESS);
        assert_int_equal(eddy_transport_kill(c->transport), EDDY_ENOPROCESS);
    }
}

/* SUB-14: once noticed, it is an error; before that, a dead child is none. */
static void test_signals_after_the_exit(struct fixture *f)
{
    eddy_transport *transport;
    struct child c;
    char byte;
    int fds[2];
    eddy_socket passed;

    child_or_skip(f);
    child_init(&c);
    c.script = signal_after_exit;
    assert_int_equal(pipe(fds), 0);
    fixture_keep_socket(f, fds[0]);
    fixture_keep_socket(f, fds[1]);
    passed = fds[1];
    child_shell(f, &c, "exit 0",
                &(eddy_subprocess_options){.stdin_mode = EDDY_DEVNULL,
                                           .stdout_mode = EDDY_DEVNULL,
                                           .stderr_mode = EDDY_DEVNULL,
                                           .pass_fds = &passed,
                                           .pass_fd_count = 1});
    fixture_drop_socket(f, fds[1]);
    close(fds[1]);
    assert_int_equal(read(fds[0], &byte, 1), 0); /* by now it has closed everything */
    transport = eddy_transport_ref(c.transport);
    assert_int_equal(eddy_transport_kill(transport), 0);
    child_run(f, &c);
    assert_int_equal(eddy_transport_kill(transport), EDDY_ENOPROCESS);
    eddy_transport_unref(transport);
}

/* SUB-13: no such signal. */
static void test_bad_signal(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec cat", NULL);
    assert_int_equal(eddy_transport_send_signal(c.transport, 1000), EDDY_EINVALID);
    child_close_stdin(&c);
    child_run(f, &c);
}

/* SUB-15, SUB-16: close kills what runs; everything is told, and it is reaped (SUB-28). */
static void test_close_kills(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec sleep 20", NULL);
    assert_false(eddy_transport_is_closing(c.transport));
    eddy_transport_close(c.transport);
    eddy_transport_close(c.transport);
    assert_true(eddy_transport_is_closing(c.transport));
    child_run(f, &c);
    assert_int_equal(recorded("pipe0:0") + recorded("pipe1:0") + recorded("pipe2:0"), 3);
    assert_int_equal(recorded("exited:-9"), 1);
    assert_int_equal(recorded(NULL), 6);
}

static void note_closing(struct child *c, enum child_event event)
{
    if (event == CHILD_EXITED)
        record(eddy_transport_is_closing(c->transport) ? "closing" : "open");
}

/* SUB-16: a child that ends by itself sets nothing. */
static void test_exit_is_no_closing(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    c.script = note_closing;
    child_shell(f, &c, "exit 3", &child_no_pipes);
    child_run(f, &c);
    assert_recorded("made", "exited:3", "open", "lost:0");
}

/* SUB-15: what is queued for stdin when the transport closes is dropped only by abort(). */
static void test_abort_ends_everything(struct fixture *f)
{
    static char data[256 * 1024];
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec sleep 20", NULL);
    must(
        eddy_transport_write(eddy_transport_get_pipe_transport(c.transport, 0), data, sizeof data));
    assert_int_equal(recorded("pause"), 1); /* SUB-22 */
    eddy_transport_abort(c.transport);
    child_run(f, &c);
    assert_int_equal(recorded("pipe0:0"), 1);
    assert_int_equal(recorded("exited:-9"), 1);
}

/* SUB-22: pause and resume of the child's protocol are those of stdin. */
static void test_flow_control_of_stdin(struct fixture *f)
{
    static char data[256 * 1024];
    struct child c;

    child_or_skip(f);
    child_init(&c);
    c.quiet = true;
    child_shell(f, &c, "exec cat", NULL);
    must(
        eddy_transport_write(eddy_transport_get_pipe_transport(c.transport, 0), data, sizeof data));
    assert_recorded("made", "pause");
    run_until_recorded(f->loop, "resume");
    child_close_stdin(&c);
    child_run(f, &c);
    assert_int_equal(c.received[1], sizeof data);
}

/* SUB-21: breaking stdin with data pending is an error of that pipe, and of nothing else. */
static void test_broken_stdin_is_not_fatal(struct fixture *f)
{
    static char data[256 * 1024];
    struct child c;

    child_or_skip(f);
    child_init(&c);
    data[0] = '\n';
    child_shell(f, &c, "read line; exec <&-; echo still here", NULL);
    must(
        eddy_transport_write(eddy_transport_get_pipe_transport(c.transport, 0), data, sizeof data));
    child_run(f, &c);
    assert_int_equal(recorded("pipe0:EDDY_EPIPE"), 1);
    assert_int_equal(recorded("exited:0"), 1);
    assert_int_equal(recorded("lost:0"), 1);
    assert_string_equal(c.text[1], "still here\n");
}

/* Closing our end of stdout: the child gets EPIPE, its stderr still works. */
static void test_closed_output_breaks_the_child(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "trap '' PIPE; read line; echo lost 2>/dev/null || echo broken >&2", NULL);
    eddy_transport_close(eddy_transport_get_pipe_transport(c.transport, 1));
    run_until_recorded(f->loop, "pipe1:0");
    child_write(&c, "go\n");
    child_run(f, &c);
    assert_non_null(strstr(c.text[2], "broken\n"));
    assert_int_equal(recorded("exited:0"), 1);
}

static void pause_output(struct child *c, enum child_event event)
{
    if (event == CHILD_MADE)
        eddy_transport_pause_reading(eddy_transport_get_pipe_transport(c->transport, 1));
}

/* SUB-19, SUB-22: read slowly after the exit, nothing is lost; the end waits for the resume. */
static void test_output_is_read_after_the_exit(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    c.quiet = true;
    c.script = pause_output;
    child_shell(f, &c, "printf '%060000d' 0", NULL);
    run_until_recorded(f->loop, "exited:0");
    run_iterations(f->loop, 5);
    assert_int_equal(c.received[1], 0);
    assert_int_equal(recorded("lost:0"), 0);
    eddy_transport_resume_reading(eddy_transport_get_pipe_transport(c.transport, 1));
    child_run(f, &c);
    assert_int_equal(c.received[1], 60000);
    assert_int_equal(c.text[1][0], '0');
}

static void note_data_at_exit(struct child *c, enum child_event event)
{
    if (event == CHILD_EXITED)
        record("after:%s", c->text[1]);
}

/* SUB-19: what is readable when the exit is noticed comes first. */
static void test_readable_data_comes_before_the_exit(struct fixture *f)
{
    eddy_subprocess_options options = {.stdin_mode = EDDY_DEVNULL, .stderr_mode = EDDY_DEVNULL};

    child_or_skip(f);
    for (int turn = 0; turn < 10; turn++) {
        struct child c;

        child_init(&c);
        c.script = note_data_at_exit;
        child_shell(f, &c, "printf last; exit 5", &options);
        child_run(f, &c);
        assert_int_equal(recorded("after:last"), 1);
        assert_int_equal(recorded(NULL), 6);
        recorder_reset();
    }
}

/* SUB-19, SUB-17: a grandchild holds stdout open; the exit and its waiters do not wait for it. */
static void test_grandchild_delays_only_the_pipe(struct fixture *f)
{
    struct child c;
    eddy_value value;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "exec 3<&0; cat <&3 & exit 4",
                &(eddy_subprocess_options){.stderr_mode = EDDY_DEVNULL});
    must(eddy_loop_run_until_complete(f->loop, eddy_process_wait(c.transport), &value));
    assert_int_equal(value.integer, 4);
    run_iterations(f->loop, 5);
    assert_recorded("made", "exited:4");
    child_write(&c, "from the grandchild");
    run_until_recorded(f->loop, "data1:from the grandchild");
    child_close_stdin(&c);
    child_run(f, &c);
    assert_int_equal(recorded("lost:0"), 1);
}

/* SUB-17: several wait, one gives up, the child does not mind; late ones hear at once. */
static void test_waiting_for_the_exit(struct fixture *f)
{
    eddy_future *first, *second;
    eddy_transport *transport;
    struct child c;
    eddy_value value;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "read line; exit 9", NULL);
    transport = eddy_transport_ref(c.transport);
    first = eddy_process_wait(transport);
    second = eddy_process_wait(transport);
    if (!eddy_future_done(first) && !eddy_future_done(second)) {
        assert_true(eddy_future_cancel(second, "enough"));
        assert_int_equal(eddy_loop_run_until_complete(f->loop, eddy_future_ref(second), NULL),
                         EDDY_ECANCELED);
        assert_false(eddy_future_done(first));
        child_write(&c, "go\n");
        must(eddy_loop_run_until_complete(f->loop, eddy_future_ref(first), &value));
        assert_int_equal(value.integer, 9);
    }
    eddy_future_exception(first);
    eddy_future_exception(second);
    eddy_future_unref(first);
    eddy_future_unref(second);
    if (c.transport != NULL)
        child_close_stdin(&c);
    child_run(f, &c);
    if (!allocations_failed()) {
        must(eddy_loop_run_until_complete(f->loop, eddy_process_wait(transport), &value));
        assert_int_equal(value.integer, 9);
    }
    eddy_transport_unref(transport);
}

/* SUB-20: failing callbacks are reported and harm nothing. */
static void test_failing_callbacks_are_reported(struct fixture *f)
{
    struct child c;

    child_or_skip(f);
    child_init(&c);
    child_shell(f, &c, "read line; echo hello",
                &(eddy_subprocess_options){.stderr_mode = EDDY_DEVNULL});
    c.result = EDDY_EUSER - 1;
    child_write(&c, "go\n");
    child_run(f, &c);
    assert_int_equal(recorded("data1:hello\n"), 1);
    assert_int_equal(recorded("exited:0"), 1);
    assert_int_equal(recorded("lost:0"), 1);
    assert_reported("pipe_data_received() failed", EDDY_EUSER - 1);
    assert_reported("pipe_connection_lost() failed", EDDY_EUSER - 1);
    assert_reported("pipe_connection_lost() failed", EDDY_EUSER - 1);
    assert_reported("process_exited() failed", EDDY_EUSER - 1);
    assert_reported("connection_lost() failed", EDDY_EUSER - 1);
}

/* SUB-16: another protocol hears the rest. */
static void test_protocol_can_be_replaced(struct fixture *f)
{
    struct child c, other;

    child_or_skip(f);
    child_init(&c);
    child_init(&other);
    child_shell(f, &c, "exec cat", NULL);
    other.transport = c.transport;
    must(eddy_transport_set_protocol(c.transport, &other.protocol));
    assert_ptr_equal(eddy_transport_get_protocol(c.transport), &other.protocol);
    child_write(&other, "x");
    run_until_recorded(f->loop, "data1:x");
    child_close_stdin(&other);
    child_run(f, &other);
    assert_string_equal(other.text[1], "x");
    assert_int_equal(c.received[1], 0);
}

/* The calls for processes, on what is none. */
static void test_other_transports_have_no_process(struct fixture *f)
{
    struct witness w;
    struct peer peer;
    int64_t code;
    int error;

    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_int_equal(eddy_transport_get_pid(w.transport), EDDY_ENOTSUPPORTED);
    assert_false(eddy_transport_get_returncode(w.transport, &code));
    assert_null(eddy_transport_get_pipe_transport(w.transport, 0));
    assert_int_equal(eddy_transport_kill(w.transport), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_transport_terminate(w.transport), EDDY_ENOTSUPPORTED);
    error = eddy_loop_run_until_complete(f->loop, eddy_process_wait(w.transport), NULL);
    must(error == EDDY_EINVALID ? 0 : error);
}

/* Ten at once, with short output; one that could not be started does not concern the others. */
static void test_ten_children_at_once(struct fixture *f)
{
    eddy_subprocess_options options = {.stdin_mode = EDDY_DEVNULL, .stderr_mode = EDDY_DEVNULL};
    struct child c[10];
    bool started[10];
    char command[64], wanted[32];

    child_or_skip(f);
    for (int i = 0; i < 10; i++) {
        child_init(&c[i]);
        snprintf(command, sizeof command, "echo %d; exit %d", i, i);
        started[i] = child_try_shell(f, &c[i], command, &options);
    }
    for (int i = 0; i < 10; i++) {
        if (!started[i])
            continue;
        child_run(f, &c[i]);
        snprintf(wanted, sizeof wanted, "%d\n", i);
        assert_string_equal(c[i].text[1], wanted);
        assert_int_equal(c[i].returncode, i);
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_echo_in_two_rounds),
        TEST(test_output_and_errors_are_apart),
        TEST(test_errors_into_output),
        TEST(test_exit_code_without_pipes),
        TEST(test_pipe_transports_stay),
        TEST(test_signals_end_the_child),
        TEST(test_signals_after_the_exit),
        TEST(test_bad_signal),
        TEST(test_close_kills),
        TEST(test_exit_is_no_closing),
        TEST(test_abort_ends_everything),
        TEST(test_flow_control_of_stdin),
        TEST(test_broken_stdin_is_not_fatal),
        TEST(test_closed_output_breaks_the_child),
        TEST(test_output_is_read_after_the_exit),
        TEST(test_readable_data_comes_before_the_exit),
        TEST(test_grandchild_delays_only_the_pipe),
        TEST(test_waiting_for_the_exit),
        TEST(test_failing_callbacks_are_reported),
        TEST(test_protocol_can_be_replaced),
        TEST(test_other_transports_have_no_process),
        TEST(test_ten_children_at_once),
    };

    return run_suite("process", tests);
}
#else
static void test_windows_has_no_processes_yet(struct fixture *f)
{
    struct child c;

    child_init(&c);
    expect_error(f, eddy_loop_subprocess_shell(f->loop, child_factory, &c, "exit 0", NULL),
                 EDDY_ENOTSUPPORTED);
    assert_nothing_recorded();
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_windows_has_no_processes_yet),
    };

    return run_suite("process", tests);
}
#endif
