/* SPDX-License-Identifier: MIT */
/** What both suites of sendfile() share. */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

#include "support/peer.h"

/** Whether the backend under test has the system send files. */
bool files_are_native(struct fixture *f);

/** Have the system refuse, until files_restore(); false, where it cannot be made to. */
bool files_refuse(void);
void files_restore(void);

/** Run `body` as the backend does it, and once more in pieces if it had the system send. */
void files_both_ways(struct fixture *f, void (*body)(struct fixture *f));

/** Receive `count` bytes of a scratch file from `offset` on, and fail at the first wrong one. */
void files_expect(struct peer *peer, size_t offset, size_t count);

/** A future's outcome is `count` bytes; drops the reference. */
void files_assert_sent(struct fixture *f, eddy_future *future, int64_t count);

#endif
