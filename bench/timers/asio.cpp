/* SPDX-License-Identifier: MIT */
/* Asio: what is cancelled is called with an error, which belongs to the price. */
#define ASIO_NO_DEPRECATED 1
#include "timers.h"
#include <asio.hpp>
#include <vector>

static asio::io_context context(1);
static std::vector<asio::steady_timer> timers;

static void on_due(std::error_code)
{
}

static void init(uint64_t n)
{
    timers.reserve(n);
    for (uint64_t i = 0; i < n; i++)
        timers.emplace_back(context);
}

static void add(uint64_t i, uint64_t after_ms)
{
    timers[i].expires_after(std::chrono::milliseconds(after_ms));
    timers[i].async_wait(on_due);
}

static void cancel(uint64_t i)
{
    timers[i].cancel();
    context.poll();
}

static void rearm(uint64_t i, uint64_t after_ms)
{
    add(i, after_ms);
    context.poll();
}

static void run()
{
    context.run();
}

int main(int argc, char **argv)
{
    static const struct timers script = {init, add, cancel, rearm, NULL, run};
    int status = timers_main(argc, argv, &script);

    /* The rest is not taken apart one by one. */
    std::_Exit(status);
}
