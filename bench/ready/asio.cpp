/* SPDX-License-Identifier: MIT */
/* Asio: post(). */
#define ASIO_NO_DEPRECATED 1
#include "micro/micro.h"
#include <asio.hpp>

static asio::io_context context(1);
static uint64_t batch, left;

static void on_last()
{
    left -= left < batch ? left : batch;
    if (left == 0)
        return;
    for (uint64_t i = 1; i < batch; i++)
        asio::post(context, [] {});
    asio::post(context, on_last);
}

static void run(uint64_t count)
{
    left = count + batch;
    on_last();
    context.restart();
    context.run();
}

int main(int argc, char **argv)
{
    micro micro = micro_read(argc, argv);

    batch = micro_is(&micro, "ready-1000") ? 1000 : 1;
    run(10000);
    micro_begin();
    run(micro.n);
    micro_end(micro.n);
    return 0;
}
