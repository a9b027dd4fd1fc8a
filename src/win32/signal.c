/* SPDX-License-Identifier: MIT */
/*
 * Console events as signals (SIG-8). The system calls the handler in a thread that it makes for
 * that, perhaps while the loop's thread takes the loop away. A lock keeps the two apart: the
 * handler holds it while it uses the loop, and neither noting nor waking blocks. It is not held
 * around SetConsoleCtrlHandler(), which has a lock of its own that the system holds while it calls
 * handlers.
 *
 * Once the handler has returned from a closing console, a log-off or a shutdown, the system ends
 * the process. So it does not return: the loop cleans up meanwhile, as long as the system allows.
 *
 * A program that was started with Ctrl-C ignored (in a new process group) is not asked: the system
 * does not call handlers then. A change of the console's size is not reported to handlers.
 */
#include "common/signal.h"
#include "common/error.h"
#include "common/loop.h"
#include "win32/system.h"
#include <signal.h>

static SRWLOCK signal_lock = SRWLOCK_INIT;
static struct eddy_loop *signal_owners[EDDY__SIGNAL_MAX + 1];
static int signal_owned;

/** The signal that stands for a console event; 0 for none. */
static int signal_of_event(DWORD event)
{
    switch (event) {
    case CTRL_C_EVENT:
        return SIGINT;
    case CTRL_BREAK_EVENT:
        return SIGBREAK;
    case CTRL_CLOSE_EVENT:
        return EDDY_SIGHUP;
    case CTRL_LOGOFF_EVENT:
    case CTRL_SHUTDOWN_EVENT:
        return SIGTERM;
    default:
        return 0;
    }
}

static BOOL WINAPI signal_handler(DWORD event)
{
    int number = signal_of_event(event);
    struct eddy_loop *loop;

    if (number == 0)
        return FALSE;
    AcquireSRWLockExclusive(&signal_lock);
    loop = signal_owners[number];
    if (loop != NULL)
        eddy__signal_note(loop, number);
    ReleaseSRWLockExclusive(&signal_lock);
    if (loop != NULL && event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        Sleep(INFINITE); /* the system ends this thread with the process */
    return loop != NULL;
}

int eddy__signal_check(int number)
{
    if (number < 1 || number > EDDY__SIGNAL_MAX)
        return eddy_error(EDDY_EINVALID, "there is no signal %d", number);
    if (number != SIGINT && number != SIGBREAK && number != EDDY_SIGHUP && number != SIGTERM)
        return eddy_error(EDDY_ENOTSUPPORTED, "Windows does not deliver signal %d", number);
    return 0;
}

/**
 * Put `loop` into the place that holds `expected`; how many places are taken then, -1 if it holds
 * another loop. `*present` (may be NULL): what it held.
 */
static int signal_exchange(int number, struct eddy_loop *expected, struct eddy_loop *loop,
                           struct eddy_loop **present)
{
    int owned = -1;

    AcquireSRWLockExclusive(&signal_lock);
    if (present != NULL)
        *present = signal_owners[number];
    if (signal_owners[number] == expected) {
        signal_owners[number] = loop;
        owned = signal_owned += loop != NULL ? 1 : -1;
    }
    ReleaseSRWLockExclusive(&signal_lock);
    return owned;
}

int eddy__signal_start(struct eddy_loop *loop, int number, bool polite)
{
    struct eddy_loop *present;
    int owned = signal_exchange(number, NULL, loop, &present);
    int error;

    (void)polite; /* the system itself asks no handler when Ctrl-C is ignored */
    if (present == loop)
        return 0;
    if (owned < 0)
        return eddy_error(EDDY_EBADSTATE, "another loop handles signal %d", number);
    if (owned > 1 || SetConsoleCtrlHandler(signal_handler, TRUE))
        return 0;
    error = eddy__system_error(GetLastError());
    signal_exchange(number, loop, NULL, NULL);
    return error;
}

void eddy__signal_stop(struct eddy_loop *loop, int number)
{
    if (signal_exchange(number, loop, NULL, NULL) == 0)
        SetConsoleCtrlHandler(signal_handler, FALSE);
}
