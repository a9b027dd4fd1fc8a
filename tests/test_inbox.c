/* SPDX-License-Identifier: MIT */
/* Posts of many threads: order, one wake-up, nothing lost: LOOP-30, LOOP-36. */
#include "common/inbox.h"
#include "common/loop.h"
#include "common/thread.h"
#include "support/support.h"
#include <stdatomic.h>

enum { THREADS = 4, POSTS = 500 };

static void drop_post(struct eddy__post *post)
{
    (void)post;
    record("dropped");
}

/* From inside: the first post wakes, the others do not, until the loop has looked. */
static void test_only_the_first_post_asks_for_a_wake_up(struct fixture *f)
{
    struct eddy__post posts[3] = {{.drop = drop_post}, {.drop = drop_post}, {.drop = drop_post}};
    struct eddy__inbox inbox = {.wake_pending = false};
    struct eddy__agenda agenda;

    (void)f;
    must(eddy__agenda_init(&agenda));
    eddy__inbox_init(&inbox);
    assert_int_equal(eddy__inbox_push(&inbox, &posts[0]), 1);
    assert_int_equal(eddy__inbox_push(&inbox, &posts[1]), 0);
    atomic_store(&inbox.wake_pending, false);
    eddy__inbox_take(&inbox, &agenda, false);
    assert_ptr_equal(eddy__agenda_shift(&agenda), &posts[0].ready);
    assert_ptr_equal(eddy__agenda_shift(&agenda), &posts[1].ready);
    eddy__agenda_fini(&agenda);
    assert_int_equal(eddy__inbox_push(&inbox, &posts[2]), 1);
    eddy__inbox_close(&inbox);
    assert_recorded("dropped");
    assert_int_equal(eddy__inbox_push(&inbox, &posts[0]), EDDY_EBADSTATE);
    assert_false(eddy__list_is_linked(&posts[0].ready.node));
}

static int on_call_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int on_call_letter(void *arg)
{
    record("%s", (const char *)arg);
    return 0;
}

/* Post calls until they have a ring, so that what follows is posted that way, and run them. */
static int get_ring(struct fixture *f)
{
    int i, error = 0;

    for (i = 0; i < 100 && error == 0; i++)
        error = eddy_loop_call_soon_threadsafe(f->loop, on_call_nothing, NULL, NULL);
    run_iterations(f->loop, 2);
    return error != 0 || f->loop->inbox.ring.count == 0 ? EDDY_ENOMEM : 0;
}

/* LOOP-36: with a handle or without, in one order; and before a later call_soon() (LOOP-41). */
static void test_posts_with_and_without_handles_keep_their_order(struct fixture *f)
{
    static const char *const letters[] = {"a", "b", "c", "d", "e", "f"};
    eddy_threadsafe_handle *handles[6] = {NULL};
    int i, error = 0;

    must(get_ring(f));
    for (i = 0; i < 6 && error == 0; i++)
        error = eddy_loop_call_soon_threadsafe(f->loop, on_call_letter, (void *)letters[i],
                                               i % 3 != 0 ? &handles[i] : NULL);
    if (error == 0)
        error = eddy_loop_call_soon(f->loop, on_call_letter, "soon", NULL);
    for (i = 0; i < 6; i++)
        eddy_threadsafe_handle_unref(handles[i]);
    must(error);
    run_iterations(f->loop, 1);
    assert_recorded("a", "b", "c", "d", "e", "f", "soon");
}

/* Allocations of ten runs with so many posts each. */
static size_t allocations_of_runs(struct fixture *f, int posts)
{
    size_t before = allocations_made();

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < posts; i++)
            assert_int_equal(eddy_loop_call_soon_threadsafe(f->loop, on_call_nothing, NULL, NULL),
                             0);
        run_iterations(f->loop, 1);
    }
    return allocations_made() - before;
}

/* A warm loop is posted to without allocations; to run it takes some where tasks are threads. */
static void test_a_post_without_handle_allocates_nothing(struct fixture *f)
{
    must(get_ring(f));
    assert_int_equal(allocations_of_runs(f, 50), allocations_of_runs(f, 0));
}

/* The agenda's next call, which has the letter for its argument; NULL if there is none. */
static const char *next_letter(struct eddy__agenda *agenda)
{
    uint64_t number = eddy__agenda_head(agenda);

    if (agenda->head == agenda->tail)
        return NULL;
    eddy__agenda_turn_head(agenda);
    agenda->head++;
    return eddy__agenda_cell(agenda, number)->arg;
}

/* From inside: a poster that was suspended between its claim and its call holds nobody up, and its
 * cell is not given away. */
static void test_a_call_on_its_way_is_stepped_over(struct fixture *f)
{
    struct eddy__post_ring ring = {.refused = 1000};
    struct eddy__agenda agenda;
    struct eddy__post_cell *cell;
    uint64_t claimed;

    (void)f;
    must(eddy__agenda_init(&agenda));
    eddy__post_ring_grow(&ring);
    if (ring.count == 0) {
        eddy__agenda_fini(&agenda);
        must(EDDY_ENOMEM);
    }
    assert_true(eddy__post_ring_take(&ring, ring.tail, &agenda, false));
    assert_true(eddy__post_ring_add(&ring, on_call_letter, "a", NULL, NULL));
    claimed = atomic_fetch_add(&ring.tail, 1);
    assert_true(eddy__post_ring_add(&ring, on_call_letter, "c", NULL, NULL));
    assert_true(eddy__post_ring_take(&ring, ring.tail, &agenda, false));
    assert_string_equal(next_letter(&agenda), "a");
    assert_string_equal(next_letter(&agenda), "c");
    assert_int_equal(ring.head, claimed);
    while (eddy__post_ring_add(&ring, on_call_letter, "d", NULL, NULL))
        continue;
    assert_in_range(ring.tail - claimed, ring.count / 2, ring.count);

    cell = &ring.cells[claimed & ring.mask];
    cell->arg = "b";
    cell->context = NULL;
    atomic_store(&cell->callback, on_call_letter);
    if (eddy__post_ring_take(&ring, ring.tail, &agenda, false)) {
        assert_string_equal(next_letter(&agenda), "b");
        assert_string_equal(next_letter(&agenda), "d");
        assert_int_equal(ring.head, ring.tail);
    }
    eddy__post_ring_close(&ring);
    eddy__agenda_fini(&agenda);
}

/* From inside: what was posted to the old ring comes before what is posted to the new one, also by
 * somebody who was suspended meanwhile; and a closed ring takes nothing. */
static void test_a_larger_ring_goes_on_where_the_old_one_ended(struct fixture *f)
{
    struct eddy__post_ring ring = {.refused = 16};
    struct eddy__agenda agenda;
    struct eddy__post_cell *cell;
    uint64_t count;

    (void)f;
    must(eddy__agenda_init(&agenda));
    eddy__post_ring_grow(&ring);
    count = ring.count;
    if (count > 0 && eddy__post_ring_add(&ring, on_call_letter, "a", NULL, NULL)) {
        cell = &ring.cells[atomic_fetch_add(&ring.tail, 1) & ring.mask];
        ring.refused = 16;
        eddy__post_ring_grow(&ring);
        if (ring.count == count * 2) {
            assert_non_null(ring.old);
            assert_true(eddy__post_ring_add(&ring, on_call_letter, "c", NULL, NULL));
        }
        cell->arg = "b";
        cell->context = NULL;
        atomic_store(&cell->callback, on_call_letter);
        assert_true(eddy__post_ring_take(&ring, ring.tail, &agenda, false));
        assert_string_equal(next_letter(&agenda), "a");
        assert_string_equal(next_letter(&agenda), "b");
        if (ring.count == count * 2)
            assert_string_equal(next_letter(&agenda), "c");
        assert_null(ring.old);
    }
    eddy__post_ring_close(&ring);
    assert_false(eddy__post_ring_add(&ring, on_call_letter, "d", NULL, NULL));
    eddy__agenda_fini(&agenda);
}

static int on_call_count(void *arg)
{
    ++*(int *)arg;
    return 0;
}

/* More than the largest ring holds is posted all the same. */
static void test_a_crowd_of_posts_finds_room(struct fixture *f)
{
    enum { CROWD = 2 * EDDY__POST_RING_MAX };
    int posted = 0, ran = 0, round;

    for (round = 0; round < 3; round++) {
        while (posted < (round + 1) * CROWD &&
               eddy_loop_call_soon_threadsafe(f->loop, on_call_count, &ran, NULL) == 0)
            posted++;
        run_iterations(f->loop, 2);
    }
    give_up_if(posted < 3 * CROWD);
    assert_int_equal(ran, posted);
    assert_int_equal(f->loop->inbox.ring.count, EDDY__POST_RING_MAX);
}

static void on_release(void *value)
{
    record("%s", (const char *)value);
}

/* EXEC-5, LOOP-17: what waits in the ring is dropped, with the context it was posted in. */
static void test_closing_drops_calls_of_the_ring(struct fixture *f)
{
    eddy_context *context = NULL;
    int error;

    must(get_ring(f));
    must(eddy_context_new("released", on_release, &context));
    eddy_set_context(context);
    error = eddy_loop_call_soon_threadsafe(f->loop, on_call_letter, "posted", NULL);
    eddy_set_context(NULL);
    eddy_context_unref(context);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(eddy_loop_close(f->loop), 0);
    assert_recorded("released");
    error = eddy_loop_call_soon_threadsafe(f->loop, on_call_letter, "late", NULL);
    give_up_if(error == EDDY_ENOMEM);
    assert_int_equal(error, EDDY_EBADSTATE);
}

/* One poster; its posts carry their number. */
struct poster {
    struct eddy__thread thread;
    struct crowd *crowd;
    int posted;   /* the thread's */
    int next;     /* the loop's: number of the post that has to come next */
    int in_order; /* the loop's */
};

struct crowd {
    struct fixture *f;
    struct poster posters[THREADS];
    struct crowd_post {
        struct poster *poster;
        int number;
    } posts[THREADS][POSTS];
    int arrived;
};

static int on_arrival(void *arg)
{
    struct crowd_post *post = arg;
    struct crowd *crowd = post->poster->crowd;

    post->poster->in_order += post->number == post->poster->next++;
    if (++crowd->arrived == THREADS * POSTS)
        eddy_loop_stop(crowd->f->loop);
    return 0;
}

static void post_all(void *arg)
{
    struct poster *poster = arg;
    struct crowd *crowd = poster->crowd;
    struct crowd_post *posts = crowd->posts[poster - crowd->posters];
    int i, error;

    for (i = 0; i < POSTS; i++) {
        eddy_threadsafe_handle *handle = NULL;

        posts[i] = (struct crowd_post){.poster = poster, .number = i};
        do
            error = eddy_loop_call_soon_threadsafe(crowd->f->loop, on_arrival, &posts[i],
                                                   i % 5 == 0 ? &handle : NULL);
        while (error == EDDY_ENOMEM);
        poster->posted += error == 0;
        eddy_threadsafe_handle_unref(handle);
    }
}

/* LOOP-36, LOOP-30: four threads at once, while the loop waits in between; each in its order. */
static void test_posts_of_many_threads_all_arrive_in_order(struct fixture *f)
{
    static struct crowd crowd;
    int i, started, error = 0;

    crowd = (struct crowd){.f = f};
    must(eddy_loop_call_later(f->loop, EDDY_SECONDS(10), on_call_stop, f->loop, NULL));
    for (started = 0; started < THREADS && error == 0; started += error == 0) {
        crowd.posters[started].crowd = &crowd;
        error = eddy__thread_start(&crowd.posters[started].thread, "poster", post_all,
                                   &crowd.posters[started]);
    }
    if (f->sim == NULL && error == 0)
        error = eddy_loop_run_forever(f->loop);
    for (i = 0; i < started; i++)
        eddy__thread_join(&crowd.posters[i].thread);
    must(error);
    run_iterations(f->loop, 2); /* on a simulated loop the clock would not wait for them */
    assert_int_equal(crowd.arrived, THREADS * POSTS);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(crowd.posters[i].in_order, POSTS);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_only_the_first_post_asks_for_a_wake_up),
        TEST(test_posts_with_and_without_handles_keep_their_order),
        TEST(test_a_post_without_handle_allocates_nothing),
        TEST(test_a_call_on_its_way_is_stepped_over),
        TEST(test_a_larger_ring_goes_on_where_the_old_one_ended),
        TEST(test_a_crowd_of_posts_finds_room),
        TEST(test_closing_drops_calls_of_the_ring),
        TEST(test_posts_of_many_threads_all_arrive_in_order),
    };

    return run_suite("inbox", tests);
}
