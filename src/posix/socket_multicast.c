/* SPDX-License-Identifier: MIT */
/*
 * IPv4 and IPv6 have each their own options for the same things, in sizes of their own: those of
 * IPv4 groups are one byte, which is what every system takes.
 */
#include "posix/socket_multicast.h"
#include "common/error.h"
#include "posix/sys.h"
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

/* Interfaces by index for IPv4; elsewhere they are named by an address of theirs. */
#if defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__)
#define HAVE_MREQN 1
#endif

/* The older name of a protocol-independent pair is missing on OpenBSD. */
#if !defined(IPV6_JOIN_GROUP)
#define IPV6_JOIN_GROUP IPV6_ADD_MEMBERSHIP
#define IPV6_LEAVE_GROUP IPV6_DROP_MEMBERSHIP
#endif

/* 0, or the error of a call that says -1. */
static int multicast_result(int result)
{
    return result < 0 ? eddy__system_error(errno) : 0;
}

/* The family of an internet socket, in the system's number. */
static int multicast_family(eddy_socket socket, int *family)
{
    struct sockaddr_storage native;
    socklen_t size = sizeof native;
    int error =
        multicast_result(EDDY__SYS(getsockname)((int)socket, (struct sockaddr *)&native, &size));

    if (error)
        return error;
    *family = native.ss_family;
    return *family == AF_INET || *family == AF_INET6 ? 0 : EDDY_ENOPROTOOPT;
}

static int multicast_name(int family, enum eddy__socket_option option)
{
    bool is_ipv4 = family == AF_INET;

    switch (option) {
    case EDDY__HOP_LIMIT:
        return is_ipv4 ? IP_TTL : IPV6_UNICAST_HOPS;
    case EDDY__MULTICAST_HOP_LIMIT:
        return is_ipv4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS;
    case EDDY__MULTICAST_LOOPBACK:
        return is_ipv4 ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP;
    default:
        return is_ipv4 ? IP_MULTICAST_IF : IPV6_MULTICAST_IF;
    }
}

static bool multicast_is_byte(int family, enum eddy__socket_option option)
{
    return family == AF_INET &&
           (option == EDDY__MULTICAST_HOP_LIMIT || option == EDDY__MULTICAST_LOOPBACK);
}

/* The interface that IPv4 datagrams to groups leave by. */
static int multicast_set_interface(eddy_socket socket, int index)
{
#if defined(HAVE_MREQN)
    struct ip_mreqn request = {.imr_ifindex = index};

    return multicast_result(
        EDDY__SYS(setsockopt)((int)socket, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request));
#else
    (void)socket;
    return index == 0 ? 0 : EDDY_ENOTSUPPORTED;
#endif
}

int eddy__socket_set_route(eddy_socket socket, enum eddy__socket_option option, int value)
{
    unsigned char byte = (unsigned char)value;
    int family = AF_UNSPEC;
    int error = multicast_family(socket, &family);
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int name = multicast_name(family, option);

    if (error)
        return error;
    if (family == AF_INET && option == EDDY__MULTICAST_INTERFACE)
        return multicast_set_interface(socket, value);
    if (!multicast_is_byte(family, option))
        return multicast_result(
            EDDY__SYS(setsockopt)((int)socket, level, name, &value, sizeof value));
    if (value < 0 || value > UCHAR_MAX)
        return EDDY_EINVAL;
    return multicast_result(EDDY__SYS(setsockopt)((int)socket, level, name, &byte, sizeof byte));
}

int eddy__socket_get_route(eddy_socket socket, enum eddy__socket_option option, int *value)
{
    unsigned char byte = 0;
    socklen_t size = sizeof *value;
    int family = AF_UNSPEC;
    int error = multicast_family(socket, &family);
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int name = multicast_name(family, option);

    if (error)
        return error;
    if (family == AF_INET && option == EDDY__MULTICAST_INTERFACE)
        return EDDY_ENOTSUPPORTED; /* the system tells an address */
    if (!multicast_is_byte(family, option))
        return multicast_result(EDDY__SYS(getsockopt)((int)socket, level, name, value, &size));
    size = sizeof byte;
    error = multicast_result(EDDY__SYS(getsockopt)((int)socket, level, name, &byte, &size));
    if (error == 0)
        *value = byte;
    return error;
}

static int multicast_set_ipv4(eddy_socket socket, const struct sockaddr_in *group,
                              unsigned interface_index, bool join)
{
    int name = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
#if defined(HAVE_MREQN)
    struct ip_mreqn request = {.imr_multiaddr = group->sin_addr};

    request.imr_ifindex = (int)interface_index;
#else
    struct ip_mreq request = {.imr_multiaddr = group->sin_addr};

    if (interface_index != 0)
        return EDDY_ENOTSUPPORTED;
#endif
    return multicast_result(
        EDDY__SYS(setsockopt)((int)socket, IPPROTO_IP, name, &request, sizeof request));
}

static int multicast_set_ipv6(eddy_socket socket, const struct sockaddr_in6 *group,
                              unsigned interface_index, bool join)
{
    struct ipv6_mreq request = {.ipv6mr_multiaddr = group->sin6_addr};

    request.ipv6mr_interface = interface_index;
    return multicast_result(EDDY__SYS(setsockopt)((int)socket, IPPROTO_IPV6,
                                                  join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
                                                  &request, sizeof request));
}

int eddy__socket_set_membership(eddy_socket socket, const eddy_address *group,
                                unsigned interface_index, bool join)
{
    size_t size;
    const void *native = eddy_address_native(group, &size);
    struct sockaddr_in6 ipv6;
    struct sockaddr_in ipv4;

    if (eddy_address_family(group) == EDDY_INET) {
        memcpy(&ipv4, native, sizeof ipv4);
        return multicast_set_ipv4(socket, &ipv4, interface_index, join);
    }
    if (eddy_address_family(group) != EDDY_INET6)
        return EDDY_EINVAL;
    memcpy(&ipv6, native, sizeof ipv6);
    return multicast_set_ipv6(socket, &ipv6, interface_index, join);
}
