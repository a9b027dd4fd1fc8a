/* SPDX-License-Identifier: MIT */
/** Generators from the inside; the design note stands in generator.c. */
#ifndef EDDY_COMMON_GENERATOR_H
#define EDDY_COMMON_GENERATOR_H

#include "common/loop.h"

enum eddy__generator_state {
    EDDY__GENERATOR_NEW = 1,
    EDDY__GENERATOR_SUSPENDED,
    EDDY__GENERATOR_RUNNING,
    EDDY__GENERATOR_FINISHED
};

struct eddy_generator {
    atomic_uint references;
    atomic_uint holds;
    atomic_int state; /**< enum eddy__generator_state */

    eddy_function function;
    void *arg;
    eddy_release release;
    size_t stack_size;

    struct eddy_loop *loop; /**< a reference, from the first advance on; else NULL */
    struct eddy__list node; /**< in loop->generators until it is finished */
    struct eddy__post post; /**< the last reference was dropped */
    struct eddy__coroutine coroutine;
    struct eddy__stack stack;
    struct eddy__coroutine *returns_to; /**< who advances it */
    struct eddy_generator *outer;       /**< the generator whose body advances it, or NULL */
    eddy_value value;
    int error;                    /**< what the body returned */
    bool yielded;                 /**< how the last advance ended */
    bool closing;                 /**< resumed, or about to be, to clean up */
    atomic_bool adopted;          /**< the post on its way finds the generator in other hands */
    struct eddy_future *shutdown; /**< waits for its end; a reference, or NULL */
};

static inline enum eddy__generator_state eddy__generator_get_state(struct eddy_generator *generator)
{
    return (enum eddy__generator_state)atomic_load_explicit(&generator->state,
                                                            memory_order_relaxed);
}

static inline void eddy__generator_set_state(struct eddy_generator *generator,
                                             enum eddy__generator_state state)
{
    atomic_store_explicit(&generator->state, (int)state, memory_order_relaxed);
}

/** One reason less to keep the memory. Any thread. */
void eddy__generator_drop_hold(struct eddy_generator *generator);

/** The body has ended, or never runs again: give everything back, forget it (AGEN-2). */
void eddy__generator_finish(struct eddy_generator *generator);

/** The last reference to an unfinished generator is gone: have it cleaned up. Any thread. */
void eddy__generator_dropped(struct eddy_generator *generator);

/** The loop closes: free the stacks of all generators, without unwinding (LOOP-17). */
void eddy__generators_abandon(struct eddy_loop *loop);

#endif
