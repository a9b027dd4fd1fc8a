/* SPDX-License-Identifier: MIT */
/**
 * A look at the seam: the spy sits between a loop and its backend and notes each wait.
 *
 * There is one; the fixture ends it before it closes the loop, if the test has not.
 */
#ifndef TESTS_SUPPORT_SPY_H
#define TESTS_SUPPORT_SPY_H

#include "common/backend.h"

enum { SPY_WAITS_MAX = 256 };

struct spy {
    struct eddy__backend backend;    /**< the real one, but for wait(); a test may replace more */
    struct eddy__socket_ops sockets; /**< the real ones; a test may replace some */
    const struct eddy__backend *real;
    eddy_loop *loop;
    eddy_time timeouts[SPY_WAITS_MAX]; /**< of the first waits */
    size_t waits;
};

/** Note the waits of `loop` from now on, beginning anew. */
struct spy *spy_begin(eddy_loop *loop);

/** Stop noting them; what was noted stays. Harmless without a spy. */
void spy_end(void);

#endif
