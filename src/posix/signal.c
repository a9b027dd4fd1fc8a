/* SPDX-License-Identifier: MIT */
/*
 * The handler runs in any thread, at any moment, perhaps while another thread takes the loop away.
 * So it announces itself in `signal_inside` before it reads the owner; stopping clears the owner
 * first and then waits until nobody is inside. A handler that interrupts the stopping thread
 * returns before that goes on, so the wait ends.
 *
 * A child made by fork() inherits the handlers, and with them the parent's loops: there they do
 * nothing, lest they wake the parent. Threads that were inside a handler at the fork are not there
 * either, so the child counts anew.
 *
 * A program that was started with SIGINT ignored (in the background of a script, by nohup) keeps
 * it ignored if it is asked for politely: whoever started it does not want it to end that way.
 */
#include "common/signal.h"
#include "common/error.h"
#include "common/loop.h"
#include "common/thread.h"
#include "posix/sys.h"
#include <signal.h>

struct signal_owner {
    _Atomic(struct eddy_loop *) loop;
    struct sigaction before;
    bool polite;
};

static struct signal_owner signal_owners[EDDY__SIGNAL_MAX + 1];
static atomic_int signal_inside;
static atomic_uint signal_process; /**< the eddy__fork_count() that this counts for */

/** To be called before the count is looked at, from outside a handler. */
static void signal_forget_parent(void)
{
    unsigned process = eddy__fork_count();

    if (atomic_exchange(&signal_process, process) != process)
        atomic_store(&signal_inside, 0);
}

static void signal_handler(int number)
{
    struct eddy_loop *loop;

    atomic_fetch_add(&signal_inside, 1);
    loop = atomic_load(&signal_owners[number].loop);
    if (loop != NULL && loop->fork_count == eddy__fork_count())
        eddy__signal_note(loop, number); /* keeps errno */
    atomic_fetch_sub(&signal_inside, 1);
}

int eddy__signal_check(int number)
{
    struct sigaction now;

    if (number < 1 || number > EDDY__SIGNAL_MAX || sigaction(number, NULL, &now) != 0)
        return eddy_error(EDDY_EINVALID, "there is no signal %d", number);
    return 0;
}

/** Put our handler in force. */
static int signal_catch(int number)
{
    struct sigaction action = {.sa_handler = signal_handler};

    sigemptyset(&action.sa_mask);
    /* Not on the stack of a task, if the program has set up a better one. */
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    if (EDDY__SYS(sigaction)(number, &action, NULL) == 0)
        return 0;
    if (errno == EINVAL)
        return eddy_error(EDDY_EBADSTATE, "signal %d cannot be caught", number);
    return eddy__system_error(errno);
}

/** The first handler of a loop for this signal: unless politeness forbids it, catch it. */
static int signal_take_over(struct signal_owner *owner, int number, bool polite)
{
    if (EDDY__SYS(sigaction)(number, NULL, &owner->before) != 0)
        return eddy__system_error(errno);
    owner->polite = polite;
    return polite && owner->before.sa_handler == SIG_IGN ? 0 : signal_catch(number);
}

int eddy__signal_start(struct eddy_loop *loop, int number, bool polite)
{
    struct signal_owner *owner = &signal_owners[number];
    struct eddy_loop *present = NULL;
    int error;

    if (atomic_compare_exchange_strong(&owner->loop, &present, loop)) {
        error = signal_take_over(owner, number, polite);
        if (error)
            atomic_store(&owner->loop, NULL);
        return error;
    }
    if (present != loop)
        return eddy_error(EDDY_EBADSTATE, "another loop handles signal %d", number);
    error = polite ? 0 : signal_catch(number);
    if (error == 0 && !polite)
        owner->polite = false;
    return error;
}

void eddy__signal_stop(struct eddy_loop *loop, int number)
{
    struct signal_owner *owner = &signal_owners[number];
    struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction now;

    if (atomic_load(&owner->loop) != loop)
        return;
    /* If the program has meanwhile set a handler of its own, that one stays. */
    if (EDDY__SYS(sigaction)(number, NULL, &now) == 0 && now.sa_handler == signal_handler)
        EDDY__SYS(sigaction)(number, owner->polite ? &owner->before : &usual, NULL);
    atomic_store(&owner->loop, NULL);
    signal_forget_parent();
    while (atomic_load(&signal_inside) != 0)
        eddy__thread_yield(); /* bounded by the handler of another thread */
}
