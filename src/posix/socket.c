/* SPDX-License-Identifier: MIT */
#include "common/socket.h"
#include "common/address.h"
#include "common/error.h"
#include "common/rare.h"
#include "posix/descriptor.h"
#include "posix/send_file.h"
#include "posix/socket_datagram.h"
#include "posix/socket_multicast.h"
#include "posix/sys.h"
#include <assert.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

static_assert(EDDY__SPANS_MAX <= UCHAR_MAX, "see socket_send_spans()");
static_assert(sizeof(struct eddy__span) == sizeof(struct iovec), "a span is an iovec");
static_assert(offsetof(struct eddy__span, data) == offsetof(struct iovec, iov_base), "its base");
static_assert(offsetof(struct eddy__span, size) == offsetof(struct iovec, iov_len), "its length");

/* SIGPIPE: a flag a call where there is one (Linux, BSD), and an option of the socket where there
 * is that, for calls that take no flags. macOS has only the option. */
#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
#define SOCKET_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#else
#define SOCKET_FLAGS 0
#endif

static int socket_error(void)
{
    return eddy__system_error(errno);
}

/* 0, or the error of a call that says -1. */
static int socket_result(int result)
{
    return result < 0 ? socket_error() : 0;
}

#if defined(SO_NOSIGPIPE)

/* macOS refuses the option where both directions have ended, as after a reset: such a socket would
 * still raise the signal, and is of no use to anybody. */
static int socket_silence(eddy_socket socket)
{
    int one = 1;

    if (EDDY__SYS(setsockopt)((int)socket, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one) == 0)
        return 0;
    return eddy__system_error(errno == EINVAL ? ECONNABORTED : errno);
}

#endif

/* What a new socket needs beyond what its making could ask for; closes it if that fails. */
static int socket_prepare(int fd)
{
    int error = 0;

    if (SOCKET_FLAGS == 0)
        error = eddy__descriptor_adopt(fd);
#if defined(SO_NOSIGPIPE)
    if (error == 0) {
        error = socket_silence(fd);
        if (error < 0)
            eddy__descriptor_close(fd);
    }
#endif
    return error;
}

static int socket_open(struct eddy_loop *loop, int family, int type, int protocol,
                       eddy_socket *opened)
{
    int native = eddy__family_to_native(family);
    int error;
    int fd;

    (void)loop;
    if (native < 0)
        return eddy_error(EDDY_EAFNOSUPPORT, "this family cannot be opened by number");
    fd = EDDY__SYS(socket)(native, eddy__type_to_native(type) | SOCKET_FLAGS,
                           eddy__protocol_to_native(protocol));
    if (fd < 0)
        return socket_error();
    error = socket_prepare(fd);
    if (error == 0)
        *opened = fd;
    return error;
}

static int socket_pair(struct eddy_loop *loop, int type, eddy_socket sockets[2])
{
    int fds[2];
    int error;

    (void)loop;
    if (EDDY__SYS(socketpair)(AF_UNIX, eddy__type_to_native(type) | SOCKET_FLAGS, 0, fds) < 0)
        return socket_error();
    error = socket_prepare(fds[0]);
    if (error < 0) {
        eddy__descriptor_close(fds[1]);
        return error;
    }
    error = socket_prepare(fds[1]);
    if (error < 0) {
        eddy__descriptor_close(fds[0]);
        return error;
    }
    sockets[0] = fds[0];
    sockets[1] = fds[1];
    return 0;
}

static void socket_close(eddy_socket socket)
{
    eddy__descriptor_close((int)socket);
}

static int socket_set_nonblocking(eddy_socket socket)
{
    int error = eddy__descriptor_set_nonblocking((int)socket);

#if defined(SO_NOSIGPIPE)
    if (error == 0)
        error = socket_silence(socket);
#endif
    return error;
}

static int socket_is_nonblocking(eddy_socket socket)
{
    int flags = EDDY__SYS(fcntl)((int)socket, F_GETFL, 0);

    return flags < 0 ? socket_error() : (flags & O_NONBLOCK) != 0;
}

static int socket_check_watchable(eddy_socket socket)
{
    struct stat state;

    if (EDDY__SYS(fstat)((int)socket, &state) < 0)
        return socket_error();
    return S_ISREG(state.st_mode) || S_ISDIR(state.st_mode) ? eddy__system_error(EPERM) : 0;
}

static int socket_integer(eddy_socket socket, int level, int name, int *value)
{
    socklen_t size = sizeof *value;

    return socket_result(EDDY__SYS(getsockopt)((int)socket, level, name, value, &size));
}

static int socket_local_address(eddy_socket socket, eddy_address *address);

/* The protocol that goes with a family and type where the system cannot be asked (macOS). */
static int socket_usual_protocol(int family, int type)
{
    if (family != EDDY_INET && family != EDDY_INET6)
        return EDDY_ANY_PROTOCOL;
    return type == EDDY_STREAM ? EDDY_TCP : type == EDDY_DGRAM ? EDDY_UDP : EDDY_ANY_PROTOCOL;
}

static int socket_identify(eddy_socket socket, int *family, int *type, int *protocol)
{
    eddy_address local;
    int native;
    int error = socket_integer(socket, SOL_SOCKET, SO_TYPE, &native);

    if (error == 0 && family != NULL)
        error = socket_local_address(socket, &local);
    if (error < 0)
        return error;
    if (family == NULL) {
        *type = eddy__type_from_native(native);
        return 0;
    }
    *family = (int)eddy_address_family(&local);
    *type = eddy__type_from_native(native);
    *protocol = socket_usual_protocol(*family, *type);
#if defined(SO_PROTOCOL)
    /* Tells MPTCP or SCTP from TCP; what it does not know is "any". */
    if (socket_integer(socket, SOL_SOCKET, SO_PROTOCOL, &native) == 0)
        *protocol = eddy__protocol_from_native(native);
#endif
    return 0;
}

static int socket_is_listening(eddy_socket socket)
{
    int value = 0;
    int error = socket_integer(socket, SOL_SOCKET, SO_ACCEPTCONN, &value);

    return error < 0 ? error : value != 0;
}

static int socket_duplicate(eddy_socket socket, eddy_socket *copy)
{
    int fd = EDDY__SYS(fcntl)((int)socket, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return socket_error();
    *copy = fd;
    return 0;
}

static const struct sockaddr *socket_native(const eddy_address *address, socklen_t *size)
{
    size_t length;
    const void *native = eddy_address_native(address, &length);

    *size = (socklen_t)length;
    return native;
}

static int socket_bind(eddy_socket socket, const eddy_address *address)
{
    socklen_t size;
    const struct sockaddr *native = socket_native(address, &size);

    return socket_result(EDDY__SYS(bind)((int)socket, native, size));
}

static int socket_listen(eddy_socket socket, int backlog)
{
    return socket_result(EDDY__SYS(listen)((int)socket, backlog));
}

static int socket_connect(eddy_socket socket, const eddy_address *address)
{
    socklen_t size;
    const struct sockaddr *native = socket_native(address, &size);

    if (EDDY__SYS(connect)((int)socket, native, size) == 0)
        return 0;
    /* An interrupted connect goes on by itself; calling again would only say so (EALREADY). */
    if (errno == EINTR)
        return EDDY_EINPROGRESS;
    return socket_error();
}

static int socket_connect_result(eddy_socket socket)
{
    int number = 0;
    int error = socket_integer(socket, SOL_SOCKET, SO_ERROR, &number);

    if (error < 0)
        return error;
    return number == 0 ? 0 : eddy__system_error(number);
}

/* Accept with both flags set, in one call where the system can. */
static int socket_accept_native(int fd, struct sockaddr *peer, socklen_t *size)
{
#if defined(EDDY__HAVE_ACCEPT4)
    return EDDY__SYS(accept4)(fd, peer, size, SOCKET_FLAGS);
#else
    return EDDY__SYS(accept)(fd, peer, size);
#endif
}

static int socket_accept(eddy_socket socket, eddy_socket *accepted, eddy_address *peer)
{
    struct sockaddr_storage native;
    socklen_t size = sizeof native;
    int fd = socket_accept_native((int)socket, (struct sockaddr *)&native, &size);
    int error;

    if (fd < 0)
        return socket_error();
    error = socket_prepare(fd);
    if (error < 0)
        return error;
    *accepted = fd;
    /* BSD may hand out a connection that is already gone, without an address. */
    memset(peer, 0, sizeof *peer);
    if (size <= sizeof native)
        eddy_address_from_native(&native, size, peer);
    return 0;
}

/* Why a receive failed; or what the next one says, if only a signal met it. */
EDDY__RARE static int64_t socket_receive_failed(eddy_socket socket, void *buffer, size_t size)
{
    ssize_t received = -1;

    while (received < 0 && errno == EINTR)
        received = EDDY__SYS(recv)((int)socket, buffer, size, 0);
    return received < 0 ? socket_error() : received;
}

static int64_t socket_receive(eddy_socket socket, void *buffer, size_t size)
{
    ssize_t received = EDDY__SYS(recv)((int)socket, buffer, size, 0);

    return received >= 0 ? received : socket_receive_failed(socket, buffer, size);
}

/* More than one, which is what few writes have. */
EDDY__RARE static int64_t socket_send_spans(int fd, const struct eddy__span *spans, size_t count)
{
    struct msghdr message = {0};

    /* The interface has no const here; nothing is written through it. */
    message.msg_iov = (struct iovec *)(uintptr_t)spans;
    message.msg_iovlen = (unsigned char)count; /* an int or a size_t, as systems go */
    return EDDY__SYS(sendmsg)(fd, &message, MSG_NOSIGNAL);
}

static int64_t socket_send_once(int fd, const struct eddy__span *spans, size_t count)
{
    return count == 1 ? EDDY__SYS(send)(fd, spans[0].data, spans[0].size, MSG_NOSIGNAL)
                      : socket_send_spans(fd, spans, count);
}

/* As socket_receive_failed(). */
EDDY__RARE static int64_t socket_send_failed(eddy_socket socket, const struct eddy__span *spans,
                                             size_t count)
{
    int64_t sent = -1;

    while (sent < 0 && errno == EINTR)
        sent = socket_send_once((int)socket, spans, count);
    if (sent >= 0)
        return sent;
#if defined(__APPLE__)
    /* While a connection is being torn down, macOS says this where it means a broken pipe. */
    if (errno == EPROTOTYPE)
        return eddy__system_error(EPIPE);
#endif
    return socket_error();
}

static int64_t socket_send(eddy_socket socket, const struct eddy__span *spans, size_t count)
{
    int64_t sent = socket_send_once((int)socket, spans, count);

    return sent >= 0 ? sent : socket_send_failed(socket, spans, count);
}

#if defined(MSG_MORE)

static int64_t socket_send_more(eddy_socket socket, const struct eddy__span *span)
{
    ssize_t sent = EDDY__SYS(send)((int)socket, span->data, span->size, MSG_NOSIGNAL | MSG_MORE);

    return sent >= 0 ? sent : socket_send_failed(socket, span, 1);
}

#endif

static int socket_shutdown_send(eddy_socket socket)
{
    return socket_result(EDDY__SYS(shutdown)((int)socket, SHUT_WR));
}

static int socket_shutdown_both(eddy_socket socket)
{
    return socket_result(EDDY__SYS(shutdown)((int)socket, SHUT_RDWR));
}

static int socket_local_address(eddy_socket socket, eddy_address *address)
{
    struct sockaddr_storage native;
    socklen_t size = sizeof native;

    if (EDDY__SYS(getsockname)((int)socket, (struct sockaddr *)&native, &size) < 0)
        return socket_error();
    return eddy_address_from_native(&native, size, address);
}

static int socket_peer_address(eddy_socket socket, eddy_address *address)
{
    struct sockaddr_storage native;
    socklen_t size = sizeof native;

    if (EDDY__SYS(getpeername)((int)socket, (struct sockaddr *)&native, &size) < 0)
        return socket_error();
    return eddy_address_from_native(&native, size, address);
}

/* The system's words for an option; a level of -1 where it has none. */
static const struct {
    int level;
    int name;
} socket_options[] = {
    [EDDY__REUSE_ADDRESS] = {SOL_SOCKET, SO_REUSEADDR},
#if defined(SO_REUSEPORT)
    [EDDY__REUSE_PORT] = {SOL_SOCKET, SO_REUSEPORT},
#else
    [EDDY__REUSE_PORT] = {-1, 0},
#endif
    [EDDY__KEEP_ALIVE] = {SOL_SOCKET, SO_KEEPALIVE},
    [EDDY__IPV6_ONLY] = {IPPROTO_IPV6, IPV6_V6ONLY},
    [EDDY__NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY},
    [EDDY__RECEIVE_BUFFER] = {SOL_SOCKET, SO_RCVBUF},
    [EDDY__SEND_BUFFER] = {SOL_SOCKET, SO_SNDBUF},
    [EDDY__BROADCAST] = {SOL_SOCKET, SO_BROADCAST},
};

static int socket_set_option(eddy_socket socket, enum eddy__socket_option option, int value)
{
    if (option >= EDDY__HOP_LIMIT)
        return eddy__socket_set_route(socket, option, value);
    if (socket_options[option].level < 0)
        return EDDY_ENOTSUPPORTED;
    return socket_result(EDDY__SYS(setsockopt)((int)socket, socket_options[option].level,
                                               socket_options[option].name, &value, sizeof value));
}

static int socket_get_option(eddy_socket socket, enum eddy__socket_option option, int *value)
{
    if (option >= EDDY__HOP_LIMIT)
        return eddy__socket_get_route(socket, option, value);
    if (socket_options[option].level < 0)
        return EDDY_ENOTSUPPORTED;
    return socket_integer(socket, socket_options[option].level, socket_options[option].name, value);
}

const struct eddy__socket_ops eddy__system_sockets = {
#if defined(__linux__)
    .local_address_lasts = true,
#endif
    .open = socket_open,
    .pair = socket_pair,
    .close = socket_close,
    .set_nonblocking = socket_set_nonblocking,
#if defined(SO_NOSIGPIPE)
    .silence = socket_silence,
#endif
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
#if defined(MSG_MORE)
    .send_more = socket_send_more,
#endif
    .send_file = EDDY__SOCKET_SEND_FILE,
    .datagrams_max = EDDY__SOCKET_DATAGRAMS_MAX,
    .receive_datagrams = eddy__socket_receive_datagrams,
    .send_datagrams = eddy__socket_send_datagrams,
    .shutdown_send = socket_shutdown_send,
    .shutdown_both = socket_shutdown_both,
    .local_address = socket_local_address,
    .peer_address = socket_peer_address,
    .set_option = socket_set_option,
    .get_option = socket_get_option,
    .set_membership = eddy__socket_set_membership,
};
