/* SPDX-License-Identifier: MIT */
/* Readers and writers of descriptors that are no sockets: FD-4, FD-5. */
#include "support/support.h"
#include <string.h>

#if defined(_WIN32)

static void test_no_other_descriptors(struct fixture *f)
{
    (void)f;
    skip(); /* only sockets can be watched there */
}

int main(void)
{
    static const struct test tests[] = {TEST(test_no_other_descriptors)};

    return run_suite("reader_posix", tests);
}

#else

#include "posix/sys.h"
#include <fcntl.h>
#include <unistd.h>

/** A pipe of the fixture: [0] is for reading. */
static void new_pipe(struct fixture *f, int fds[2])
{
    assert_int_equal(pipe(fds), 0);
    fixture_keep_socket(f, fds[0]);
    fixture_keep_socket(f, fds[1]);
}

static void close_now(struct fixture *f, int fd)
{
    fixture_drop_socket(f, fd);
    close(fd);
}

/* A simulated loop has no descriptors of the system. */
static bool is_refused_by_simulation(struct fixture *f, int fd)
{
    if (!fixture_backend_is(f, "sim"))
        return false;
    assert_int_equal(eddy_loop_add_reader(f->loop, fd, on_call, "x"), EDDY_EINVALID);
    return true;
}

static void test_pipe_has_reader_and_writer(struct fixture *f)
{
    int fds[2];
    char byte;

    new_pipe(f, fds);
    if (is_refused_by_simulation(f, fds[0]))
        return;
    must(eddy_loop_add_reader(f->loop, fds[0], on_call, "read"));
    must(eddy_loop_add_writer(f->loop, fds[1], on_call, "write"));
    run_until_recorded(f->loop, "write");
    assert_int_equal(eddy_loop_remove_writer(f->loop, fds[1]), 1);
    assert_int_equal(recorded("read"), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    run_until_recorded(f->loop, "read");
    assert_int_equal(read(fds[0], &byte, 1), 1);
    recorder_reset();
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_nothing_recorded();
    close_now(f, fds[1]); /* FD-4: so is the end of file */
    run_until_recorded(f->loop, "read");
    assert_int_equal(eddy_loop_remove_reader(f->loop, fds[0]), 1);
    recorder_reset();
}

/* FD-4: nobody reads any more. */
static void test_broken_pipe_calls_the_writer(struct fixture *f)
{
    static char filling[4096];
    int fds[2];

    new_pipe(f, fds);
    if (is_refused_by_simulation(f, fds[1]))
        return;
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    while (write(fds[1], filling, sizeof filling) > 0)
        continue;
    must(eddy_loop_add_writer(f->loop, fds[1], on_call, "broken"));
    run_for(f->loop, EDDY_MILLISECONDS(1));
    assert_nothing_recorded();
    close_now(f, fds[0]);
    run_until_recorded(f->loop, "broken");
    assert_int_equal(eddy_loop_remove_writer(f->loop, fds[1]), 1);
    recorder_reset();
}

/* FD-4: a regular file is always ready, so that there is nothing to wait for; folders likewise. */
static void test_regular_files_are_refused(struct fixture *f)
{
    static const char *const paths[] = {"/proc/self/exe", "/"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

        if (fd < 0)
            continue; /* the first is there on Linux only */
        fixture_keep_socket(f, fd);
        if (is_refused_by_simulation(f, fd))
            continue;
        assert_int_equal(eddy_loop_add_reader(f->loop, fd, on_call, "x"), EDDY_EPERM);
        assert_non_null(strstr(eddy_error_text(), "cannot watch"));
        assert_int_equal(eddy_loop_remove_reader(f->loop, fd), 0);
        assert_int_equal(eddy_loop_add_writer(f->loop, fd, on_call, "x"), EDDY_EPERM);
    }
}

/* A descriptor that is closed too early: epoll reports it as long as a duplicate is open. */

/** Read and write ends of a fresh pipe, of which the reading one has a duplicate, `copy`. */
struct copied {
    int fds[2];
    int copy;
};

static void new_copied(struct fixture *f, struct copied *c)
{
    new_pipe(f, c->fds);
    c->copy = dup(c->fds[0]);
    assert_true(c->copy >= 0);
    fixture_keep_socket(f, c->copy);
}

/* FD-3: removed after it was closed, it has nothing to do with whatever watches afterwards. */
static void test_closed_before_it_is_removed(struct fixture *f)
{
    struct copied c;
    struct witness w;
    struct peer peer;
    struct spy *spy;
    int other[2];

    new_copied(f, &c);
    if (is_refused_by_simulation(f, c.fds[0]))
        return;
    witness_init(&w, NULL);
    connect_peer(f, &w, &peer);
    assert_recorded("made");
    must(eddy_loop_add_reader(f->loop, c.fds[0], on_call, "closed"));
    close_now(f, c.fds[0]);
    assert_int_equal(eddy_loop_remove_reader(f->loop, c.fds[0]), 1);
    run_iterations(f->loop, 1);
    new_pipe(f, other); /* which has its number, and maybe the memory of its watcher */
    must(eddy_loop_add_reader(f->loop, other[0], on_call, "other"));
    assert_int_equal(write(c.fds[1], "x", 1), 1);
    spy = spy_begin(f->loop);
    run_for(f->loop, EDDY_MILLISECONDS(20));
    assert_true(spy->waits < 10);
    spy_end();
    assert_nothing_recorded();
    assert_int_equal(write(other[1], "x", 1), 1);
    run_until_recorded(f->loop, "other");
    assert_int_equal(eddy_loop_remove_reader(f->loop, other[0]), 1);
    peer_send(&peer, "hello"); /* nobody else has noticed */
    run_until_recorded(f->loop, "data:hello");
    eddy_transport_abort(w.transport);
    run_until_recorded(f->loop, "lost:0");
}

/* FD-2: so with one that nobody removed, when its number is watched anew. */
static void test_closed_and_never_removed(struct fixture *f)
{
    struct copied c;
    int other[2];
    char byte;

    new_copied(f, &c);
    if (is_refused_by_simulation(f, c.fds[0]))
        return;
    must(eddy_loop_add_reader(f->loop, c.fds[0], on_call, "old"));
    must(eddy_loop_add_writer(f->loop, c.fds[0], on_call, "old"));
    close_now(f, c.fds[0]);
    new_pipe(f, other);
    assert_int_equal(other[0], c.fds[0]);
    must(eddy_loop_add_reader(f->loop, other[0], on_call, "new"));
    if (fixture_backend_is(f, "epoll") || fixture_backend_is(f, "kqueue")) {
        assert_logged(EDDY_LOG_WARNING, "closed while it was being watched");
        assert_int_equal(eddy_loop_remove_writer(f->loop, other[0]), 0);
    }
    assert_int_equal(write(c.fds[1], "x", 1), 1);
    run_for(f->loop, EDDY_MILLISECONDS(5));
    assert_nothing_recorded();
    assert_int_equal(write(other[1], "y", 1), 1);
    run_until_recorded(f->loop, "new");
    assert_int_equal(recorded("old"), 0);
    assert_int_equal(read(other[0], &byte, 1), 1);
    assert_int_equal(eddy_loop_remove_reader(f->loop, other[0]), 1);
    eddy_loop_remove_writer(f->loop, other[0]);
    recorder_reset();
}

#if defined(EDDY__HAVE_KQUEUE)
static int (*real_kevent)(int queue, const struct kevent *changes, int change_count,
                          struct kevent *events, int event_count, const struct timespec *limit);

/* The descriptor was closed before it was asked about. */
static int kevent_of_a_closed_one(int queue, const struct kevent *changes, int change_count,
                                  struct kevent *events, int event_count,
                                  const struct timespec *limit)
{
    if (change_count == 1 && changes[0].flags == EV_ENABLE) {
        struct kevent gone = changes[0];

        gone.flags = EV_DELETE;
        (void)real_kevent(queue, &gone, 1, NULL, 0, NULL);
    }
    return real_kevent(queue, changes, change_count, events, event_count, limit);
}
#endif

/* FD-2: as kqueue tells it, also where a library in its place does not forget by itself. */
static void test_a_filter_that_has_gone(struct fixture *f)
{
#if defined(EDDY__HAVE_KQUEUE)
    int fds[2];
    char byte;

    if (!fixture_backend_is(f, "kqueue"))
        skip();
    new_pipe(f, fds);
    must(eddy_loop_add_reader(f->loop, fds[0], on_call, "old"));
    real_kevent = eddy__sys.kevent;
    eddy__sys.kevent = kevent_of_a_closed_one;
    must(eddy_loop_add_reader(f->loop, fds[0], on_call, "new"));
    eddy__sys.kevent = real_kevent;
    assert_logged(EDDY_LOG_WARNING, "closed while it was being watched");
    assert_int_equal(write(fds[1], "y", 1), 1);
    run_until_recorded(f->loop, "new");
    assert_int_equal(recorded("old"), 0);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    assert_int_equal(eddy_loop_remove_reader(f->loop, fds[0]), 1);
    recorder_reset();
#else
    (void)f;
    skip();
#endif
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_pipe_has_reader_and_writer), TEST(test_broken_pipe_calls_the_writer),
        TEST(test_regular_files_are_refused),  TEST(test_closed_before_it_is_removed),
        TEST(test_closed_and_never_removed),   TEST(test_a_filter_that_has_gone),
    };

    return run_suite("reader_posix", tests);
}

#endif
