/* SPDX-License-Identifier: MIT */
/* eddy's tasks and futures, by the public calls. */
#include "micro/micro.h"
#include <eddy/eddy.h>

enum { WARM = 10000 };

/* What a case does n times, in a task. */
typedef void (*run_case)(uint64_t n);

static eddy_future *turns[2];
static uint64_t hops_left;

/* Hand over to the other one and wait for one's own turn. */
static int hop(void *arg, eddy_value *result)
{
    size_t own = (size_t)(uintptr_t)arg;
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *other;

    (void)result;
    while (hops_left > 0) {
        hops_left--;
        turns[own] = eddy_future_ref(eddy_loop_create_future(loop));
        other = turns[1 - own];
        if (other != NULL) {
            turns[1 - own] = NULL;
            eddy_future_set_result(other, (eddy_value){0});
            eddy_future_unref(other);
        }
        eddy_await(turns[own], NULL);
    }
    other = turns[1 - own];
    turns[1 - own] = NULL;
    if (other != NULL) {
        eddy_future_set_result(other, (eddy_value){0});
        eddy_future_unref(other);
    }
    return 0;
}

static void run_await(uint64_t n)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *tasks[2];
    uintptr_t i;

    hops_left = n;
    for (i = 0; i < 2; i++)
        tasks[i] = eddy_loop_create_task(loop, hop, (void *)i, NULL);
    for (i = 0; i < 2; i++)
        micro_need(eddy_await(tasks[i], NULL) != 0, "a task");
}

static int end_at_once(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return 0;
}

static void run_create(uint64_t n)
{
    eddy_loop *loop = eddy_get_running_loop();

    for (; n > 0; n--)
        eddy_await(eddy_loop_create_task(loop, end_at_once, NULL, NULL), NULL);
}

static void run_done(uint64_t n)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *future;

    for (; n > 0; n--) {
        future = eddy_loop_create_future(loop);
        eddy_future_set_result(future, (eddy_value){.size = n});
        eddy_await(future, NULL);
    }
}

static int yield_for_ever(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    while (eddy_yield((eddy_value){0}) == 0)
        continue;
    return 0;
}

static void run_generator(uint64_t n)
{
    eddy_generator *generator;

    micro_need(eddy_generator_new(yield_for_ever, NULL, NULL, &generator) != 0, "a generator");
    for (; n > 0; n--)
        eddy_generator_next(generator, NULL);
    eddy_generator_close(generator);
    eddy_generator_unref(generator);
}

static uint64_t callbacks_left;

static int on_done(eddy_future *future, void *arg)
{
    eddy_future *end = arg;

    (void)future;
    if (--callbacks_left == 0)
        eddy_future_set_result(end, (eddy_value){0});
    else {
        future = eddy_loop_create_future(eddy_future_get_loop(end));
        eddy_future_add_done_callback(future, on_done, end);
        eddy_future_set_result(future, (eddy_value){0});
        eddy_future_unref(future);
    }
    return 0;
}

static void run_callback(uint64_t n)
{
    eddy_future *end = eddy_loop_create_future(eddy_get_running_loop());
    eddy_future *first = eddy_loop_create_future(eddy_get_running_loop());

    callbacks_left = n;
    eddy_future_add_done_callback(first, on_done, eddy_future_ref(end));
    eddy_future_set_result(first, (eddy_value){0});
    eddy_future_unref(first);
    eddy_await(eddy_future_ref(end), NULL);
    eddy_future_unref(end);
    eddy_future_unref(end);
}

static eddy_future *never;

static int wait_for_ever(void *arg, eddy_value *result)
{
    (void)arg;
    (void)result;
    return eddy_await(eddy_future_ref(never), NULL);
}

/* Tasks that have started and wait for something that does not come while they are looked at. */
static void run_memory(uint64_t n)
{
    eddy_loop *loop = eddy_get_running_loop();
    uint64_t i;

    never = eddy_loop_create_future(loop);
    for (i = 0; i < n; i++)
        micro_need(eddy_loop_spawn(loop, wait_for_ever, NULL) != 0, "a task");
    eddy_await(eddy_sleep(0), NULL);
    eddy_await(eddy_sleep(0), NULL);
}

static void end_memory(void)
{
    eddy_future_set_result(never, (eddy_value){0});
    eddy_future_unref(never);
    eddy_await(eddy_sleep(0), NULL);
    eddy_await(eddy_sleep(0), NULL);
}

static run_case find_case(const struct micro *micro)
{
    static const struct {
        const char *name;
        run_case run;
    } cases[] = {
        {"task-await", run_await},         {"task-create", run_create},
        {"future-await", run_done},        {"task-generator", run_generator},
        {"future-callback", run_callback}, {"memory-task", run_memory},
    };
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (micro_is(micro, cases[i].name))
            return cases[i].run;
    }
    micro_lacks(micro);
}

static int run(void *arg, eddy_value *result)
{
    const struct micro *micro = arg;
    run_case one = find_case(micro);

    (void)result;
    if (one == run_memory) {
        one(1); /* what is there once */
        end_memory();
        micro_begin();
        one(micro->n);
        micro_end_memory(micro->n);
        end_memory();
        return 0;
    }
    one(WARM);
    micro_begin();
    one(micro->n);
    micro_end(micro->n);
    return 0;
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);

    return eddy_run(run, &micro, NULL, NULL) != 0;
}
