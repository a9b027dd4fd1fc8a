/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* CMocka leaves these to its users. */
#include "common/memory.h"
#include <cmocka.h>
#include <eddy/error.h>

/* An allocator that says what it was asked for. */
struct calls {
    int mallocs;
    int reallocs;
    int frees;
    bool fail;
};

static void *calls_malloc(size_t size, void *context)
{
    struct calls *calls = context;

    calls->mallocs++;
    return calls->fail ? NULL : malloc(size);
}

static void *calls_realloc(void *memory, size_t size, void *context)
{
    struct calls *calls = context;

    calls->reallocs++;
    return calls->fail ? NULL : realloc(memory, size);
}

static void calls_free(void *memory, void *context)
{
    struct calls *calls = context;

    calls->frees++;
    free(memory);
}

static void calls_install(struct calls *calls)
{
    eddy_allocator allocator = {
        .malloc = calls_malloc,
        .realloc = calls_realloc,
        .free = calls_free,
        .context = calls,
    };

    assert_int_equal(eddy_set_allocator(&allocator), 0);
}

static void test_everything_goes_through_the_allocator(void **state)
{
    struct calls calls = {0};
    char *memory;

    (void)state;
    calls_install(&calls);
    memory = eddy__alloc(10);
    assert_non_null(memory);
    memory = eddy__realloc(memory, 20);
    assert_non_null(memory);
    eddy__free(memory);
    assert_int_equal(calls.mallocs, 1);
    assert_int_equal(calls.reallocs, 1);
    assert_int_equal(calls.frees, 1);
    assert_int_equal(eddy_set_allocator(NULL), 0);
    eddy__free(eddy__alloc(1));
    assert_int_equal(calls.mallocs, 1);
}

static void test_an_allocator_that_comes_too_late_is_refused(void **state)
{
    struct calls calls = {0};
    eddy_allocator allocator = {calls_malloc, calls_realloc, calls_free, &calls, {NULL, NULL}};
    void *memory = eddy__alloc(1);

    (void)state;
    assert_int_equal(eddy_set_allocator(&allocator), EDDY_EBADSTATE);
    assert_int_equal(eddy_set_allocator(NULL), EDDY_EBADSTATE);
    eddy__free(memory);
    assert_int_equal(calls.frees, 0);
    assert_int_equal(eddy_set_allocator(&allocator), 0);
    assert_int_equal(eddy_set_allocator(NULL), 0);
}

static void test_an_incomplete_allocator_is_refused(void **state)
{
    struct calls calls = {0};
    eddy_allocator allocator = {calls_malloc, NULL, calls_free, &calls, {NULL, NULL}};

    (void)state;
    assert_int_equal(eddy_set_allocator(&allocator), EDDY_EINVALID);
    allocator.realloc = calls_realloc;
    allocator.reserved[1] = &calls;
    assert_int_equal(eddy_set_allocator(&allocator), EDDY_EINVALID);
    eddy__free(eddy__alloc(1));
    assert_int_equal(calls.mallocs, 0);
}

static void test_failing_leaves_the_count_and_the_memory_right(void **state)
{
    struct calls calls = {0};
    char *memory;

    (void)state;
    calls_install(&calls);
    memory = eddy__copy_text("abcdef", 3);
    assert_string_equal(memory, "abc");
    calls.fail = true;
    assert_null(eddy__alloc(1));
    assert_null(eddy__alloc_zeroed(1));
    assert_null(eddy__realloc(NULL, 1));
    assert_null(eddy__realloc(memory, 100));
    assert_null(eddy__copy_text("x", 1));
    assert_string_equal(memory, "abc");
    eddy__free(memory);
    eddy__free(NULL);
    assert_int_equal(calls.frees, 1);
    assert_int_equal(eddy_set_allocator(NULL), 0);
}

static void test_zeroed_memory_is_zero(void **state)
{
    unsigned char *memory = eddy__alloc(64);

    (void)state;
    assert_non_null(memory);
    memset(memory, 0xAA, 64);
    eddy__free(memory);
    memory = eddy__alloc_zeroed(64);
    assert_non_null(memory);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(memory[i], 0);
    eddy__free(memory);
}

/* Wherever the allocator puts its blocks: here at every multiple of 16. */
static void *place_malloc(size_t size, void *context)
{
    static _Alignas(64) unsigned char room[256];
    const size_t *place = context;

    assert_true(*place + size <= sizeof room);
    return room + *place;
}

static void place_free(void *memory, void *context)
{
    size_t *place = context;

    assert_int_equal((uintptr_t)memory % EDDY__BUFFER_ALIGNMENT, *place);
}

static void test_a_buffer_is_aligned_wherever_its_block_is(void **state)
{
    size_t place;
    const eddy_allocator allocator = {
        .malloc = place_malloc,
        .realloc = calls_realloc,
        .free = place_free,
        .context = &place,
    };

    (void)state;
    assert_int_equal(eddy_set_allocator(&allocator), 0);
    for (place = 0; place < EDDY__BUFFER_ALIGNMENT; place += 16) {
        unsigned char *buffer = eddy__buffer_alloc(100);

        assert_non_null(buffer);
        assert_int_equal((uintptr_t)buffer % EDDY__BUFFER_ALIGNMENT, 0);
        memset(buffer, 0xAA, 100);
        eddy__buffer_free(buffer);
    }
    eddy__buffer_free(NULL);
    assert_null(eddy__buffer_alloc(SIZE_MAX));
    assert_int_equal(eddy_set_allocator(NULL), 0);
}

static void test_a_text_that_is_too_long_to_count_is_refused(void **state)
{
    (void)state;
    assert_null(eddy__copy_text("", SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_goes_through_the_allocator),
        cmocka_unit_test(test_an_allocator_that_comes_too_late_is_refused),
        cmocka_unit_test(test_an_incomplete_allocator_is_refused),
        cmocka_unit_test(test_failing_leaves_the_count_and_the_memory_right),
        cmocka_unit_test(test_zeroed_memory_is_zero),
        cmocka_unit_test(test_a_buffer_is_aligned_wherever_its_block_is),
        cmocka_unit_test(test_a_text_that_is_too_long_to_count_is_refused),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
