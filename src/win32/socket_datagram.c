/* SPDX-License-Identifier: MIT */
/* Datagrams, one by one: Winsock has no call for several. */
#include "common/error.h"
#include "win32/socket.h"
#include "win32/sys.h"
#include <limits.h>
#include <string.h>

int64_t eddy__socket_receive_datagrams(eddy_socket socket, struct eddy__incoming *list,
                                       size_t count)
{
    WSABUF room = {.buf = list->data,
                   .len = list->room < ULONG_MAX ? (ULONG)list->room : ULONG_MAX};
    int length = (int)sizeof list->from.storage;
    DWORD received = 0;
    DWORD flags = 0;
    int number = 0;

    (void)count; /* at least 1 */
    if (EDDY__SYS(WSARecvFrom)((SOCKET)socket, &room, 1, &received, &flags,
                               (struct sockaddr *)list->from.storage, &length, NULL, NULL) != 0)
        number = WSAGetLastError();
    if (number != 0 && number != WSAEMSGSIZE)
        return eddy__system_error(number);
    if (length < 0 || (size_t)length > sizeof list->from.storage)
        length = 0;
    memset((char *)list->from.storage + length, 0, sizeof list->from.storage - (size_t)length);
    list->from.length = (uint32_t)length;
    list->from.reserved = 0;
    list->is_truncated = number == WSAEMSGSIZE;
    list->size = list->is_truncated ? list->room : received;
    return 1;
}

static int64_t datagram_send_one(eddy_socket socket, const struct eddy__outgoing *outgoing)
{
    WSABUF data = {.buf = (char *)(uintptr_t)outgoing->data, .len = (ULONG)outgoing->size};
    const struct sockaddr *to = NULL;
    DWORD sent = 0;
    int length = 0;

    if (outgoing->size > ULONG_MAX)
        return EDDY_EMSGSIZE;
    if (outgoing->to != NULL) {
        to = (const struct sockaddr *)outgoing->to->storage;
        length = (int)outgoing->to->length;
    }
    if (EDDY__SYS(WSASendTo)((SOCKET)socket, &data, 1, &sent, 0, to, length, NULL, NULL) == 0)
        return 1;
    return eddy__system_error(WSAGetLastError());
}

int64_t eddy__socket_send_datagrams(eddy_socket socket, const struct eddy__outgoing *list,
                                    size_t count)
{
    size_t done = 0;

    while (done < count) {
        int64_t sent = datagram_send_one(socket, &list[done]);

        if (sent < 0)
            return done > 0 ? (int64_t)done : sent;
        done++;
    }
    return (int64_t)done;
}
