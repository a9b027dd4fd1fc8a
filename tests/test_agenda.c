/* SPDX-License-Identifier: MIT */
/* The agenda from inside: calls and nodes keep one order, whatever is moved or broken off. */
#include "common/agenda.h"
#include "common/memory.h"
#include "support/support.h"

enum { ITEMS = 4000, NODES = 400 };

/* A node that knows its place in the order. */
struct numbered {
    struct eddy__ready ready;
    int number;
};

/* What was entered, in order: the call with this number as its argument, or the node. */
struct world {
    struct eddy__agenda agenda;
    struct numbered nodes[NODES];
    char marks[ITEMS]; /* the arguments of calls are their addresses */
    bool is_alive[ITEMS];
    int entered;
    int next; /* that has not run */
    uint32_t random;
};

static uint32_t next_random(struct world *world)
{
    world->random = world->random * 1664525u + 1013904223u;
    return world->random >> 8;
}

static int on_call_never(void *arg)
{
    (void)arg;
    return 0;
}

static void expect(struct world *world, int number)
{
    while (world->next < world->entered && !world->is_alive[world->next])
        world->next++;
    assert_int_equal(number, world->next);
    world->next++;
}

static int enter_call(struct world *world)
{
    struct eddy__agenda *agenda = &world->agenda;
    void *arg = &world->marks[world->entered];
    bool is_plain = next_random(world) % 4 != 0;

    if (!is_plain || !eddy__agenda_add_plain(agenda, on_call_never, arg)) {
        int error = eddy__agenda_add(agenda, on_call_never, arg, NULL, is_plain ? NULL : arg);

        if (error)
            return error;
    }
    world->is_alive[world->entered++] = true;
    return 0;
}

static void enter_node(struct world *world)
{
    struct numbered *node = &world->nodes[next_random(world) % NODES];

    if (eddy__list_is_linked(&node->ready.node))
        return;
    node->number = world->entered;
    world->is_alive[world->entered++] = true;
    eddy__agenda_append(&world->agenda, &node->ready);
}

static void withdraw_node(struct world *world)
{
    struct numbered *node = &world->nodes[next_random(world) % NODES];

    if (!eddy__list_is_linked(&node->ready.node))
        return;
    eddy__list_remove(&node->ready.node);
    world->is_alive[node->number] = false;
}

static int enter_some(struct world *world, uint32_t count)
{
    int error = 0;

    eddy__agenda_set_plain(&world->agenda, next_random(world) % 8 != 0);
    while (error == 0 && count-- > 0 && world->entered < ITEMS) {
        uint32_t dice = next_random(world) % 8;

        if (dice < 3)
            error = enter_call(world);
        else if (dice < 6)
            enter_node(world);
        else
            withdraw_node(world);
    }
    return error;
}

/* Take the call at the head: its argument lies in the cell, or beside it. */
static void run_call(struct world *world)
{
    struct eddy__agenda *agenda = &world->agenda;
    struct eddy__agenda_cell *cell = agenda->head++;
    char *arg = cell->arg;

    if (cell->callback == eddy__agenda_run_with_care) {
        assert_ptr_equal(cell->arg, agenda);
        arg = eddy__agenda_extra(agenda, cell)->call.arg;
        assert_ptr_equal(eddy__agenda_extra(agenda, cell)->call.place, arg);
    }
    expect(world, (int)(arg - world->marks));
}

/* Up to the end of a run no look at the ring is needed, as long as it does not move. */
static void check_run(const struct eddy__agenda *agenda, uint64_t left)
{
    const struct eddy__agenda_cell *end = agenda->head + left;

    if (end > agenda->cells_end)
        end = agenda->cells_end;
    assert_int_equal(agenda->run_end, (uintptr_t)end);
}

/* Run up to `limit` items of a batch as the loop does, entering more meanwhile. */
static int run_batch(struct world *world, uint32_t limit)
{
    struct eddy__agenda *agenda = &world->agenda;
    uint64_t end = eddy__agenda_tail(agenda);
    int error = 0;

    eddy__agenda_begin_batch(agenda);
    while (limit-- > 0 && error == 0 && eddy__agenda_has_next(agenda)) {
        eddy__agenda_begin_run(agenda);
        check_run(agenda, end - eddy__agenda_head(agenda));
        if (agenda->head->callback != NULL) {
            run_call(world);
        } else {
            struct eddy__list *node = eddy__list_shift(eddy__agenda_head_nodes(agenda));

            if (node == NULL)
                agenda->head++;
            else
                expect(world, EDDY__OWNER(node, struct numbered, ready.node)->number);
        }
        error = enter_some(world, next_random(world) % 3);
    }
    eddy__agenda_end_batch(agenda);
    return error;
}

/* LOOP-35, LOOP-42: first in, first out, also across batches that were broken off. */
static void test_calls_and_nodes_keep_one_order(struct fixture *f)
{
    static struct world world;
    int error;

    (void)f;
    world = (struct world){.random = 7};
    error = eddy__agenda_init(&world.agenda);
    while (error == 0 && (world.entered < ITEMS || !eddy__agenda_is_empty(&world.agenda))) {
        error = enter_some(&world, next_random(&world) % 200);
        if (error == 0)
            error = run_batch(&world, next_random(&world) % 100 + 1);
    }
    eddy__agenda_fini(&world.agenda);
    must(error);
}

/* Nodes need no memory, whatever came before: every call leaves room for those behind it. */
static void test_nodes_enter_without_memory(struct fixture *f)
{
    static struct world world;
    int i, error;

    (void)f;
    world = (struct world){.random = 8};
    error = eddy__agenda_init(&world.agenda);
    for (i = 0; i < 1000 && error == 0; i++) {
        error = enter_call(&world);
        if (error)
            break;
        allocations_fail(1);
        enter_node(&world);
        eddy__agenda_begin_batch(&world.agenda);
        enter_node(&world);
        eddy__agenda_end_batch(&world.agenda);
        assert_false(allocations_failed());
        allocations_fail(0);
    }
    eddy__agenda_fini(&world.agenda);
    must(error);
}

/* A ring that was large for a moment becomes small again. */
static void test_memory_of_a_burst_is_given_back(struct fixture *f)
{
    static struct world world;
    size_t large = 0;
    int i, error;

    (void)f;
    world = (struct world){.random = 9};
    error = eddy__agenda_init(&world.agenda);
    for (i = 0; i < ITEMS && error == 0; i++)
        error = enter_call(&world);
    if (error == 0) {
        large = allocations_live_bytes();
        for (i = 0; i < 10000; i++) {
            eddy__agenda_begin_batch(&world.agenda);
            while (eddy__agenda_has_next(&world.agenda))
                world.agenda.head++;
            eddy__agenda_end_batch(&world.agenda);
        }
        assert_true(allocations_live_bytes() < large);
    }
    eddy__agenda_fini(&world.agenda);
    must(error);
}

/* Run a batch of one call, which enters `more`. */
static int run_one(struct world *world, int more)
{
    struct eddy__agenda *agenda = &world->agenda;
    int error = enter_call(world);

    if (error)
        return error;
    eddy__agenda_begin_batch(agenda);
    assert_true(eddy__agenda_has_next(agenda));
    run_call(world);
    while (error == 0 && more-- > 0)
        error = enter_call(world);
    assert_false(error == 0 && eddy__agenda_has_next(agenda));
    eddy__agenda_end_batch(agenda);
    return error;
}

/* LOOP-22: a batch ends where it did when the ring moves, wherever the end of that comes to lie. */
static void test_batch_keeps_its_end_when_the_ring_moves(struct fixture *f)
{
    static struct world world;
    int before, i, error = 0;

    (void)f;
    for (before = 0; before < 300 && error == 0; before++) {
        world = (struct world){.random = 10};
        error = eddy__agenda_init(&world.agenda);
        for (i = 0; i < before && error == 0; i++)
            error = run_one(&world, 0);
        if (error == 0)
            error = run_one(&world, 100);
        while (error == 0 && !eddy__agenda_is_empty(&world.agenda))
            run_call(&world);
        assert_true(error != 0 || world.next == world.entered);
        eddy__agenda_fini(&world.agenda);
    }
    must(error);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_calls_and_nodes_keep_one_order),
        TEST(test_nodes_enter_without_memory),
        TEST(test_memory_of_a_burst_is_given_back),
        TEST(test_batch_keeps_its_end_when_the_ring_moves),
    };

    return run_suite("agenda", tests);
}
