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

static struct eddy__list *run_queue; /* where timers go that are run */

static void known_run(struct eddy__ready *ready)
{
    eddy__list_append(run_queue, &ready->node);
}

/* Run what is due before `limit`: it goes to `queue`. Returns how many. */
static size_t expire(struct eddy__timers *timers, eddy_time limit, struct eddy__list *queue)
{
    size_t count = 0;
    uint32_t slot;

    run_queue = queue;
    eddy__timers_expire(timers, limit);
    for (; (slot = eddy__timers_shift(timers)) != 0; count++)
        eddy__timer_run(timers, eddy__slot_call(&timers->slots, slot)->arg);
    return count;
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
        known[i].timer.ready.run = known_run;
        error = eddy__timer_start(timers, &known[i].timer, known[i].when);
    }
    return error;
}

static void timers_end(void *timers)
{
    eddy__timers_fini(timers);
}

/* Timers of a test, which end with it, wherever that is. */
static struct eddy__timers *timers_new(struct fixture *f)
{
    static struct eddy__timers timers;

    memset(&timers, 0, sizeof timers);
    fixture_at_end(f, timers_end, &timers);
    return &timers;
}

/* LOOP-24: by due time, and by registration where that is equal. */
static void test_timers_expire_in_order(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers *timers = timers_new(f);
    struct eddy__list queue;
    uint32_t random = 1;

    must(start_all(timers, known, &random));
    eddy__list_init(&queue);
    assert_true(eddy__timers_next(timers) == 0);
    assert_int_equal(expire(timers, 64, &queue), TIMERS);
    check_order(&queue, TIMERS);
}

/* LOOP-24: strictly before the limit. */
static void test_timers_at_the_limit_stay(struct fixture *f)
{
    struct known early = {.timer.ready.run = known_run, .when = 4};
    struct known late = {.timer.ready.run = known_run, .when = 5};
    struct eddy__timers *timers = timers_new(f);
    struct eddy__list queue;

    must(eddy__timer_start(timers, &late.timer, 5));
    eddy__list_init(&queue);
    must(eddy__timer_start(timers, &early.timer, 4));
    assert_int_equal(expire(timers, 5, &queue), 1);
    assert_true(eddy__timers_next(timers) == 5);
    assert_ptr_equal(shift(&queue), &early);
    eddy__timer_stop(timers, &late.timer);
    assert_true(eddy__timers_next(timers) == EDDY_FOREVER);
}

/* LOOP-26: any of them can be stopped at any time; what is left keeps its order. */
static void test_stopped_timers_leave_at_once(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers *timers = timers_new(f);
    struct eddy__list queue;
    uint32_t random = 2;
    size_t left = TIMERS;
    int i;

    must(start_all(timers, known, &random));
    eddy__list_init(&queue);
    for (i = 0; i < TIMERS; i++) {
        if (next_random(&random) % 3 == 0)
            continue;
        eddy__timer_stop(timers, &known[i].timer);
        eddy__timer_stop(timers, &known[i].timer);
        assert_int_equal(timers->count, --left);
    }
    assert_int_equal(expire(timers, 1000, &queue), left);
    check_order(&queue, left);
}

/* A timer that is due already can be stopped as long as it has not run. */
static void test_due_timer_is_stopped_before_it_runs(struct fixture *f)
{
    struct known known = {.when = 0};
    struct eddy__timers *timers = timers_new(f);

    must(eddy__timer_start(timers, &known.timer, 0));
    assert_true(eddy__timers_expire(timers, 1));
    eddy__timer_stop(timers, &known.timer);
    assert_int_equal(timers->count, 0);
    assert_int_equal(eddy__timers_shift(timers), 0);
}

/* A promised place is there when memory is not. */
static void test_reserved_timer_starts_without_memory(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers *timers = timers_new(f);
    struct known promised = {.when = 7};
    uint32_t random = 3;

    must(eddy__timer_reserve(timers, &promised.timer));
    must(start_all(timers, known, &random));
    allocations_fail(1);
    assert_int_equal(eddy__timer_start(timers, &promised.timer, 7), 0);
    assert_false(allocations_failed());
    allocations_fail(0);
    eddy__timer_stop(timers, &promised.timer);
    eddy__timer_unreserve(timers, &promised.timer);
    assert_int_equal(timers->reserved, 0);
}

/* It can be started again and again at all distances, whatever that leaves behind. */
static void test_reserved_timer_starts_anew_without_memory(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers *timers = timers_new(f);
    struct known promised = {.when = 0};
    uint32_t random = 7;
    int i;

    must(eddy__timer_reserve(timers, &promised.timer));
    must(start_all(timers, known, &random));
    allocations_fail(1);
    for (i = 0; i < 20000; i++) {
        eddy_time when = (eddy_time)1 << next_random(&random) % 60;

        assert_int_equal(eddy__timer_start(timers, &promised.timer, when), 0);
        if (i % 1000 == 0) /* now the first is to be looked for, and what is early is early */
            eddy__timer_stop(timers, &known[i / 1000].timer);
        assert_true(eddy__timers_next(timers) <= when);
        eddy__timer_stop(timers, &promised.timer);
    }
    assert_false(allocations_failed());
    allocations_fail(0);
    eddy__timer_unreserve(timers, &promised.timer);
}

/* Start what is left of `known` as far as there is room. */
static void fill_up(struct eddy__timers *timers, struct known *known, int first)
{
    int i, error = 0;

    allocations_fail(1);
    for (i = first; i < TIMERS && error == 0; i++)
        error = eddy__timer_start(timers, &known[i].timer, EDDY_SECONDS(i));
    allocations_fail(0);
    assert_true(error == 0 || error == EDDY_ENOMEM);
}

/* Promised between others, places are not taken by those that come later. */
static void check_promises(int first, int promises)
{
    static struct known known[TIMERS], promised[TIMERS];
    struct eddy__timers timers = {0};
    int i, error = 0;

    memset(known, 0, sizeof known);
    memset(promised, 0, sizeof promised);
    for (i = 0; i < first && error == 0; i++)
        error = eddy__timer_start(&timers, &known[i].timer, EDDY_SECONDS(i));
    for (i = 0; i < promises && error == 0; i++)
        error = eddy__timer_reserve(&timers, &promised[i].timer);
    if (error == 0) {
        fill_up(&timers, known, first);
        allocations_fail(1);
        for (i = 0; i < promises; i++)
            assert_int_equal(eddy__timer_start(&timers, &promised[i].timer, 1), 0);
        assert_false(allocations_failed());
        allocations_fail(0);
        assert_true(timers.heap.count <= timers.heap.capacity);
        assert_true(eddy__timers_entries(&timers) <= timers.wheel->pool.room);
    }
    eddy__timers_fini(&timers);
    must(error);
}

static void test_promised_places_are_not_taken(struct fixture *f)
{
    int first;

    (void)f;
    for (first = 1; first < TIMERS / 2; first = 1 + 2 * first) {
        check_promises(first, 5);
        check_promises(first, 15);
    }
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
    known->timer.ready.run = known_run;
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
    expire(timers, now, &queue);
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
    struct eddy__timers *timers = timers_new(f);
    eddy_time now = EDDY_SECONDS(1000);
    uint32_t random = 5;
    int i;

    memset(&model, 0, sizeof model);
    for (i = 0; i < 20000; i++) {
        const struct known *first;

        must(model_change(&model, timers, now, &random));
        if (next_random(&random) % 4 != 0)
            continue;
        first = model_first(&model);
        assert_true(eddy__timers_next(timers) == (first != NULL ? first->when : EDDY_FOREVER));
        if (next_random(&random) % 8 == 0) {
            now += (eddy_time)1 << next_random(&random) % 45;
            model_expire(&model, timers, now);
        }
    }
}

/* What has been there once leaves the memory for as many others, until that is given back. */
static void test_starting_takes_no_memory_once_warm(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers *timers = timers_new(f);
    uint32_t random = 6;
    int i;

    must(start_all(timers, known, &random));
    allocations_fail(1);
    for (i = 0; i < TIMERS; i++)
        eddy__timer_stop(timers, &known[i].timer);
    for (i = 0; i < TIMERS; i++)
        must(eddy__timer_start(timers, &known[i].timer, 1 + next_random(&random)));
    assert_false(allocations_failed());
    allocations_fail(0);
}

/* However the timers lie: only who starts one can find no memory. */
static void test_expiring_takes_no_memory(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers *timers = timers_new(f);
    struct eddy__list queue;
    uint32_t random = 8;
    size_t count = 0;
    int i;

    memset(known, 0, sizeof known);
    eddy__list_init(&queue);
    for (i = 0; i < TIMERS; i++) {
        known[i].number = i;
        known[i].timer.ready.run = known_run;
        known[i].when = (eddy_time)1 << 40 | (eddy_time)next_random(&random) << i % 16;
        must(eddy__timer_start(timers, &known[i].timer, known[i].when));
    }
    allocations_fail(1);
    while (timers->count > 0)
        count += expire(timers, eddy__timers_next(timers) + 100000, &queue);
    assert_false(allocations_failed());
    allocations_fail(0);
    check_order(&queue, count);
    assert_int_equal(count, TIMERS);
}

/* LOOP-26: entries of stopped timers, which stay behind, never outnumber the others by much. */
static void test_stopped_timers_do_not_pile_up(struct fixture *f)
{
    static struct known known[TIMERS];
    struct eddy__timers *timers = timers_new(f);
    uint32_t random = 9;
    int i;

    must(start_all(timers, known, &random));
    for (i = 0; i < 100 * TIMERS; i++) {
        struct eddy__timer *timer = &known[i % TIMERS].timer;

        eddy__timer_stop(timers, timer);
        must(eddy__timer_start(timers, timer, 64 + next_random(&random)));
        eddy__timers_relax(timers);
        assert_true(eddy__timers_entries(timers) <= 3 * TIMERS);
    }
}

static int on_call_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* What a crowd of timers took is given back when they have run, and their handles stay harmless. */
static void test_memory_of_a_crowd_is_given_back(struct fixture *f)
{
    enum { CROWD = 20000 };
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

/* The same for a crowd that is cancelled while others stay: what is left keeps its time. */
static void test_memory_of_a_cancelled_crowd_is_given_back(struct fixture *f)
{
    enum { CROWD = 20000 };
    static eddy_handle handles[CROWD];
    size_t before, most;
    int i;

    must(eddy_loop_call_later(f->loop, 0, on_call_nothing, NULL, NULL));
    run_iterations(f->loop, 1);
    before = allocations_live_bytes();
    for (i = 0; i < CROWD; i++)
        must(eddy_loop_call_later(f->loop, EDDY_SECONDS(1 + i), on_call, "never", &handles[i]));
    most = allocations_live_bytes();
    must(eddy_loop_call_later(f->loop, 0, on_call, "stays", NULL));
    for (i = 0; i < CROWD; i++)
        eddy_handle_cancel(handles[i]);
    run_iterations(f->loop, 1);
    assert_true(allocations_live_bytes() - before < (most - before) / 4);
    for (i = 0; i < CROWD; i++)
        assert_false(eddy_handle_get_state(handles[i]) == EDDY_HANDLE_SCHEDULED);
    assert_recorded("stays");
}

/* A slot that is kept at hand does not hold its chunk. */
static void test_chunk_of_the_spare_slot_is_given_back(struct fixture *f)
{
    enum { SLOTS = 3 * EDDY__SLOT_CHUNK };
    static uint32_t taken[SLOTS];
    struct eddy__slots slots = {0};
    int i, count = 0;
    uint32_t made;

    (void)f;
    while (count < SLOTS && (taken[count] = eddy__slot_take(&slots)) != 0)
        count++;
    for (i = count; i-- > 0;)
        eddy__slot_give(&slots, taken[i]);
    eddy__slots_relax(&slots);
    made = slots.made;
    eddy__slots_fini(&slots);
    must(count == SLOTS ? 0 : EDDY_ENOMEM);
    assert_int_equal(made, 1);
}

static int on_call_exit(void *arg)
{
    record("exit");
    eddy_loop_exit(arg, EDDY_EEXIT);
    return 0;
}

/* LOOP-42: an exit request among timers that are due leaves the others for the next run. */
static void test_exit_leaves_due_timers(struct fixture *f)
{
    must(eddy_loop_call_later(f->loop, -3, on_call_exit, f->loop, NULL));
    must(eddy_loop_call_later(f->loop, -2, on_call, "second", NULL));
    must(eddy_loop_call_later(f->loop, -1, on_call, "third", NULL));
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EEXIT);
    must(eddy_loop_call_soon(f->loop, on_call, "soon", NULL));
    run_iterations(f->loop, 1);
    assert_recorded("exit", "second", "third", "soon");
}

static void on_release(void *value)
{
    record("%s", (const char *)value);
}

/* LOOP-16, LOOP-42: closing releases what such timers hold, and does not call them. */
static void test_close_drops_due_timers(struct fixture *f)
{
    eddy_context *context = NULL;
    int error;

    must(eddy_loop_call_later(f->loop, -3, on_call_exit, f->loop, NULL));
    must(eddy_context_new("released", on_release, &context));
    error = eddy_loop_call_later_in_context(f->loop, -2, on_call, "never", context, NULL);
    if (error == 0)
        error = eddy_loop_call_later_in_context(f->loop, 60, on_call, "never", context, NULL);
    eddy_context_unref(context);
    must(error);
    assert_int_equal(eddy_loop_run_forever(f->loop), EDDY_EEXIT);
    must(eddy_loop_close(f->loop));
    assert_recorded("exit", "released");
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_timers_expire_in_order),
        TEST(test_timers_at_the_limit_stay),
        TEST(test_stopped_timers_leave_at_once),
        TEST(test_due_timer_is_stopped_before_it_runs),
        TEST(test_reserved_timer_starts_without_memory),
        TEST(test_reserved_timer_starts_anew_without_memory),
        TEST(test_promised_places_are_not_taken),
        TEST(test_timers_agree_with_a_model),
        TEST(test_starting_takes_no_memory_once_warm),
        TEST(test_expiring_takes_no_memory),
        TEST(test_stopped_timers_do_not_pile_up),
        TEST(test_memory_of_a_crowd_is_given_back),
        TEST(test_memory_of_a_cancelled_crowd_is_given_back),
        TEST(test_chunk_of_the_spare_slot_is_given_back),
        TEST(test_exit_leaves_due_timers),
        TEST(test_close_drops_due_timers),
    };

    return run_suite("timer", tests);
}
