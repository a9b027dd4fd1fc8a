/* SPDX-License-Identifier: MIT */
#include "support/spy.h"
#include "common/loop.h"

static struct spy spy;

static int spy_wait(eddy_loop *loop, eddy_time timeout)
{
    if (spy.waits < SPY_WAITS_MAX)
        spy.timeouts[spy.waits] = timeout;
    spy.waits++;
    return spy.real->wait(loop, timeout);
}

struct spy *spy_begin(eddy_loop *loop)
{
    spy_end();
    spy.real = loop->backend;
    spy.backend = *loop->backend;
    spy.backend.wait = spy_wait;
    spy.sockets = *loop->backend->sockets;
    spy.backend.sockets = &spy.sockets;
    spy.loop = loop;
    spy.waits = 0;
    loop->backend = &spy.backend;
    return &spy;
}

void spy_end(void)
{
    if (spy.loop != NULL)
        spy.loop->backend = spy.real;
    spy.loop = NULL;
}
