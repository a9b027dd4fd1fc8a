/* SPDX-License-Identifier: MIT */
/* eddy: call_soon_threadsafe(). */
#include "post.h"
#include <eddy/eddy.h>

static eddy_loop *loop;

static void init(void)
{
    micro_need(eddy_loop_new(NULL, &loop) != 0, "a loop");
}

static int on_call(void *arg)
{
    post_called(arg);
    return 0;
}

static void post(struct poster *poster, unsigned i)
{
    (void)i;
    micro_need(eddy_loop_call_soon_threadsafe(loop, on_call, poster, NULL) != 0, "posting");
}

static void run(void)
{
    micro_need(eddy_loop_run_forever(loop) != 0, "running");
}

static void stop(void)
{
    eddy_loop_stop(loop);
}

int main(int argc, char **argv)
{
    static const struct post_script script = {init, post, run, stop};

    return post_main(argc, argv, &script);
}
