/* SPDX-License-Identifier: MIT */
/**
 * The recorded list: callbacks say what happened, tests compare the whole order at once.
 *
 *     record("data:%s", text);
 *     ...
 *     assert_recorded("made", "data:hello", "lost:0");
 *
 * There is one list, emptied when a test begins and by each assert_recorded(), so that a second
 * one speaks of what came since the first. Only for the thread of the test.
 */
#ifndef TESTS_SUPPORT_RECORDER_H
#define TESTS_SUPPORT_RECORDER_H

#include <eddy/base.h>

/** Append an entry, cut off after 63 bytes. */
void record(const char *format, ...) EDDY_PRINTF(1, 2);

/** How many entries there are that equal `text`, or in all (NULL). */
size_t recorded(const char *text);

/** Fail unless exactly these entries were recorded, in this order; empty the list. */
#define assert_recorded(...) recorder_check(__FILE__, __LINE__, __VA_ARGS__, NULL)

/** Fail if anything was recorded. */
#define assert_nothing_recorded() recorder_check(__FILE__, __LINE__, NULL)

void recorder_check(const char *file, int line, ...);

/** Print the list. */
void recorder_print(void);

/** Empty the list. */
void recorder_reset(void);

/** Have `notify(arg)` called when `text` (borrowed; NULL: none) is recorded. */
void recorder_await(const char *text, void (*notify)(void *arg), void *arg);

#endif
