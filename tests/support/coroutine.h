/* SPDX-License-Identifier: MIT */
/** A coroutine, the thread that it switches with, and what both record. No loop. */
#ifndef EDDY_TESTS_SUPPORT_COROUTINE_H
#define EDDY_TESTS_SUPPORT_COROUTINE_H

#include "common/coroutine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define STEPS_MAX 64

/* One coroutine of a test, the thread it switches with, and what both record. */
struct fixture {
    struct eddy__stack_pool pool;
    struct eddy__coroutine thread;
    struct eddy__stack stack;
    struct eddy__coroutine co;
    char steps[STEPS_MAX];
    size_t count;
    /* For the test's own use. */
    uintptr_t number;
    bool flag;
};

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    eddy__stack_pool_init(&f->pool, 4);
    assert_int_equal(eddy__coroutine_init_thread(&f->thread), 0);
}

static inline void fixture_start(struct fixture *f, eddy__coroutine_entry entry)
{
    assert_int_equal(eddy__stack_pool_acquire(&f->pool, 0, &f->stack), 0);
    assert_int_equal(eddy__coroutine_init(&f->co, &f->stack, entry, f), 0);
}

static inline void fixture_end(struct fixture *f)
{
    eddy__coroutine_fini(&f->co);
    eddy__stack_pool_release(&f->pool, &f->stack);
}

static inline void fixture_fini(struct fixture *f)
{
    eddy__coroutine_fini(&f->thread);
    assert_int_equal(f->pool.in_use, 0);
    eddy__stack_pool_fini(&f->pool);
}

static inline void fixture_resume(struct fixture *f)
{
    eddy__coroutine_switch(&f->thread, &f->co);
}

static inline void fixture_suspend(struct fixture *f)
{
    eddy__coroutine_switch(&f->co, &f->thread);
}

static inline void step(struct fixture *f, char name)
{
    assert_true(f->count < STEPS_MAX - 1);
    f->steps[f->count++] = name;
}

#endif
