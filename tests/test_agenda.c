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
    int error = eddy__agenda_has_room(agenda) ? 0 : eddy__agenda_make_room(agenda);

    if (error)
        return error;
    world->is_alive[world->entered] = true;
    eddy__agenda_add_call(agenda, on_call_never, &world->marks[world->entered++], NULL);
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

/* Run up to `limit` items of a batch as the loop does, entering more meanwhile. */
static int run_batch(struct world *world, uint32_t limit)
{
    struct eddy__agenda *agenda = &world->agenda;
    uint64_t end = agenda->batch_end = agenda->tail;
    int error = 0;

    while (agenda->head != end && limit-- > 0 && error == 0) {
        struct eddy__agenda_cell *cell = eddy__agenda_cell(agenda, agenda->head);

        if (cell->callback != NULL) {
            agenda->head++;
            cell->callback = eddy__agenda_nothing;
            expect(world, (int)((char *)cell->arg - world->marks));
        } else {
            struct eddy__list *node = eddy__list_shift(&cell->nodes);

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
        world.agenda.batch_end = world.agenda.tail;
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
            world.agenda.batch_end = world.agenda.head = world.agenda.tail;
            eddy__agenda_end_batch(&world.agenda);
        }
        assert_true(allocations_live_bytes() < large);
    }
    eddy__agenda_fini(&world.agenda);
    must(error);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_calls_and_nodes_keep_one_order),
        TEST(test_nodes_enter_without_memory),
        TEST(test_memory_of_a_burst_is_given_back),
    };

    return run_suite("agenda", tests);
}
