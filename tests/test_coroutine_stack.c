/* SPDX-License-Identifier: MIT */
/* Stacks and their pool: sizes, reuse, guard pages, and what happens when memory is out. */
#include "common/coroutine.h"
#include <eddy/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if !defined(_WIN32)
#include "posix/sys.h"
#include <sys/resource.h>
#include <sys/wait.h>
#endif

#include <cmocka.h>

static void test_pool_reuses_stacks_of_the_default_size(void **state)
{
    struct eddy__stack_pool pool;
    struct eddy__stack stacks[4], again;
    (void)state;

    eddy__stack_pool_init(&pool, 2);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(eddy__stack_pool_acquire(&pool, i == 0 ? 0 : pool.cached_size, &stacks[i]),
                         0);
        assert_int_equal(stacks[i].size, pool.cached_size);
    }
    if (stacks[0].base == NULL) {
        for (size_t i = 0; i < 4; i++) {
            eddy__stack_pool_release(&pool, &stacks[i]);
        }
        assert_int_equal(pool.cached_count, 0); /* Fibers bring their own. */
        eddy__stack_pool_fini(&pool);
        return;
    }
    unsigned char *second = stacks[1].base;
    for (size_t i = 0; i < 4; i++) {
        eddy__stack_pool_release(&pool, &stacks[i]);
        assert_null(stacks[i].base);
        assert_int_equal(pool.cached_count, i < 2 ? i + 1 : 2);
    }
    assert_int_equal(eddy__stack_pool_acquire(&pool, 0, &again), 0);
    assert_ptr_equal(again.base, second);
    assert_int_equal(pool.cached_count, 1);
    eddy__stack_pool_release(&pool, &again);
    eddy__stack_pool_fini(&pool);
}

static void test_other_sizes_are_rounded_and_not_kept(void **state)
{
    struct eddy__stack_pool pool;
    struct eddy__stack stack;
    (void)state;

    eddy__stack_pool_init(&pool, 2);
    assert_int_equal(eddy__stack_pool_acquire(&pool, 3000001, &stack), 0);
    assert_true(stack.size >= 3000001);
    assert_int_equal(stack.size % eddy__stack_page_size(), 0);
    if (stack.base != NULL) {
        stack.base[stack.size - 1] = 1;
#if !defined(_WIN32)
        stack.base[0] = 1;
#endif
        assert_true(stack.guard_size >= eddy__stack_page_size());
    }
    eddy__stack_pool_release(&pool, &stack);
    assert_int_equal(pool.cached_count, 0);

    assert_int_equal(eddy__stack_pool_acquire(&pool, 1, &stack), 0);
    assert_true(stack.size >= 32 * 1024);
    eddy__stack_pool_release(&pool, &stack);
    eddy__stack_pool_fini(&pool);
}

/* What is set apart is memory of the user's that is not the coroutine's. */
static void test_upper_end_can_be_set_apart(void **state)
{
    struct eddy__stack_pool pool;
    struct eddy__stack stack;
    unsigned char *apart;
    size_t size;

    (void)state;
    eddy__stack_pool_init(&pool, 1);
    assert_int_equal(eddy__stack_pool_acquire(&pool, 0, &stack), 0);
    size = stack.size;
    apart = eddy__stack_set_apart(&stack, 100);
    assert_non_null(apart);
    assert_int_equal((uintptr_t)apart % 16, 0);
    memset(apart, 0xAA, 100);
    if (stack.size < size) { /* it lies on the stack */
        assert_ptr_equal(apart, stack.base + stack.size);
        assert_true(stack.size + 100 <= size && stack.size % 64 == 0);
    }
    eddy__stack_rejoin(&stack, apart, 100);
    assert_int_equal(stack.size, size);
    eddy__stack_pool_release(&pool, &stack);
    eddy__stack_pool_fini(&pool);
}

static void test_absurd_size_is_refused(void **state)
{
    struct eddy__stack_pool pool;
    struct eddy__stack stack = {.size = 77};
    (void)state;

    eddy__stack_pool_init(&pool, 2);
    assert_int_equal(eddy__stack_pool_acquire(&pool, SIZE_MAX, &stack), EDDY_EINVALID);
    assert_int_equal(eddy__stack_pool_acquire(&pool, EDDY__STACK_SIZE_MAX + 1, &stack),
                     EDDY_EINVALID);
    assert_int_equal(stack.size, 77);
    assert_int_equal(pool.in_use, 0);
    eddy__stack_pool_fini(&pool);
}

#if !defined(_WIN32)

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    _exit(info->si_addr != NULL ? 42 : 43);
}

/* The byte below the usable ones, exactly, in a mapping made before fork(). */
static void test_guard_page_lies_directly_below_and_survives_fork(void **state)
{
    struct eddy__stack_pool pool;
    struct eddy__stack stack;
    int status;
    (void)state;

    eddy__stack_pool_init(&pool, 0);
    assert_int_equal(eddy__stack_pool_acquire(&pool, 0, &stack), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_fault};
        (void)sigaction(SIGSEGV, &action, NULL);
        (void)sigaction(SIGBUS, &action, NULL);
        *(volatile unsigned char *)stack.base = 1;
        *(volatile unsigned char *)(stack.base - 1) = 1;
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    eddy__stack_pool_release(&pool, &stack);
    eddy__stack_pool_fini(&pool);
}

/* The address space in use; a guess where /proc does not say. Valgrind and sanitizers use more. */
static rlim_t address_space_in_use(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL) {
        return (rlim_t)256 * 1024 * 1024;
    }
    if (fscanf(file, "%llu", &pages) != 1) {
        pages = 65536;
    }
    (void)fclose(file);
    return (rlim_t)(pages * eddy__stack_page_size());
}

static int out_of_memory_in_child(void)
{
    struct eddy__stack_pool pool;
    struct eddy__stack stack = {.size = 77};
    rlim_t bytes = address_space_in_use() + (rlim_t)256 * 1024 * 1024;
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

    eddy__stack_pool_init(&pool, 2);
    if (setrlimit(RLIMIT_AS, &limit) != 0) {
        return 77;
    }
    int error = eddy__stack_pool_acquire(&pool, EDDY__STACK_SIZE_MAX, &stack);
    if (error == 0) {
        return 77; /* Emulators do not honour the limit. */
    }
    if (error != EDDY_ENOMEM || stack.size != 77 || pool.in_use != 0) {
        return 1;
    }
    if (strstr(eddy_error_text(), "1048576 KiB") == NULL ||
        strstr(eddy_error_text(), "ulimit -v") == NULL) {
        return 2;
    }
    return 42;
}

static void test_out_of_memory_is_reported_with_its_reason(void **state)
{
    int status;
    (void)state;

    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(out_of_memory_in_child());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 42);
}

#if defined(EDDY_TEST_HOOKS)

static void expect_no_stack(struct eddy__stack_pool *pool)
{
    struct eddy__stack stack = {.size = 77};

    assert_int_equal(eddy__stack_pool_acquire(pool, 0, &stack), EDDY_ENOMEM);
    assert_non_null(strstr(eddy_error_text(), "no task stack of"));
    assert_int_equal(stack.size, 77);
    assert_int_equal(pool->in_use, 0);
}

static int no_madvise(void *at, size_t size, int advice)
{
    (void)at;
    (void)size;
    (void)advice;
    errno = EINVAL;
    return -1;
}

static void test_each_failing_call_of_mapping_is_survived(void **state)
{
    struct eddy__stack_pool pool;
    struct eddy__stack stack;
    (void)state;

    eddy__stack_pool_init(&pool, 0);
    eddy__sys_reset();
    eddy__sys_fail(EDDY__SYS_mmap, 1, ENOMEM);
    expect_no_stack(&pool);
    assert_int_equal(eddy__sys_count(EDDY__SYS_munmap), 0);

    /* Without the kernel's guards, mprotect() makes them. */
    eddy__sys_fail(EDDY__SYS_madvise, 1, EINVAL);
    assert_int_equal(eddy__stack_pool_acquire(&pool, 0, &stack), 0);
    assert_int_equal(eddy__sys_count(EDDY__SYS_mprotect), 1);
    eddy__stack_pool_release(&pool, &stack);

    eddy__sys_reset();
    eddy__sys.madvise = no_madvise;
    eddy__sys_fail(EDDY__SYS_mprotect, 1, ENOMEM);
    expect_no_stack(&pool);
    assert_int_equal(eddy__sys_count(EDDY__SYS_munmap), 1);
    eddy__sys_reset();
    eddy__stack_pool_fini(&pool);
}

#endif

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_reuses_stacks_of_the_default_size),
        cmocka_unit_test(test_other_sizes_are_rounded_and_not_kept),
        cmocka_unit_test(test_upper_end_can_be_set_apart),
        cmocka_unit_test(test_absurd_size_is_refused),
#if !defined(_WIN32)
        cmocka_unit_test(test_guard_page_lies_directly_below_and_survives_fork),
        cmocka_unit_test(test_out_of_memory_is_reported_with_its_reason),
#if defined(EDDY_TEST_HOOKS)
        cmocka_unit_test(test_each_failing_call_of_mapping_is_survived),
#endif
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
