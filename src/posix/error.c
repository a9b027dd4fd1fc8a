/* SPDX-License-Identifier: MIT */
#include "common/error.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* Numbers that are names of one another on some systems cannot stand in one switch. */
#if !defined(EWOULDBLOCK) || EWOULDBLOCK == EAGAIN
#define ERROR_NAMES_AGAIN(X)
#else
#define ERROR_NAMES_AGAIN(X) X(EWOULDBLOCK, EDDY_EAGAIN)
#endif
#if ENOTSUP == EOPNOTSUPP
#define ERROR_NAMES_NOTSUP(X)
#else
#define ERROR_NAMES_NOTSUP(X) X(ENOTSUP, EDDY_EOPNOTSUPP)
#endif

#define ERROR_NUMBERS(X)                                                                           \
    X(EACCES, EDDY_EACCES)                                                                         \
    X(EADDRINUSE, EDDY_EADDRINUSE)                                                                 \
    X(EADDRNOTAVAIL, EDDY_EADDRNOTAVAIL)                                                           \
    X(EAFNOSUPPORT, EDDY_EAFNOSUPPORT)                                                             \
    X(EAGAIN, EDDY_EAGAIN)                                                                         \
    X(EALREADY, EDDY_EALREADY)                                                                     \
    X(EBADF, EDDY_EBADF)                                                                           \
    X(EBUSY, EDDY_EBUSY)                                                                           \
    X(ECHILD, EDDY_ECHILD)                                                                         \
    X(ECONNABORTED, EDDY_ECONNABORTED)                                                             \
    X(ECONNREFUSED, EDDY_ECONNREFUSED)                                                             \
    X(ECONNRESET, EDDY_ECONNRESET)                                                                 \
    X(EDESTADDRREQ, EDDY_EDESTADDRREQ)                                                             \
    X(EEXIST, EDDY_EEXIST)                                                                         \
    X(EFAULT, EDDY_EFAULT)                                                                         \
    X(EFBIG, EDDY_EFBIG)                                                                           \
    X(EHOSTDOWN, EDDY_EHOSTDOWN)                                                                   \
    X(EHOSTUNREACH, EDDY_EHOSTUNREACH)                                                             \
    X(EINPROGRESS, EDDY_EINPROGRESS)                                                               \
    X(EINTR, EDDY_EINTR)                                                                           \
    X(EINVAL, EDDY_EINVAL)                                                                         \
    X(EIO, EDDY_EIO)                                                                               \
    X(EISCONN, EDDY_EISCONN)                                                                       \
    X(EISDIR, EDDY_EISDIR)                                                                         \
    X(ELOOP, EDDY_ELOOP)                                                                           \
    X(EMFILE, EDDY_EMFILE)                                                                         \
    X(EMSGSIZE, EDDY_EMSGSIZE)                                                                     \
    X(ENAMETOOLONG, EDDY_ENAMETOOLONG)                                                             \
    X(ENETDOWN, EDDY_ENETDOWN)                                                                     \
    X(ENETRESET, EDDY_ENETRESET)                                                                   \
    X(ENETUNREACH, EDDY_ENETUNREACH)                                                               \
    X(ENFILE, EDDY_ENFILE)                                                                         \
    X(ENOBUFS, EDDY_ENOBUFS)                                                                       \
    X(ENODEV, EDDY_ENODEV)                                                                         \
    X(ENOENT, EDDY_ENOENT)                                                                         \
    X(ENOEXEC, EDDY_ENOEXEC)                                                                       \
    X(ENOMEM, EDDY_ENOMEM)                                                                         \
    X(ENOPROTOOPT, EDDY_ENOPROTOOPT)                                                               \
    X(ENOSPC, EDDY_ENOSPC)                                                                         \
    X(ENOSYS, EDDY_ENOSYS)                                                                         \
    X(ENOTCONN, EDDY_ENOTCONN)                                                                     \
    X(ENOTDIR, EDDY_ENOTDIR)                                                                       \
    X(ENOTSOCK, EDDY_ENOTSOCK)                                                                     \
    X(ENXIO, EDDY_ENXIO)                                                                           \
    X(EOPNOTSUPP, EDDY_EOPNOTSUPP)                                                                 \
    X(EOVERFLOW, EDDY_EOVERFLOW)                                                                   \
    X(EPERM, EDDY_EPERM)                                                                           \
    X(EPIPE, EDDY_EPIPE)                                                                           \
    X(EPROTO, EDDY_EPROTO)                                                                         \
    X(EPROTONOSUPPORT, EDDY_EPROTONOSUPPORT)                                                       \
    X(EPROTOTYPE, EDDY_EPROTOTYPE)                                                                 \
    X(EROFS, EDDY_EROFS)                                                                           \
    X(ESHUTDOWN, EDDY_ESHUTDOWN)                                                                   \
    X(ESOCKTNOSUPPORT, EDDY_ESOCKTNOSUPPORT)                                                       \
    X(ESPIPE, EDDY_ESPIPE)                                                                         \
    X(ESRCH, EDDY_ESRCH)                                                                           \
    X(ETIMEDOUT, EDDY_ECONNTIMEDOUT)                                                               \
    X(ETXTBSY, EDDY_ETXTBSY)                                                                       \
    ERROR_NAMES_AGAIN(X)                                                                           \
    ERROR_NAMES_NOTSUP(X)

int eddy__system_code(int64_t number)
{
#define ERROR_CASE(name, code)                                                                     \
    case name:                                                                                     \
        return code;

    switch (number) {
        ERROR_NUMBERS(ERROR_CASE)
    default:
        return EDDY_EUNKNOWN;
    }
#undef ERROR_CASE
}

int eddy__resolver_error(int number)
{
    switch (number) {
    case EAI_AGAIN:
        return EDDY_EAI_AGAIN;
    case EAI_BADFLAGS:
        return EDDY_EAI_BADFLAGS;
    case EAI_FAMILY:
        return EDDY_EAI_FAMILY;
    case EAI_MEMORY:
        return EDDY_ENOMEM;
    case EAI_NONAME:
        return EDDY_EAI_NONAME;
    case EAI_SERVICE:
        return EDDY_EAI_SERVICE;
    case EAI_SOCKTYPE:
        return EDDY_EAI_SOCKTYPE;
#if defined(EAI_OVERFLOW)
    case EAI_OVERFLOW:
        return EDDY_EAI_OVERFLOW;
#endif
        /* Older names, which some systems have dropped and others made equal to EAI_NONAME. */
#if defined(EAI_ADDRFAMILY) && EAI_ADDRFAMILY != EAI_FAMILY
    case EAI_ADDRFAMILY:
        return EDDY_EAI_ADDRFAMILY;
#endif
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
        return EDDY_EAI_NODATA;
#endif
    case EAI_FAIL:
    default:
        return EDDY_EAI_FAIL;
    }
}

/* strerror_r() has two shapes; the compiler picks the function that fits what it returns. */
static inline const char *error_text_posix(int result, const char *buffer)
{
    return result == 0 ? buffer : "";
}

static inline const char *error_text_gnu(const char *result, const char *buffer)
{
    (void)buffer;
    return result;
}

void eddy__system_text(int64_t number, char *buffer, size_t size)
{
    char own[256] = "";
    const char *text = _Generic(strerror_r(0, own, sizeof own), int
                                : error_text_posix, char *
                                : error_text_gnu)(strerror_r((int)number, own, sizeof own), own);

    snprintf(buffer, size, "%s", text);
}
