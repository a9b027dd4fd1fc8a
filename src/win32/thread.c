/* SPDX-License-Identifier: MIT */
#include "common/thread.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/memory.h"
#include "win32/system.h"
#include "win32/wide.h"
#include <assert.h>
#include <errno.h>
#include <process.h>
#include <string.h>

static_assert(sizeof(SRWLOCK) <= sizeof(struct eddy__mutex), "a lock fits");
static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(struct eddy__condition), "a condition fits");
static_assert(sizeof(HANDLE) <= sizeof(struct eddy__thread), "a thread fits");

static SRWLOCK *mutex_lock_of(struct eddy__mutex *mutex)
{
    return (SRWLOCK *)(void *)&mutex->room;
}

int eddy__mutex_init(struct eddy__mutex *mutex)
{
    InitializeSRWLock(mutex_lock_of(mutex));
    return 0;
}

void eddy__mutex_fini(struct eddy__mutex *mutex)
{
    /* A slim lock is one word and owns nothing. */
    (void)mutex;
}

void eddy__mutex_lock(struct eddy__mutex *mutex)
{
    AcquireSRWLockExclusive(mutex_lock_of(mutex));
}

void eddy__mutex_unlock(struct eddy__mutex *mutex)
{
    ReleaseSRWLockExclusive(mutex_lock_of(mutex));
}

static CONDITION_VARIABLE *condition_variable_of(struct eddy__condition *condition)
{
    return (CONDITION_VARIABLE *)(void *)&condition->room;
}

int eddy__condition_init(struct eddy__condition *condition)
{
    InitializeConditionVariable(condition_variable_of(condition));
    return 0;
}

void eddy__condition_fini(struct eddy__condition *condition)
{
    (void)condition;
}

void eddy__condition_wait(struct eddy__condition *condition, struct eddy__mutex *mutex)
{
    SleepConditionVariableSRW(condition_variable_of(condition), mutex_lock_of(mutex), INFINITE, 0);
}

bool eddy__condition_wait_for(struct eddy__condition *condition, struct eddy__mutex *mutex,
                              eddy_time limit)
{
    eddy_time start;
    eddy_time milliseconds;

    if (limit == EDDY_FOREVER) {
        eddy__condition_wait(condition, mutex);
        return true;
    }
    if (limit < 0)
        limit = 0;
    start = eddy__clock_now();
    milliseconds = limit / EDDY_MILLISECONDS(1) + (limit % EDDY_MILLISECONDS(1) != 0);
    if (milliseconds > INT32_MAX)
        milliseconds = INT32_MAX;
    if (SleepConditionVariableSRW(condition_variable_of(condition), mutex_lock_of(mutex),
                                  (DWORD)milliseconds, 0))
        return true;
    /* The system counts in ticks of its own clock and may give up a tick early: then it counts as
     * a wake-up for no reason. */
    return eddy__clock_now() - start < limit;
}

void eddy__condition_signal(struct eddy__condition *condition)
{
    WakeConditionVariable(condition_variable_of(condition));
}

void eddy__condition_broadcast(struct eddy__condition *condition)
{
    WakeAllConditionVariable(condition_variable_of(condition));
}

struct thread_start {
    void (*main)(void *arg);
    void *arg;
};

static unsigned __stdcall thread_main(void *arg)
{
    struct thread_start start = *(struct thread_start *)arg;

    eddy__free(arg);
    start.main(start.arg);
    return 0;
}

/* Exists since Windows 10 1607; without it debuggers show numbers only. */
static void thread_set_name(HANDLE thread, const char *name)
{
    typedef HRESULT(WINAPI * set_description)(HANDLE thread, PCWSTR text);
    set_description set;
    WCHAR wide[64];

    set = (set_description)(void (*)(void))GetProcAddress(GetModuleHandleW(L"kernel32.dll"),
                                                          "SetThreadDescription");
    if (set == NULL || MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, 64) <= 0)
        return;
    set(thread, wide);
}

int eddy__thread_start(struct eddy__thread *thread, const char *name, void (*main)(void *arg),
                       void *arg)
{
    struct thread_start *start = eddy__alloc(sizeof *start);
    HANDLE handle;

    if (start == NULL)
        return EDDY_ENOMEM;
    start->main = main;
    start->arg = arg;
    /* Not CreateThread(): the C library wants to know of threads that use it. */
    handle = (HANDLE)_beginthreadex(NULL, 0, thread_main, start, 0, NULL);
    if (handle == NULL) {
        int error = errno == EACCES ? EDDY_ENOMEM : EDDY_EAGAIN;

        eddy__free(start);
        return eddy_error(error, "no thread: %s", eddy_strerror(error));
    }
    if (name != NULL)
        thread_set_name(handle, name);
    memcpy(&thread->room, &handle, sizeof handle);
    return 0;
}

void eddy__thread_join(struct eddy__thread *thread)
{
    HANDLE handle;

    memcpy(&handle, &thread->room, sizeof handle);
    WaitForSingleObject(handle, INFINITE);
    CloseHandle(handle);
}

void eddy__thread_detach(struct eddy__thread *thread)
{
    HANDLE handle;

    memcpy(&handle, &thread->room, sizeof handle);
    CloseHandle(handle);
}

uint64_t eddy__thread_self(void)
{
    /* A thread that carries a coroutine of another one counts as that other one. */
    return (uint64_t)(uintptr_t)eddy__thread_state();
}

void eddy__thread_yield(void)
{
    SwitchToThread();
}

int eddy__cpu_count(void)
{
    DWORD_PTR process = 0;
    DWORD_PTR system = 0;
    int count = 0;

    if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system))
        for (; process != 0; process &= process - 1)
            count++;
    /* The mask is zero for a process that spans several groups of 64 processors. */
    if (count == 0)
        count = (int)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count > 0 ? count : 1;
}

static SRWLOCK global_lock = SRWLOCK_INIT;

void eddy__global_lock(void)
{
    AcquireSRWLockExclusive(&global_lock);
}

void eddy__global_unlock(void)
{
    ReleaseSRWLockExclusive(&global_lock);
}

unsigned eddy__fork_counter;

int eddy__fork_watch(void)
{
    return 0;
}
