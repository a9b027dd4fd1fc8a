/* SPDX-License-Identifier: MIT */
/*
 * Datagrams, many in one system call where there is one for that (Linux), else one by one. Memory
 * for the headers is on the stack: some 6 KiB for a full batch.
 */
#include "posix/socket_datagram.h"
#include "common/error.h"
#include <string.h>

/* As in socket.c. */
#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

/* Room for one datagram; its sender's address is received in place. */
static void datagram_prepare(struct eddy__incoming *incoming, struct iovec *part,
                             struct msghdr *message)
{
    *part = (struct iovec){incoming->data, incoming->room};
    *message = (struct msghdr){
        .msg_name = incoming->from.storage,
        .msg_namelen = sizeof incoming->from.storage,
        .msg_iov = part,
        .msg_iovlen = 1,
    };
}

static void datagram_accept(struct eddy__incoming *incoming, const struct msghdr *message,
                            size_t size)
{
    size_t length = message->msg_namelen;

    if (length > sizeof incoming->from.storage)
        length = 0;
    memset((char *)incoming->from.storage + length, 0, sizeof incoming->from.storage - length);
    incoming->from.length = (uint32_t)length;
    incoming->from.reserved = 0;
    incoming->size = size;
    incoming->is_truncated = (message->msg_flags & MSG_TRUNC) != 0;
}

static int64_t datagram_receive_one(int fd, struct eddy__incoming *incoming)
{
    struct msghdr message;
    struct iovec part;
    ssize_t size;

    do {
        datagram_prepare(incoming, &part, &message);
        size = EDDY__SYS(recvmsg)(fd, &message, 0);
    } while (size < 0 && errno == EINTR); /* without waiting, a signal meets it at most once */
    if (size < 0)
        return eddy__system_error(errno);
    datagram_accept(incoming, &message, (size_t)size);
    return 1;
}

/* The interface has no const here; nothing is written through it. */
static void datagram_fill(const struct eddy__outgoing *outgoing, struct iovec *part,
                          struct msghdr *message)
{
    *part = (struct iovec){(void *)(uintptr_t)outgoing->data, outgoing->size};
    *message = (struct msghdr){.msg_iov = part, .msg_iovlen = 1};
    if (outgoing->to == NULL)
        return;
    message->msg_name = (void *)(uintptr_t)outgoing->to->storage;
    message->msg_namelen = (socklen_t)outgoing->to->length;
}

static int64_t datagram_send_one(int fd, const struct eddy__outgoing *outgoing)
{
    struct msghdr message;
    struct iovec part;
    ssize_t sent;

    datagram_fill(outgoing, &part, &message);
    do
        sent = EDDY__SYS(sendmsg)(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR); /* as in datagram_receive_one() */
    return sent < 0 ? eddy__system_error(errno) : 1;
}

#if defined(EDDY__HAVE_MMSG)

int64_t eddy__socket_receive_datagrams(eddy_socket socket, struct eddy__incoming *list,
                                       size_t count)
{
    struct mmsghdr messages[EDDY__DATAGRAMS_MAX];
    struct iovec parts[EDDY__DATAGRAMS_MAX];
    int received;

    if (count == 1)
        return datagram_receive_one((int)socket, list);
    for (size_t i = 0; i < count; i++)
        datagram_prepare(&list[i], &parts[i], &messages[i].msg_hdr);
    do
        received = EDDY__SYS(recvmmsg)((int)socket, messages, (unsigned)count, 0, NULL);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return eddy__system_error(errno);
    for (int i = 0; i < received; i++)
        datagram_accept(&list[i], &messages[i].msg_hdr, messages[i].msg_len);
    return received;
}

int64_t eddy__socket_send_datagrams(eddy_socket socket, const struct eddy__outgoing *list,
                                    size_t count)
{
    struct mmsghdr messages[EDDY__DATAGRAMS_MAX];
    struct iovec parts[EDDY__DATAGRAMS_MAX];
    int sent;

    if (count == 1)
        return datagram_send_one((int)socket, list);
    for (size_t i = 0; i < count; i++)
        datagram_fill(&list[i], &parts[i], &messages[i].msg_hdr);
    do
        sent = EDDY__SYS(sendmmsg)((int)socket, messages, (unsigned)count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? eddy__system_error(errno) : sent;
}

#else

int64_t eddy__socket_receive_datagrams(eddy_socket socket, struct eddy__incoming *list,
                                       size_t count)
{
    (void)count; /* at least 1 */
    return datagram_receive_one((int)socket, list);
}

int64_t eddy__socket_send_datagrams(eddy_socket socket, const struct eddy__outgoing *list,
                                    size_t count)
{
    size_t done = 0;

    while (done < count) {
        int64_t sent = datagram_send_one((int)socket, &list[done]);

        if (sent < 0)
            return done > 0 ? (int64_t)done : sent;
        done++;
    }
    return (int64_t)done;
}

#endif
