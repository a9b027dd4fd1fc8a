/* SPDX-License-Identifier: MIT */
#include "micro/micro.h"
#include <eddy/eddy.h>

static int on_call(void *arg)
{
    eddy_loop_stop(arg);
    return 0;
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    eddy_loop *loop;
    uint64_t i;

    micro_begin();
    for (i = 0; i < micro.n; i++) {
        micro_need(eddy_loop_new(NULL, &loop) != 0, "a loop");
        eddy_loop_call_soon(loop, on_call, loop, NULL);
        eddy_loop_run_forever(loop);
        eddy_loop_close(loop);
        eddy_loop_unref(loop);
    }
    micro_end(micro.n);
    return 0;
}
