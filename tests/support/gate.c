/* SPDX-License-Identifier: MIT */
#include "support/gate.h"
#include "common/clock.h"
#include "support/support.h"
#include <string.h>

void gate_init(struct gate *gate)
{
    memset(gate, 0, sizeof *gate);
    must(eddy__mutex_init(&gate->mutex));
    must(eddy__condition_init(&gate->changed));
}

void gate_fini(struct gate *gate)
{
    eddy__condition_fini(&gate->changed);
    eddy__mutex_fini(&gate->mutex);
}

int gate_pass(void *arg, eddy_value *result)
{
    struct gate *gate = arg;

    eddy__mutex_lock(&gate->mutex);
    gate->entered++;
    eddy__condition_broadcast(&gate->changed);
    while (!gate->open)
        eddy__condition_wait(&gate->changed, &gate->mutex);
    gate->passed++;
    eddy__condition_broadcast(&gate->changed);
    eddy__mutex_unlock(&gate->mutex);
    result->integer = 42;
    return 0;
}

static int gate_await_count(struct gate *gate, const int *counter, int count)
{
    eddy_time end = 0;
    int reached;

    eddy__mutex_lock(&gate->mutex);
    while (*counter < count && fixture_wait_goes_on(eddy__clock_now(), &end))
        eddy__condition_wait_for(&gate->changed, &gate->mutex, EDDY_MILLISECONDS(100));
    reached = *counter;
    eddy__mutex_unlock(&gate->mutex);
    return reached;
}

int gate_await(struct gate *gate, int count)
{
    return gate_await_count(gate, &gate->entered, count);
}

bool gate_await_passed(struct gate *gate, int count)
{
    return gate_await_count(gate, &gate->passed, count) >= count;
}

void gate_open(struct gate *gate)
{
    eddy__mutex_lock(&gate->mutex);
    gate->open = true;
    eddy__condition_broadcast(&gate->changed);
    eddy__mutex_unlock(&gate->mutex);
}

void gate_count(struct gate *gate)
{
    eddy__mutex_lock(&gate->mutex);
    gate->passed++;
    eddy__condition_broadcast(&gate->changed);
    eddy__mutex_unlock(&gate->mutex);
}
