/* SPDX-License-Identifier: MIT */
/*
 * SO_REUSEADDR means something else on Windows than on POSIX. There it lets a server restart while
 * old connections linger, which Windows always allows. Here it lets any process bind to a port
 * that another one listens on, and take its connections; only SO_EXCLUSIVEADDRUSE keeps that out,
 * and must be set by the one who wants to be safe.
 *
 * So reuse_address is off by default (NET-21), off means exclusive, and who turns it on gets what
 * Windows calls by that name. The price of exclusive use, by Microsoft's documentation: a port is
 * not free again while connections that the old listener accepted are still open.
 */
#include "win32/option.h"
#include "common/error.h"
#include "win32/socket_multicast.h"
#include "win32/sys.h"

/* Not in every SDK's headers by this spelling, but the value is fixed: the complement. */
enum { EXCLUSIVE_USE = ~SO_REUSEADDR };

static int option_native(enum eddy__socket_option option, int *level, int *name)
{
    static const struct {
        int level;
        int name;
    } natives[] = {
        [EDDY__REUSE_ADDRESS] = {SOL_SOCKET, SO_REUSEADDR},
        [EDDY__REUSE_PORT] = {0, 0},
        [EDDY__KEEP_ALIVE] = {SOL_SOCKET, SO_KEEPALIVE},
        [EDDY__IPV6_ONLY] = {IPPROTO_IPV6, IPV6_V6ONLY},
        [EDDY__NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY},
        [EDDY__RECEIVE_BUFFER] = {SOL_SOCKET, SO_RCVBUF},
        [EDDY__SEND_BUFFER] = {SOL_SOCKET, SO_SNDBUF},
        [EDDY__BROADCAST] = {SOL_SOCKET, SO_BROADCAST},
    };

    if (option == EDDY__REUSE_PORT)
        return eddy_error(EDDY_ENOTSUPPORTED, "Windows cannot spread a port over sockets");
    *level = natives[option].level;
    *name = natives[option].name;
    return 0;
}

static int option_write(eddy_socket socket, int level, int name, int value)
{
    if (EDDY__SYS(setsockopt)((SOCKET)socket, level, name, (const char *)&value,
                              (int)sizeof value) != 0)
        return eddy__system_error(WSAGetLastError());
    return 0;
}

static int option_read(eddy_socket socket, int level, int name, int *value)
{
    int read = 0; /* some options answer with one byte only */
    int size = (int)sizeof read;

    if (EDDY__SYS(getsockopt)((SOCKET)socket, level, name, (char *)&read, &size) != 0)
        return eddy__system_error(WSAGetLastError());
    *value = read;
    return 0;
}

int eddy__option_set(eddy_socket socket, enum eddy__socket_option option, int value)
{
    int level = 0;
    int name = 0;
    int error;

    if (option >= EDDY__HOP_LIMIT)
        return eddy__socket_set_route(socket, option, value);
    error = option_native(option, &level, &name);
    if (error < 0)
        return error;
    if (option == EDDY__REUSE_ADDRESS) {
        /* The system refuses to have both on. */
        error = option_write(socket, SOL_SOCKET, value ? EXCLUSIVE_USE : SO_REUSEADDR, 0);
        if (error == 0)
            error = option_write(socket, SOL_SOCKET, value ? SO_REUSEADDR : EXCLUSIVE_USE, 1);
        return error;
    }
    return option_write(socket, level, name, value);
}

int eddy__option_get(eddy_socket socket, enum eddy__socket_option option, int *value)
{
    int level = 0;
    int name = 0;
    int error;

    if (option >= EDDY__HOP_LIMIT)
        return eddy__socket_get_route(socket, option, value);
    error = option_native(option, &level, &name);
    return error < 0 ? error : option_read(socket, level, name, value);
}

int eddy__option_protect_port(eddy_socket socket, const eddy_address *address)
{
    int reuse = 0;
    int type = 0;

    /* A port that the system picks is nobody else's; Unix sockets have none. */
    if (eddy_address_port(address) == 0)
        return 0;
    if (option_read(socket, SOL_SOCKET, SO_TYPE, &type) < 0 || type != SOCK_STREAM)
        return 0;
    if (option_read(socket, SOL_SOCKET, SO_REUSEADDR, &reuse) == 0 && reuse != 0)
        return 0;
    return option_write(socket, SOL_SOCKET, EXCLUSIVE_USE, 1);
}
