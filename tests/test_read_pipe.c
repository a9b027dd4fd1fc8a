/* SPDX-License-Identifier: MIT */
/* Read pipe transports: PIPE-1..PIPE-5, on pipes, FIFOs, sockets and terminals. */
#include "support/support.h"

#if !defined(_WIN32)
#include "support/pipes.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* PIPE-1, PIPE-2: made first, then the data; the transport has no side to write. */
static void test_data_arrives_after_connection_made(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];
    eddy_value value = {0};

    pipes_or_skip(f);
    witness_init(&w, NULL);
    pipes_make(f, fds);
    pipes_write(fds[1], "early");
    pipes_connect_reader(f, &w, fds[0]);
    assert_recorded("made");
    run_until_recorded(f->loop, "data:early");
    pipes_write(fds[1], "late");
    run_until_recorded(f->loop, "data:late");
    assert_recorded("data:early", "data:late");
    assert_true(eddy_transport_get_extra_info(w.transport, "pipe", &value));
    assert_int_equal(value.socket, fds[0]);
    assert_false(eddy_transport_get_extra_info(w.transport, "peername", &value));
    assert_false(eddy_transport_get_extra_info(w.transport, "socket", &value));
    assert_int_equal(write_text(w.transport, "x"), EDDY_ENOTSUPPORTED);
    assert_int_equal(eddy_transport_write_eof(w.transport), EDDY_ENOTSUPPORTED);
    assert_false(eddy_transport_can_write_eof(w.transport));
}

static int note_closing(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_EOF) {
        record(eddy_transport_is_closing(w->transport) ? "closing" : "open");
        return 1; /* which would keep a socket open */
    }
    return 0;
}

/* PIPE-3: closing first, then eof_received(), whose result is ignored, then connection_lost(). */
static void test_end_of_data_closes(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    w.script = note_closing;
    pipes_begin_reader(f, &w, fds);
    pipes_write(fds[1], "last");
    pipes_close(f, fds[1]);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "data:last", "eof", "closing", "lost:0");
    run_iterations(f->loop, 1);
    assert_int_equal(fcntl((int)fds[0], F_GETFD), -1);
}

/* PIPE-3, ERR-5: a failing eof_received() is reported and changes nothing. */
static void test_failing_eof_received_is_reported(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    w.results[WITNESS_EOF] = EDDY_EUSER - 1;
    pipes_begin_reader(f, &w, fds);
    pipes_close(f, fds[1]);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "eof", "lost:0");
    assert_reported("eof_received() failed", EDDY_EUSER - 1);
}

static int abort_at_eof(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_EOF) {
        eddy_transport_abort(w->transport);
        eddy_transport_close(w->transport);
    }
    return 0;
}

/* PIPE-3: closing and aborting from inside eof_received(): still one connection_lost(). */
static void test_abort_in_eof_received(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    w.script = abort_at_eof;
    pipes_begin_reader(f, &w, fds);
    pipes_close(f, fds[1]);
    run_until_recorded(f->loop, "lost:0");
    run_iterations(f->loop, 3);
    assert_recorded("made", "eof", "lost:0");
}

/* PIPE-4: unlike a socket's, a failing data_received() ends nothing. */
static void test_failing_data_received_is_only_reported(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    w.results[WITNESS_DATA] = EDDY_EUSER - 2;
    pipes_begin_reader(f, &w, fds);
    pipes_write(fds[1], "1");
    run_until_recorded(f->loop, "data:1");
    assert_reported("data_received() failed", EDDY_EUSER - 2);
    assert_false(eddy_transport_is_closing(w.transport));
    w.results[WITNESS_DATA] = 0;
    pipes_write(fds[1], "2");
    run_until_recorded(f->loop, "data:2");
    assert_recorded("made", "data:1", "data:2");
}

/* TR-41: a failing connection_made() does, on every kind of transport. */
static void test_failing_connection_made_ends_it(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];
    eddy_future *future;

    pipes_or_skip(f);
    witness_init(&w, NULL);
    w.results[WITNESS_MADE] = EDDY_EUSER - 3;
    pipes_make(f, fds);
    future = eddy_loop_connect_read_pipe(f->loop, witness_factory, &w, fds[0], NULL);
    give_up_if(eddy_future_done(future) && eddy_future_exception(future) == EDDY_ENOMEM);
    fixture_drop_socket(f, fds[0]);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EUSER - 3);
    run_until_recorded(f->loop, "lost:EDDY_E?");
    assert_reported("connection_made() failed", EDDY_EUSER - 3);
}

/* PIPE-2, TR-14: paused, nothing comes, not even the end. */
static void test_pause_holds_data_and_end_back(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_reader(f, &w, fds);
    assert_true(eddy_transport_is_reading(w.transport));
    assert_int_equal(eddy_transport_pause_reading(w.transport), 0);
    assert_int_equal(eddy_transport_pause_reading(w.transport), 0);
    assert_false(eddy_transport_is_reading(w.transport));
    pipes_write(fds[1], "x");
    pipes_close(f, fds[1]);
    run_iterations(f->loop, 5);
    assert_recorded("made");
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    assert_int_equal(eddy_transport_resume_reading(w.transport), 0);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("data:x", "eof", "lost:0");
}

/* PIPE-2: pausing and resuming after close() does nothing; no data comes after it (TR-4). */
static void test_close_stops_reading(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];
    eddy_transport *transport;

    witness_init(&w, NULL);
    pipes_begin_reader(f, &w, fds);
    transport = eddy_transport_ref(w.transport);
    pipes_write(fds[1], "x");
    eddy_transport_close(transport);
    eddy_transport_close(transport);
    assert_true(eddy_transport_is_closing(transport));
    assert_int_equal(eddy_transport_pause_reading(transport), 0);
    assert_int_equal(eddy_transport_resume_reading(transport), 0);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "lost:0");
    assert_null(eddy_transport_get_protocol(transport));
    eddy_transport_unref(transport);
}

/* PIPE-2: at most 256 KiB an event, however much there is. */
static void test_one_event_is_at_most_256_kib(struct fixture *f)
{
    static char data[64 * 1024];
    struct witness w;
    eddy_socket fds[2];
    size_t sent = 0;

    pipes_or_skip(f);
    witness_init(&w, NULL);
    w.quiet = true;
    pipes_make(f, fds);
#if defined(F_SETPIPE_SZ)
    fcntl((int)fds[1], F_SETPIPE_SZ, 1024 * 1024);
#endif
    pipes_connect_reader(f, &w, fds[0]);
    for (;;) {
        ssize_t now = write((int)fds[1], data, sizeof data);

        if (now <= 0)
            break;
        sent += (size_t)now;
    }
    pipes_close(f, fds[1]);
    run_until_recorded(f->loop, "lost:0");
    assert_int_equal(w.received, sent);
    assert_true(w.counts[WITNESS_DATA] >= (sent + 256 * 1024 - 1) / (256 * 1024));
}

/* A buffered protocol reads from a pipe as well (TR-45). */
static void test_buffered_protocol(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];
    char buffer[4];

    witness_init_buffered(&w, NULL, buffer, sizeof buffer);
    pipes_begin_reader(f, &w, fds);
    pipes_write(fds[1], "abcdef");
    pipes_close(f, fds[1]);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "updated:4", "updated:2", "eof", "lost:0");
    assert_string_equal(w.text, "abcdef");
}

typedef eddy_future *(*connect_function)(eddy_loop *, eddy_protocol_factory, void *, eddy_socket,
                                         const eddy_pipe_options *);

/* PIPE-1: what is no pipe stays with the caller as it was, and no protocol is made. */
static void test_other_descriptors_are_refused(struct fixture *f)
{
    static const connect_function both[] = {eddy_loop_connect_read_pipe,
                                            eddy_loop_connect_write_pipe};
    eddy_pipe_options options = {.reserved = {&options}};
    struct witness w;
    FILE *file = tmpfile();

    assert_non_null(file);
    witness_init(&w, NULL);
    for (size_t i = 0; i < 2 && f->sim == NULL; i++) {
        expect_error(f, both[i](f->loop, witness_factory, &w, fileno(file), NULL), EDDY_EINVALID);
        expect_error(f, both[i](f->loop, witness_factory, &w, -1, NULL), EDDY_EINVALID);
        expect_error(f, both[i](f->loop, witness_factory, &w, 1000, NULL), EDDY_EBADF);
        expect_error(f, both[i](f->loop, NULL, NULL, fileno(file), NULL), EDDY_EINVALID);
        expect_error(f, both[i](f->loop, witness_factory, &w, 0, &options), EDDY_EINVALID);
    }
    assert_int_equal(fcntl(fileno(file), F_GETFL) & O_NONBLOCK, 0);
    fclose(file);
    assert_nothing_recorded();
}

/* PIPE-1 on a simulated loop: refused with words. */
static void test_simulated_loop_has_no_pipes(struct fixture *f)
{
    struct witness w;

    if (f->sim == NULL)
        skip();
    witness_init(&w, NULL);
    expect_error(f, eddy_loop_connect_read_pipe(f->loop, witness_factory, &w, 0, NULL),
                 EDDY_ENOTSUPPORTED);
    expect_error(f, eddy_loop_connect_write_pipe(f->loop, witness_factory, &w, 1, NULL),
                 EDDY_ENOTSUPPORTED);
}

/* FD-1: a descriptor has one owner on a loop. */
static void test_used_descriptor_is_refused(struct fixture *f)
{
    struct witness w, second;
    eddy_socket fds[2];
    int error;

    witness_init(&w, NULL);
    witness_init(&second, "second");
    pipes_begin_reader(f, &w, fds);
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_connect_read_pipe(f->loop, witness_factory, &second, fds[0], NULL),
        NULL);
    must(error == EDDY_EBADSTATE ? 0 : error);
    assert_int_equal(eddy_loop_add_reader(f->loop, fds[0], on_call, "x"), EDDY_EBADSTATE);
    assert_recorded("made");
}

/* NET-16: cancelled at once, the pipe is closed and no protocol is made (TR-52). */
static void test_cancelled_start_closes_the_pipe(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];
    eddy_future *future;

    pipes_or_skip(f);
    witness_init(&w, NULL);
    pipes_make(f, fds);
    future = eddy_loop_connect_read_pipe(f->loop, witness_factory, &w, fds[0], NULL);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    fixture_drop_socket(f, fds[0]);
    assert_true(eddy_future_cancel(future, NULL));
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_ECANCELED);
    run_iterations(f->loop, 2);
    assert_nothing_recorded();
    assert_int_equal(fcntl((int)fds[0], F_GETFD), -1);
}

static eddy_protocol *refuse(void *arg)
{
    (void)arg;
    eddy_error(EDDY_EUSER - 7, "nobody wants to read this");
    return NULL;
}

/* TR-52: a factory that refuses. */
static void test_refusing_factory_closes_the_pipe(struct fixture *f)
{
    eddy_socket fds[2];
    eddy_future *future;

    pipes_or_skip(f);
    pipes_make(f, fds);
    future = eddy_loop_connect_read_pipe(f->loop, refuse, NULL, fds[0], NULL);
    if (eddy_future_done(future))
        must(eddy_loop_run_until_complete(f->loop, future, NULL));
    fixture_drop_socket(f, fds[0]);
    assert_int_equal(eddy_loop_run_until_complete(f->loop, future, NULL), EDDY_EUSER - 7);
    assert_string_equal(eddy_error_text(), "nobody wants to read this");
}

/* A FIFO by name, and a socket: the same transport. */
static void test_fifo(struct fixture *f)
{
    char folder[] = "/tmp/eddy-fifo-XXXXXX";
    char path[64];
    struct witness w;
    int reader, writer;

    pipes_or_skip(f);
    witness_init(&w, NULL);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    unlink(path);
    rmdir(folder);
    assert_true(reader >= 0 && writer >= 0);
    fixture_keep_socket(f, reader);
    fixture_keep_socket(f, writer);
    pipes_connect_reader(f, &w, reader);
    pipes_write(writer, "named");
    pipes_close(f, writer);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "data:named", "eof", "lost:0");
}

static void test_socket(struct fixture *f)
{
    struct witness w;
    int pair[2];

    pipes_or_skip(f);
    witness_init(&w, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fixture_keep_socket(f, pair[0]);
    fixture_keep_socket(f, pair[1]);
    pipes_connect_reader(f, &w, pair[0]);
    pipes_write(pair[1], "socket");
    pipes_close(f, pair[1]);
    run_until_recorded(f->loop, "lost:0");
    assert_recorded("made", "data:socket", "eof", "lost:0");
}

/* PIPE-5: a terminal whose other side was closed says EIO, which is no report. */
static void test_closed_terminal_is_no_report(struct fixture *f)
{
    struct witness w;
    int master, slave;

    pipes_or_skip(f);
    witness_init(&w, NULL);
    pipes_make_terminal(f, &master, &slave);
    pipes_connect_reader(f, &w, master);
    pipes_write(slave, "tty");
    run_until_recorded(f->loop, "data:tty");
    pipes_close(f, slave);
    run_until_true(f->loop, w.counts[WITNESS_LOST] > 0);
    assert_true(w.error == EDDY_EIO || w.error == 0);
}

/* LOOP-17: a loop that closes over an open pipe calls nobody and leaves nothing. */
static void test_loop_closes_over_a_pipe(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_reader(f, &w, fds);
    must(eddy_loop_close(f->loop));
    assert_recorded("made");
    assert_int_equal(fcntl((int)fds[0], F_GETFD), -1);
}

#if defined(EDDY_TEST_HOOKS)
#include "posix/sys.h"

/* PIPE-5: any other error of reading is reported, and tells connection_lost(). */
static void test_read_error_is_reported(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_reader(f, &w, fds);
    pipes_write(fds[1], "x");
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_read, 1, ENXIO);
    run_until_recorded(f->loop, "lost:EDDY_ENXIO");
    eddy__sys_reset();
    assert_recorded("made", "lost:EDDY_ENXIO");
    assert_reported("reading from a pipe failed", EDDY_ENXIO);
}

/* PIPE-5: EIO is not, and EINTR and EAGAIN are nothing. */
static void test_quiet_read_errors(struct fixture *f)
{
    struct witness w;
    eddy_socket fds[2];

    witness_init(&w, NULL);
    pipes_begin_reader(f, &w, fds);
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_read, 1, EINTR);
    pipes_write(fds[1], "1");
    run_until_recorded(f->loop, "data:1");
    eddy__sys_fail(EDDY__SYS_read, 1, EAGAIN);
    pipes_write(fds[1], "2");
    run_until_recorded(f->loop, "data:2");
    eddy__sys_fail(EDDY__SYS_read, 1, EIO);
    pipes_write(fds[1], "3");
    run_until_recorded(f->loop, "lost:EDDY_EIO");
    eddy__sys_reset();
    assert_recorded("made", "data:1", "data:2", "lost:EDDY_EIO");
}
#endif

int main(void)
{
    static const struct test tests[] = {
        TEST(test_data_arrives_after_connection_made),
        TEST(test_end_of_data_closes),
        TEST(test_failing_eof_received_is_reported),
        TEST(test_abort_in_eof_received),
        TEST(test_failing_data_received_is_only_reported),
        TEST(test_failing_connection_made_ends_it),
        TEST(test_pause_holds_data_and_end_back),
        TEST(test_close_stops_reading),
        TEST(test_one_event_is_at_most_256_kib),
        TEST(test_buffered_protocol),
        TEST(test_other_descriptors_are_refused),
        TEST(test_simulated_loop_has_no_pipes),
        TEST(test_used_descriptor_is_refused),
        TEST(test_cancelled_start_closes_the_pipe),
        TEST(test_refusing_factory_closes_the_pipe),
        TEST(test_fifo),
        TEST(test_socket),
        TEST(test_closed_terminal_is_no_report),
        TEST(test_loop_closes_over_a_pipe),
#if defined(EDDY_TEST_HOOKS)
        TEST(test_read_error_is_reported),
        TEST(test_quiet_read_errors),
#endif
    };

    return run_suite("read_pipe", tests);
}
#else
static void test_windows_has_no_pipe_transports_yet(struct fixture *f)
{
    expect_error(f, eddy_loop_connect_read_pipe(f->loop, witness_factory, f, 3, NULL),
                 EDDY_ENOTSUPPORTED);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_windows_has_no_pipe_transports_yet),
    };

    return run_suite("read_pipe", tests);
}
#endif
