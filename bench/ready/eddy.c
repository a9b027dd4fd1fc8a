/* SPDX-License-Identifier: MIT */
/* eddy: call_soon(). */
#include "micro/micro.h"
#include <eddy/eddy.h>

static eddy_loop *loop;
static uint64_t batch, left;

static int on_call(void *arg)
{
    (void)arg;
    return 0;
}

/* The last of a batch brings the next. */
static int on_last(void *arg)
{
    uint64_t i;

    left -= left < batch ? left : batch;
    if (left == 0) {
        eddy_loop_stop(loop);
        return 0;
    }
    for (i = 1; i < batch; i++)
        eddy_loop_call_soon(loop, on_call, arg, NULL);
    return eddy_loop_call_soon(loop, on_last, arg, NULL);
}

static void run(uint64_t count)
{
    left = count + batch;
    micro_need(eddy_loop_call_soon(loop, on_last, NULL, NULL) != 0, "call_soon");
    micro_need(eddy_loop_run_forever(loop) != 0, "running");
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);

    batch = micro_is(&micro, "ready-1000") ? 1000 : 1;
    micro_need(eddy_loop_new(NULL, &loop) != 0, "a loop");
    run(10000);
    micro_begin();
    run(micro.n);
    micro_end(micro.n);
    return 0;
}
