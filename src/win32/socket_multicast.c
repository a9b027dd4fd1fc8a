/* SPDX-License-Identifier: MIT */
/* Windows takes the index of an interface in place of an IPv4 address of it, as 0.x.y.z. */
#include "win32/socket_multicast.h"
#include "common/error.h"
#include "win32/sys.h"
#include <string.h>

static int multicast_write(eddy_socket socket, int level, int name, const void *value, size_t size)
{
    if (EDDY__SYS(setsockopt)((SOCKET)socket, level, name, value, (int)size) != 0)
        return eddy__system_error(WSAGetLastError());
    return 0;
}

static int multicast_family(eddy_socket socket, int *family)
{
    int type, protocol;
    int error = eddy__system_sockets.identify(socket, family, &type, &protocol);

    if (error)
        return error;
    return *family == EDDY_INET || *family == EDDY_INET6 ? 0 : EDDY_ENOPROTOOPT;
}

static int multicast_name(int family, enum eddy__socket_option option)
{
    bool is_ipv4 = family == EDDY_INET;

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

int eddy__socket_set_route(eddy_socket socket, enum eddy__socket_option option, int value)
{
    DWORD number = (DWORD)value;
    int family = EDDY_UNSPEC;
    int error = multicast_family(socket, &family);

    if (error)
        return error;
    if (family == EDDY_INET && option == EDDY__MULTICAST_INTERFACE)
        number = htonl(number);
    return multicast_write(socket, family == EDDY_INET ? IPPROTO_IP : IPPROTO_IPV6,
                           multicast_name(family, option), &number, sizeof number);
}

int eddy__socket_get_route(eddy_socket socket, enum eddy__socket_option option, int *value)
{
    DWORD number = 0;
    int size = (int)sizeof number;
    int family = EDDY_UNSPEC;
    int error = multicast_family(socket, &family);

    if (error)
        return error;
    if (family == EDDY_INET && option == EDDY__MULTICAST_INTERFACE)
        return EDDY_ENOTSUPPORTED; /* as elsewhere */
    if (EDDY__SYS(getsockopt)((SOCKET)socket, family == EDDY_INET ? IPPROTO_IP : IPPROTO_IPV6,
                              multicast_name(family, option), (char *)&number, &size) != 0)
        return eddy__system_error(WSAGetLastError());
    *value = (int)number;
    return 0;
}

int eddy__socket_set_membership(eddy_socket socket, const eddy_address *group,
                                unsigned interface_index, bool join)
{
    size_t size;
    const void *native = eddy_address_native(group, &size);
    struct sockaddr_in6 ipv6;
    struct sockaddr_in ipv4;
    struct ipv6_mreq request6;
    struct ip_mreq request4;

    if (eddy_address_family(group) == EDDY_INET) {
        memcpy(&ipv4, native, sizeof ipv4);
        request4.imr_multiaddr = ipv4.sin_addr;
        request4.imr_interface.s_addr = htonl(interface_index);
        return multicast_write(socket, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                               &request4, sizeof request4);
    }
    if (eddy_address_family(group) != EDDY_INET6)
        return EDDY_EINVAL;
    memcpy(&ipv6, native, sizeof ipv6);
    request6.ipv6mr_multiaddr = ipv6.sin6_addr;
    request6.ipv6mr_interface = interface_index;
    return multicast_write(socket, IPPROTO_IPV6, join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP,
                           &request6, sizeof request6);
}
