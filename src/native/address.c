/* SPDX-License-Identifier: MIT */
/* The structures of addresses have the same fields on all systems, and lengths of their own. */
#include "common/address.h"
#include "native/sockets.h"
#include <assert.h>
#include <eddy/error.h>
#include <stddef.h>
#include <string.h>

/* Where the system has it, structures begin with their length; getaddrinfo() and bind() want it. */
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) ||   \
    defined(__DragonFly__)
#define SET_LENGTH(field, length) ((field) = (unsigned char)(length))
#else
#define SET_LENGTH(field, length) ((void)0)
#endif

/* Unix sockets, and names of theirs that are no paths. */
#if defined(_WIN32)
#define HAVE_UNIX eddy__winsock_has_unix()
#else
#define HAVE_UNIX true
#endif
#if defined(__linux__)
#define HAVE_ABSTRACT true
#else
#define HAVE_ABSTRACT false
#endif

static_assert(sizeof(struct sockaddr_storage) <= sizeof(((eddy_address *)0)->storage),
              "room for every address of the system");

int eddy__family_to_native(int family)
{
    switch (family) {
    case EDDY_UNSPEC:
        return AF_UNSPEC;
    case EDDY_INET:
        return AF_INET;
    case EDDY_INET6:
        return AF_INET6;
    case EDDY_UNIX:
        return AF_UNIX;
    default:
        return -1;
    }
}

eddy_family eddy__family_from_native(int family)
{
    switch (family) {
    case AF_UNSPEC:
        return EDDY_UNSPEC;
    case AF_INET:
        return EDDY_INET;
    case AF_INET6:
        return EDDY_INET6;
    case AF_UNIX:
        return EDDY_UNIX;
    default:
        return EDDY_OTHER_FAMILY;
    }
}

int eddy__type_to_native(int type)
{
    return type == EDDY_STREAM ? SOCK_STREAM : type == EDDY_DGRAM ? SOCK_DGRAM : 0;
}

int eddy__type_from_native(int type)
{
    return type == SOCK_STREAM ? EDDY_STREAM : type == SOCK_DGRAM ? EDDY_DGRAM : EDDY_ANY_TYPE;
}

int eddy__protocol_to_native(int protocol)
{
    return protocol == EDDY_TCP ? IPPROTO_TCP : protocol == EDDY_UDP ? IPPROTO_UDP : 0;
}

int eddy__protocol_from_native(int protocol)
{
    return protocol == IPPROTO_TCP   ? EDDY_TCP
           : protocol == IPPROTO_UDP ? EDDY_UDP
                                     : EDDY_ANY_PROTOCOL;
}

static void address_split_inet(const eddy_address *address, struct eddy__endpoint *endpoint)
{
    struct sockaddr_in in;

    memcpy(&in, address->storage, sizeof in);
    endpoint->port = ntohs(in.sin_port);
    memcpy(endpoint->ip, &in.sin_addr, sizeof in.sin_addr);
}

static void address_split_inet6(const eddy_address *address, struct eddy__endpoint *endpoint)
{
    struct sockaddr_in6 in6;

    memcpy(&in6, address->storage, sizeof in6);
    endpoint->port = ntohs(in6.sin6_port);
    endpoint->flowinfo = ntohl(in6.sin6_flowinfo);
    endpoint->scope_id = (uint32_t)in6.sin6_scope_id;
    memcpy(endpoint->ip, &in6.sin6_addr, sizeof in6.sin6_addr);
}

static void address_split_unix(const eddy_address *address, struct eddy__endpoint *endpoint)
{
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    const char *path = (const char *)address->storage + offset;
    size_t size = address->length > offset ? address->length - offset : 0;
    const char *end = size > 0 && path[0] != '\0' ? memchr(path, '\0', size) : NULL;

    endpoint->path = path;
    endpoint->path_size = end != NULL ? (size_t)(end - path) : size;
    /* Where nothing is abstract, the name of a socket without one is a row of NULs. */
    if (size > 0 && path[0] == '\0' && !HAVE_ABSTRACT)
        endpoint->path_size = 0;
}

void eddy__address_split(const eddy_address *address, struct eddy__endpoint *endpoint)
{
    struct sockaddr head;

    memset(endpoint, 0, sizeof *endpoint);
    if (address->length < offsetof(struct sockaddr, sa_data))
        return;
    memcpy(&head, address->storage, sizeof head);
    endpoint->family = eddy__family_from_native(head.sa_family);
    if (endpoint->family == EDDY_INET && address->length >= sizeof(struct sockaddr_in))
        address_split_inet(address, endpoint);
    else if (endpoint->family == EDDY_INET6 && address->length >= sizeof(struct sockaddr_in6))
        address_split_inet6(address, endpoint);
    else if (endpoint->family == EDDY_UNIX)
        address_split_unix(address, endpoint);
}

static int address_join_inet(const struct eddy__endpoint *endpoint, eddy_address *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    SET_LENGTH(in.sin_len, sizeof in);
    in.sin_port = htons((uint16_t)endpoint->port);
    memcpy(&in.sin_addr, endpoint->ip, sizeof in.sin_addr);
    return eddy_address_from_native(&in, sizeof in, address);
}

static int address_join_inet6(const struct eddy__endpoint *endpoint, eddy_address *address)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    SET_LENGTH(in6.sin6_len, sizeof in6);
    in6.sin6_port = htons((uint16_t)endpoint->port);
    in6.sin6_flowinfo = htonl(endpoint->flowinfo);
    in6.sin6_scope_id = endpoint->scope_id;
    memcpy(&in6.sin6_addr, endpoint->ip, sizeof in6.sin6_addr);
    return eddy_address_from_native(&in6, sizeof in6, address);
}

static int address_join_unix(const struct eddy__endpoint *endpoint, eddy_address *address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t size = endpoint->path_size;
    size_t length = offsetof(struct sockaddr_un, sun_path) + size;

    if (size > 0 && endpoint->path[0] != '\0') {
        length += 1; /* the NUL behind a path counts, the end of an abstract name is its length */
        size += 1;
    } else if (size > 0 && !HAVE_ABSTRACT) {
        return eddy_error(EDDY_ENOTSUPPORTED, "this system has no abstract Unix sockets");
    }
    if (size > sizeof un.sun_path)
        return eddy_error(EDDY_EINVALID, "the path of a Unix socket is longer than %zu bytes",
                          sizeof un.sun_path - 1);
    if (!HAVE_UNIX)
        return eddy_error(EDDY_ENOTSUPPORTED, "this version of the system has no Unix sockets");
    SET_LENGTH(un.sun_len, length);
    if (endpoint->path_size > 0)
        memcpy(un.sun_path, endpoint->path, endpoint->path_size);
    return eddy_address_from_native(&un, length, address);
}

int eddy__address_join(const struct eddy__endpoint *endpoint, eddy_address *address)
{
    switch (endpoint->family) {
    case EDDY_INET:
        return address_join_inet(endpoint, address);
    case EDDY_INET6:
        return address_join_inet6(endpoint, address);
    case EDDY_UNIX:
        return address_join_unix(endpoint, address);
    case EDDY_UNSPEC:
    case EDDY_OTHER_FAMILY:
        break;
    }
    return eddy_error(EDDY_EINVALID, "an address of this family cannot be made");
}

/* Neither of the two below asks the network: they work before Winsock has been started. */

bool eddy__ip_parse(eddy_family family, const char *text, unsigned char ip[16])
{
    return inet_pton(family == EDDY_INET ? AF_INET : AF_INET6, text, ip) == 1;
}

void eddy__ip_format(eddy_family family, const unsigned char ip[16], char *buffer, size_t size)
{
    if (inet_ntop(family == EDDY_INET ? AF_INET : AF_INET6, ip, buffer, (unsigned)size) == NULL)
        buffer[0] = '\0';
}
