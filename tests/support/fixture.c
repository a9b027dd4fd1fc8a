/* SPDX-License-Identifier: MIT */
#include "support/fixture.h"
#include "common/backend.h"
#include "common/loop.h"
#include "common/sanitizer.h"
#include "common/thread.h"
#include "support/support.h"
#include "support/sweep.h"
#include <stdlib.h>
#include <string.h>

/* More than the frames of a test, less than any stack. */
enum { FRAMES_SIZE = 256 * 1024 };

/* CMocka knows tests by their state; ours is the table's entry at first, then the fixture. */
static struct fixture fixture;

static int fixture_make_loop(struct fixture *f)
{
    const char *backend = getenv("EDDY_TEST_BACKEND");
    eddy_loop_options options = {.backend = backend};

    if (backend != NULL && strcmp(backend, "sim") == 0) {
        f->sim = eddy_sim_new(NULL);
        if (f->sim == NULL)
            return EDDY_ENOMEM;
        f->loop = eddy_sim_loop(f->sim);
        return 0;
    }
    return eddy_loop_new(&options, &f->loop);
}

static int fixture_setup(void **state)
{
    struct fixture *f = &fixture;
    int error;

    memset(f, 0, sizeof *f);
    f->test = *state;
    *state = f;
    reports_reset();
    recorder_reset();
    platform_descriptors_look(&f->descriptors);
    allocations_reset();
    sweep_begin_test();
    error = fixture_make_loop(f);
    if (error == 0) {
        eddy_loop_set_exception_handler(f->loop, reports_handler, NULL);
        /* A slow machine is no finding; tests of the reports choose a duration of their own. */
        eddy_loop_set_slow_callback_duration(f->loop, EDDY_SECONDS(3600));
        return 0;
    }
    if (sweep_failed()) {
        f->gave_up = true;
        return 0;
    }
    print_error("no loop: %s: %s\n", eddy_err_name(error), eddy_error_text());
    return -1;
}

/* An assertion that failed inside a callback jumped out of the run; make the loop usable again. */
static void fixture_end_broken_run(void)
{
    eddy_loop *loop = eddy__thread_state()->running;

    if (loop == NULL)
        return;
    eddy__thread_state()->running = NULL;
    atomic_store(&loop->running, false);
}

static void fixture_drop_transports(struct fixture *f)
{
    while (f->transport_count > 0)
        eddy_transport_unref(f->transports[--f->transport_count]);
}

static void fixture_run_ends(struct fixture *f)
{
    while (f->end_count > 0) {
        f->end_count--;
        f->ends[f->end_count].run(f->ends[f->end_count].arg);
    }
}

static bool fixture_close(struct fixture *f)
{
    int error, left = 0;

    while (f->socket_count > 0)
        eddy_socket_close(f->sockets[--f->socket_count]);
    if (f->loop == NULL) {
        fixture_drop_transports(f); /* the test has closed it */
        fixture_run_ends(f);
        return true;
    }
    spy_end();
    fixture_end_broken_run();
    eddy_set_context(NULL);
    error = eddy_loop_close(f->loop);
    if (error != 0)
        print_error("closing the loop failed: %s\n", eddy_err_name(error));
    fixture_drop_transports(f);
    fixture_run_ends(f);
    if (f->sim != NULL)
        left = eddy_sim_free(f->sim);
    else
        eddy_loop_unref(f->loop);
    if (left != 0)
        print_error("the simulation ended with %d left behind: %s\n", left, eddy_error_text());
    f->loop = NULL;
    f->sim = NULL;
    return error == 0 && left == 0;
}

/* Threads of an executor that was told to end may take a moment. */
static void fixture_settle(void)
{
    struct eddy__mutex mutex;
    struct eddy__condition condition;
    int i;

    if (allocations_live() == 0 || eddy__mutex_init(&mutex) != 0)
        return;
    if (eddy__condition_init(&condition) == 0) {
        eddy__mutex_lock(&mutex);
        for (i = 0; i < 500 && allocations_live() > 0; i++)
            eddy__condition_wait_for(&condition, &mutex, EDDY_MILLISECONDS(1));
        eddy__mutex_unlock(&mutex);
        eddy__condition_fini(&condition);
    }
    eddy__mutex_fini(&mutex);
}

/* Close everything, then look for what is left. */
static bool fixture_is_clean(struct fixture *f)
{
    bool clean = fixture_close(f);

    fixture_settle();
    if (allocations_live() > 0) {
        print_error("%lu allocations are left:\n", (unsigned long)allocations_live());
        allocations_print_live();
        clean = false;
    }
    if (platform_descriptors_print_new(&f->descriptors) > 0) {
        print_error("descriptors are left open\n");
        clean = false;
    }
    /* A loop that closes leaves its running children alone (SUB-26): so may a test that gave up. */
    if (f->finished && platform_children_print() > 0) {
        print_error("children are left\n");
        clean = false;
    }
    if (!clean)
        sweep_note_fault("leaked");
    if (!sweep_failed() && reports_print_unclaimed() > 0) {
        print_error("nobody expected these\n");
        clean = false;
    }
    return clean;
}

static void fixture_body(void **state)
{
    struct fixture *f = *state;

    if (f->gave_up)
        return;
    sweep_begin_body();
    f->test->body(f);
    f->finished = true;
    sweep_end_body();
    if (!fixture_is_clean(f))
        fail();
}

/*
 * A failing assertion jumps out of the frames below us, and out of a task's stack, behind the back
 * of AddressSanitizer: tell it that what lies below is free.
 */
static void fixture_forget_frames(void)
{
#if defined(EDDY__COROUTINE_ASAN)
    char here = 0;

    __asan_unpoison_memory_region(&here - FRAMES_SIZE, FRAMES_SIZE);
#endif
}

static int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    fixture_forget_frames();
    if (f->finished)
        return 0;
    if (f->gave_up) {
        sweep_end_body();
        return fixture_is_clean(f) ? 0 : -1;
    }
    /* The test failed or was skipped midway: what it left is not the library's fault. */
    if (!sweep_is_on())
        fixture_close(f);
    return 0;
}

static void fixture_give_up(void)
{
    if (eddy__thread_state()->running != NULL)
        return;
    fixture.gave_up = true;
    skip();
}

void fixture_give_up_if(bool condition)
{
    if (!condition || !sweep_failed())
        return;
    if (sweep_may_give_up(EDDY_ENOMEM))
        fixture_give_up();
    else
        fail_msg("cannot go on, nor give back what it holds");
}

static bool fixture_is_public(const char *call)
{
    return strncmp(call, "eddy_", 5) == 0 && call[5] != '_';
}

int fixture_must(int result, const char *call, const char *file, int line)
{
    if (result >= 0)
        return result;
    /*
     * eddy_error_text() has to speak of the failure that was returned, not of an older one. What
     * is inside the library may leave the words to its caller.
     */
    if (result == EDDY_ENOMEM && fixture_is_public(call) &&
        strstr(eddy_error_text(), "memory") == NULL)
        sweep_note_fault("did not say what failed");
    else if (sweep_may_give_up(result))
        fixture_give_up();
    print_error("%s: %s: %s\n", call, eddy_err_name(result), eddy_error_text());
    _fail(file, line);
    return result;
}

static struct CMUnitTest fixture_unit(const struct test *test)
{
    struct CMUnitTest unit = {
        .name = test->name,
        .test_func = fixture_body,
        .setup_func = fixture_setup,
        .teardown_func = fixture_teardown,
        .initial_state = (void *)(uintptr_t)test,
    };

    return unit;
}

int fixture_run_test(const char *suite, const struct test *test)
{
    struct CMUnitTest unit = fixture_unit(test);

    return _cmocka_run_group_tests(suite, &unit, 1, NULL, NULL);
}

/* The tests that EDDY_TEST_FILTER leaves, for CMocka and for sweeps; how many. */
static size_t fixture_choose(const struct test *tests, size_t count, struct CMUnitTest *units,
                             const struct test **chosen)
{
    const char *filter = getenv("EDDY_TEST_FILTER");
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        if (filter != NULL && strstr(tests[i].name, filter) == NULL)
            continue;
        units[length] = fixture_unit(&tests[i]);
        chosen[length++] = &tests[i];
    }
    return length;
}

/* EDDY_TEST_ORDER: another order for each number. No test may lean on one that ran before it. */
static void fixture_shuffle(struct CMUnitTest *units, size_t count)
{
    const char *order = getenv("EDDY_TEST_ORDER");
    uint64_t random = order != NULL ? strtoull(order, NULL, 10) : 0;

    if (random == 0)
        return;
    for (size_t left = count; left > 1; left--) {
        struct CMUnitTest unit = units[left - 1];
        size_t other;

        random = random * 6364136223846793005u + 1442695040888963407u;
        other = (size_t)((random >> 33) % left);
        units[left - 1] = units[other];
        units[other] = unit;
    }
}

int fixture_run_suite(const char *suite, const struct test *tests, size_t count)
{
    struct CMUnitTest *units = calloc(count, sizeof *units);
    const struct test **chosen = calloc(count, sizeof *chosen);
    int failures = 1;

    if (units != NULL && chosen != NULL && scratch_begin()) {
        allocations_install();
        count = fixture_choose(tests, count, units, chosen);
        fixture_shuffle(units, count);
        failures = sweep_is_on() ? sweep_run_suite(suite, chosen, count)
                                 : _cmocka_run_group_tests(suite, units, count, NULL, NULL);
        scratch_end();
    }
    free(chosen);
    free(units);
    return failures != 0;
}

static void skip_test(struct fixture *f)
{
    (void)f;
    skip();
}

int run_skipped_suite(const char *suite, const char *test)
{
    const struct test tests[] = {{test, skip_test}};

    return run_suite(suite, tests);
}

bool fixture_backend_is(const struct fixture *f, const char *name)
{
    return strcmp(eddy_loop_get_backend(f->loop), name) == 0;
}

bool fixture_backend_is_default(const struct fixture *f)
{
    return fixture_backend_is(f, eddy__backends[0]->name);
}

void fixture_keep_socket(struct fixture *f, eddy_socket socket)
{
    assert_true(f->socket_count < FIXTURE_SOCKETS);
    f->sockets[f->socket_count++] = socket;
}

void fixture_drop_socket(struct fixture *f, eddy_socket socket)
{
    size_t i;

    for (i = 0; i < f->socket_count; i++) {
        if (f->sockets[i] == socket) {
            f->sockets[i] = f->sockets[--f->socket_count];
            return;
        }
    }
}

bool fixture_hold_transport(eddy_transport *transport)
{
    if (!sweep_is_over_calls() || fixture.transport_count == FIXTURE_TRANSPORTS)
        return false;
    fixture.transports[fixture.transport_count++] = eddy_transport_ref(transport);
    return true;
}

void fixture_at_end(struct fixture *f, void (*run)(void *arg), void *arg)
{
    assert_true(f->end_count < FIXTURE_ENDS);
    f->ends[f->end_count++] = (struct fixture_end){run, arg};
}
