/* SPDX-License-Identifier: MIT */
/*
 * The system calls the handler in a thread that it makes for that, perhaps while the loop's thread
 * takes the loop away. A lock keeps the two apart: the handler holds it while it uses the loop,
 * and neither counting nor waking blocks. It is not held around SetConsoleCtrlHandler(), which has
 * a lock of its own that the system holds while it calls handlers.
 *
 * A program that was started with Ctrl-C ignored (in a new process group) is not asked: the system
 * does not call handlers then.
 */
#include "common/interrupt.h"
#include "common/error.h"
#include "common/loop.h"
#include "win32/system.h"

static SRWLOCK interrupt_lock = SRWLOCK_INIT;
static struct eddy_loop *interrupt_loop;

static BOOL WINAPI interrupt_handler(DWORD event)
{
    BOOL handled = FALSE;

    /* Closing the window, logging off and shutting down are not ours: the default ends the
     * process, and ignoring them would only delay that. */
    if (event != CTRL_C_EVENT)
        return FALSE;
    AcquireSRWLockExclusive(&interrupt_lock);
    if (interrupt_loop != NULL) {
        atomic_fetch_add(&interrupt_loop->interrupts, 1);
        interrupt_loop->backend->wake(interrupt_loop);
        handled = TRUE;
    }
    ReleaseSRWLockExclusive(&interrupt_lock);
    return handled;
}

/* Put `loop` into the place that holds `expected`; false if it holds another. */
static bool interrupt_exchange(struct eddy_loop *expected, struct eddy_loop *loop)
{
    bool done;

    AcquireSRWLockExclusive(&interrupt_lock);
    done = interrupt_loop == expected;
    if (done)
        interrupt_loop = loop;
    ReleaseSRWLockExclusive(&interrupt_lock);
    return done;
}

int eddy__interrupt_start(struct eddy_loop *loop)
{
    int error;

    if (!interrupt_exchange(NULL, loop))
        return eddy_error(EDDY_EBADSTATE, "another loop handles Ctrl-C");
    if (SetConsoleCtrlHandler(interrupt_handler, TRUE))
        return 0;
    error = eddy__system_error(GetLastError());
    interrupt_exchange(loop, NULL);
    return error;
}

void eddy__interrupt_stop(struct eddy_loop *loop)
{
    if (interrupt_exchange(loop, NULL))
        SetConsoleCtrlHandler(interrupt_handler, FALSE);
}
