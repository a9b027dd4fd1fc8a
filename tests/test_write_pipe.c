/* SPDX-License-Identifier: MIT */
/* Write pipe transports: PIPE-1, PIPE-6, PIPE-7, on pipes, sockets and terminals. */
#include "support/support.h"
#include "support/sweep.h"

#if !defined(_WIN32)
#include "support/oom.h"
#include "support/pipes.h"
#include "support/scratch.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* PIPE-6: bytes go out in order; the transport has no side to read. */
static void test_writes_arrive_in_order(struct fixture *f)
{
    const eddy_buffer lines[] = {{"two,", 4}, {"", 0}, {"three", 5}};
    struct witness w;
    eddy_socket fds[2];
    eddy_value value = {0};

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    assert_int_equal(write_text(w.transport, "one,"), 0);
    assert_int_equal(eddy_transport_writelines(w.transport, lines, 3), 0);
    pipes_expect(f, fds[0], "one,two,three");
    assert_true(eddy_transport_get_extra_info(w.transport, "pipe", &value));
    assert_int_equal(value.socket, fds[1]);
    assert_int_equal(eddy_transport_pause_reading(w.transport), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_transport_resume_reading(w.transport), EDDY_ENOTSUPPORTED);
    assert_false(eddy_transport_is_reading(w.transport));
    assert_recorded("made");
}

/* PIPE-6: write_eof() is close(): flush, then the end; no write after that (TR-11). */
static void test_write_eof_is_close(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    assert_true(eddy_transport_can_write_eof(w.transport));
    assert_int_equal(write_text(w.transport, "bye"), 0);
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    assert_true(eddy_transport_is_closing(w.transport));
    assert_int_equal(eddy_transport_write_eof(w.transport), 0);
    assert_int_equal(write_text(w.transport, "dropped"), 0);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
    pipes_expect(f, fds[0], "bye");
    pipes_expect(f, fds[0], "");
}

/* Read until the other end is closed; how much came. */
static size_t drain(struct fixture *f, eddy_socket fd)
{
    size_t have = 0;
    eddy_time end = 0;
    long got;

    while ((got = pipes_drain(fd)) != 0 && run_a_little(f->loop, &end))
        have += got > 0 ? (size_t)got : 0;
    return have;
}

/* PIPE-6, TR-29: a full pipe keeps the rest, tells the protocol, and close() flushes it. */
static void test_close_flushes_what_is_queued(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];
    size_t written, low, high;

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    must(eddy_transport_set_write_buffer_limits(w.transport, 100, 10));
    eddy_transport_get_write_buffer_limits(w.transport, &low, &high);
    assert_int_equal(low, 10);
    assert_int_equal(high, 100);
    written = fill_transport(w.transport);
    assert_recorded("made", "pause");
    eddy_transport_close(w.transport);
    assert_true(eddy_transport_is_closing(w.transport));
    assert_true(eddy_transport_get_write_buffer_size(w.transport) > 0);
    assert_int_equal(drain(f, fds[0]), written);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("resume", "lost:0");
}

/* TR-5: abort drops it. */
static void test_abort_drops_what_is_queued(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];
    size_t written;

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    written = fill_transport(w.transport);
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_true(drain(f, fds[0]) < written);
}

/* PIPE-7: nothing is queued, and still it notices. */
static void test_reader_gone_while_idle(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    run_iterations(f->loop, 3);
    assert_recorded("made");
    pipes_close(f, fds[0]);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("lost:0");
}

/* PIPE-7: a FIFO that is open for reading as well has its reader in itself. That it is readable
 * tells nothing, for ever: so it is asked once. */
static void test_fifo_opened_for_both_directions(struct fixture *f)
{
    const char *path = scratch_path("fifo");
    struct spy *spy;
    struct witness w;
    char text[8] = "";
    int fd;

    pipes_or_skip(f);
    need_whole_test();
    witness_init(&w, NULL);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    fixture_keep_socket(f, fd);
    pipes_connect_writer(f, &w, fd);
    must(write_text(w.transport, "one"));
    spy = spy_begin(f->loop);
    run_for(f->loop, EDDY_MILLISECONDS(50));
    assert_in_range(spy->waits, 1, 10);
    spy_end();
    assert_int_equal(read(fd, text, sizeof text), 3);
    assert_string_equal(text, "one");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

/* PIPE-7: with something queued it is a broken pipe; no SIGPIPE comes of it. */
static void test_reader_gone_with_data(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    fill_transport(w.transport);
    pipes_close(f, fds[0]);
    run_until_recorded(f->loop, "lost:EDDY_EPIPE");
}

/* PIPE-7: while closing, too. */
static void test_reader_gone_while_draining(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    fill_transport(w.transport);
    eddy_transport_close(w.transport);
    run_iterations(f->loop, 2);
    pipes_close(f, fds[0]);
    run_until_recorded(f->loop, "lost:EDDY_EPIPE");
}

/* A transport whose reader has gone, which it has not noticed yet. */
static void connect_without_reader(struct fixture *f, struct witness *w)
{
    eddy_socket fds[2];

    witness_init(w, NULL);
    pipes_begin_writer(f, w, fds);
    pipes_close(f, fds[0]);
}

/* PIPE-7: a write that fails at once. */
static void write_without_reader(struct fixture *f, struct witness *w)
{
    assert_int_equal(write_text(w->transport, "nobody hears"), 0);
    assert_int_equal(eddy_transport_get_write_buffer_size(w->transport), 0);
    run_until_recorded(f->loop, "lost:EDDY_EPIPE");
    assert_recorded("made", "lost:EDDY_EPIPE");
}

static void test_failing_write_ends_it(struct fixture *f)
{
    struct witness w;

    connect_without_reader(f, &w);
    write_without_reader(f, &w);
}

/* SIGPIPE has its default effect here, which ends a program; it must not even become pending. */
static void test_no_sigpipe(struct fixture *f)
{
    sigset_t only, before, pending;
    struct witness w;

    pipes_or_skip(f);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    connect_without_reader(f, &w);
    write_without_reader(f, &w);
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_false(sigismember(&before, SIGPIPE));
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
}

/* PIPE-7: a socket tells that its other side was closed, and may talk before. */
static void test_socket_whose_other_side_closes(struct fixture *f)
{
    struct witness w;
    int pair[2];
    char text[8] = "";

    need_working_calls();
    pipes_or_skip(f);
    witness_init(&w, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fixture_keep_socket(f, pair[0]);
    fixture_keep_socket(f, pair[1]);
    pipes_connect_writer(f, &w, pair[0]);
    write_text(w.transport, "hello");
    assert_int_equal(read(pair[1], text, sizeof text - 1), 5);
    pipes_close(f, pair[1]);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

/* What the other side of a socket says is not ours to take, and no reason to close or to spin. */
static void test_socket_whose_other_side_talks(struct fixture *f)
{
    struct witness w;
    int pair[2];
    char text[8] = "";

    pipes_or_skip(f);
    witness_init(&w, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fixture_keep_socket(f, pair[0]);
    fixture_keep_socket(f, pair[1]);
    pipes_connect_writer(f, &w, pair[0]);
    pipes_write(pair[1], "talk");
    run_iterations(f->loop, 5);
    assert_recorded("made");
    assert_int_equal(recv(pair[0], text, sizeof text - 1, MSG_DONTWAIT), 4);
    write_text(w.transport, "x");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
}

/* PIPE-7: a terminal is not watched; it takes what is written. */
static void test_terminal(struct fixture *f)
{
    struct termios mode;
    struct witness w;
    int master, slave;
    char text[8] = "";

    need_working_calls();
    pipes_or_skip(f);
    witness_init(&w, NULL);
    pipes_make_terminal(f, &master, &slave);
    assert_int_equal(tcgetattr(slave, &mode), 0);
    mode.c_oflag &= (tcflag_t)~OPOST;
    assert_int_equal(tcsetattr(slave, TCSANOW, &mode), 0);
    pipes_connect_writer(f, &w, slave);
    assert_int_equal(write_text(w.transport, "tty\n"), 0);
    assert_int_equal(read(master, text, sizeof text - 1), 4);
    assert_string_equal(text, "tty\n");
    pipes_write(master, "typed\n");
    run_iterations(f->loop, 3);
    assert_recorded("made");
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
}

/* What cannot be waited for can be written all the same. */
static void test_dev_null(struct fixture *f)
{
    static char data[100000];
    struct witness w;
    int fd;

    pipes_or_skip(f);
    witness_init(&w, NULL);
    fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    fixture_keep_socket(f, fd);
    pipes_connect_writer(f, &w, fd);
    assert_int_equal(eddy_transport_write(w.transport, data, sizeof data), 0);
    assert_int_equal(eddy_transport_get_write_buffer_size(w.transport), 0);
    eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
}

static void count_release(void *count)
{
    ++*(int *)count;
}

/* What is handed over is released once, sent or not. */
static void test_owned_writes_are_released(struct fixture *f)
{
    static char data[300 * 1024];
    struct witness w;
    eddy_socket fds[2];
    int released = 0;

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    eddy_transport_write_owned(w.transport, "x", 1, count_release, &released);
    assert_int_equal(released, 1);
    eddy_transport_write_owned(w.transport, data, sizeof data, count_release, &released);
    eddy_transport_write_owned(w.transport, "y", 1, count_release, &released);
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
    run_iterations(f->loop, 1);
    assert_int_equal(released, 3);
}

#if defined(EDDY_TEST_HOOKS)
#include "posix/sys.h"

#if defined(__linux__)
static ssize_t no_flag(int fd, const struct iovec *parts, int count)
{
    (void)fd, (void)parts, (void)count;
    errno = EOPNOTSUPP;
    return -1;
}
#endif

static void force_signal_blocking(void)
{
    eddy__sys_reset();
#if defined(__linux__)
    eddy__sys.writev_nosignal = no_flag;
#endif
}

/* An old kernel has no flag against SIGPIPE. (From here on this process keeps that in mind.) */
static void test_no_sigpipe_without_the_flag(struct fixture *f)
{
    struct witness w;

    pipes_or_skip(f);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    connect_without_reader(f, &w);
    force_signal_blocking();
    write_without_reader(f, &w);
    assert_true(eddy__sys_count(EDDY__SYS_writev) > 0);
    eddy__sys_reset();
}

/* Write to a broken pipe with SIGPIPE blocked by the program; is one pending afterwards? */
static bool leaves_signal_pending(struct fixture *f, struct witness *w, bool before)
{
    sigset_t only, pending;
    int number;
    bool left;

    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only, NULL);
    if (before)
        raise(SIGPIPE);
    write_without_reader(f, w);
    sigpending(&pending);
    left = sigismember(&pending, SIGPIPE);
    if (left)
        sigwait(&only, &number);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    return left;
}

static void take_signal(int number)
{
    (void)number;
}

/* Who blocks SIGPIPE itself, and has one pending, keeps both. */
static void test_own_pending_sigpipe_is_kept(struct fixture *f)
{
    void (*before)(int) = signal(SIGPIPE, take_signal); /* should an assertion fail meanwhile */
    struct witness w;

    pipes_or_skip(f);
    connect_without_reader(f, &w);
    force_signal_blocking();
    assert_false(leaves_signal_pending(f, &w, false));
    connect_without_reader(f, &w);
    recorder_reset();
    record("made");
    assert_true(leaves_signal_pending(f, &w, true));
    eddy__sys_reset();
    signal(SIGPIPE, before);
}

static ssize_t write_one_byte(int fd, const struct iovec *parts, int count)
{
    (void)count;
    return write(fd, parts[0].iov_base, 1);
}

/* TR-23: short and interrupted writes make the whole. */
static void test_short_writes_make_the_whole(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    force_signal_blocking();
    eddy__sys.writev = write_one_byte;
    eddy__sys_fail(EDDY__SYS_writev, 1, EINTR);
    must(write_text(w.transport, "one,"));
    eddy__sys_fail(EDDY__SYS_writev, 1, EAGAIN);
    must(write_text(w.transport, "two"));
    if (w.transport != NULL)
        eddy_transport_close(w.transport);
    run_until_recorded(f->loop, "lost:0");
    eddy__sys_reset();
    pipes_expect(f, fds[0], "one,two");
}

/* PIPE-7: any error of a write ends it, without a report. */
static void test_write_error(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    force_signal_blocking();
    eddy__sys_fail(EDDY__SYS_writev, 1, ENOSPC);
    must(write_text(w.transport, "x"));
    run_until_recorded(f->loop, "lost:EDDY_ENOSPC");
    eddy__sys_reset();
}

/* PIPE-7: as does a shortage when it is asked whether the reader is gone; it does not spin. */
static void test_failing_look_ends_it(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    if (!fixture_backend_is(f, "epoll"))
        skip(); /* others wait by the same call */
    witness_init(&w, NULL);
    pipes_begin_writer(f, &w, fds);
    run_iterations(f->loop, 3);
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_poll, 1, ENOMEM);
    pipes_close(f, fds[0]);
    run_until_recorded(f->loop, "lost:0");
    assert_int_equal(eddy__sys_count(EDDY__SYS_poll), 1);
    eddy__sys_reset();
    assert_recorded("made", "lost:0");
}
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_writes_arrive_in_order),
        TEST(test_write_eof_is_close),
        TEST(test_close_flushes_what_is_queued),
        TEST(test_abort_drops_what_is_queued),
        TEST(test_reader_gone_while_idle),
        TEST(test_fifo_opened_for_both_directions),
        TEST(test_reader_gone_with_data),
        TEST(test_reader_gone_while_draining),
        TEST(test_failing_write_ends_it),
        TEST(test_no_sigpipe),
        TEST(test_socket_whose_other_side_closes),
        TEST(test_socket_whose_other_side_talks),
        TEST(test_terminal),
        TEST(test_dev_null),
        TEST(test_owned_writes_are_released),
#if defined(EDDY_TEST_HOOKS)
        TEST(test_no_sigpipe_without_the_flag),
        TEST(test_own_pending_sigpipe_is_kept),
        TEST(test_short_writes_make_the_whole),
        TEST(test_write_error),
        TEST(test_failing_look_ends_it),
#endif
    };

    return run_suite("write_pipe", tests);
}
#else
static void test_windows_has_no_pipe_transports_yet(struct fixture *f)
{
    expect_error(f, eddy_loop_connect_write_pipe(f->loop, witness_factory, f, 3, NULL),
                 EDDY_ENOTSUPPORTED);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_windows_has_no_pipe_transports_yet),
    };

    return run_suite("write_pipe", tests);
}
#endif
