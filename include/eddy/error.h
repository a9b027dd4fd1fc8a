/* SPDX-License-Identifier: MIT */
/**
 * Error codes, the same on every platform, and the text that goes with the last failure.
 *
 * Codes are partitioned: -1..-999 the library's own, -1000..-1999 the operating system's,
 * -2000..-2999 the resolver's, -3000..-3999 TLS; from EDDY_EUSER downwards they are the program's.
 * EDDY_ECANCELED and EDDY_ETIMEDOUT are only ever the library's: a limit of this API expired, an
 * operation was cancelled through it. A connection that the system gave up on is
 * EDDY_ECONNTIMEDOUT.
 */
#ifndef EDDY_ERROR_H
#define EDDY_ERROR_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Every code once: X(name, number, text). The names carry the prefix EDDY_. */
#define EDDY_ERRORS_OF_LIBRARY(X)                                                                  \
    X(EFAILED, -1, "operation failed")                                                             \
    X(EINVALID, -2, "invalid argument")                                                            \
    X(EBADSTATE, -3, "not allowed in this state")                                                  \
    X(EINVALIDSTATE, -4, "future is in the wrong state")                                           \
    X(ECANCELED, -5, "cancelled")                                                                  \
    X(ETIMEDOUT, -6, "timed out")                                                                  \
    X(ENOMEM, -7, "out of memory")                                                                 \
    X(ENOTSUPPORTED, -8, "not supported")                                                          \
    X(ENOPROCESS, -9, "no such process")                                                           \
    X(ENOSENDFILE, -10, "no native file sending")                                                  \
    X(EDEADLOCK, -11, "nothing can end this wait")                                                 \
    X(EEXHAUSTED, -12, "generator is exhausted")                                                   \
    X(EEXIT, -13, "immediate exit requested")

#define EDDY_ERRORS_OF_SYSTEM(X)                                                                   \
    X(EACCES, -1000, "permission denied")                                                          \
    X(EADDRINUSE, -1001, "address already in use")                                                 \
    X(EADDRNOTAVAIL, -1002, "address not available")                                               \
    X(EAFNOSUPPORT, -1003, "address family not supported")                                         \
    X(EAGAIN, -1004, "resource temporarily unavailable")                                           \
    X(EALREADY, -1005, "operation already in progress")                                            \
    X(EBADF, -1006, "bad descriptor")                                                              \
    X(EBUSY, -1007, "resource busy")                                                               \
    X(ECHILD, -1008, "no child process")                                                           \
    X(ECONNABORTED, -1009, "connection aborted")                                                   \
    X(ECONNREFUSED, -1010, "connection refused")                                                   \
    X(ECONNRESET, -1011, "connection reset by peer")                                               \
    X(ECONNTIMEDOUT, -1012, "connection timed out")                                                \
    X(EDESTADDRREQ, -1013, "destination address required")                                         \
    X(EEXIST, -1014, "file exists")                                                                \
    X(EFAULT, -1015, "bad memory address")                                                         \
    X(EFBIG, -1016, "file too large")                                                              \
    X(EHOSTDOWN, -1017, "host is down")                                                            \
    X(EHOSTUNREACH, -1018, "host is unreachable")                                                  \
    X(EINPROGRESS, -1019, "operation in progress")                                                 \
    X(EINTR, -1020, "interrupted")                                                                 \
    X(EINVAL, -1021, "invalid argument (system)")                                                  \
    X(EIO, -1022, "input/output error")                                                            \
    X(EISCONN, -1023, "socket is already connected")                                               \
    X(EISDIR, -1024, "is a directory")                                                             \
    X(ELOOP, -1025, "too many symbolic links")                                                     \
    X(EMFILE, -1026, "too many open descriptors in this process")                                  \
    X(EMSGSIZE, -1027, "message too long")                                                         \
    X(ENAMETOOLONG, -1028, "name too long")                                                        \
    X(ENETDOWN, -1029, "network is down")                                                          \
    X(ENETRESET, -1030, "connection reset by the network")                                         \
    X(ENETUNREACH, -1031, "network is unreachable")                                                \
    X(ENFILE, -1032, "too many open descriptors in the system")                                    \
    X(ENOBUFS, -1033, "no buffer space")                                                           \
    X(ENODEV, -1034, "no such device")                                                             \
    X(ENOENT, -1035, "no such file or directory")                                                  \
    X(ENOEXEC, -1036, "not an executable")                                                         \
    X(ENOPROTOOPT, -1037, "protocol option not available")                                         \
    X(ENOSPC, -1038, "no space left")                                                              \
    X(ENOSYS, -1039, "not implemented by the system")                                              \
    X(ENOTCONN, -1040, "socket is not connected")                                                  \
    X(ENOTDIR, -1041, "not a directory")                                                           \
    X(ENOTSOCK, -1042, "not a socket")                                                             \
    X(ENXIO, -1043, "no such device or address")                                                   \
    X(EOPNOTSUPP, -1044, "operation not supported by the system")                                  \
    X(EOVERFLOW, -1045, "value too large")                                                         \
    X(EPERM, -1046, "operation not permitted")                                                     \
    X(EPIPE, -1047, "broken pipe")                                                                 \
    X(EPROTO, -1048, "protocol error")                                                             \
    X(EPROTONOSUPPORT, -1049, "protocol not supported")                                            \
    X(EPROTOTYPE, -1050, "wrong protocol type for socket")                                         \
    X(EROFS, -1051, "read-only file system")                                                       \
    X(ESHUTDOWN, -1052, "cannot send after shutdown")                                              \
    X(ESOCKTNOSUPPORT, -1053, "socket type not supported")                                         \
    X(ESPIPE, -1054, "illegal seek")                                                               \
    X(ESRCH, -1055, "no such process (system)")                                                    \
    X(ETXTBSY, -1056, "text file busy")                                                            \
    X(EUNKNOWN, -1057, "unknown system error")

#define EDDY_ERRORS_OF_RESOLVER(X)                                                                 \
    X(EAI_ADDRFAMILY, -2000, "no address of this family for the host")                             \
    X(EAI_AGAIN, -2001, "temporary failure in name resolution")                                    \
    X(EAI_BADFLAGS, -2002, "bad resolver flags")                                                   \
    X(EAI_FAIL, -2003, "permanent failure in name resolution")                                     \
    X(EAI_FAMILY, -2004, "address family not supported by the resolver")                           \
    X(EAI_NODATA, -2005, "no address for the host")                                                \
    X(EAI_NONAME, -2006, "unknown host or service")                                                \
    X(EAI_OVERFLOW, -2007, "resolver buffer overflow")                                             \
    X(EAI_SERVICE, -2008, "service not available for the socket type")                             \
    X(EAI_SOCKTYPE, -2009, "socket type not supported by the resolver")

#define EDDY_ERRORS_OF_TLS(X)                                                                      \
    X(ETLS, -3000, "TLS error")                                                                    \
    X(ETLSVERIFY, -3001, "certificate not accepted")

#define EDDY_ERROR_ENUMERATOR(name, number, text) EDDY_##name = (number),

enum eddy_error_code {
    EDDY_ERRORS_OF_LIBRARY(EDDY_ERROR_ENUMERATOR) EDDY_ERRORS_OF_SYSTEM(EDDY_ERROR_ENUMERATOR)
        EDDY_ERRORS_OF_RESOLVER(EDDY_ERROR_ENUMERATOR) EDDY_ERRORS_OF_TLS(EDDY_ERROR_ENUMERATOR)
    /** This code and those below it are for programs; the library passes them through. */
    EDDY_EUSER = -100000
};

#undef EDDY_ERROR_ENUMERATOR

/**
 * Describe a code in a few words.
 *
 * Never NULL; constant text. For what exactly went wrong, see eddy_error_text(). Any thread.
 */
EDDY_API const char *eddy_strerror(int code);

/** The code's name, "EDDY_ECONNREFUSED"; "EDDY_E?" for a number that is none. Any thread. */
EDDY_API const char *eddy_err_name(int code);

/**
 * The text of the last call that failed in the current task, or, outside tasks, in this thread.
 *
 * Says what the code cannot: the address that refused, the option that clashed. Set before
 * connection_lost() and before a failed future is awaited to its end. Never NULL; valid until the
 * next failing call there. Any thread.
 */
EDDY_API const char *eddy_error_text(void);

/**
 * The number behind eddy_error_text(): the operating system's own (errno, GetLastError); OpenSSL's
 * for EDDY_ETLS (SSL_R_...) and EDDY_ETLSVERIFY (X509_V_ERR_...); else 0.
 */
EDDY_API int64_t eddy_error_number(void);

/**
 * Set the text of eddy_error_text() and return `code`, so that a program's own failures read
 * like the library's: `return eddy_error(EDDY_EUSER - 1, "no user %s", name);`
 *
 * Copies; cut off after 255 bytes. Allocates nothing. Any thread.
 */
EDDY_API int eddy_error(int code, const char *format, ...) EDDY_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif

#endif
