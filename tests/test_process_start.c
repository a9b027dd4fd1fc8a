/* SPDX-License-Identifier: MIT */
/* Starting children: SUB-1..SUB-4, SUB-6..SUB-8, SUB-20, SUB-27..SUB-29. */
#include "support/child.h"
#include "support/support.h"

#if !defined(_WIN32)
#include <string.h>

/* SUB-1, SUB-2: no program, no command. */
static void test_missing_program_is_refused(struct fixture *f)
{
    const char *const *none = CHILD_ARGV(NULL);
    struct child c;

    child_or_skip(f);
    expect_error(f, child_start(f, &c, NULL, NULL), EDDY_EINVALID);
    expect_error(f, child_start(f, &c, none, NULL), EDDY_EINVALID);
    expect_error(f, child_start(f, &c, CHILD_ARGV(""), NULL), EDDY_EINVALID);
    expect_error(f, eddy_loop_subprocess_shell(f->loop, child_factory, &c, NULL, NULL),
                 EDDY_EINVALID);
    expect_error(f, eddy_loop_subprocess_exec(f->loop, NULL, NULL, CHILD_ARGV("cat"), NULL),
                 EDDY_EINVALID);
    assert_nothing_recorded();
}

/* SUB-3, SUB-4: options that make no sense, one by one, for both calls. */
static void test_bad_options_are_refused(struct fixture *f)
{
    const eddy_subprocess_options bad[] = {
        {.reserved = {f}},
        {.stdin_mode = EDDY_STDOUT},
        {.stdout_mode = EDDY_STDOUT},
        {.stdin_mode = (eddy_stdio)77},
        {.stderr_mode = EDDY_DESCRIPTOR, .stderr_fd = -1},
        {.pass_fd_count = 1},
        {.pass_fds = &(eddy_socket){-5}, .pass_fd_count = 1},
        {.process_group = -1},
        {.process_group = 1, .new_process_group = true},
    };
    struct child c;

    child_or_skip(f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_error(f, child_start(f, &c, CHILD_ARGV("cat"), &bad[i]), EDDY_EINVALID);
        expect_error(f, eddy_loop_subprocess_shell(f->loop, child_factory, &c, "cat", &bad[i]),
                     EDDY_EINVALID);
    }
    assert_nothing_recorded();
}

/* LOOP-18; a simulated loop says that it has none. */
static void test_loops_without_processes(struct fixture *f)
{
    struct child c;

    if (f->sim != NULL) {
        expect_error(f, child_start(f, &c, CHILD_ARGV("cat"), NULL), EDDY_ENOTSUPPORTED);
        return;
    }
    must(eddy_loop_close(f->loop));
    child_init(&c);
    for (int turn = 0; turn < 2; turn++) {
        eddy_future *future =
            turn == 0 ? child_start(f, &c, CHILD_ARGV("cat"), NULL)
                      : eddy_loop_subprocess_shell(f->loop, child_factory, &c, "cat", NULL);

        assert_int_equal(eddy_future_exception(future), EDDY_EBADSTATE);
        eddy_future_unref(future);
    }
}

/* SUB-7: the system's own error comes from the call; no protocol, nothing left, nothing said. */
static void test_failing_start_tells_why(struct fixture *f)
{
    const eddy_subprocess_options quiet = {
        .stdin_mode = EDDY_DEVNULL, .stdout_mode = EDDY_INHERIT, .stderr_mode = EDDY_INHERIT};
    struct child c;

    child_or_skip(f);
    expect_error(f, child_start(f, &c, CHILD_ARGV("/nonexistent/program"), NULL), EDDY_ENOENT);
    if (!allocations_failed()) {
        assert_non_null(strstr(eddy_error_text(), "/nonexistent/program"));
        assert_int_equal(eddy_error_number(), 2);
    }
    expect_error(f, child_start(f, &c, CHILD_ARGV("no-such-program-anywhere"), &quiet),
                 EDDY_ENOENT);
    expect_error(f, child_start(f, &c, CHILD_ARGV("/etc/passwd"), NULL), EDDY_EACCES);
    expect_error(f, child_start(f, &c, CHILD_ARGV("/etc/passwd/program"), NULL), EDDY_ENOTDIR);
    expect_error(
        f, child_start(f, &c, CHILD_ARGV("cat"), &(eddy_subprocess_options){.cwd = "/nonexistent"}),
        EDDY_ENOENT);
    expect_error(
        f,
        child_start(f, &c, CHILD_ARGV("cat"),
                    &(eddy_subprocess_options){.stdin_mode = EDDY_DESCRIPTOR, .stdin_fd = 1000}),
        EDDY_EBADF);
    expect_error(f,
                 child_start(f, &c, CHILD_ARGV("cat"),
                             &(eddy_subprocess_options){.pass_fds = &(eddy_socket){1000},
                                                        .pass_fd_count = 1}),
                 EDDY_EBADF);
    assert_nothing_recorded();
}

/* SUB-27: the future of a failed start is done before the loop runs. */
static void test_start_before_the_loop_runs(struct fixture *f)
{
    struct child c;
    eddy_future *future;

    child_or_skip(f);
    future = child_start(f, &c, CHILD_ARGV("true"), NULL);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    assert_nothing_recorded(); /* SUB-20 */
    child_made(f, future);
    child_run(f, &c);
    assert_int_equal(c.returncode, 0);
}

/* Cancel a start at once, and wait for it. */
static void cancel_start(struct fixture *f, const eddy_subprocess_options *options)
{
    eddy_future *future;
    struct child c;
    int error;

    future = child_start(f, &c, CHILD_ARGV("sleep", "20"), options);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    assert_true(eddy_future_cancel(future, "changed my mind"));
    assert_false(eddy_future_done(future)); /* SUB-8: not before it is reaped */
    assert_true(eddy_future_cancel(future, "again"));
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    assert_int_equal(error, EDDY_ECANCELED);
    if (!allocations_failed())
        assert_string_equal(eddy_error_text(), "changed my mind");
    assert_nothing_recorded();
}

/* SUB-8: killed and reaped before the future is done; the protocol was never made (TR-52). */
static void test_cancelled_start(struct fixture *f)
{
    child_or_skip(f);
    cancel_start(f, NULL);
    cancel_start(f, &child_no_pipes);
}

struct start_again {
    struct child child;
    eddy_future *future;
};

static eddy_protocol *cancel_and_make(void *arg)
{
    struct start_again *again = arg;

    assert_true(eddy_future_cancel(again->future, NULL));
    return child_factory(&again->child);
}

/* TR-52: cancelled from inside the factory, the protocol still hears of both ends. */
static void test_factory_that_cancels(struct fixture *f)
{
    struct start_again again;

    child_or_skip(f);
    child_init(&again.child);
    again.future = eddy_loop_subprocess_exec(f->loop, cancel_and_make, &again,
                                             CHILD_ARGV("sleep", "20"), NULL);
    if (eddy_future_done(again.future))
        must(eddy_loop_run_until_complete(f->loop, again.future, NULL));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, again.future, NULL), EDDY_ECANCELED);
    assert_true(again.child.is_made);
    child_run(f, &again.child);
    assert_int_equal(recorded("exited:-9"), 1);
}

static eddy_protocol *refuse(void *arg)
{
    (void)arg;
    eddy_error(EDDY_EUSER - 4, "no room for another child");
    return NULL;
}

/* TR-52: refused by the factory, the child is gone when the future fails. */
static void test_refusing_factory(struct fixture *f)
{
    eddy_future *future;
    int error;

    child_or_skip(f);
    future = eddy_loop_subprocess_exec(f->loop, refuse, NULL, CHILD_ARGV("sleep", "20"), NULL);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    error = eddy_loop_run_until_complete(f->loop, future, NULL);
    assert_int_equal(error, EDDY_EUSER - 4);
    if (!allocations_failed())
        assert_string_equal(eddy_error_text(), "no room for another child");
}

static void fail_when_made(struct child *c, enum child_event event)
{
    c->result = event == CHILD_MADE ? EDDY_EUSER - 5 : 0;
}

/* TR-41: a failing connection_made() ends the process, and is the error of both. */
static void test_failing_connection_made(struct fixture *f)
{
    eddy_future *future;
    struct child c;

    child_or_skip(f);
    future = child_start(f, &c, CHILD_ARGV("sleep", "20"), NULL);
    c.script = fail_when_made;
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EUSER - 5);
    child_run(f, &c);
    assert_int_equal(recorded("exited:-9"), 1);
    assert_int_equal(recorded("lost:EDDY_E?"), 1);
    assert_reported("connection_made() failed", EDDY_EUSER - 5);
}

/* TR-52 and FUT-1: a start that nobody awaited ends with its child. */
static void test_unawaited_start_is_closed(struct fixture *f)
{
    eddy_future *future;
    struct child c;

    child_or_skip(f);
    future = child_start(f, &c, CHILD_ARGV("sleep", "20"), NULL);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    eddy_future_unref(future);
    child_run(f, &c);
    assert_int_equal(recorded("exited:-9"), 1);
}

/* SUB-29: what is started and what becomes of it, without the arguments. */
static void test_debug_log(struct fixture *f)
{
    struct child c;
    const char *text;

    child_or_skip(f);
    eddy_loop_set_debug(f->loop, true);
    child_run_exec(f, &c, CHILD_ARGV("true", "secret"),
                   &(eddy_subprocess_options){.stdin_mode = EDDY_DEVNULL});
    text = assert_logged(EDDY_LOG_DEBUG, "starting process \"true\"");
    assert_non_null(strstr(text, "stdin=devnull stdout=pipe stderr=pipe"));
    assert_null(strstr(text, "secret"));
    assert_logged(EDDY_LOG_DEBUG, "has started");
    assert_logged(EDDY_LOG_DEBUG, "has ended: 0");
    eddy_loop_set_debug(f->loop, false);
}

/* SUB-28: one after the other, they leave nothing behind (the fixture looks). */
static void test_thirty_children(struct fixture *f)
{
    child_or_skip(f);
    for (int i = 0; i < 30; i++) {
        struct child c;

        child_run_exec(f, &c, CHILD_ARGV("true"), &child_no_pipes);
        assert_recorded("made", "exited:0", "lost:0");
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_missing_program_is_refused),
        TEST(test_bad_options_are_refused),
        TEST(test_loops_without_processes),
        TEST(test_failing_start_tells_why),
        TEST(test_start_before_the_loop_runs),
        TEST(test_cancelled_start),
        TEST(test_factory_that_cancels),
        TEST(test_refusing_factory),
        TEST(test_failing_connection_made),
        TEST(test_unawaited_start_is_closed),
        TEST(test_debug_log),
        TEST(test_thirty_children),
    };

    return run_suite("process_start", tests);
}
#else
int main(void)
{
    return run_skipped_suite("process_start", "test_process_start_is_of_posix");
}
#endif
