/* SPDX-License-Identifier: MIT */
/* eddy by futures and what is called when they are done. */
#include "echo/job.h"
#include <eddy/eddy.h>

enum { PIECE = 256 * 1024 };

struct connection {
    eddy_loop *loop;
    eddy_socket sock;
};

static char piece[PIECE];

/* The future keeps itself alive until its callback has run: the caller's reference can go. */
static int then(eddy_future *future, eddy_future_callback callback, void *arg)
{
    int error = eddy_future_add_done_callback(future, callback, arg);

    eddy_future_unref(future);
    return error;
}

static int on_done(eddy_future *future, void *arg)
{
    struct connection *connection = arg;
    eddy_value n = {.size = 1};

    if (future != NULL && (eddy_future_result(future, &n) != 0)) {
        eddy_socket_close(connection->sock);
        free(connection);
        return 0;
    }
    return then(eddy_loop_sock_sendall(connection->loop, connection->sock, piece, sizeof piece),
                on_done, connection);
}

static int on_accepted(eddy_future *future, void *arg)
{
    struct connection *listener = arg;
    struct connection *connection;
    eddy_value client;

    if (future != NULL) {
        connection = malloc(sizeof *connection);
        job_need(connection == NULL || eddy_future_result(future, &client) != 0, "accept");
        *connection = (struct connection){.loop = listener->loop, .sock = client.socket};
        job_need(on_done(NULL, connection), "a callback");
    }
    return then(eddy_loop_sock_accept(listener->loop, listener->sock, NULL), on_accepted, listener);
}

int main(int argc, char **argv)
{
    struct connection listener = {.sock = job_read(argc, argv).fd};

    job_need(eddy_loop_new(NULL, &listener.loop), "a loop");
    job_need(on_accepted(NULL, &listener), "accept");
    job_need(eddy_loop_run_forever(listener.loop), "serving");
    return 0;
}
