/* SPDX-License-Identifier: MIT */
/**
 * Threads, locks and conditions, as little as the core needs. src/posix/thread.c and
 * src/win32/thread.c supply the same functions.
 */
#ifndef EDDY_COMMON_THREAD_H
#define EDDY_COMMON_THREAD_H

#include <eddy/base.h>

/** Room for the system's object; the platform file asserts that it fits. */
struct eddy__mutex {
    union {
        void *align;
        unsigned char bytes[64];
    } room;
};

struct eddy__condition {
    union {
        void *align;
        unsigned char bytes[64];
    } room;
};

struct eddy__thread {
    union {
        void *align;
        unsigned char bytes[16];
    } room;
};

int eddy__mutex_init(struct eddy__mutex *mutex);
void eddy__mutex_fini(struct eddy__mutex *mutex);
void eddy__mutex_lock(struct eddy__mutex *mutex);
void eddy__mutex_unlock(struct eddy__mutex *mutex);

int eddy__condition_init(struct eddy__condition *condition);
void eddy__condition_fini(struct eddy__condition *condition);
void eddy__condition_wait(struct eddy__condition *condition, struct eddy__mutex *mutex);

/** False if `limit` (EDDY_FOREVER: none) passed; may return true for no reason. */
bool eddy__condition_wait_for(struct eddy__condition *condition, struct eddy__mutex *mutex,
                              eddy_time limit);
void eddy__condition_signal(struct eddy__condition *condition);
void eddy__condition_broadcast(struct eddy__condition *condition);

/**
 * Start a thread that runs main(arg), with all signals blocked where there are signals.
 *
 * `name` (15 characters are sure to be kept) is for debuggers. `thread` must be joined, or
 * detached.
 */
int eddy__thread_start(struct eddy__thread *thread, const char *name, void (*main)(void *arg),
                       void *arg);
void eddy__thread_join(struct eddy__thread *thread);

/** Nobody will join it: it cleans up after itself. A thread may detach itself. */
void eddy__thread_detach(struct eddy__thread *thread);

/** A number that no other live thread has; never 0. */
uint64_t eddy__thread_self(void);

/** Let another thread have the processor. */
void eddy__thread_yield(void);

/** Processors this process may use; at least 1. */
int eddy__cpu_count(void);

/** One lock for what is process-wide and rare: the default policy, the simulations' table. */
void eddy__global_lock(void);
void eddy__global_unlock(void);

/** Begin to count forks; whatever compares counts has called this. 0 or EDDY_ENOMEM. */
int eddy__fork_watch(void);

/** See eddy__fork_count(); written only by a forked child, before anything else runs there. */
extern unsigned eddy__fork_counter;

/**
 * How many forks lie between this process and the one that loaded the library (LOOP-2); always 0
 * on Windows. A loop made under another count is foreign: only freeing works. Costs a load.
 */
static inline unsigned eddy__fork_count(void)
{
    return eddy__fork_counter;
}

#endif
