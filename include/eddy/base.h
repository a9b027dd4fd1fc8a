/* SPDX-License-Identifier: MIT */
/**
 * What every other header needs: the types that travel through all calls.
 *
 * Conventions of the whole API. A call that can fail returns `int`: 0, or a count, or a negative
 * code of <eddy/error.h>. Ownership has five verbs: the library *borrows* an argument for the
 * call, *copies* it, *takes* it (also when the call fails, if that is said), *refs* it (keeps a
 * reference of its own), or *lends* it to a callback until that returns. Functions belong to the
 * loop's thread unless their comment says otherwise.
 */
#ifndef EDDY_BASE_H
#define EDDY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(EDDY_SHARED) && defined(EDDY_BUILDING)
#define EDDY_API __declspec(dllexport)
#elif defined(_WIN32) && defined(EDDY_SHARED)
#define EDDY_API __declspec(dllimport)
#elif defined(__GNUC__)
#define EDDY_API __attribute__((visibility("default")))
#else
#define EDDY_API
#endif

/* MinGW's printf family is C11's when C11 is asked for, but its attribute means Microsoft's. */
#if defined(__MINGW32__) && !defined(__clang__)
#define EDDY_PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))
#elif defined(__GNUC__)
#define EDDY_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define EDDY_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Nanoseconds: a span, or a point on a loop's monotonic clock (eddy_loop_time(), LOOP-28). */
typedef int64_t eddy_time;

#define EDDY_MICROSECONDS(x) ((eddy_time)(1000LL * (x)))
#define EDDY_MILLISECONDS(x) ((eddy_time)(1000000LL * (x)))
#define EDDY_SECONDS(x) ((eddy_time)(1000000000LL * (x)))

/** As a limit: none. As a point in time: never. */
#define EDDY_FOREVER INT64_MAX

/**
 * A socket of the operating system (a descriptor, a SOCKET), or of a simulated network, whose
 * numbers lie in a range of their own (<eddy/testing.h>).
 */
typedef intptr_t eddy_socket;

#define EDDY_NO_SOCKET ((eddy_socket)-1)

/** A file of the operating system: a descriptor, a HANDLE; never an object of the C library. */
typedef intptr_t eddy_file;

#define EDDY_NO_FILE ((eddy_file)-1)

typedef struct eddy_address eddy_address;
typedef struct eddy_address_list eddy_address_list;
typedef struct eddy_bytes eddy_bytes;
typedef struct eddy_context eddy_context;
typedef struct eddy_datagram eddy_datagram;
typedef struct eddy_executor eddy_executor;
typedef struct eddy_future eddy_future;
typedef struct eddy_generator eddy_generator;
typedef struct eddy_loop eddy_loop;
typedef struct eddy_name_info eddy_name_info;
typedef struct eddy_policy eddy_policy;
typedef struct eddy_protocol eddy_protocol;
typedef struct eddy_server eddy_server;
typedef struct eddy_socket_view eddy_socket_view;
typedef struct eddy_thread_future eddy_thread_future;
typedef struct eddy_tls eddy_tls;
typedef struct eddy_tls_certificate eddy_tls_certificate;
typedef struct eddy_tls_cipher eddy_tls_cipher;
typedef struct eddy_tls_context eddy_tls_context;
typedef struct eddy_transport eddy_transport;

/** One result, in one 64-bit word. Which member is meant is said by the call that produced it. */
typedef union eddy_value {
    int64_t integer;
    uint64_t bits;
    double real;
    size_t size;
    bool boolean;
    void *pointer;
    const char *text;
    eddy_socket socket;
    const eddy_address *address;
    eddy_address_list *addresses;
    eddy_name_info *name_info;
    eddy_bytes *bytes;
    eddy_datagram *datagram;
    eddy_future *future;
    eddy_server *server;
    eddy_socket_view *socket_view;
    eddy_tls *tls;
    const eddy_tls_certificate *tls_certificate;
    const eddy_tls_cipher *tls_cipher;
    eddy_tls_context *tls_context;
    eddy_transport *transport;
    union eddy_value *values;
} eddy_value;

/**
 * A scheduled callback. Runs in the loop's thread. A negative result is an error of the callback:
 * it is reported (ERR-1) and the loop goes on (LOOP-42).
 */
typedef int (*eddy_callback)(void *arg);

/**
 * Blocking work, a task's body, a generator's body, or a program's main: one signature, so that
 * the same function runs in a task, in an executor, or under eddy_run(). Returns 0 and may set
 * `*result` (0 before), or a negative code.
 */
typedef int (*eddy_function)(void *arg, eddy_value *result);

/** Gives `arg` back to its owner. Neither fails nor calls into the loop. */
typedef void (*eddy_release)(void *arg);

/** Gives back what a result owns, when nobody took it out (FUT-1). */
typedef void (*eddy_disposer)(eddy_value value);

/** Yes, no, or what the system usually does. */
typedef enum eddy_choice { EDDY_DEFAULT = 0, EDDY_YES, EDDY_NO } eddy_choice;

#ifdef __cplusplus
}
#endif

#endif
