/* SPDX-License-Identifier: MIT */
/* eddy by a task for each connection. */
#include "job.h"
#include <eddy/eddy.h>
#include <stdint.h>

enum { BUFFER = 64 * 1024 };

static int echo(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_socket sock = (eddy_socket)(intptr_t)arg;
    char buffer[BUFFER];
    eddy_value n;

    (void)result;
    while (eddy_await(eddy_loop_sock_recv_into(loop, sock, buffer, sizeof buffer), &n) == 0 &&
           n.size > 0 && eddy_await(eddy_loop_sock_sendall(loop, sock, buffer, n.size), NULL) == 0)
        continue;
    eddy_socket_close(sock);
    return 0;
}

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_value client;
    int error;

    (void)result;
    while ((error = eddy_await(eddy_loop_sock_accept(loop, job->fd, NULL), &client)) == 0)
        job_need(eddy_loop_spawn(loop, echo, (void *)(intptr_t)client.socket), "spawn");
    return error;
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    job_need(eddy_run(serve, &job, NULL, NULL), "serving");
    return 0;
}
