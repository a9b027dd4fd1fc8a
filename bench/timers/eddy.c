/* SPDX-License-Identifier: MIT */
/* eddy: call_later(); to set anew is to cancel and to set. */
#include "timers.h"
#include <eddy/eddy.h>

static eddy_loop *loop;
static eddy_handle *handles;
static uint64_t left;

static int on_due(void *arg)
{
    (void)arg;
    if (--left == 0)
        eddy_loop_stop(loop);
    return 0;
}

static void init(uint64_t n)
{
    left = n;
    handles = calloc(n, sizeof *handles);
    micro_need(handles == NULL || eddy_loop_new(NULL, &loop) != 0, "a loop");
}

static void add(uint64_t i, uint64_t after_ms)
{
    eddy_loop_call_later(loop, EDDY_MILLISECONDS(after_ms), on_due, NULL, &handles[i]);
}

static void cancel(uint64_t i)
{
    eddy_handle_cancel(handles[i]);
}

static void rearm(uint64_t i, uint64_t after_ms)
{
    cancel(i);
    add(i, after_ms);
}

static void run(void)
{
    micro_need(eddy_loop_run_forever(loop) != 0, "running");
}

int main(int argc, char **argv)
{
    static const struct timers script = {init, add, cancel, rearm, NULL, run};

    return timers_main(argc, argv, &script);
}
