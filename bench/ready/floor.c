/* SPDX-License-Identifier: MIT */
/* A bare ring of function pointers. */
#include "micro/micro.h"

enum { RING = 2048 };

struct entry {
    void (*call)(void *arg);
    void *arg;
};

static struct entry ring[RING];
static unsigned head, tail;
static uint64_t batch, left;

static void call_soon(void (*call)(void *arg), void *arg)
{
    ring[tail++ % RING] = (struct entry){call, arg};
}

static void on_call(void *arg)
{
    (void)arg;
}

/* The last of a batch brings the next. */
static void on_last(void *arg)
{
    uint64_t i;

    left -= left < batch ? left : batch;
    if (left == 0)
        return;
    for (i = 1; i < batch; i++)
        call_soon(on_call, arg);
    call_soon(on_last, arg);
}

static void run(uint64_t count)
{
    struct entry *entry;

    left = count + batch;
    on_last(NULL);
    while (head != tail) {
        entry = &ring[head++ % RING];
        entry->call(entry->arg);
    }
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);

    batch = micro_is(&micro, "ready-1000") ? 1000 : 1;
    run(10000);
    micro_begin();
    run(micro.n);
    micro_end(micro.n);
    return 0;
}
