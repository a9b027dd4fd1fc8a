/* SPDX-License-Identifier: MIT */
/*
 * Stacks by VirtualAlloc(), grown by the system like those of threads.
 *
 * Committing all of a stack would charge its full size against the page file, so only the upper
 * end is committed. Below it lie pages with PAGE_GUARD; when one of them is touched, the kernel
 * commits the next ones below, provided that the thread's information block says that this is
 * its stack, which is what the switch cares for. Where no room is left the kernel raises
 * EXCEPTION_STACK_OVERFLOW; the guaranteed part is for its handlers. The lowest page stays
 * inaccessible.
 *
 *     base + size   ┌────────────────────┐ StackBase
 *                   │ committed          │
 *     limit         ├────────────────────┤ StackLimit, sinks
 *                   │ guard, guaranteed  │ PAGE_GUARD, sink too
 *                   ├────────────────────┤
 *                   │ reserved           │
 *     base          ├────────────────────┤ room for the lowest position of the guard
 *                   │ never accessible   │
 *                   └────────────────────┘ DeallocationStack = base - guard_size
 *
 * Not used with fibers, which bring the same from the system.
 */
#include "common/stack.h"
#include "common/error.h"
#include <windows.h>

#define STACK_COMMITTED_FIRST ((size_t)16 * 1024)

/* Two pages of guard on 64-bit systems: what the kernel itself does. */
#define STACK_GUARD_PAGES 2

size_t eddy__stack_page_size(void)
{
    SYSTEM_INFO info;

    GetSystemInfo(&info);
    return info.dwPageSize;
}

/* What the thread wants kept for overflow handlers; a page at least, or none could run. */
static size_t stack_guaranteed_size(size_t page)
{
    ULONG bytes = 0; /* Asks only. */

    if (!SetThreadStackGuarantee(&bytes) || bytes < page) {
        return page;
    }
    return ((size_t)bytes + page - 1) & ~(page - 1);
}

static int stack_map_failed(size_t size)
{
    (void)eddy__system_error((int64_t)GetLastError());
    return eddy_error(EDDY_ENOMEM,
                      "no task stack of %zu KiB: out of memory, page file or address space",
                      size / 1024);
}

int eddy__stack_map(struct eddy__stack *stack, size_t size)
{
    size_t page = eddy__stack_page_size();
    size_t guaranteed = stack_guaranteed_size(page);
    size_t moving_size = STACK_GUARD_PAGES * page + guaranteed;
    size_t guard_size = moving_size + page;
    unsigned char *map = VirtualAlloc(NULL, guard_size + size, MEM_RESERVE, PAGE_READWRITE);

    if (map == NULL) {
        return stack_map_failed(size);
    }
    unsigned char *limit = map + guard_size + size - STACK_COMMITTED_FIRST;
    if (VirtualAlloc(limit, STACK_COMMITTED_FIRST, MEM_COMMIT, PAGE_READWRITE) == NULL ||
        VirtualAlloc(limit - moving_size, moving_size, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD) ==
            NULL) {
        int error = stack_map_failed(size);
        (void)VirtualFree(map, 0, MEM_RELEASE);
        return error;
    }
    *stack = (struct eddy__stack){
        .base = map + guard_size,
        .size = size,
        .guard_size = guard_size,
        .limit = limit,
        .guaranteed = guaranteed,
    };
    return 0;
}

void eddy__stack_unmap(const struct eddy__stack *stack)
{
    (void)VirtualFree(stack->base - stack->guard_size, 0, MEM_RELEASE);
}
