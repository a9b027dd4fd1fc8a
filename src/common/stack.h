/* SPDX-License-Identifier: MIT */
/**
 * Stacks for coroutines, and the pool that keeps some of them for the next task.
 *
 * A stack is one mapping of its own: pages of memory that the system commits when they are first
 * touched, and below them a guard page on which an overflow faults instead of writing into a
 * neighbour. The pool is common code; mapping is the platform's (src/posix/stack.c,
 * src/win32/stack.c). All of it belongs to the loop's thread; pools share nothing.
 */
#ifndef EDDY_COMMON_STACK_H
#define EDDY_COMMON_STACK_H

#include <stddef.h>

#define EDDY__STACK_SIZE_DEFAULT ((size_t)256 * 1024)

/** More than this is taken for a mistake in the caller's arithmetic. */
#define EDDY__STACK_SIZE_MAX ((size_t)1024 * 1024 * 1024)

/** Stacks of the default size that a pool keeps after their release. */
#define EDDY__STACKS_CACHED_DEFAULT 64

/** A stack, by value. Whoever holds it in use keeps it at one address until the coroutine ends. */
struct eddy__stack {
    /** The lowest usable byte. NULL if the context switch brings its own stacks (fibers). */
    unsigned char *base;
    /** Usable bytes: what was asked for, at least the minimum, rounded up to pages. */
    size_t size;
    /** Bytes of the mapping below `base` that must not be touched. */
    size_t guard_size;
    /** Windows: the lowest byte that is committed so far (it sinks as the stack grows), and what
     * is kept for handling an overflow (SetThreadStackGuarantee). Unused elsewhere. */
    unsigned char *limit;
    size_t guaranteed;
    /** The number under which valgrind knows this stack. */
    unsigned valgrind_id;
};

struct eddy__stack_cached;

/** The stacks of one loop. */
struct eddy__stack_pool {
    /** Released stacks of the default size; the list lives in their own memory. */
    struct eddy__stack_cached *cached;
    size_t cached_count;
    size_t cached_max;
    /** The default size in whole pages. */
    size_t cached_size;
    /** Acquired and not yet released. */
    size_t in_use;
};

/** Make an empty pool that keeps at most `cached_max` released stacks. Cannot fail. */
void eddy__stack_pool_init(struct eddy__stack_pool *pool, size_t cached_max);

/** Unmap what is cached. All stacks must have been released. Cannot fail. */
void eddy__stack_pool_fini(struct eddy__stack_pool *pool);

/**
 * Fill `*stack` with a stack of at least `size` usable bytes; 0 means the default size.
 *
 * A small size is raised to the minimum. EDDY_EINVALID: more than EDDY__STACK_SIZE_MAX.
 * EDDY_ENOMEM: the system refuses; eddy_error_text() says what limit is the likely cause.
 * `*stack` is untouched then.
 */
int eddy__stack_pool_acquire(struct eddy__stack_pool *pool, size_t size, struct eddy__stack *stack);

/**
 * Give a stack back; nothing runs on it any more, and the coroutine on it is finished (fini).
 *
 * What lies on it is not unwound. Cannot fail; `*stack` is empty afterwards.
 */
void eddy__stack_pool_release(struct eddy__stack_pool *pool, struct eddy__stack *stack);

/**
 * Set `size` bytes at the upper end of a stack apart for what its user keeps there, before a
 * coroutine is made on the rest: that page is touched anyway. Uninitialised, and aligned for
 * anything.
 *
 * NULL, with a text: EDDY_ENOMEM. That can be where stacks are a fiber's or a thread's: the memory
 * comes from the allocator there, and the stack stays as it is.
 */
void *eddy__stack_set_apart(struct eddy__stack *stack, size_t size);

/** Give those bytes back, before the stack is released. Cannot fail. */
void eddy__stack_rejoin(struct eddy__stack *stack, void *memory, size_t size);

/* What a platform supplies. */

/** The unit of mappings in bytes, a power of two. */
size_t eddy__stack_page_size(void);

/**
 * Map a stack with `size` usable bytes (a multiple of the page size) and its guard.
 *
 * EDDY_ENOMEM with a text; `*stack` is untouched then.
 */
int eddy__stack_map(struct eddy__stack *stack, size_t size);

/** Unmap. Cannot fail. */
void eddy__stack_unmap(const struct eddy__stack *stack);

#endif
