/* SPDX-License-Identifier: MIT */
/** Watching a descriptor of one's own: a callback for each time that it can be read. */
#include <eddy/eddy.h>
#include <stdio.h>

struct watch {
    eddy_loop *loop;
    eddy_socket sockets[2];
};

static int on_readable(void *arg)
{
    struct watch *watch = arg;
    char data[100];
    int64_t n = eddy_socket_receive(watch->sockets[0], data, sizeof data);

    if (n == EDDY_EAGAIN)
        return 0; /* it may come for nothing, now and then */
    if (n > 0)
        printf("Received: %.*s\n", (int)n, data);
    eddy_loop_remove_reader(watch->loop, watch->sockets[0]);
    eddy_loop_stop(watch->loop);
    return n < 0 ? (int)n : 0;
}

static int send_something(void *arg)
{
    const struct watch *watch = arg;
    int64_t n = eddy_socket_send(watch->sockets[1], "abc", 3);

    return n < 0 ? (int)n : 0;
}

static int run(struct watch *watch)
{
    int error = eddy_socket_pair(watch->loop, EDDY_STREAM, watch->sockets);

    if (error)
        return error;
    if ((error = eddy_loop_add_reader(watch->loop, watch->sockets[0], on_readable, watch)) == 0 &&
        (error = eddy_loop_call_soon(watch->loop, send_something, watch, NULL)) == 0)
        error = eddy_loop_run_forever(watch->loop);
    eddy_loop_remove_reader(watch->loop, watch->sockets[0]); /* if it is still there */
    eddy_socket_close(watch->sockets[0]);
    eddy_socket_close(watch->sockets[1]);
    return error;
}

int main(void)
{
    struct watch watch;
    int error = eddy_loop_new(NULL, &watch.loop);

    if (error == 0) {
        error = run(&watch);
        eddy_loop_close(watch.loop);
        eddy_loop_unref(watch.loop);
    }
    if (error)
        fprintf(stderr, "watch_descriptor: %s\n", eddy_error_text());
    return error != 0;
}
