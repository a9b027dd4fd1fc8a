/* SPDX-License-Identifier: MIT */
/* libuv has no call for the next turn; an idle handle that stops itself comes nearest. */
#include "micro/micro.h"
#include <uv.h>

enum { BATCH_MAX = 1000 };

static uv_idle_t idles[BATCH_MAX];
static uint64_t batch, left;

static void on_call(uv_idle_t *idle)
{
    uv_idle_stop(idle);
}

static void begin_batch(uv_idle_t *last);

static void on_last(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    left -= left < batch ? left : batch;
    if (left > 0)
        begin_batch(idle);
}

static void begin_batch(uv_idle_t *last)
{
    uint64_t i;

    /* The list runs from the newest to the oldest. */
    uv_idle_start(last, on_last);
    for (i = 1; i < batch; i++)
        uv_idle_start(&idles[i], on_call);
}

static void run(uint64_t count)
{
    left = count;
    begin_batch(&idles[0]);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    int i;

    batch = micro_is(&micro, "ready-1000") ? 1000 : 1;
    for (i = 0; i < BATCH_MAX; i++)
        uv_idle_init(uv_default_loop(), &idles[i]);
    run(10000);
    micro_begin();
    run(micro.n);
    micro_end(micro.n);
    return 0;
}
