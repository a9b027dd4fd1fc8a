/* SPDX-License-Identifier: MIT */
/** Socket addresses as values: copied by assignment, owning nothing. */
#ifndef EDDY_ADDRESS_H
#define EDDY_ADDRESS_H

#include <eddy/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Address families, socket types and protocols: portable numbers, not the system's. */
typedef enum eddy_family {
    EDDY_UNSPEC = 0,
    EDDY_INET,
    EDDY_INET6,
    EDDY_UNIX,
    EDDY_OTHER_FAMILY /**< a family that only the system knows; eddy_address_native() has it */
} eddy_family;

typedef enum eddy_socket_type { EDDY_ANY_TYPE = 0, EDDY_STREAM, EDDY_DGRAM } eddy_socket_type;

typedef enum eddy_ip_protocol { EDDY_ANY_PROTOCOL = 0, EDDY_TCP, EDDY_UDP } eddy_ip_protocol;

/** Opaque room for the system's sockaddr. All zero is the unspecified address. */
struct eddy_address {
    uint64_t storage[16];
    uint32_t length;
    uint32_t reserved;
};

/** Room for any text that eddy_address_format() makes, with its NUL. */
#define EDDY_ADDRESS_TEXT_MAX 128

/**
 * Make an address from a numeric host ("127.0.0.1", "::1", "fe80::1%2") and a port; asks nobody.
 *
 * `host` NULL or "" is the IPv4 wildcard. EDDY_EINVALID when it is no number or the port is
 * outside 0..65535; `*address` is then untouched.
 */
EDDY_API int eddy_address_parse(const char *host, int port, eddy_address *address);

/**
 * Make a Unix socket address. `path` may begin with a NUL byte: the abstract namespace of Linux.
 *
 * EDDY_EINVALID if it does not fit or is empty, EDDY_ENOTSUPPORTED where the system has none.
 */
EDDY_API int eddy_address_unix(const char *path, size_t size, eddy_address *address);

/** Copy a `struct sockaddr` of the system. EDDY_EINVALID if it does not fit. */
EDDY_API int eddy_address_from_native(const void *sockaddr, size_t size, eddy_address *address);

/** The system's `struct sockaddr` inside, and its size; borrowed from `address`. Cannot fail. */
EDDY_API const void *eddy_address_native(const eddy_address *address, size_t *size);

EDDY_API eddy_family eddy_address_family(const eddy_address *address);

/** Port of an internet address, else 0. */
EDDY_API int eddy_address_port(const eddy_address *address);

/** Flow information and scope of an IPv6 address, else 0 (NET-5). */
EDDY_API uint32_t eddy_address_flowinfo(const eddy_address *address);
EDDY_API uint32_t eddy_address_scope_id(const eddy_address *address);

/**
 * Write the host alone: "127.0.0.1", "fe80::1%2", a path; abstract names begin with '@'.
 * `size` counts the NUL; too small a buffer gives EDDY_EINVALID and an empty text.
 */
EDDY_API int eddy_address_host(const eddy_address *address, char *buffer, size_t size);

/** Write host and port: "127.0.0.1:80", "[::1]:80", or the path. Else as eddy_address_host(). */
EDDY_API int eddy_address_format(const eddy_address *address, char *buffer, size_t size);

/** True if both name the same endpoint: family, host, port, scope, path. */
EDDY_API bool eddy_address_equal(const eddy_address *a, const eddy_address *b);

#ifdef __cplusplus
}
#endif

#endif
