/* SPDX-License-Identifier: MIT */
/* eddy by futures and what is called when they are done. */
#include "echo/job.h"
#include <eddy/eddy.h>

static eddy_loop *loop;
static eddy_socket sock;
static char buffer[2048];
static eddy_address peer;

static int on_received(eddy_future *future, void *arg);

/* The future keeps itself alive until its callback has run: the caller's reference can go. */
static int then(eddy_future *future, eddy_future_callback callback)
{
    int error = eddy_future_add_done_callback(future, callback, NULL);

    eddy_future_unref(future);
    return error;
}

static int on_sent(eddy_future *future, void *arg)
{
    (void)arg;
    job_need(future != NULL && eddy_future_exception(future) != 0, "sendto");
    return then(eddy_loop_sock_recvfrom_into(loop, sock, buffer, sizeof buffer, &peer),
                on_received);
}

static int on_received(eddy_future *future, void *arg)
{
    eddy_value n;

    (void)arg;
    job_need(eddy_future_result(future, &n) != 0, "recvfrom");
    return then(eddy_loop_sock_sendto(loop, sock, buffer, n.size, &peer), on_sent);
}

int main(int argc, char **argv)
{
    sock = job_read(argc, argv).fd;
    job_need(eddy_loop_new(NULL, &loop), "a loop");
    job_need(on_sent(NULL, NULL), "receiving");
    job_need(eddy_loop_run_forever(loop), "serving");
    return 0;
}
