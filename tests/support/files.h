/* SPDX-License-Identifier: MIT */
/** What the suites of sendfile() share. */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

#include "support/peer.h"

enum { FILES_SMALL = 40000, FILES_LARGE = 3 * 1024 * 1024 };

/** A scratch file, and a connection to send it over. */
struct files {
    struct fixture *f;
    struct witness w;
    struct peer peer;
    eddy_file file;
    eddy_future *future; /**< for a test that sends in a callback */
    size_t received;     /**< for one that counts what came before the file */
};

/**
 * Connect, and open a file of `size` bytes. A sweep over allocations skips the test, as it holds
 * these.
 */
void files_begin(struct fixture *f, struct files *s, size_t size);

/** Close both; the system sends files again. */
void files_end(struct files *s);

/** eddy_loop_sendfile() without options. */
eddy_future *files_send(struct files *s, int64_t offset, int64_t count);

/** From `offset` to the end of the file, with `head` ahead of that. */
eddy_future *files_send_behind(struct files *s, const char *head, int64_t offset);

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
