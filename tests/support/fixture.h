/* SPDX-License-Identifier: MIT */
/**
 * The fixture: each test gets a fresh loop on the backend under test, and afterwards nothing may be
 * left allocated, open or unsaid.
 *
 *     static void test_call_soon_runs_in_the_next_iteration(struct fixture *f)
 *     {
 *         must(eddy_loop_call_soon(f->loop, on_call, "a", NULL));
 *         run_iterations(f->loop, 1);
 *         assert_recorded("a");
 *     }
 *
 *     int main(void)
 *     {
 *         static const struct test tests[] = {TEST(test_call_soon_runs_in_the_next_iteration)};
 *
 *         return run_suite("loop", tests);
 *     }
 *
 * With EDDY_TEST_OOM=1 or EDDY_TEST_FAULTS=1 the runner repeats each test with its first, second,
 * ... allocation or system call failing; see sweep.h.
 */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H

#include "support/platform.h"
#include <eddy/eddy.h>
#include <eddy/testing.h>

/** Raw sockets that a fixture keeps for its tests. */
enum { FIXTURE_SOCKETS = 16, FIXTURE_TRANSPORTS = 64, FIXTURE_ENDS = 32 };

struct fixture {
    eddy_loop *loop; /**< closed and freed by the fixture; a test may close it before */
    eddy_sim *sim;   /**< its simulation if the backend under test is "sim", else NULL */

    eddy_socket sockets[FIXTURE_SOCKETS]; /**< see fixture_keep_socket() */
    size_t socket_count;
    eddy_transport *transports[FIXTURE_TRANSPORTS]; /**< see fixture_hold_transport() */
    size_t transport_count;
    struct fixture_end {
        void (*run)(void *arg);
        void *arg;
    } ends[FIXTURE_ENDS]; /**< see fixture_at_end() */
    size_t end_count;
    struct platform_descriptors descriptors;
    const struct test *test;
    bool finished; /**< the body returned */
    bool gave_up;  /**< the body ended at a must(), owning nothing */
};

/** One test; make it with TEST(). */
struct test {
    const char *name;
    void (*body)(struct fixture *f);
};

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }

/**
 * Run a suite; what main() returns. EDDY_TEST_BACKEND names the backend (not set: the best there
 * is), EDDY_TEST_FILTER keeps only tests whose name contains it, EDDY_TEST_ORDER (a number) runs
 * them in another order.
 */
#define run_suite(suite, tests) fixture_run_suite(suite, tests, sizeof(tests) / sizeof *(tests))

/** Run a suite that there is nothing for here: its only test, whose name says why, is skipped. */
int run_skipped_suite(const char *suite, const char *test);

/**
 * Expect success. If the call failed because of what a sweep made fail, the test ends here,
 * content, and the library has to be clean: so use it where the test holds nothing of its own that
 * the fixture does not give back.
 */
#define must(call) fixture_must((call), #call, __FILE__, __LINE__)

/**
 * End the test here, content, if `condition` holds and an injected failure can be the reason: what
 * must() does, for what is no code of a call.
 */
#define give_up_if(condition) fixture_give_up_if(condition)

/** Run exactly `count` iterations, none of which waits (LOOP-10). */
void run_iterations(eddy_loop *loop, int count);

/** Run the loop until `*flag`, looked at every millisecond; fail after half a minute. */
#define run_until(loop, flag) fixture_run_until(loop, flag, __FILE__, __LINE__)

/** Run the loop until `condition` holds, looked at every millisecond; else as run_until(). */
#define run_until_true(loop, condition)                                                            \
    do {                                                                                           \
        for (eddy_time end_ = 0; !(condition);)                                                    \
            fixture_run_a_little(loop, &end_, #condition, __FILE__, __LINE__);                     \
    } while (0)

/** The same with something to do in between: `while (!is_done && run_a_little(loop, &end))`. */
#define run_a_little(loop, end) fixture_run_a_little(loop, end, "an end", __FILE__, __LINE__)

/** Run the loop until `text` is recorded, to the end of that iteration; else as run_until(). */
#define run_until_recorded(loop, text) fixture_run_until_recorded(loop, text, __FILE__, __LINE__)

/** Run until `future`, which is taken, has failed with `code`, or for want of memory before. */
void expect_error(struct fixture *f, eddy_future *future, int code);

/** Run the loop for `span` of its time. */
void run_for(eddy_loop *loop, eddy_time span);

/** For how long to wait for what has to come. */
eddy_time fixture_wait_limit(void);

/**
 * True until such a wait is over, with `*end` 0 at its begin and `now` by any clock. What a sweep
 * makes fail in its middle shortens it, so that more of it fits into its time.
 */
bool fixture_wait_goes_on(eddy_time now, eddy_time *end);

/** True if the backend under test is `name`. */
bool fixture_backend_is(const struct fixture *f, const char *name);

/**
 * True on the backend that is chosen here by default. What does not depend on it, and takes
 * seconds, is tried at length on this one, and in samples on the others.
 */
bool fixture_backend_is_default(const struct fixture *f);

/** Have the fixture close `socket` at the end, or take it back to close it earlier. */
void fixture_keep_socket(struct fixture *f, eddy_socket socket);
void fixture_drop_socket(struct fixture *f, eddy_socket socket);

/**
 * While system calls fail, a connection may be lost when no test expects it: then the fixture
 * refers to `transport` to the end, so that what the test points at is there. Else false.
 */
bool fixture_hold_transport(eddy_transport *transport);

/** Call `run(arg)` once the loop has been closed, however the test ends; the last come first. */
void fixture_at_end(struct fixture *f, void (*run)(void *arg), void *arg);

/** An eddy_callback that records its argument, a text. */
int on_call(void *text);

/** An eddy_callback that stops its argument, a loop. */
int on_call_stop(void *loop);

int fixture_run_suite(const char *suite, const struct test *tests, size_t count);
void fixture_give_up_if(bool condition);
int fixture_must(int result, const char *call, const char *file, int line);
void fixture_run_until(eddy_loop *loop, const bool *flag, const char *file, int line);
bool fixture_run_a_little(eddy_loop *loop, eddy_time *end, const char *what, const char *file,
                          int line);
void fixture_run_until_recorded(eddy_loop *loop, const char *text, const char *file, int line);

/* For sweep.c, which runs tests its own way. */

/** Run one test by CMocka; the number of failures. */
int fixture_run_test(const char *suite, const struct test *test);

#endif
