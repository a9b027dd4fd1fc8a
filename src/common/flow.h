/* SPDX-License-Identifier: MIT */
/**
 * Flow control of a transport's output, the same for every kind (TR-11, TR-28..TR-32): the marks,
 * whether its protocol has been told to pause, and what is written when it is too late.
 */
#ifndef EDDY_COMMON_FLOW_H
#define EDDY_COMMON_FLOW_H

#include "common/transport.h"

struct eddy__flow {
    size_t high;
    size_t low;
    bool is_paused;         /**< pause_writing() was called last, or is owed */
    uint8_t dropped_writes; /**< see eddy__flow_drop(); a stream's is not here */
};

/** Set the marks as eddy_transport_set_write_buffer_limits() says, calling nobody (TR-28). */
int eddy__flow_set_limits(struct eddy__flow *flow, size_t high, size_t low);

/** `size` bytes are queued now: pause_writing() if that is above the high mark (TR-29). */
void eddy__flow_grown(struct eddy__flow *flow, struct eddy_transport *transport, size_t size);

/** So many are left: resume_writing() if that is the low mark or less (TR-29). */
void eddy__flow_shrunk(struct eddy__flow *flow, struct eddy_transport *transport, size_t size);

/**
 * Something was written after the end and is dropped: warn of it if there was much (TR-11).
 * `dropped` counts such writes for a transport, from 0 to the first warning.
 */
void eddy__flow_drop(uint8_t *dropped);

#endif
