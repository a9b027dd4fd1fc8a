/* SPDX-License-Identifier: MIT */
/* Running the loop for a while: the part of fixture.h that knows nothing of CMocka's tests. */
#include "support/support.h"
#include "support/sweep.h"

void run_iterations(eddy_loop *loop, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        eddy_loop_stop(loop);
        must(eddy_loop_run_forever(loop));
    }
}

int on_call(void *text)
{
    record("%s", (const char *)text);
    return 0;
}

int on_call_stop(void *loop)
{
    eddy_loop_stop(loop);
    return 0;
}

/*
 * Schedule the end of a run. A caller of the functions below may hold anything, so that the test
 * cannot simply end here when memory is short: try again, only one allocation fails.
 */
static void run_end_after(eddy_loop *loop, eddy_time span, eddy_handle *handle)
{
    int error = eddy_loop_call_later(loop, span, on_call_stop, loop, handle);

    if (error == EDDY_ENOMEM)
        error = eddy_loop_call_later(loop, span, on_call_stop, loop, handle);
    assert_int_equal(error, 0);
}

void run_for(eddy_loop *loop, eddy_time span)
{
    run_end_after(loop, span, NULL);
    must(eddy_loop_run_forever(loop));
}

/*
 * A limit on waiting: enough for a busy machine, far from a hang. With an injected failure what is
 * waited for may rightly never come.
 */
eddy_time fixture_wait_limit(void)
{
    if (sweep_failed())
        return EDDY_MILLISECONDS(200);
    return sweep_point_is_near() ? EDDY_SECONDS(10) : EDDY_SECONDS(30);
}

bool fixture_wait_goes_on(eddy_time now, eddy_time *end)
{
    if (*end == 0 || (sweep_failed() && now + fixture_wait_limit() < *end))
        *end = now + fixture_wait_limit();
    return now < *end;
}

static void run_fail(const char *what, const char *file, int line)
{
    recorder_print();
    print_error("waited in vain for %s\n", what);
    _fail(file, line);
}

bool fixture_run_a_little(eddy_loop *loop, eddy_time *end, const char *what, const char *file,
                          int line)
{
    if (!fixture_wait_goes_on(eddy_loop_time(loop), end))
        run_fail(what, file, line);
    run_for(loop, EDDY_MILLISECONDS(1));
    return true;
}

void fixture_run_until(eddy_loop *loop, const bool *flag, const char *file, int line)
{
    eddy_time end = 0;

    while (!*flag)
        fixture_run_a_little(loop, &end, "a flag", file, line);
}

static void run_stop(void *loop)
{
    eddy_loop_stop(loop);
}

static void run_until_recorded_for(eddy_loop *loop, const char *text, eddy_time span)
{
    eddy_handle limit;

    run_end_after(loop, span, &limit);
    recorder_await(text, run_stop, loop);
    must(eddy_loop_run_forever(loop));
    recorder_await(NULL, NULL, NULL);
    eddy_handle_cancel(limit);
}

void fixture_run_until_recorded(eddy_loop *loop, const char *text, const char *file, int line)
{
    eddy_time span = fixture_wait_limit(), end = eddy_loop_time(loop) + span;
    bool in_time = true;

    if (recorded(text) > 0)
        return;
    /* In pieces, to see when something has failed; but no allocations more than in the first run
     * where it is they that are counted. */
    if (sweep_is_over_calls() && sweep_point_is_near())
        span = EDDY_MILLISECONDS(100);
    while (recorded(text) == 0 && in_time) {
        run_until_recorded_for(loop, text, span);
        in_time = sweep_is_over_calls() && fixture_wait_goes_on(eddy_loop_time(loop), &end);
    }
    if (recorded(text) == 0)
        run_fail(text, file, line);
}

void expect_error(struct fixture *f, eddy_future *future, int code)
{
    int error = eddy_loop_run_until_complete(f->loop, future, NULL);

    if (error != EDDY_ENOMEM || !allocations_failed())
        assert_int_equal(error, code);
}
