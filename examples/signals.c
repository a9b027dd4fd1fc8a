/* SPDX-License-Identifier: MIT */
/** Runs until SIGINT (Ctrl-C) or SIGTERM arrives, and says which; shows its process id first. */
#include <eddy/eddy.h>
#include <signal.h>
#include <stdio.h>
#if defined(_WIN32)
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

static eddy_loop *loop;

static int leave(void *name)
{
    printf("got signal %s: exit\n", (const char *)name);
    eddy_loop_stop(loop);
    return 0;
}

int main(void)
{
    int error = eddy_new_event_loop(&loop);

    if (error)
        goto failed;
    if ((error = eddy_loop_add_signal_handler(loop, SIGINT, leave, "SIGINT")) == 0 &&
        (error = eddy_loop_add_signal_handler(loop, SIGTERM, leave, "SIGTERM")) == 0) {
        printf("running until Ctrl-C; pid %d: send SIGINT or SIGTERM to exit\n", (int)getpid());
        fflush(stdout);
        error = eddy_loop_run_forever(loop);
    }
    eddy_loop_close(loop);
    eddy_loop_unref(loop);
failed:
    if (error)
        fprintf(stderr, "signals: %s\n", eddy_error_text());
    return error != 0;
}
