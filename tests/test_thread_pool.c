/* SPDX-License-Identifier: MIT */
/* The thread pool: EXEC-2, and its end. */
#include "common/loop.h"
#include "support/executor.h"
#include "support/gate.h"
#include "support/oom.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

struct sequence {
    int numbers[8];
    int count;
};

struct step {
    struct sequence *sequence;
    int number;
};

static int note_step(void *arg, eddy_value *result)
{
    struct step *step = arg;

    (void)result;
    step->sequence->numbers[step->sequence->count++] = step->number;
    return 0;
}

static void check_order(struct fixture *f, eddy_executor *executor)
{
    struct sequence sequence = {.count = 0};
    struct step steps[8];
    eddy_future *last = NULL;

    for (int i = 0; i < 8; i++) {
        steps[i] = (struct step){&sequence, i};
        eddy_future_unref(last);
        last = eddy_loop_run_in_executor(f->loop, executor, note_step, &steps[i], NULL);
    }
    must(eddy_loop_run_until_complete(f->loop, last, NULL));
    assert_int_equal(sequence.count, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(sequence.numbers[i], i);
}

/* EXEC-2: work starts in the order of submission. */
static void test_work_starts_in_order(struct fixture *f)
{
    eddy_executor *pool;

    need_whole_test();
    pool = new_pool(1);
    check_order(f, pool);
    end_pool(pool);
    if (f->sim != NULL)
        check_order(f, NULL);
}

/* EXEC-2: a thread for each work that finds none idle, up to the limit, and no more. */
static void test_pool_starts_threads_on_demand(struct fixture *f)
{
    struct gate gate;
    eddy_executor *pool;
    eddy_future *futures[4];

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(2);
    for (int i = 0; i < 4; i++)
        futures[i] = eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, NULL);
    assert_int_equal(gate_await(&gate, 2), 2);
    gate_open(&gate);
    for (int i = 0; i < 4; i++)
        must(eddy_loop_run_until_complete(f->loop, futures[i], NULL));
    end_pool(pool);
    assert_int_equal(gate.entered, 4);
    gate_fini(&gate);
}

/* EXEC-2: the default executor has min(32, processors + 4) threads. */
static void test_default_pool_has_its_size(struct fixture *f)
{
    int size = eddy__cpu_count() + 4 < 32 ? eddy__cpu_count() + 4 : 32;
    struct gate gate;
    eddy_future *futures[40];

    need_threads(f);
    need_whole_test();
    gate_init(&gate);
    for (int i = 0; i < 40; i++)
        futures[i] = eddy_loop_run_in_executor(f->loop, NULL, gate_pass, &gate, NULL);
    assert_int_equal(gate_await(&gate, size), size);
    gate_open(&gate);
    for (int i = 0; i < 40; i++)
        must(eddy_loop_run_until_complete(f->loop, futures[i], NULL));
    must(eddy_loop_close(f->loop));
    gate_fini(&gate);
}

static int read_thread_name(void *name, eddy_value *result)
{
    FILE *file = NULL;

    (void)result;
#if defined(__linux__) /* Wine shows the names of its own threads there */
    file = fopen("/proc/thread-self/comm", "r");
#endif
    if (file == NULL)
        return EDDY_ENOTSUPPORTED;
    if (fgets(name, 32, file) == NULL)
        ((char *)name)[0] = '\0';
    fclose(file);
    return 0;
}

/* EXEC-2: threads have names with the pool's prefix. */
static void test_threads_have_names(struct fixture *f)
{
    eddy_thread_pool_options options = {.threads_max = 1, .thread_name = "resolve"};
    char name[32] = "";
    eddy_executor *pool;
    int error;

    must(eddy_thread_pool_new(&options, &pool));
    error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_run_in_executor(f->loop, pool, read_thread_name, name, NULL), NULL);
    end_pool(pool);
    if (error == EDDY_ENOTSUPPORTED)
        skip(); /* only Linux shows them to a portable program */
    must(error);
    assert_string_equal(name, "resolve-0\n");
}

/* EXEC-2: a pool cannot have fewer than no threads. */
static void test_pool_refuses_bad_sizes(struct fixture *f)
{
    eddy_thread_pool_options options = {.threads_max = -1};
    eddy_executor *pool = NULL;

    (void)f;
    assert_int_equal(eddy_thread_pool_new(&options, &pool), EDDY_EINVALID);
    assert_null(pool);
}

static void release_at_gate(void *gate)
{
    gate_count(gate);
}

/* EXEC-5: the pool's own thread may be the last to know of the pool. */
static void test_last_work_frees_the_pool(struct fixture *f)
{
    static struct gate gate; /* outlives the test's frame, should the test fail */
    eddy_executor *pool;

    need_whole_test();
    gate_init(&gate);
    pool = new_pool(1);
    eddy_future_unref(eddy_loop_run_in_executor(f->loop, pool, gate_pass, &gate, release_at_gate));
    assert_int_equal(gate_await(&gate, 1), 1);
    eddy_executor_unref(pool);
    must(eddy_loop_close(f->loop));
    gate_open(&gate);
    assert_true(gate_await_passed(&gate, 2));
    await_loop_alone(f);
    /* The fixture waits until the memory is gone. */
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_work_starts_in_order),      TEST(test_pool_starts_threads_on_demand),
        TEST(test_default_pool_has_its_size), TEST(test_threads_have_names),
        TEST(test_pool_refuses_bad_sizes),    TEST(test_last_work_frees_the_pool),
    };

    return run_suite("thread_pool", tests);
}
