/* SPDX-License-Identifier: MIT */
#include "common/flow.h"
#include "common/error.h"
#include "common/log.h"

/** From this write after the end on, each one is warned of (TR-11). */
enum { DROPPED_WRITES_WARNED = 5 };

#define HIGH_DEFAULT ((size_t)64 * 1024)

int eddy__flow_set_limits(struct eddy__flow *flow, size_t high, size_t low)
{
    if (high == EDDY_DEFAULT_LIMIT && low == EDDY_DEFAULT_LIMIT)
        high = HIGH_DEFAULT;
    else if (high == EDDY_DEFAULT_LIMIT)
        high = low > SIZE_MAX / 4 ? SIZE_MAX : low * 4;
    if (low == EDDY_DEFAULT_LIMIT)
        low = high / 4;
    if (high < low)
        return eddy_error(EDDY_EINVALID, "the high mark is below the low mark");
    flow->high = high;
    flow->low = low;
    return 0;
}

/** Call pause_writing() or resume_writing(); their failures are only reported (TR-32). */
static void flow_tell(struct eddy__flow *flow, struct eddy_transport *transport, bool pause)
{
    eddy_protocol *protocol = transport->protocol;
    int (*callback)(eddy_protocol *) =
        pause ? protocol->callbacks->pause_writing : protocol->callbacks->resume_writing;
    int error;

    flow->is_paused = pause; /* before the call: it may write, close or abort (TR-30) */
    if (transport->owed != EDDY__OWED_NOTHING) {
        /* The opposite was still to be told: now neither is. */
        transport->owed = EDDY__OWED_NOTHING;
        return;
    }
    if (callback == NULL)
        return;
    error = callback(protocol);
    if (error < 0)
        eddy__transport_report(transport, pause ? "pause_writing" : "resume_writing", error);
}

void eddy__flow_grown(struct eddy__flow *flow, struct eddy_transport *transport, size_t size)
{
    if (size > flow->high && !flow->is_paused)
        flow_tell(flow, transport, true);
}

void eddy__flow_shrunk(struct eddy__flow *flow, struct eddy_transport *transport, size_t size)
{
    if (size <= flow->low && flow->is_paused)
        flow_tell(flow, transport, false);
}

void eddy__flow_drop(uint8_t *dropped)
{
    if (*dropped < DROPPED_WRITES_WARNED)
        ++*dropped;
    if (*dropped >= DROPPED_WRITES_WARNED)
        eddy__log(EDDY_LOG_WARNING, "write to a transport that is closed or closing");
}
