/* SPDX-License-Identifier: MIT */
/* A heap of four children a node that holds the times themselves; a timer knows its place. */
#include "timers.h"

struct timer {
    void (*call)(void *arg);
    void *arg;
    size_t place;
};

struct node {
    uint64_t when;
    struct timer *timer;
};

static struct node *heap;
static struct timer *timers;
static size_t heap_size;
static uint64_t fired;

static void place(size_t at, struct node node)
{
    heap[at] = node;
    node.timer->place = at;
}

static void sift_up(size_t at, struct node node)
{
    while (at > 0 && node.when < heap[(at - 1) / 4].when) {
        place(at, heap[(at - 1) / 4]);
        at = (at - 1) / 4;
    }
    place(at, node);
}

static void sift_down(size_t at, struct node node)
{
    size_t child, best, end;

    while ((child = 4 * at + 1) < heap_size) {
        end = child + 4 < heap_size ? child + 4 : heap_size;
        for (best = child++; child < end; child++) {
            if (heap[child].when < heap[best].when)
                best = child;
        }
        if (heap[best].when >= node.when)
            break;
        place(at, heap[best]);
        at = best;
    }
    place(at, node);
}

static void move(size_t at, struct node node)
{
    if (at > 0 && node.when < heap[(at - 1) / 4].when)
        sift_up(at, node);
    else
        sift_down(at, node);
}

static void on_due(void *arg)
{
    (void)arg;
    fired++;
}

static void init(uint64_t n)
{
    uint64_t i;

    heap = calloc(n, sizeof *heap);
    timers = calloc(n, sizeof *timers);
    micro_need(heap == NULL || timers == NULL, "memory");
    for (i = 0; i < n; i++)
        timers[i].call = on_due;
}

static uint64_t now_ms(void)
{
    return micro_clock(CLOCK_MONOTONIC) / 1000000u;
}

static void add(uint64_t i, uint64_t after_ms)
{
    sift_up(heap_size++, (struct node){now_ms() + after_ms, &timers[i]});
}

static void cancel(uint64_t i)
{
    size_t at = timers[i].place;

    heap_size--;
    if (at < heap_size)
        move(at, heap[heap_size]);
}

static void rearm(uint64_t i, uint64_t after_ms)
{
    move(timers[i].place, (struct node){now_ms() + after_ms, &timers[i]});
}

static void run(void)
{
    uint64_t now = now_ms();
    struct timer *timer;

    while (heap_size > 0 && heap[0].when <= now) {
        timer = heap[0].timer;
        heap_size--;
        if (heap_size > 0)
            sift_down(0, heap[heap_size]);
        timer->call(timer->arg);
    }
    micro_need(heap_size > 0, "timers are left");
}

int main(int argc, char **argv)
{
    static const struct timers script = {init, add, cancel, rearm, NULL, run};

    return timers_main(argc, argv, &script);
}
