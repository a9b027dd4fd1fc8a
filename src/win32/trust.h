/* SPDX-License-Identifier: MIT */
/** What Windows keeps beside a root: what it may be used for. */
#ifndef EDDY_WIN32_TRUST_H
#define EDDY_WIN32_TRUST_H

#include "common/trust.h"
#include "win32/system.h"
#include <wincrypt.h>

/**
 * Whether `root` may vouch for such peers, by its extension and by the property with which an
 * administrator or Windows itself narrows that down: 1, 0, or EDDY_ENOMEM. Any thread.
 */
int eddy__trust_allows(const CERT_CONTEXT *root, enum eddy__trust_use use);

#endif
