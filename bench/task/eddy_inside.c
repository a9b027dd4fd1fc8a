/* SPDX-License-Identifier: MIT */
/* eddy's bare switch, which tasks and generators stand on: not to be had from outside. */
#include "common/coroutine.h"
#include "micro/micro.h"

static struct eddy__coroutine main_one, other;

static void step_back(void *arg)
{
    (void)arg;
    for (;;)
        eddy__coroutine_switch(&other, &main_one);
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);
    struct eddy__stack_pool pool;
    struct eddy__stack stack;
    uint64_t i;

    eddy__stack_pool_init(&pool, 1);
    micro_need(eddy__stack_pool_acquire(&pool, 64 * 1024, &stack) != 0, "a stack");
    micro_need(eddy__coroutine_init_thread(&main_one) != 0, "the thread");
    micro_need(eddy__coroutine_init(&other, &stack, step_back, NULL) != 0, "a coroutine");
    eddy__coroutine_switch(&main_one, &other);
    micro_begin();
    for (i = 0; i < micro.n; i++)
        eddy__coroutine_switch(&main_one, &other);
    micro_end(micro.n);
    return 0;
}
