/* SPDX-License-Identifier: MIT */
/** Everything a suite includes: CMocka, the library, and the support of tests/support/README.md. */
#ifndef TESTS_SUPPORT_SUPPORT_H
#define TESTS_SUPPORT_SUPPORT_H

/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <eddy/eddy.h>
#include <eddy/testing.h>

#include "support/allocations.h"
#include "support/fixture.h"
#include "support/peer.h"
#include "support/platform.h"
#include "support/recorder.h"
#include "support/reports.h"
#include "support/scratch.h"
#include "support/spy.h"
#include "support/witness.h"

#endif
