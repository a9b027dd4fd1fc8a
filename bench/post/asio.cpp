/* SPDX-License-Identifier: MIT */
/* Asio: post(). */
#define ASIO_NO_DEPRECATED 1
#include <asio.hpp>
#include "post.h"

static asio::io_context context;
static auto guard = asio::make_work_guard(context);

static void init()
{
}

static void post(poster *poster, unsigned)
{
    asio::post(context, [poster] { post_called(poster); });
}

static void run()
{
    context.restart();
    context.run();
}

static void stop()
{
    context.stop();
}

int main(int argc, char **argv)
{
    static const struct post_script script = {init, post, run, stop};

    return post_main(argc, argv, &script);
}
