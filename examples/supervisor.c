/* SPDX-License-Identifier: MIT */
/**
 * Keeps a program running: `supervisor [-n TIMES] PROGRAM [ARGUMENTS...]`.
 *
 * What fails is started again, a little later each time it fails quickly; what ends with 0 is
 * done. SIGHUP, SIGINT and SIGTERM go on to the program; after the last two it is not started
 * again. With -n it gives up after that many starts.
 */
#include <eddy/eddy.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MIN EDDY_MILLISECONDS(50)
#define DELAY_MAX EDDY_SECONDS(30)
#define QUICKLY EDDY_SECONDS(5)

struct supervisor {
    const char *const *argv;
    long starts_left;      /* negative: no limit */
    eddy_transport *child; /* a reference; NULL: none runs */
    eddy_future *sleep;    /* until the next start */
    bool stopping;
    int64_t returncode;
};

static struct supervisor supervisor = {.starts_left = -1};

static eddy_protocol *quiet_factory(void *arg)
{
    static const eddy_protocol_callbacks callbacks; /* its exit is awaited, the rest is inherited */
    static eddy_protocol protocol;

    (void)arg;
    eddy_protocol_init(&protocol, &callbacks);
    return &protocol;
}

static int forward(void *number)
{
    int signal_number = (int)(intptr_t)number;

    if (signal_number != EDDY_SIGHUP)
        supervisor.stopping = true;
    if (supervisor.child != NULL)
        eddy_transport_send_signal(supervisor.child, signal_number);
    else if (supervisor.sleep != NULL && supervisor.stopping)
        eddy_future_cancel(supervisor.sleep, NULL);
    return 0;
}

/* Start it and wait for its end. */
static int run_once(eddy_loop *loop)
{
    static const eddy_subprocess_options options = {
        .stdin_mode = EDDY_INHERIT,
        .stdout_mode = EDDY_INHERIT,
        .stderr_mode = EDDY_INHERIT,
    };
    eddy_value value;
    int error;

    error = eddy_await(
        eddy_loop_subprocess_exec(loop, quiet_factory, NULL, supervisor.argv, &options), &value);
    if (error)
        return error;
    supervisor.child = value.transport;
    fprintf(stderr, "supervisor: %s runs as %lld\n", supervisor.argv[0],
            (long long)eddy_transport_get_pid(supervisor.child));
    error = eddy_await(eddy_process_wait(supervisor.child), &value);
    if (error == 0)
        supervisor.returncode = value.integer;
    eddy_transport_close(supervisor.child);
    eddy_transport_unref(supervisor.child);
    supervisor.child = NULL;
    return error;
}

/* Wait before the next start: not at all after a long life, else longer each time. */
static int pause_for(eddy_time *delay, eddy_time lived)
{
    int error;

    if (lived >= QUICKLY)
        *delay = DELAY_MIN;
    supervisor.sleep = eddy_sleep(*delay);
    error = eddy_await(eddy_future_ref(supervisor.sleep), NULL);
    eddy_future_unref(supervisor.sleep);
    supervisor.sleep = NULL;
    *delay = *delay * 2 < DELAY_MAX ? *delay * 2 : DELAY_MAX;
    return error == EDDY_ECANCELED && supervisor.stopping ? 0 : error;
}

static int supervise(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_time delay = DELAY_MIN;

    (void)arg;
    (void)result;
    eddy_loop_add_signal_handler(loop, SIGINT, forward, (void *)(intptr_t)SIGINT);
    eddy_loop_add_signal_handler(loop, SIGTERM, forward, (void *)(intptr_t)SIGTERM);
    eddy_loop_add_signal_handler(loop, EDDY_SIGHUP, forward, (void *)(intptr_t)EDDY_SIGHUP);
    for (;;) {
        eddy_time started = eddy_loop_time(loop);
        int error = run_once(loop);

        if (error)
            return error;
        fprintf(stderr, "supervisor: it ended with %lld\n", (long long)supervisor.returncode);
        if (supervisor.returncode == 0 || supervisor.stopping || --supervisor.starts_left == 0)
            return 0;
        error = pause_for(&delay, eddy_loop_time(loop) - started);
        if (error || supervisor.stopping)
            return error;
    }
}

int main(int argc, char **argv)
{
    int first = 1;
    int error;

    if (argc > 3 && strcmp(argv[1], "-n") == 0) {
        supervisor.starts_left = strtol(argv[2], NULL, 10);
        first = 3;
    }
    if (argc <= first) {
        fprintf(stderr, "usage: supervisor [-n TIMES] PROGRAM [ARGUMENTS...]\n");
        return 2;
    }
    supervisor.argv = (const char *const *)(argv + first);
    error = eddy_run(supervise, NULL, NULL, NULL);
    if (error)
        fprintf(stderr, "supervisor: %s\n", eddy_error_text());
    return error != 0 || supervisor.returncode != 0;
}
