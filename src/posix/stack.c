/* SPDX-License-Identifier: MIT */
/*
 * Stacks by mmap().
 *
 * The guard page is what limits their number: making a page inaccessible by mprotect() splits the
 * mapping, so that a stack costs two of the 65,530 mappings that Linux allows a process by
 * default. Since Linux 6.13 a guard can be installed in the page tables of one mapping
 * (MADV_GUARD_INSTALL), and then even neighbouring stacks merge. Whether that works is asked of
 * the kernel at run time, and not by the return value alone: emulators are known to accept advice
 * that they do not know.
 */
#include "common/stack.h"
#include "common/error.h"
#include "posix/sys.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif
#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif
/* OpenBSD faults when the stack pointer is elsewhere. FreeBSD means a mapping that grows. */
#if !defined(MAP_STACK) || defined(__FreeBSD__) || defined(__DragonFly__)
#define STACK_MAP_STACK 0
#else
#define STACK_MAP_STACK MAP_STACK
#endif

#if defined(__linux__)
/* From <linux/mman.h>, for systems whose headers are older than their kernel. */
#define STACK_POPULATE_READ 22
#define STACK_GUARD_INSTALL 102
#endif

size_t eddy__stack_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

#if defined(__linux__)

/* Guards the page within its mapping, if the kernel really does so. */
static bool stack_guard_by_advice(unsigned char *page, size_t size)
{
    enum { UNKNOWN, WORKS, MISSING };
    static atomic_int support = UNKNOWN;
    int known = atomic_load_explicit(&support, memory_order_relaxed);

    if (known == MISSING) {
        return false;
    }
    bool installed = EDDY__SYS(madvise)(page, size, STACK_GUARD_INSTALL) == 0;
    if (known == UNKNOWN) {
        /* A true guard cannot be populated. */
        bool guards = installed && EDDY__SYS(madvise)(page, size, STACK_POPULATE_READ) != 0 &&
                      errno == EFAULT;
        atomic_store_explicit(&support, guards ? WORKS : MISSING, memory_order_relaxed);
        return guards;
    }
    /* It may fail for this one mapping, with mlockall() for instance. */
    return installed;
}

#else

static bool stack_guard_by_advice(unsigned char *page, size_t size)
{
    (void)page;
    (void)size;
    return false;
}

#endif

/* Says what most likely stands in the way. The code is always EDDY_ENOMEM. */
static int stack_map_failed(size_t size, int number)
{
    struct rlimit limit;

    (void)eddy__system_error(number);
#if defined(RLIMIT_AS)
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        return eddy_error(EDDY_ENOMEM,
                          "no task stack of %zu KiB: out of memory, or beyond this process's limit "
                          "of %llu MiB of address space (ulimit -v)",
                          size / 1024, (unsigned long long)limit.rlim_cur / 1024 / 1024);
    }
#else
    (void)limit;
#endif
#if defined(__linux__)
    return eddy_error(EDDY_ENOMEM,
                      "no task stack of %zu KiB: out of memory, or too many mappings in this "
                      "process (sysctl vm.max_map_count)",
                      size / 1024);
#else
    return eddy_error(EDDY_ENOMEM, "no task stack of %zu KiB: out of memory or mappings",
                      size / 1024);
#endif
}

int eddy__stack_map(struct eddy__stack *stack, size_t size)
{
    size_t guard_size = eddy__stack_page_size();
    unsigned char *map =
        EDDY__SYS(mmap)(NULL, guard_size + size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | STACK_MAP_STACK, -1, 0);

    if (map == MAP_FAILED) {
        return stack_map_failed(size, errno);
    }
    if (!stack_guard_by_advice(map, guard_size) &&
        EDDY__SYS(mprotect)(map, guard_size, PROT_NONE) != 0) {
        int number = errno;
        (void)EDDY__SYS(munmap)(map, guard_size + size);
        return stack_map_failed(size, number);
    }
    *stack = (struct eddy__stack){
        .base = map + guard_size,
        .size = size,
        .guard_size = guard_size,
    };
    return 0;
}

void eddy__stack_unmap(const struct eddy__stack *stack)
{
    unsigned char *map = stack->base - stack->guard_size;
    size_t size = stack->guard_size + stack->size;

    /*
     * Fails only where a hole in merged neighbours would exceed the system's number of mappings.
     * Then the memory goes back and only the addresses stay reserved.
     */
    if (EDDY__SYS(munmap)(map, size) != 0) {
        (void)EDDY__SYS(madvise)(map, size, MADV_DONTNEED);
    }
}
