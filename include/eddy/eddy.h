/* SPDX-License-Identifier: MIT */
/** The whole public API. <eddy/testing.h>, the simulated network, is included on its own. */
#ifndef EDDY_EDDY_H
#define EDDY_EDDY_H

#include <eddy/address.h>
#include <eddy/base.h>
#include <eddy/error.h>
#include <eddy/log.h>
#include <eddy/memory.h>
#include <eddy/version.h>

#endif
