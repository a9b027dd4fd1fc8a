/* SPDX-License-Identifier: MIT */
/*
 * Coroutines by hand-off: each is a thread of its own, on our stack, and exactly one of them runs.
 * The last resort, where neither assembly nor ucontext is at hand.
 *
 * Who switches sets the turn of the other and waits for its own. A thread is made at init, so that
 * a switch cannot fail, and joined at fini. Ending is a longjmp() to the thread's first frame,
 * not pthread_exit(): that would unwind, and in static programs load a library.
 *
 * The hand-off thread borrows the thread state of whoever starts it; signals that are sent to the
 * process may be delivered to any of the threads, with the mask of the one that called init. After
 * fork() the child has none of the threads; fini then only frees memory.
 */
#include "common/switch.h"

#if defined(EDDY_COROUTINE_THREAD)

#include "common/error.h"
#include "common/memory.h"
#include "common/thread_state.h"
#include "posix/sys.h"
#include <setjmp.h>
#include <stdbool.h>
#include <unistd.h>

enum switch_turn { TURN_OTHERS, TURN_OURS, TURN_TO_DIE };

struct switch_thread {
    pthread_mutex_t mutex;
    pthread_cond_t turn_changed;
    enum switch_turn turn;
    /* From the one that starts us. */
    struct eddy__thread_state *state;
    pthread_t thread;
    jmp_buf first_frame;
    pid_t process;
};

static void switch_set_turn(struct switch_thread *record, enum switch_turn turn)
{
    (void)pthread_mutex_lock(&record->mutex);
    record->turn = turn;
    (void)pthread_cond_signal(&record->turn_changed);
    (void)pthread_mutex_unlock(&record->mutex);
}

/* False: the coroutine is abandoned. */
static bool switch_wait_turn(struct switch_thread *record)
{
    (void)pthread_mutex_lock(&record->mutex);
    while (record->turn == TURN_OTHERS) {
        (void)pthread_cond_wait(&record->turn_changed, &record->mutex);
    }
    bool ours = record->turn == TURN_OURS;
    record->turn = TURN_OTHERS;
    (void)pthread_mutex_unlock(&record->mutex);
    return ours;
}

static void *switch_thread_run(void *arg)
{
    struct eddy__coroutine *co = arg;
    struct switch_thread *record = co->context;

    if (setjmp(record->first_frame) == 0 && switch_wait_turn(record)) {
        eddy__thread_state_borrow(record->state);
        eddy__coroutine_main(co);
    }
    return NULL;
}

static struct switch_thread *switch_record_new(void)
{
    struct switch_thread *record = eddy__alloc_zeroed(sizeof *record);

    if (record == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&record->mutex, NULL) != 0) {
        goto fail_mutex;
    }
    if (pthread_cond_init(&record->turn_changed, NULL) != 0) {
        goto fail_condition;
    }
    record->process = getpid();
    return record;

fail_condition:
    (void)pthread_mutex_destroy(&record->mutex);
fail_mutex:
    eddy__free(record);
    return NULL;
}

static void switch_record_free(struct switch_thread *record)
{
    /* In a forked child they are in whatever state the parent's threads had left them. */
    if (record->process == getpid()) {
        (void)pthread_cond_destroy(&record->turn_changed);
        (void)pthread_mutex_destroy(&record->mutex);
    }
    eddy__free(record);
}

static int switch_thread_start(struct eddy__coroutine *co, struct switch_thread *record)
{
    pthread_attr_t attributes;
    int number = pthread_attr_init(&attributes);

    if (number != 0) {
        return number;
    }
    number = pthread_attr_setstack(&attributes, co->stack->base, co->stack->size);
    if (number == 0) {
        number = EDDY__SYS(pthread_create)(&record->thread, &attributes, switch_thread_run, co);
    }
    (void)pthread_attr_destroy(&attributes);
    return number;
}

int eddy__switch_init(struct eddy__coroutine *co)
{
    struct switch_thread *record = switch_record_new();

    if (record == NULL) {
        return eddy_error(EDDY_ENOMEM, "no memory for a coroutine's thread");
    }
    co->context = record;

    int number = switch_thread_start(co, record);
    if (number != 0) {
        switch_record_free(record);
        co->context = NULL;
        (void)eddy__system_error(number);
        return eddy_error(EDDY_ENOMEM, "no thread for a coroutine: the system refuses another one");
    }
    return 0;
}

int eddy__switch_init_thread(struct eddy__coroutine *co)
{
    co->context = switch_record_new();
    if (co->context == NULL) {
        return eddy_error(EDDY_ENOMEM, "no memory for switching between threads");
    }
    return 0;
}

static void switch_wake(struct eddy__coroutine *co)
{
    struct switch_thread *record = co->context;

    record->state = eddy__thread_state();
    switch_set_turn(record, TURN_OURS);
}

void eddy__switch_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    struct switch_thread *record = from->context;

    switch_wake(to);
    if (!switch_wait_turn(record)) {
        longjmp(record->first_frame, 1);
    }
}

_Noreturn void eddy__switch_exit_to(struct eddy__coroutine *from, struct eddy__coroutine *to)
{
    struct switch_thread *record = from->context;

    switch_wake(to);
    longjmp(record->first_frame, 1);
}

void eddy__switch_fini(struct eddy__coroutine *co)
{
    struct switch_thread *record = co->context;

    if (co->stack != NULL && record->process == getpid()) {
        switch_set_turn(record, TURN_TO_DIE);
        (void)pthread_join(record->thread, NULL);
    }
    switch_record_free(record);
}

#endif
