/* SPDX-License-Identifier: MIT */
/* eddy: the file server of examples/, which looks for files on the executor's threads. */
#include "connection.h"
#include "http.h"
#include <sys/socket.h>

static int serve(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_socket sock = job->fd;
    eddy_value server;
    int error;

    (void)result;
    error =
        eddy_await(eddy_loop_create_server(
                       eddy_get_running_loop(), connection_new, (void *)(uintptr_t)http_folder(),
                       NULL, 0, &(eddy_server_options){.sock = &sock, .backlog = SOMAXCONN}),
                   &server);
    return error ? error : eddy_await(eddy_server_serve_forever(server.server), NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    job_need(eddy_run(serve, &job, NULL, NULL), "serving");
    return 0;
}
