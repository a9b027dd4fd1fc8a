/* SPDX-License-Identifier: MIT */
/**
 * One script for all: threads post to a loop that runs in the main one, 1,000 times in a row, and
 * wait then until all that was called. The price is the posters' processor time from the first to
 * the last post of each row, waking the loop included; in the case "post-run" it is the loop's,
 * from the first wait to the last call.
 */
#ifndef EDDY_BENCH_POST_H
#define EDDY_BENCH_POST_H

#include "micro/micro.h"
#include <pthread.h>
#include <semaphore.h>

enum { POST_ROW = 1000, POST_THREADS_MAX = 4 };

struct poster {
    pthread_t thread;
    uint64_t rows;
    uint64_t cpu_ns;
    unsigned called;
    sem_t all_called;
};

/** What a contender supplies. */
struct post_script {
    void (*init)(void);
    /** From the poster's thread: have post_called(poster) called in the loop; `i` is below 1000 */
    void (*post)(struct poster *poster, unsigned i);
    void (*run)(void);
    /** From the loop's thread: have run() return. */
    void (*stop)(void);
};

static const struct post_script *post_script;
static struct poster posters[POST_THREADS_MAX];
static unsigned post_threads_left;
static int post_is_counted; /* the posters' instructions are */

/** In the loop's thread, once for each post. */
static void post_called(struct poster *poster)
{
    if (++poster->called % POST_ROW == 0) {
        if (--poster->rows == 0 && --post_threads_left == 0)
            post_script->stop();
        sem_post(&poster->all_called);
    }
}

static void *post_thread(void *arg)
{
    struct poster *poster = (struct poster *)arg;
    uint64_t rows = poster->rows;
    uint64_t begun;
    unsigned i;

    for (; rows > 0; rows--) {
        begun = micro_clock(CLOCK_THREAD_CPUTIME_ID);
        if (post_is_counted)
            micro_toggle();
        for (i = 0; i < POST_ROW; i++)
            post_script->post(poster, i);
        if (post_is_counted)
            micro_toggle();
        poster->cpu_ns += micro_clock(CLOCK_THREAD_CPUTIME_ID) - begun;
        while (sem_wait(&poster->all_called) != 0)
            continue;
    }
    return NULL;
}

struct post_price {
    uint64_t posters_ns;
    uint64_t loop_ns;
};

static struct post_price post_run(unsigned threads, uint64_t n)
{
    struct post_price price = {0, 0};
    uint64_t begun;
    unsigned i;

    post_threads_left = threads;
    for (i = 0; i < threads; i++) {
        posters[i].rows = n / POST_ROW / threads;
        posters[i].cpu_ns = 0;
        micro_need(sem_init(&posters[i].all_called, 0, 0) != 0, "sem_init");
        micro_need(pthread_create(&posters[i].thread, NULL, post_thread, &posters[i]) != 0,
                   "pthread_create");
    }
    begun = micro_clock(CLOCK_THREAD_CPUTIME_ID);
    post_script->run();
    price.loop_ns = micro_clock(CLOCK_THREAD_CPUTIME_ID) - begun;
    for (i = 0; i < threads; i++) {
        pthread_join(posters[i].thread, NULL);
        price.posters_ns += posters[i].cpu_ns;
    }
    return price;
}

static int post_main(int argc, char **argv, const struct post_script *script)
{
    struct micro micro = micro_read(argc, argv);
    unsigned threads = micro_is(&micro, "post-4") ? 4 : 1;
    int is_loop = micro_is(&micro, "post-run");
    struct post_price price;

    post_script = script;
    script->init();
    post_run(threads, 8 * POST_ROW);
    micro_begin();
    post_is_counted = !is_loop;
    if (post_is_counted)
        micro_toggle(); /* then the loop's are not */
    price = post_run(threads, micro.n);
    if (post_is_counted)
        micro_toggle();
    micro_end_with(micro.n, is_loop ? price.loop_ns : price.posters_ns);
    return 0;
}

#endif
