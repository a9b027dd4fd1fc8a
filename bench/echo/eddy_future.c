/* SPDX-License-Identifier: MIT */
/* eddy by futures and what is called when they are done. */
#include "job.h"
#include <eddy/eddy.h>

enum { BUFFER = 64 * 1024 };

struct connection {
    eddy_loop *loop;
    eddy_socket sock;
    char buffer[BUFFER];
};

static int on_received(eddy_future *future, void *arg);

/* The future keeps itself alive until its callback has run: the caller's reference can go. */
static int then(eddy_future *future, eddy_future_callback callback, void *arg)
{
    int error = eddy_future_add_done_callback(future, callback, arg);

    eddy_future_unref(future);
    return error;
}

static int connection_end(struct connection *connection)
{
    eddy_socket_close(connection->sock);
    free(connection);
    return 0;
}

static int connection_receive(struct connection *connection)
{
    return then(eddy_loop_sock_recv_into(connection->loop, connection->sock, connection->buffer,
                                         sizeof connection->buffer),
                on_received, connection);
}

static int on_sent(eddy_future *future, void *arg)
{
    if (eddy_future_exception(future))
        return connection_end(arg);
    return connection_receive(arg);
}

static int on_received(eddy_future *future, void *arg)
{
    struct connection *connection = arg;
    eddy_value n;

    if (eddy_future_result(future, &n) || n.size == 0)
        return connection_end(connection);
    return then(
        eddy_loop_sock_sendall(connection->loop, connection->sock, connection->buffer, n.size),
        on_sent, connection);
}

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_loop *loop = eddy_get_running_loop();
    struct connection *connection;
    eddy_value client;
    int error;

    (void)result;
    while ((error = eddy_await(eddy_loop_sock_accept(loop, job->fd, NULL), &client)) == 0) {
        connection = calloc(1, sizeof *connection);
        job_need(connection == NULL, "calloc");
        connection->loop = loop;
        connection->sock = client.socket;
        job_need(connection_receive(connection), "receiving");
    }
    return error;
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    job_need(eddy_run(serve, &job, NULL, NULL), "serving");
    return 0;
}
