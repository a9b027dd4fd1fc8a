/* SPDX-License-Identifier: MIT */
/* eddy by a task: one datagram after the other. */
#include "echo/job.h"
#include <eddy/eddy.h>

static int echo(void *arg, eddy_value *result)
{
    const struct job *job = arg;
    eddy_loop *loop = eddy_get_running_loop();
    char buffer[2048];
    eddy_address peer;
    eddy_value n;
    int error = 0;

    (void)result;
    while (error == 0) {
        error = eddy_await(
            eddy_loop_sock_recvfrom_into(loop, job->fd, buffer, sizeof buffer, &peer), &n);
        if (error == 0)
            error = eddy_await(eddy_loop_sock_sendto(loop, job->fd, buffer, n.size, &peer), NULL);
    }
    return error;
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);

    job_need(eddy_run(echo, &job, NULL, NULL), "serving");
    return 0;
}
