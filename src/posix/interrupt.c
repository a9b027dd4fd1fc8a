/* SPDX-License-Identifier: MIT */
/*
 * The handler runs in any thread, at any moment, perhaps while another thread takes the loop away.
 * So it announces itself in `interrupt_inside` before it reads `interrupt_loop`; stop clears the
 * loop first and then waits until nobody is inside. A handler that interrupts stop itself returns
 * before stop goes on, so the wait ends.
 *
 * A program that was started with SIGINT ignored (in the background of a script, by nohup) keeps
 * it ignored: whoever started it does not want it to end that way.
 */
#include "common/interrupt.h"
#include "common/error.h"
#include "common/loop.h"
#include "posix/sys.h"
#include <sched.h>
#include <stdatomic.h>

static _Atomic(struct eddy_loop *) interrupt_loop;
static atomic_int interrupt_inside;
static struct sigaction interrupt_before;

static void interrupt_handler(int number)
{
    struct eddy_loop *loop;

    (void)number;
    atomic_fetch_add(&interrupt_inside, 1);
    loop = atomic_load(&interrupt_loop);
    if (loop != NULL) {
        atomic_fetch_add(&loop->interrupts, 1);
        loop->backend->wake(loop); /* keeps errno */
    }
    atomic_fetch_sub(&interrupt_inside, 1);
}

int eddy__interrupt_start(struct eddy_loop *loop)
{
    struct sigaction action = {.sa_handler = interrupt_handler};
    struct eddy_loop *none = NULL;
    int error;

    if (!atomic_compare_exchange_strong(&interrupt_loop, &none, loop))
        return eddy_error(EDDY_EBADSTATE, "another loop handles Ctrl-C");
    sigemptyset(&action.sa_mask);
    /* Not on the stack of a task, if the program has set up a better one. */
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    if (EDDY__SYS(sigaction)(SIGINT, NULL, &interrupt_before) == 0 &&
        (interrupt_before.sa_handler == SIG_IGN ||
         EDDY__SYS(sigaction)(SIGINT, &action, NULL) == 0))
        return 0;
    error = eddy__system_error(errno);
    atomic_store(&interrupt_loop, NULL);
    return error;
}

void eddy__interrupt_stop(struct eddy_loop *loop)
{
    struct sigaction now;

    if (atomic_load(&interrupt_loop) != loop)
        return;
    /* If the program has meanwhile set a handler of its own, that one stays. */
    if (EDDY__SYS(sigaction)(SIGINT, NULL, &now) == 0 && now.sa_handler == interrupt_handler)
        EDDY__SYS(sigaction)(SIGINT, &interrupt_before, NULL);
    atomic_store(&interrupt_loop, NULL);
    while (atomic_load(&interrupt_inside) != 0)
        sched_yield(); /* bounded by the handler of another thread */
}
