/* SPDX-License-Identifier: MIT */
/** Files of tests, in a folder that the suite makes and removes. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <eddy/base.h>

/** Room for the path of any scratch file. */
#define SCRATCH_PATH_MAX 256

/** The path of a file `name`, which is removed if it is there; valid until the fourth next call. */
const char *scratch_path(const char *name);

/**
 * A name of the abstract namespace that no other process uses: its size, the NUL at its beginning
 * counted.
 */
size_t scratch_abstract(char name[SCRATCH_PATH_MAX + 1]);

/** Write a file of what peer_fill() makes; its path, as by scratch_path(). */
const char *scratch_file(const char *name, size_t size);

/** A scratch file of `size` bytes, open for reading and writing; close it with scratch_close(). */
eddy_file scratch_open(const char *name, size_t size);
void scratch_close(eddy_file file);

/** Where its position is; and have it end there. */
int64_t scratch_position(eddy_file file);
void scratch_resize(eddy_file file, int64_t size);

/** Put one byte far out, with nothing before it: where the system can, it takes no room. */
void scratch_put(eddy_file file, int64_t at, char byte);

/** True if something lies at `path`. */
bool scratch_exists(const char *path);

/** Remove what lies at `path`, if anything does. */
void scratch_remove(const char *path);

/* For the fixture: the folder, before the first test and after the last. */
bool scratch_begin(void);
void scratch_end(void);

#endif
