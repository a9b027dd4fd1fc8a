/* SPDX-License-Identifier: MIT */
#include "common/socket_view.h"
#include "common/error.h"
#include "sim/sim.h"
#include <eddy/socket.h>

const struct eddy__socket_ops *eddy__socket_ops_of(eddy_socket socket)
{
    return eddy__sim_is_socket(socket) ? &eddy__sim_sockets : &eddy__system_sockets;
}

/** TR-8: a socket that its owner let go of is none. */
static int view_check(const eddy_socket_view *view)
{
    if (view->socket == EDDY_NO_SOCKET)
        return eddy_error(EDDY_EBADF, "the socket's owner has closed it");
    return 0;
}

static const struct eddy__socket_ops *view_ops(const eddy_socket_view *view)
{
    return eddy__socket_ops_of(view->socket);
}

eddy_socket eddy_socket_view_fileno(const eddy_socket_view *view)
{
    return view->socket;
}

/** Family, type and protocol; all 0 if the socket is gone. */
static void view_identify(const eddy_socket_view *view, int *family, int *type, int *protocol)
{
    if (view->socket != EDDY_NO_SOCKET &&
        view_ops(view)->identify(view->socket, family, type, protocol) == 0)
        return;
    *family = *type = *protocol = 0;
}

eddy_family eddy_socket_view_family(const eddy_socket_view *view)
{
    int family, type, protocol;

    view_identify(view, &family, &type, &protocol);
    return (eddy_family)family;
}

eddy_socket_type eddy_socket_view_type(const eddy_socket_view *view)
{
    int family, type, protocol;

    view_identify(view, &family, &type, &protocol);
    return (eddy_socket_type)type;
}

eddy_ip_protocol eddy_socket_view_proto(const eddy_socket_view *view)
{
    int family, type, protocol;

    view_identify(view, &family, &type, &protocol);
    return (eddy_ip_protocol)protocol;
}

int eddy_socket_view_getsockname(const eddy_socket_view *view, eddy_address *address)
{
    int error = view_check(view);

    return error ? error : view_ops(view)->local_address(view->socket, address);
}

int eddy_socket_view_getpeername(const eddy_socket_view *view, eddy_address *address)
{
    int error = view_check(view);

    return error ? error : view_ops(view)->peer_address(view->socket, address);
}

int eddy_socket_view_set_option(const eddy_socket_view *view, eddy_socket_option option, int value)
{
    int error = view_check(view);

    return error ? error : eddy_socket_set_option(view->socket, option, value);
}

int eddy_socket_view_get_option(const eddy_socket_view *view, eddy_socket_option option, int *value)
{
    int error = view_check(view);

    return error ? error : eddy_socket_get_option(view->socket, option, value);
}

int eddy_socket_view_dup(const eddy_socket_view *view, eddy_socket *copy)
{
    int error = view_check(view);

    return error ? error : view_ops(view)->duplicate(view->socket, copy);
}

int eddy_socket_view_shutdown(const eddy_socket_view *view)
{
    int error = view_check(view);

    return error ? error : view_ops(view)->shutdown_both(view->socket);
}

int eddy_socket_view_settimeout(const eddy_socket_view *view, eddy_time timeout)
{
    (void)view;
    if (timeout != 0)
        return eddy_error(EDDY_EINVALID, "a loop's socket never blocks: its timeout is 0");
    return 0;
}
