/* SPDX-License-Identifier: MIT */
#include "support/allocations.h"
#include "support/platform.h"
#include "support/support.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Stands before every block that the library has. */
struct block {
    struct block *next;
    struct block *previous;
    size_t size;
    size_t number;
    bool of_test; /* made since the last reset */
};

/* What the library gets begins here, aligned for anything. */
enum { ALIGNMENT = 16, HEAD = (sizeof(struct block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT };

/* Allocations come from any thread; the lock is held for a few assignments. */
static atomic_flag allocations_lock = ATOMIC_FLAG_INIT;
static struct block allocations_list = {.next = &allocations_list, .previous = &allocations_list};
static size_t allocations_number;
static size_t allocations_count_live;
static size_t allocations_fail_at;
static size_t allocations_trap_at;
static bool allocations_has_failed;

static void allocations_acquire(void)
{
    while (atomic_flag_test_and_set_explicit(&allocations_lock, memory_order_acquire))
        ;
}

static void allocations_release(void)
{
    atomic_flag_clear_explicit(&allocations_lock, memory_order_release);
}

/* Count one allocation; false if it is the one that has to fail. */
static bool allocations_admit(size_t *number)
{
    bool admitted = true;

    allocations_acquire();
    *number = ++allocations_number;
    if (allocations_number == allocations_fail_at) {
        allocations_has_failed = true;
        admitted = false;
    }
    allocations_release();
    if (*number == allocations_trap_at)
        platform_trap();
    return admitted;
}

static void *allocations_link(struct block *block, size_t size, size_t number)
{
    block->size = size;
    block->number = number;
    block->of_test = true;
    allocations_acquire();
    block->next = &allocations_list;
    block->previous = allocations_list.previous;
    block->previous->next = block;
    allocations_list.previous = block;
    allocations_count_live++;
    allocations_release();
    return (char *)block + HEAD;
}

static void allocations_unlink(struct block *block)
{
    allocations_acquire();
    block->previous->next = block->next;
    block->next->previous = block->previous;
    if (block->of_test)
        allocations_count_live--;
    allocations_release();
}

static struct block *allocations_block(void *memory)
{
    return (struct block *)(void *)((char *)memory - HEAD);
}

static void *allocations_malloc(size_t size, void *context)
{
    struct block *block;
    size_t number;

    (void)context;
    if (!allocations_admit(&number) || size > SIZE_MAX - HEAD)
        return NULL;
    block = malloc(HEAD + size);
    return block != NULL ? allocations_link(block, size, number) : NULL;
}

/* Always moves the block, so that a pointer kept across a realloc is found out. */
static void *allocations_realloc(void *memory, size_t size, void *context)
{
    struct block *block = allocations_block(memory);
    void *moved = allocations_malloc(size, context);

    if (moved == NULL)
        return NULL;
    memcpy(moved, memory, size < block->size ? size : block->size);
    allocations_unlink(block);
    free(block);
    return moved;
}

static void allocations_free(void *memory, void *context)
{
    struct block *block = allocations_block(memory);

    (void)context;
    allocations_unlink(block);
    memset(memory, 0xdd, block->size);
    free(block);
}

void allocations_install(void)
{
    static const eddy_allocator allocator = {
        .malloc = allocations_malloc,
        .realloc = allocations_realloc,
        .free = allocations_free,
    };
    const char *trap = getenv("EDDY_TEST_TRAP");

    if (trap != NULL)
        allocations_trap_at = (size_t)strtoul(trap, NULL, 10);
    if (eddy_set_allocator(&allocator) != 0) {
        print_error("the library was in use before the suite began: %s\n", eddy_error_text());
        exit(1);
    }
}

void allocations_reset(void)
{
    struct block *block;

    allocations_acquire();
    for (block = allocations_list.next; block != &allocations_list; block = block->next)
        block->of_test = false;
    allocations_number = 0;
    allocations_count_live = 0;
    allocations_fail_at = 0;
    allocations_has_failed = false;
    allocations_release();
}

size_t allocations_made(void)
{
    size_t number;

    allocations_acquire();
    number = allocations_number;
    allocations_release();
    return number;
}

size_t allocations_live(void)
{
    size_t live;

    allocations_acquire();
    live = allocations_count_live;
    allocations_release();
    return live;
}

size_t allocations_live_bytes(void)
{
    const struct block *block;
    size_t bytes = 0;

    allocations_acquire();
    for (block = allocations_list.next; block != &allocations_list; block = block->next)
        bytes += block->of_test ? block->size : 0;
    allocations_release();
    return bytes;
}

void allocations_print_live(void)
{
    const struct block *block;
    int printed = 0;

    allocations_acquire();
    for (block = allocations_list.next; block != &allocations_list; block = block->next) {
        if (!block->of_test)
            continue;
        if (++printed > 20)
            break;
        print_error("    allocation %lu, %lu bytes\n", (unsigned long)block->number,
                    (unsigned long)block->size);
    }
    allocations_release();
}

void allocations_fail(size_t nth)
{
    allocations_acquire();
    allocations_fail_at = nth > 0 ? allocations_number + nth : 0;
    allocations_has_failed = false;
    allocations_release();
}

bool allocations_failed(void)
{
    bool failed;

    allocations_acquire();
    failed = allocations_has_failed;
    allocations_release();
    return failed;
}
