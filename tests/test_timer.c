/* SPDX-License-Identifier: MIT */
/* The timers of a loop, from inside: LOOP-24, LOOP-26 (leaving at once), promised places. */
#include "common/memory.h"
#include "common/timer.h"
#include "support/support.h"
#include <string.h>

enum { TIMERS = 500 };

/* A timer that knows when it is due, to be told apart in a queue. */
struct known {
    struct eddy__timer timer;
    eddy_time when;
    int number;
};

/* A small generator, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static struct known *shift(struct eddy__list *queue)
{
    struct eddy__list *node = eddy__list_shift(queue);

    return node != NULL ? EDDY__OWNER(node, struct known, timer.ready.node) : NULL;
}

/* Check that `queue` holds `count` timers by time and, for equal times, by number. */
static void check_order(struct eddy__list *queue, size_t count)
{
    const struct known *last = shift(queue), *timer;
    size_t seen = last != NULL;

    while ((timer = shift(queue)) != NULL) {
        assert_true(timer->when > last->when ||
                    (timer->when == last->when && timer->number > last->number));
        last = timer;
        seen++;
    }
    assert_int_equal(seen, count);
}

static int start_all(struct eddy__timers *timers, struct known *known, uint32_t *random)
{
    int i, error = 0;

    memset(known, 0, TIMERS * sizeof *known);
    for (i = 0; i < TIMERS && error == 0; i++) {
        known[i].when = next_random(random) % 64;
        known[i].number = i;
        error = eddy__timer_start(timers, &known[i].timer, known[i].when);
    }
    return error;
}

/* LOOP-24: by due time, and by registration where that is equal. */
static void test_timers_expire_in_order(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers timers = {0};
    struct eddy__list queue;
    uint32_t random = 1;
    size_t count = 0;
    int error = start_all(&timers, known, &random);

    (void)f;
    eddy__list_init(&queue);
    if (error == 0) {
        assert_true(eddy__timers_next(&timers) == 0);
        count = eddy__timers_expire(&timers, 64, &queue);
    }
    eddy__timers_fini(&timers);
    must(error);
    assert_int_equal(count, TIMERS);
    check_order(&queue, TIMERS);
}

/* LOOP-24: strictly before the limit. */
static void test_timers_at_the_limit_stay(struct fixture *f)
{
    struct known early = {.when = 4}, late = {.when = 5, .number = 1};
    struct eddy__timers timers = {0};
    struct eddy__list queue;
    int error = eddy__timer_start(&timers, &late.timer, 5);

    (void)f;
    eddy__list_init(&queue);
    if (error == 0)
        error = eddy__timer_start(&timers, &early.timer, 4);
    if (error == 0) {
        assert_int_equal(eddy__timers_expire(&timers, 5, &queue), 1);
        assert_true(eddy__timers_next(&timers) == 5);
        assert_ptr_equal(shift(&queue), &early);
        eddy__timer_stop(&timers, &late.timer);
        assert_true(eddy__timers_next(&timers) == EDDY_FOREVER);
    }
    eddy__timers_fini(&timers);
    must(error);
}

/* LOOP-26: any of them can be stopped at any time; what is left keeps its order. */
static void test_stopped_timers_leave_at_once(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers timers = {0};
    struct eddy__list queue;
    uint32_t random = 2;
    size_t left = TIMERS, expired = 0;
    int i, error = start_all(&timers, known, &random);

    (void)f;
    eddy__list_init(&queue);
    if (error == 0) {
        for (i = 0; i < TIMERS; i++) {
            if (next_random(&random) % 3 == 0)
                continue;
            eddy__timer_stop(&timers, &known[i].timer);
            eddy__timer_stop(&timers, &known[i].timer);
            assert_int_equal(timers.count, --left);
        }
        expired = eddy__timers_expire(&timers, 1000, &queue);
    }
    eddy__timers_fini(&timers);
    must(error);
    assert_int_equal(expired, left);
    check_order(&queue, left);
}

/* A timer that is due already is stopped in the ready queue. */
static void test_due_timer_is_stopped_in_the_queue(struct fixture *f)
{
    struct known known = {.when = 0};
    struct eddy__timers timers = {0};
    struct eddy__list queue;
    int error = eddy__timer_start(&timers, &known.timer, 0);

    (void)f;
    eddy__list_init(&queue);
    if (error == 0) {
        assert_int_equal(eddy__timers_expire(&timers, 1, &queue), 1);
        eddy__timer_stop(&timers, &known.timer);
        assert_true(eddy__list_is_empty(&queue));
    }
    eddy__timers_fini(&timers);
    must(error);
}

/* A promised place is there when memory is not. */
static void test_reserved_timer_starts_without_memory(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers timers = {0};
    struct known promised = {.when = 7};
    uint32_t random = 3;
    int error = eddy__timer_reserve(&timers, &promised.timer);

    (void)f;
    if (error == 0)
        error = start_all(&timers, known, &random);
    if (error == 0) {
        allocations_fail(1);
        assert_int_equal(eddy__timer_start(&timers, &promised.timer, 7), 0);
        assert_false(allocations_failed());
        allocations_fail(0);
        eddy__timer_stop(&timers, &promised.timer);
        eddy__timer_unreserve(&timers, &promised.timer);
        assert_int_equal(timers.reserved, 0);
    }
    eddy__timers_fini(&timers);
    must(error);
}

/* What a model of the timers knows of each: a slow one that cannot be wrong. */
struct model {
    struct known known[TIMERS];
    bool is_started[TIMERS];
    int next_number;
};

static struct known *model_first(struct model *model)
{
    struct known *first = NULL;
    int i;

    for (i = 0; i < TIMERS; i++) {
        struct known *known = &model->known[i];

        if (model->is_started[i] && (first == NULL || known->when < first->when ||
                                     (known->when == first->when && known->number < first->number)))
            first = known;
    }
    return first;
}

/* Times of all magnitudes around `now`, many of them equal, some of them past. */
static eddy_time some_time(eddy_time now, uint32_t *random)
{
    uint32_t dice = next_random(random) % 16;
    eddy_time away = (eddy_time)(next_random(random) % 8) << next_random(random) % 50;

    if (dice == 0)
        return EDDY_FOREVER - (eddy_time)(next_random(random) % 3);
    return dice < 4 ? now - away : now + away;
}

static int model_change(struct model *model, struct eddy__timers *timers, eddy_time now,
                        uint32_t *random)
{
    uint32_t i = next_random(random) % TIMERS;
    struct known *known = &model->known[i];

    if (model->is_started[i]) {
        model->is_started[i] = false;
        eddy__timer_stop(timers, &known->timer);
        return 0;
    }
    known->when = some_time(now, random);
    known->number = model->next_number++;
    model->is_started[i] = true;
    return eddy__timer_start(timers, &known->timer, known->when);
}

/* Compare all that is due with the model, one by one. */
static void model_expire(struct model *model, struct eddy__timers *timers, eddy_time now)
{
    struct eddy__list queue;
    struct known *first, *expired;

    eddy__list_init(&queue);
    eddy__timers_expire(timers, now, &queue);
    while ((first = model_first(model)) != NULL && first->when < now) {
        expired = shift(&queue);
        assert_ptr_equal(expired, first);
        model->is_started[first - model->known] = false;
    }
    assert_null(shift(&queue));
}

/* LOOP-24: over all distances, with times that are past, equal, and for ever. */
static void test_timers_agree_with_a_model(struct fixture *f)
{
    static struct model model;
    struct eddy__timers timers = {0};
    eddy_time now = EDDY_SECONDS(1000);
    uint32_t random = 5;
    int i, error = 0;

    (void)f;
    memset(&model, 0, sizeof model);
    for (i = 0; i < 20000 && error == 0; i++) {
        const struct known *first;

        error = model_change(&model, &timers, now, &random);
        if (error != 0 || next_random(&random) % 4 != 0)
            continue;
        first = model_first(&model);
        assert_true(eddy__timers_next(&timers) == (first != NULL ? first->when : EDDY_FOREVER));
        if (next_random(&random) % 8 == 0) {
            now += (eddy_time)1 << next_random(&random) % 45;
            model_expire(&model, &timers, now);
        }
    }
    eddy__timers_fini(&timers);
    must(error);
}

/* Starting takes no memory for each, except of what is due before all that is known. */
static void test_starting_takes_no_memory(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers timers = {0};
    uint32_t random = 6;
    int i, error = eddy__timer_start(&timers, &known[0].timer, 1);

    (void)f;
    if (error == 0) {
        allocations_fail(1);
        for (i = 1; i < TIMERS; i++)
            must(eddy__timer_start(&timers, &known[i].timer, 1 + next_random(&random)));
        assert_false(allocations_failed());
        allocations_fail(0);
    }
    eddy__timers_fini(&timers);
    memset(known, 0, sizeof known);
    must(error);
}

static int on_call_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* What a crowd of timers took is given back when they have run, and their handles stay harmless. */
static void test_memory_of_a_crowd_is_given_back(struct fixture *f)
{
    enum { CROWD = 5000 };
    static eddy_handle handles[CROWD];
    size_t before, most;
    int i;

    must(eddy_loop_call_later(f->loop, 0, on_call_nothing, NULL, NULL));
    run_iterations(f->loop, 1);
    before = allocations_live_bytes();
    for (i = 0; i < CROWD; i++)
        must(eddy_loop_call_later(f->loop, -i, on_call_nothing, NULL, &handles[i]));
    most = allocations_live_bytes();
    run_iterations(f->loop, 1);
    assert_true(allocations_live_bytes() - before < (most - before) / 4);
    for (i = 0; i < CROWD; i++)
        eddy_handle_cancel(handles[i]);
    must(eddy_loop_call_later(f->loop, 0, on_call, "after", NULL));
    for (i = 0; i < CROWD; i++)
        eddy_handle_cancel(handles[i]);
    run_iterations(f->loop, 1);
    assert_recorded("after");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_timers_expire_in_order),
        TEST(test_timers_at_the_limit_stay),
        TEST(test_stopped_timers_leave_at_once),
        TEST(test_due_timer_is_stopped_in_the_queue),
        TEST(test_reserved_timer_starts_without_memory),
        TEST(test_timers_agree_with_a_model),
        TEST(test_starting_takes_no_memory),
        TEST(test_memory_of_a_crowd_is_given_back),
    };

    return run_suite("timer", tests);
}
