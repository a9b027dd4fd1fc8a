/* SPDX-License-Identifier: MIT */
/** What suites need of the operating system; platform_posix.c and platform_win32.c supply it. */
#ifndef TESTS_SUPPORT_PLATFORM_H
#define TESTS_SUPPORT_PLATFORM_H

#include <eddy/base.h>

/** Descriptors that a test could reasonably have. */
enum { PLATFORM_DESCRIPTORS = 1024 };

/** Which descriptors of this process are open. */
struct platform_descriptors {
    unsigned char open[PLATFORM_DESCRIPTORS];
};

/** Look which descriptors are open. Sees nothing on Windows, where handles come and go. */
void platform_descriptors_look(struct platform_descriptors *descriptors);

/** Print those that are open now and were not `before`; returns how many. */
int platform_descriptors_print_new(const struct platform_descriptors *before);

/** Wait a moment for children to go; print if one is left, a zombie included: then 1, else 0. */
int platform_children_print(void);

/** Close `socket`, a TCP socket of the system, so that its peer sees a reset. */
void platform_socket_reset(eddy_socket socket);

/** Make a folder of our own for files; false if that is impossible. */
bool platform_folder_new(char *path, size_t size);

/** Remove it with its files; it has no folders. */
void platform_folder_remove(const char *path);

/** True if something lies at `path`; links are not followed. */
bool platform_path_exists(const char *path);

/** Open a file for reading and writing; EDDY_NO_FILE if that is impossible. */
eddy_file platform_file_open(const char *path);
void platform_file_close(eddy_file file);
int64_t platform_file_position(eddy_file file);
bool platform_file_resize(eddy_file file, int64_t size);
bool platform_file_put(eddy_file file, int64_t at, char byte);

/** Stop in the debugger. */
void platform_trap(void);

/** Memory that a child of platform_run() shares with us; zeroed. NULL: this system has no fork. */
void *platform_share(size_t size);
void platform_unshare(void *memory, size_t size);

enum platform_end { PLATFORM_RETURNED = 0, PLATFORM_CRASHED, PLATFORM_HUNG };

/**
 * Run `function(arg)` in a child of this process, for at most `seconds`.
 *
 * What it prints goes into `output` (NUL-terminated, its end if it is too long).
 */
enum platform_end platform_run(void (*function)(void *arg), void *arg, unsigned seconds,
                               char *output, size_t size);

/** Let a fault end the process, whatever handlers the test runner has installed. */
void platform_default_faults(void);

/** True if the system's resolver has an IPv4 address for "localhost". */
bool platform_knows_localhost(void);

/** Set or (with NULL) remove an environment variable. */
void platform_set_environment(const char *name, const char *value);

/** What a context for the wrong side, or a limit that is none, is refused with. */
#ifdef EDDY_TLS
#define NO_TLS_HERE EDDY_EINVALID
#else
#define NO_TLS_HERE EDDY_ENOTSUPPORTED
#endif

#endif
