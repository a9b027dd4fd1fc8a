/* SPDX-License-Identifier: MIT */
/*
 * The pool of stacks. A released stack holds its own list node, at its upper end: that page was
 * touched by the coroutine anyway, and releasing allocates nothing.
 */
#include "common/stack.h"
#include "common/coroutine.h"
#include "common/memory.h"
#include "common/sanitizer.h"
#include <assert.h>
#include <eddy/error.h>

/*
 * A signal handler may run on any of our stacks: its frame alone takes 3.5 KiB with AVX-512 and
 * 11 KiB with AMX, and printf() wants its share. Sanitizers multiply the size of frames. A hand-off
 * thread has its thread-locals there too: libraries have minimums of up to 128 KiB, and those of
 * ThreadSanitizer take 900 KiB.
 */
#if defined(EDDY_COROUTINE_THREAD) && (defined(EDDY__ASAN) || defined(EDDY__TSAN))
#define STACK_SIZE_MIN ((size_t)2 * 1024 * 1024)
#elif defined(EDDY_COROUTINE_THREAD)
#define STACK_SIZE_MIN EDDY__STACK_SIZE_DEFAULT
#elif defined(EDDY__ASAN) || defined(EDDY__TSAN)
#define STACK_SIZE_MIN ((size_t)128 * 1024)
#else
#define STACK_SIZE_MIN ((size_t)32 * 1024)
#endif

struct eddy__stack_cached {
    struct eddy__stack stack;
    struct eddy__stack_cached *next;
};

static size_t stack_round_size(size_t size)
{
    size_t page = eddy__stack_page_size();

    if (size == 0) {
        size = EDDY__STACK_SIZE_DEFAULT;
    }
    if (size < STACK_SIZE_MIN) {
        size = STACK_SIZE_MIN;
    }
    return (size + page - 1) & ~(page - 1);
}

void eddy__stack_pool_init(struct eddy__stack_pool *pool, size_t cached_max)
{
    pool->cached = NULL;
    pool->cached_count = 0;
    pool->cached_max = cached_max;
    pool->cached_size = stack_round_size(EDDY__STACK_SIZE_DEFAULT);
    pool->in_use = 0;
}

static int stack_new(struct eddy__stack *stack, size_t size)
{
#if defined(EDDY_COROUTINE_FIBER)
    /* Fibers come with a stack of their own; only the size is told to them. */
    *stack = (struct eddy__stack){.size = size};
    return 0;
#else
    int error = eddy__stack_map(stack, size);

    if (error == 0) {
        eddy__sanitizer_stack_mapped(stack);
    }
    return error;
#endif
}

static void stack_free(const struct eddy__stack *stack)
{
    if (stack->base != NULL) {
        eddy__sanitizer_stack_unmapped(stack);
        eddy__stack_unmap(stack);
    }
}

static struct eddy__stack pool_take(struct eddy__stack_pool *pool)
{
    struct eddy__stack_cached *node = pool->cached;

    pool->cached = node->next;
    pool->cached_count--;
    return node->stack;
}

int eddy__stack_pool_acquire(struct eddy__stack_pool *pool, size_t size, struct eddy__stack *stack)
{
    if (size > EDDY__STACK_SIZE_MAX) {
        return eddy_error(EDDY_EINVALID, "a task stack of %zu bytes: the largest is %zu", size,
                          EDDY__STACK_SIZE_MAX);
    }
    size = size == 0 ? pool->cached_size : stack_round_size(size); /* asking for pages is a call */
    if (size == pool->cached_size && pool->cached != NULL) {
        *stack = pool_take(pool);
    } else {
        int error = stack_new(stack, size);
        if (error) {
            return error;
        }
    }
    pool->in_use++;
    return 0;
}

void eddy__stack_pool_release(struct eddy__stack_pool *pool, struct eddy__stack *stack)
{
    assert(pool->in_use > 0);
    pool->in_use--;
    if (stack->base != NULL) {
        eddy__sanitizer_stack_released(stack);
    }
    if (stack->base != NULL && stack->size == pool->cached_size &&
        pool->cached_count < pool->cached_max) {
        void *top = stack->base + stack->size - sizeof(struct eddy__stack_cached);
        struct eddy__stack_cached *node = top;

        node->stack = *stack;
        node->next = pool->cached;
        pool->cached = node;
        pool->cached_count++;
    } else {
        stack_free(stack);
    }
    *stack = (struct eddy__stack){.base = NULL};
}

#if defined(EDDY_COROUTINE_FIBER) || defined(EDDY_COROUTINE_THREAD)

void *eddy__stack_set_apart(struct eddy__stack *stack, size_t size)
{
    void *memory = eddy__alloc(size);

    (void)stack;
    if (memory == NULL) {
        eddy_error(EDDY_ENOMEM, "no memory for a coroutine");
    }
    return memory;
}

void eddy__stack_rejoin(struct eddy__stack *stack, void *memory, size_t size)
{
    (void)stack;
    (void)size;
    eddy__free(memory);
}

#else

/* Of the bytes set apart; the stack below begins as aligned as it was. */
static size_t stack_round_apart(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

void *eddy__stack_set_apart(struct eddy__stack *stack, size_t size)
{
    stack->size -= stack_round_apart(size);
    return stack->base + stack->size;
}

void eddy__stack_rejoin(struct eddy__stack *stack, void *memory, size_t size)
{
    assert(memory == stack->base + stack->size);
    (void)memory;
    stack->size += stack_round_apart(size);
}

#endif

void eddy__stack_pool_fini(struct eddy__stack_pool *pool)
{
    assert(pool->in_use == 0);
    while (pool->cached != NULL) {
        struct eddy__stack stack = pool_take(pool);
        stack_free(&stack);
    }
}
