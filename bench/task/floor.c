/* SPDX-License-Identifier: MIT */
/*
 * Stacks that are switched by the fewest instructions: the registers that a function has to leave
 * as they were are pushed, the stack pointer is exchanged. Control words of the floating point are
 * left out, which a library has to keep. x86-64 only.
 */
#include "micro/micro.h"

#if defined(__x86_64__)

#include <sys/mman.h>

enum { STACK = 64 * 1024, RING = 16 };

void floor_switch(void **from, void **to);

__asm__(".text\n"
        ".globl floor_switch\n"
        "floor_switch:\n"
        "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
        "movq %rsp, (%rdi)\n"
        "movq (%rsi), %rsp\n"
        "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n"
        "popq %rdx\n"
        "jmp *%rdx\n");

struct coroutine {
    void *stack_pointer; /* first: the assembly reads it */
    void (*step)(void);
};

static _Alignas(16) char stacks[2][STACK];
static struct coroutine main_one, tasks[2];
static struct coroutine *ring[RING];
static unsigned head, tail;
static uint64_t left;

static void enter(void);

/* The frame that floor_switch() pops, and below it where `enter` starts as if it was called. */
static void prepare(struct coroutine *coroutine, char *stack, void (*step)(void))
{
    void **top = (void **)(void *)(stack + STACK - 16);

    *--top = NULL;
    *--top = (void *)(uintptr_t)enter;
    coroutine->stack_pointer = top - 6;
    coroutine->step = step;
}

static void enter(void)
{
    ring[head++ % RING]->step();
    abort();
}

static void switch_to(struct coroutine *from, struct coroutine *to)
{
    floor_switch(&from->stack_pointer, &to->stack_pointer);
}

static void step_back(void)
{
    for (;;)
        switch_to(&tasks[0], &main_one);
}

static void run_switch(uint64_t n)
{
    ring[tail++ % RING] = &tasks[0];
    prepare(&tasks[0], stacks[0], step_back);
    switch_to(&main_one, &tasks[0]);
    micro_begin();
    for (left = n; left > 0; left--)
        switch_to(&main_one, &tasks[0]);
    micro_end(n);
}

/* Makes the other one ready and goes back to the loop. */
static void hop(struct coroutine *own, struct coroutine *other)
{
    for (;;) {
        ring[tail++ % RING] = other;
        switch_to(own, &main_one);
    }
}

static void hop_first(void)
{
    hop(&tasks[0], &tasks[1]);
}

static void hop_second(void)
{
    hop(&tasks[1], &tasks[0]);
}

/* The loop takes the next one off the ring, as it would any callback. */
static void run_await(uint64_t n)
{
    unsigned i;

    prepare(&tasks[0], stacks[0], hop_first);
    prepare(&tasks[1], stacks[1], hop_second);
    ring[tail++ % RING] = &tasks[0];
    for (i = 0; i < 2; i++) {
        switch_to(&main_one, ring[head % RING]);
        /* `enter` has taken its entry by itself. */
    }
    micro_begin();
    for (left = n; left > 0; left--)
        switch_to(&main_one, ring[head++ % RING]);
    micro_end(n);
}

static void step_end(void)
{
    switch_to(&tasks[0], &main_one);
}

static void run_create(uint64_t n)
{
    micro_begin();
    for (left = n; left > 0; left--) {
        ring[tail++ % RING] = &tasks[0];
        prepare(&tasks[0], stacks[0], step_end);
        switch_to(&main_one, &tasks[0]);
    }
    micro_end(n);
}

/* Stacks of which each has been used for what a task does before it waits: one page. */
static void run_memory(uint64_t n)
{
    char *memory = mmap(NULL, n * STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    micro_need(memory == MAP_FAILED, "mmap");
    madvise(memory, n * STACK, MADV_NOHUGEPAGE);
    micro_begin();
    for (left = 0; left < n; left++) {
        ring[tail++ % RING] = &tasks[0];
        prepare(&tasks[0], memory + left * STACK, step_end);
        switch_to(&main_one, &tasks[0]);
    }
    micro_end_memory(n);
}

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);

    if (micro_is(&micro, "memory-task"))
        run_memory(micro.n);
    else if (micro_is(&micro, "task-switch"))
        run_switch(micro.n);
    else if (micro_is(&micro, "task-await"))
        run_await(micro.n);
    else if (micro_is(&micro, "task-create"))
        run_create(micro.n);
    else
        micro_lacks(&micro);
    return 0;
}

#else

int main(int argc, char **argv)
{
    struct micro micro = micro_read(argc, argv);

    micro_lacks(&micro);
}

#endif
