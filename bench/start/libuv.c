/* SPDX-License-Identifier: MIT */
#include "micro/micro.h"
#include <uv.h>

static void on_call(uv_idle_t *idle)
{
    uv_close((uv_handle_t *)idle, NULL);
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    uv_loop_t loop;
    uv_idle_t idle;
    uint64_t i;

    micro_begin();
    for (i = 0; i < micro.n; i++) {
        micro_need(uv_loop_init(&loop) != 0, "a loop");
        uv_idle_init(&loop, &idle);
        uv_idle_start(&idle, on_call);
        uv_run(&loop, UV_RUN_DEFAULT);
        micro_need(uv_loop_close(&loop) != 0, "closing");
    }
    micro_end(micro.n);
    return 0;
}
