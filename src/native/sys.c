/* SPDX-License-Identifier: MIT */
#if defined(_WIN32)
#include "win32/sys.h"
#else
#include "posix/sys.h"
#endif

#if defined(EDDY_TEST_HOOKS)

#include <stdatomic.h>

/* The table points at these and not at the system's functions, of which some take "...", and whose
 * calling convention is another on 32-bit Windows. */
#define SYS_REAL(result, name, parameters, arguments, failed)                                      \
    static result sys_##name parameters                                                            \
    {                                                                                              \
        return name arguments;                                                                     \
    }
EDDY__SYS_CALLS(SYS_REAL)

#define SYS_ENTRY(result, name, parameters, arguments, failed) .name = sys_##name,
static struct eddy__sys_table sys_kept = {EDDY__SYS_CALLS(SYS_ENTRY)};
struct eddy__sys_table eddy__sys = {EDDY__SYS_CALLS(SYS_ENTRY)};

/* Executor threads make calls too. */
static atomic_ulong sys_counts[EDDY__SYS_COUNT];
static atomic_uint sys_fail_after[EDDY__SYS_COUNT];
static atomic_int sys_fail_error[EDDY__SYS_COUNT];

int (*eddy__sys_filter)(enum eddy__sys_number call);

/* Count a call; the error it has to fail with, or 0. */
static int sys_enter(enum eddy__sys_number call)
{
    unsigned left = atomic_load(&sys_fail_after[call]);

    atomic_fetch_add(&sys_counts[call], 1);
    while (left > 0)
        if (atomic_compare_exchange_weak(&sys_fail_after[call], &left, left - 1)) {
            if (left == 1)
                return atomic_load(&sys_fail_error[call]);
            break;
        }
    return eddy__sys_filter != NULL ? eddy__sys_filter(call) : 0;
}

#define SYS_CALL(result, name, parameters, arguments, failed)                                      \
    result eddy__call_##name parameters                                                            \
    {                                                                                              \
        int error = sys_enter(EDDY__SYS_##name);                                                   \
                                                                                                   \
        if (error != 0) {                                                                          \
            EDDY__SYS_SET_ERROR(error);                                                            \
            return failed;                                                                         \
        }                                                                                          \
        return (eddy__sys.name)arguments;                                                          \
    }
EDDY__SYS_CALLS(SYS_CALL)

unsigned long eddy__sys_count(enum eddy__sys_number call)
{
    return atomic_load(&sys_counts[call]);
}

unsigned long eddy__sys_count_all(void)
{
    unsigned long sum = 0;

    for (int call = 0; call < EDDY__SYS_COUNT; call++)
        sum += atomic_load(&sys_counts[call]);
    return sum;
}

void eddy__sys_fail(enum eddy__sys_number call, unsigned nth, int error)
{
    atomic_store(&sys_fail_error[call], error);
    atomic_store(&sys_fail_after[call], nth);
}

void eddy__sys_reset(void)
{
    for (int call = 0; call < EDDY__SYS_COUNT; call++) {
        atomic_store(&sys_counts[call], 0);
        atomic_store(&sys_fail_after[call], 0);
    }
    eddy__sys = sys_kept;
}

void eddy__sys_keep(void)
{
    sys_kept = eddy__sys;
}

#else

/* ISO C wants every file to declare something. */
typedef int eddy__sys_is_direct;

#endif
