/* SPDX-License-Identifier: MIT */
#include "support/sock.h"
#include <string.h>
#if !defined(_WIN32)
#include <fcntl.h>
#endif

void sock_pair(struct fixture *f, eddy_socket sockets[2])
{
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[0]);
    fixture_keep_socket(f, sockets[1]);
}

void sock_close(struct fixture *f, eddy_socket socket)
{
    fixture_drop_socket(f, socket);
    eddy_socket_close(socket);
}

void sock_send_text(eddy_socket socket, const char *text)
{
    int64_t sent = eddy_socket_send(socket, text, strlen(text));

    if (sent == EDDY_ENOMEM) /* a simulated network allocates; only one allocation fails */
        sent = eddy_socket_send(socket, text, strlen(text));
    assert_int_equal(sent, (int64_t)strlen(text));
}

void sock_settle(struct fixture *f)
{
    run_for(f->loop, EDDY_MILLISECONDS(2));
}

size_t sock_fill(struct fixture *f, eddy_socket socket)
{
    static char filling[64 * 1024];
    size_t size = 0;

    /* What is under way between the two ends makes room once it gets there, later on a busy
     * machine: full is what stays full. */
    for (int turn = 0; turn < 5; turn++) {
        int64_t sent;

        while ((sent = eddy_socket_send(socket, filling, sizeof filling)) > 0) {
            size += (size_t)sent;
            turn = 0;
        }
        sock_settle(f);
    }
    return size;
}

bool sock_failed(eddy_future *future, int code)
{
    if (!eddy_future_done(future) || eddy_future_exception(future) != code)
        return false;
    eddy_future_unref(future);
    return true;
}

void sock_expect_bytes(struct fixture *f, eddy_future *future, const char *text)
{
    eddy_value value;
    bool equal;

    must(eddy_loop_run_until_complete(f->loop, future, &value));
    equal = value.bytes->size == strlen(text) &&
            memcmp(value.bytes->data, text, value.bytes->size) == 0;
    if (!equal)
        print_error("received %.*s instead of %s\n", (int)value.bytes->size,
                    (char *)value.bytes->data, text);
    eddy_bytes_free(value.bytes);
    assert_true(equal);
}

void sock_expect_error(struct fixture *f, eddy_future *future, int code)
{
    int error = eddy_loop_run_until_complete(f->loop, future, NULL);

    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, code);
}

void sock_expect_refused(eddy_future *future, int code)
{
    int error = eddy_future_exception(future);

    eddy_future_unref(future);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, code);
}

bool sock_make_blocking(struct fixture *f, eddy_socket sockets[2])
{
#if defined(_WIN32)
    (void)f;
    (void)sockets;
    return false;
#else
    sock_pair(f, sockets);
    return fcntl((int)sockets[0], F_SETFL, 0) == 0;
#endif
}
