/* SPDX-License-Identifier: MIT */
#include "posix/sigpipe.h"
#include <errno.h>
#include <stddef.h>

void eddy__sigpipe_begin(struct eddy__sigpipe *guard)
{
    sigemptyset(&guard->only);
    sigaddset(&guard->only, SIGPIPE);
    sigemptyset(&guard->pending);
    pthread_sigmask(SIG_BLOCK, &guard->only, &guard->before);
    if (sigismember(&guard->before, SIGPIPE))
        sigpending(&guard->pending);
}

/* Take the SIGPIPE away that the call has just caused. */
static void sigpipe_take(const sigset_t *only)
{
    sigset_t pending;
    int number;

    if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE))
        sigwait(only, &number);
}

void eddy__sigpipe_end(struct eddy__sigpipe *guard, bool broken)
{
    int error = errno;

    if (broken && !sigismember(&guard->pending, SIGPIPE))
        sigpipe_take(&guard->only);
    if (!sigismember(&guard->before, SIGPIPE))
        pthread_sigmask(SIG_UNBLOCK, &guard->only, NULL);
    errno = error;
}
