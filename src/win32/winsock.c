/* SPDX-License-Identifier: MIT */
#include "win32/winsock.h"
#include "common/error.h"
#include <stdatomic.h>

static INIT_ONCE winsock_once = INIT_ONCE_STATIC_INIT;
static int winsock_error; /**< system's number; 0: Winsock runs */
static bool winsock_skips;
static LPFN_ACCEPTEX winsock_accept_ex;
static LPFN_CONNECTEX winsock_connect_ex;
static LPFN_GETACCEPTEXSOCKADDRS winsock_accept_addresses;

/* Ask a socket of the kernel for one of the calls; the answer holds for all sockets. */
static int winsock_ask(SOCKET socket, GUID name, void *function, DWORD size)
{
    DWORD got = 0;

    if (WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, function, size,
                 &got, NULL, NULL) != 0)
        return WSAGetLastError();
    return 0;
}

static int winsock_ask_all(SOCKET socket)
{
    GUID accept_ex = WSAID_ACCEPTEX;
    GUID connect_ex = WSAID_CONNECTEX;
    GUID addresses = WSAID_GETACCEPTEXSOCKADDRS;
    WSAPROTOCOL_INFOW info;
    int size = (int)sizeof info;
    int error;

    error = winsock_ask(socket, accept_ex, &winsock_accept_ex, sizeof winsock_accept_ex);
    if (error == 0)
        error = winsock_ask(socket, connect_ex, &winsock_connect_ex, sizeof winsock_connect_ex);
    if (error == 0)
        error = winsock_ask(socket, addresses, &winsock_accept_addresses,
                            sizeof winsock_accept_addresses);
    if (error != 0)
        return error;
    winsock_skips = getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &size) == 0 &&
                    (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0;
    return 0;
}

static BOOL CALLBACK winsock_init(INIT_ONCE *once, void *arg, void **context)
{
    WSADATA data;
    SOCKET socket;

    (void)once;
    (void)arg;
    (void)context;
    winsock_error = WSAStartup(MAKEWORD(2, 2), &data);
    if (winsock_error != 0)
        return TRUE;
    socket = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (socket == INVALID_SOCKET) {
        /* A machine without IPv4, which nobody has seen in the wild. */
        socket = WSASocketW(AF_INET6, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                            WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    }
    if (socket == INVALID_SOCKET) {
        winsock_error = WSAGetLastError();
        return TRUE;
    }
    winsock_error = winsock_ask_all(socket);
    closesocket(socket);
    return TRUE;
}

int eddy__winsock_start(void)
{
    InitOnceExecuteOnce(&winsock_once, winsock_init, NULL, NULL);
    if (winsock_error == 0)
        return 0;
    return eddy_error(eddy__system_error(winsock_error), "Winsock did not start (%d)",
                      winsock_error);
}

bool eddy__winsock_skips_packets(void)
{
    return winsock_skips;
}

bool eddy__winsock_has_unix(void)
{
    enum { UNKNOWN, ABSENT, PRESENT };
    static atomic_int known; /* threads that race here find the same */
    SOCKET socket;

    if (atomic_load(&known) != UNKNOWN)
        return atomic_load(&known) == PRESENT;
    if (eddy__winsock_start() != 0)
        return false;
    socket = WSASocketW(AF_UNIX, SOCK_STREAM, 0, NULL, 0,
                        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    atomic_store(&known, socket == INVALID_SOCKET ? ABSENT : PRESENT);
    if (socket != INVALID_SOCKET)
        closesocket(socket);
    return socket != INVALID_SOCKET;
}

BOOL eddy__accept_ex(SOCKET listener, SOCKET socket, void *addresses, DWORD size,
                     OVERLAPPED *overlapped)
{
    DWORD received = 0;

    return winsock_accept_ex(listener, socket, addresses, 0, size, size, &received, overlapped);
}

BOOL eddy__connect_ex(SOCKET socket, const struct sockaddr *address, int size,
                      OVERLAPPED *overlapped)
{
    return winsock_connect_ex(socket, address, size, NULL, 0, NULL, overlapped);
}

const struct sockaddr *eddy__accept_ex_peer(void *addresses, DWORD size, int *peer_size)
{
    struct sockaddr *local = NULL;
    struct sockaddr *peer = NULL;
    int local_size = 0;

    *peer_size = 0;
    winsock_accept_addresses(addresses, 0, size, size, &local, &local_size, &peer, peer_size);
    return peer;
}
