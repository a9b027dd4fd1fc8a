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
    struct eddy__list queue;

    (void)f;
    eddy__list_init(&queue);
    assert_int_equal(eddy__inbox_push(&inbox, &posts[0]), 1);
    assert_int_equal(eddy__inbox_push(&inbox, &posts[1]), 0);
    atomic_store(&inbox.wake_pending, false);
    eddy__inbox_take(&inbox, &queue);
    assert_ptr_equal(eddy__list_shift(&queue), &posts[0].ready.node);
    assert_ptr_equal(eddy__list_shift(&queue), &posts[1].ready.node);
    assert_int_equal(eddy__inbox_push(&inbox, &posts[2]), 1);
    eddy__inbox_close(&inbox);
    assert_recorded("dropped");
    assert_int_equal(eddy__inbox_push(&inbox, &posts[0]), EDDY_EBADSTATE);
    assert_false(eddy__list_is_linked(&posts[0].ready.node));
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
        posts[i] = (struct crowd_post){.poster = poster, .number = i};
        do
            error = eddy_loop_call_soon_threadsafe(crowd->f->loop, on_arrival, &posts[i], NULL);
        while (error == EDDY_ENOMEM);
        poster->posted += error == 0;
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
        TEST(test_posts_of_many_threads_all_arrive_in_order),
    };

    return run_suite("inbox", tests);
}
