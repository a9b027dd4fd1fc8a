/* SPDX-License-Identifier: MIT */
#if !defined(_WIN32)
#include "support/pipes.h"
#include "support/support.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pipes_or_skip(struct fixture *f)
{
    if (f->sim != NULL)
        skip();
}

void pipes_make(struct fixture *f, eddy_socket fds[2])
{
    int native[2];

    assert_int_equal(pipe(native), 0);
    for (int i = 0; i < 2; i++) {
        fcntl(native[i], F_SETFL, O_NONBLOCK);
        fcntl(native[i], F_SETFD, FD_CLOEXEC);
        fds[i] = native[i];
        fixture_keep_socket(f, fds[i]);
    }
}

static void pipes_finish(struct fixture *f, eddy_future *future, struct witness *w, eddy_socket fd)
{
    eddy_value value;
    int error = eddy_loop_run_until_complete(f->loop, future, &value);

    /* The transport has it, as soon as there was one. */
    if (error == 0 || w->counts[WITNESS_MADE] > 0)
        fixture_drop_socket(f, fd);
    must(error);
    assert_ptr_equal(value.transport, w->transport);
    eddy_transport_unref(value.transport);
}

void pipes_connect_reader(struct fixture *f, struct witness *w, eddy_socket fd)
{
    pipes_finish(f, eddy_loop_connect_read_pipe(f->loop, witness_factory, w, fd, NULL), w, fd);
}

void pipes_connect_writer(struct fixture *f, struct witness *w, eddy_socket fd)
{
    pipes_finish(f, eddy_loop_connect_write_pipe(f->loop, witness_factory, w, fd, NULL), w, fd);
}

void pipes_begin_reader(struct fixture *f, struct witness *w, eddy_socket fds[2])
{
    pipes_or_skip(f);
    pipes_make(f, fds);
    pipes_connect_reader(f, w, fds[0]);
}

void pipes_begin_writer(struct fixture *f, struct witness *w, eddy_socket fds[2])
{
    pipes_or_skip(f);
    pipes_make(f, fds);
    pipes_connect_writer(f, w, fds[1]);
}

void pipes_make_terminal(struct fixture *f, int *master, int *slave)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY);
    if (*master < 0 || grantpt(*master) != 0 || unlockpt(*master) != 0)
        skip();
    fixture_keep_socket(f, *master);
    *slave = open(ptsname(*master), O_RDWR | O_NOCTTY);
    assert_true(*slave >= 0);
    fixture_keep_socket(f, *slave);
}

void pipes_close(struct fixture *f, eddy_socket fd)
{
    fixture_drop_socket(f, fd);
    close((int)fd);
}

void pipes_write(eddy_socket fd, const char *text)
{
    assert_int_equal(write((int)fd, text, strlen(text)), (ssize_t)strlen(text));
}

long pipes_drain(eddy_socket fd)
{
    static char data[64 * 1024];

    return (long)read((int)fd, data, sizeof data);
}

void pipes_expect_text(struct fixture *f, eddy_socket fd, const char *text, const char *file,
                       int line)
{
    size_t wanted = strlen(text), have = 0;
    char buffer[256] = "";
    ssize_t got = -1;
    eddy_time end = 0;

    for (int turn = 0; got != 0; turn++) {
        got = read((int)fd, buffer + have, sizeof buffer - 1 - have);
        have += got > 0 ? (size_t)got : 0;
        if ((wanted > 0 && have >= wanted) || !fixture_wait_goes_on(eddy_loop_time(f->loop), &end))
            break;
        if (got < 0)
            run_for(f->loop, EDDY_MILLISECONDS(turn < 10 ? 0 : 1));
    }
    buffer[have] = '\0';
    if (strcmp(buffer, text) != 0 || (wanted == 0 && got != 0)) {
        print_error("expected \"%s\" from the pipe, got \"%s\"\n", text, buffer);
        _fail(file, line);
    }
}
#else
/* A translation unit must not be empty. */
extern int pipes_are_empty_on_windows;
#endif
