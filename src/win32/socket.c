/* SPDX-License-Identifier: MIT */
/*
 * Winsock behind eddy__socket_ops. Sockets are overlapped, so that a completion port takes them,
 * and non-blocking: calls without an OVERLAPPED then return WSAEWOULDBLOCK, calls with one are
 * not affected.
 */
#include "common/address.h"
#include "common/error.h"
#include "common/socket.h"
#include "win32/option.h"
#include "win32/socket.h"
#include "win32/socket_multicast.h"
#include "win32/sys.h"
#include <limits.h>

/* More than this in one call only pins memory: the rest is sent by the next. */
enum { TRANSFER_MAX = 1 << 30 };

static int socket_error(void)
{
    return eddy__system_error(WSAGetLastError());
}

static void socket_close(eddy_socket socket)
{
    EDDY__SYS(closesocket)((SOCKET)socket);
}

static int socket_set_nonblocking(eddy_socket socket)
{
    u_long yes = 1;

    return EDDY__SYS(ioctlsocket)((SOCKET)socket, (long)FIONBIO, &yes) == 0 ? 0 : socket_error();
}

/* Take a new socket or INVALID_SOCKET, right after the call that made it. */
static int socket_adopt(SOCKET made, eddy_socket *socket)
{
    int error;

    if (made == INVALID_SOCKET)
        return socket_error();
    error = socket_set_nonblocking((eddy_socket)made);
    if (error < 0) {
        socket_close((eddy_socket)made);
        return error;
    }
    *socket = (eddy_socket)made;
    return 0;
}

static int socket_open(struct eddy_loop *loop, int family, int type, int protocol,
                       eddy_socket *socket)
{
    int native = eddy__family_to_native(family);
    int error = eddy__winsock_start();

    (void)loop;
    if (error < 0)
        return error;
    if (native < 0)
        return eddy_error(EDDY_EAFNOSUPPORT, "unknown address family");
    return socket_adopt(EDDY__SYS(WSASocketW)(native, eddy__type_to_native(type),
                                              eddy__protocol_to_native(protocol), NULL, 0,
                                              WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT),
                        socket);
}

static int socket_identify(eddy_socket socket, int *family, int *type, int *protocol)
{
    WSAPROTOCOL_INFOW info;
    int size = (int)sizeof info;
    DWORD flags;

    if (EDDY__SYS(getsockopt)((SOCKET)socket, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info,
                              &size) != 0) {
        int error = socket_error();

        /* Winsock says "not a socket" for what is no handle at all, too. */
        if (error == EDDY_ENOTSOCK && !GetHandleInformation((HANDLE)socket, &flags))
            return EDDY_EBADF;
        return error;
    }
    *type = eddy__type_from_native(info.iSocketType);
    if (family == NULL)
        return 0;
    *family = (int)eddy__family_from_native(info.iAddressFamily);
    *protocol = eddy__protocol_from_native(info.iProtocol);
    return 0;
}

static int socket_is_nonblocking(eddy_socket socket)
{
    (void)socket;
    return 1; /* Winsock does not say */
}

static int socket_check_watchable(eddy_socket socket)
{
    int type = 0;
    int size = (int)sizeof type;

    /* Anything but a socket is refused (FD-5). */
    return EDDY__SYS(getsockopt)((SOCKET)socket, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0
               ? 0
               : socket_error();
}

static int socket_is_listening(eddy_socket socket)
{
    BOOL listening = FALSE;
    int size = (int)sizeof listening;

    if (EDDY__SYS(getsockopt)((SOCKET)socket, SOL_SOCKET, SO_ACCEPTCONN, (char *)&listening,
                              &size) != 0)
        return socket_error();
    return listening ? 1 : 0;
}

static int socket_duplicate(eddy_socket socket, eddy_socket *copy)
{
    WSAPROTOCOL_INFOW info;

    if (EDDY__SYS(WSADuplicateSocketW)((SOCKET)socket, GetCurrentProcessId(), &info) != 0)
        return socket_error();
    return socket_adopt(EDDY__SYS(WSASocketW)(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
                                              FROM_PROTOCOL_INFO, &info, 0,
                                              WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT),
                        copy);
}

static int socket_bind(eddy_socket socket, const eddy_address *address)
{
    int error = eddy__option_protect_port(socket, address);
    size_t size;
    const void *native = eddy_address_native(address, &size);

    if (error < 0)
        return error;
    return EDDY__SYS(bind)((SOCKET)socket, native, (int)size) == 0 ? 0 : socket_error();
}

static int socket_listen(eddy_socket socket, int backlog)
{
    return EDDY__SYS(listen)((SOCKET)socket, backlog) == 0 ? 0 : socket_error();
}

static int socket_connect(eddy_socket socket, const eddy_address *address)
{
    size_t size;
    const void *native = eddy_address_native(address, &size);
    int error;

    if (EDDY__SYS(connect)((SOCKET)socket, native, (int)size) == 0)
        return 0;
    error = socket_error();
    return error == EDDY_EAGAIN ? EDDY_EINPROGRESS : error;
}

static int socket_connect_result(eddy_socket socket)
{
    int outcome = 0;
    int size = (int)sizeof outcome;

    if (EDDY__SYS(getsockopt)((SOCKET)socket, SOL_SOCKET, SO_ERROR, (char *)&outcome, &size) != 0)
        return socket_error();
    return outcome == 0 ? 0 : eddy__system_error(outcome);
}

static int socket_accept(eddy_socket socket, eddy_socket *accepted, eddy_address *peer)
{
    SOCKADDR_STORAGE native;
    int size = (int)sizeof native;
    SOCKET made = EDDY__SYS(accept)((SOCKET)socket, (struct sockaddr *)&native, &size);
    int error = socket_adopt(made, accepted);

    if (error < 0)
        return error;
    /* Unlike WSASocketW(), accept() cannot be told; a child that another thread starts in between
     * may inherit it. The completion port's backend accepts without this gap. */
    SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
    return eddy_address_from_native(&native, size > 0 ? (size_t)size : 0, peer);
}

static int64_t socket_receive(eddy_socket socket, void *buffer, size_t size)
{
    WSABUF span = {.buf = buffer, .len = size < TRANSFER_MAX ? (ULONG)size : TRANSFER_MAX};
    DWORD received = 0;
    DWORD flags = 0;
    int number;

    if (EDDY__SYS(WSARecv)((SOCKET)socket, &span, 1, &received, &flags, NULL, NULL) == 0)
        return received;
    number = WSAGetLastError();
    /* After our own shutdown of both directions other systems say that the stream has ended. */
    return number == WSAEDISCON || number == WSAESHUTDOWN ? 0 : eddy__system_error(number);
}

DWORD eddy__socket_buffers(const struct eddy__span *spans, size_t count, WSABUF *buffers)
{
    size_t room = TRANSFER_MAX;
    DWORD used = 0;

    for (; used < count && used < EDDY__SPANS_MAX && room > 0; used++) {
        size_t size = spans[used].size < room ? spans[used].size : room;

        buffers[used].buf = spans[used].data;
        buffers[used].len = (ULONG)size;
        room -= size;
    }
    return used;
}

static int64_t socket_send(eddy_socket socket, const struct eddy__span *spans, size_t count)
{
    WSABUF buffers[EDDY__SPANS_MAX];
    DWORD used = eddy__socket_buffers(spans, count, buffers);
    DWORD sent = 0;

    if (EDDY__SYS(WSASend)((SOCKET)socket, buffers, used, &sent, 0, NULL, NULL) == 0)
        return sent;
    return socket_error();
}

static int socket_shutdown_send(eddy_socket socket)
{
    return EDDY__SYS(shutdown)((SOCKET)socket, SD_SEND) == 0 ? 0 : socket_error();
}

static int socket_shutdown_both(eddy_socket socket)
{
    return EDDY__SYS(shutdown)((SOCKET)socket, SD_BOTH) == 0 ? 0 : socket_error();
}

static int socket_local_address(eddy_socket socket, eddy_address *address)
{
    SOCKADDR_STORAGE native;
    int size = (int)sizeof native;

    if (EDDY__SYS(getsockname)((SOCKET)socket, (struct sockaddr *)&native, &size) != 0)
        return socket_error();
    return eddy_address_from_native(&native, (size_t)size, address);
}

static int socket_peer_address(eddy_socket socket, eddy_address *address)
{
    SOCKADDR_STORAGE native;
    int size = (int)sizeof native;

    if (EDDY__SYS(getpeername)((SOCKET)socket, (struct sockaddr *)&native, &size) != 0)
        return socket_error();
    return eddy_address_from_native(&native, (size_t)size, address);
}

const struct eddy__socket_ops eddy__system_sockets = {
    .reuse_shares_port = true,
    .open = socket_open,
    .pair = eddy__socket_pair,
    .close = socket_close,
    .set_nonblocking = socket_set_nonblocking,
    .is_nonblocking = socket_is_nonblocking,
    .check_watchable = socket_check_watchable,
    .identify = socket_identify,
    .is_listening = socket_is_listening,
    .duplicate = socket_duplicate,
    .bind = socket_bind,
    .listen = socket_listen,
    .connect = socket_connect,
    .connect_result = socket_connect_result,
    .accept = socket_accept,
    .receive = socket_receive,
    .send = socket_send,
    .datagrams_max = 1,
    .receive_datagrams = eddy__socket_receive_datagrams,
    .send_datagrams = eddy__socket_send_datagrams,
    .shutdown_send = socket_shutdown_send,
    .shutdown_both = socket_shutdown_both,
    .local_address = socket_local_address,
    .peer_address = socket_peer_address,
    .set_option = eddy__option_set,
    .get_option = eddy__option_get,
    .set_membership = eddy__socket_set_membership,
};
