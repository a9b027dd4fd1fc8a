/* SPDX-License-Identifier: MIT */
#include "support/listener.h"
#include "support/support.h"
#include <string.h>

eddy_socket listener_new_deaf(struct fixture *f, eddy_address *address)
{
    eddy_socket socket;

    must(eddy_address_parse("127.0.0.1", 0, address));
    must(eddy_socket_new(f->loop, EDDY_INET, EDDY_STREAM, EDDY_TCP, &socket));
    fixture_keep_socket(f, socket);
    must(eddy_socket_bind(socket, address));
    must(eddy_socket_local_address(socket, address));
    return socket;
}

eddy_socket listener_new(struct fixture *f, eddy_address *address)
{
    eddy_socket socket = listener_new_deaf(f, address);

    must(eddy_socket_listen(socket, 16));
    return socket;
}

void need_unix(struct fixture *f)
{
    eddy_socket socket = EDDY_NO_SOCKET;
    eddy_address address;
    int error = eddy_address_unix("x", 1, &address);

    if (error == 0)
        error = eddy_socket_new(f->loop, EDDY_UNIX, EDDY_STREAM, EDDY_ANY_PROTOCOL, &socket);
    if (error == 0) {
        eddy_socket_close(socket);
        return;
    }
    give_up_if(error == EDDY_ENOMEM);
    print_message("skipped: no Unix sockets here: %s\n", eddy_strerror(error));
    skip();
}

static eddy_socket listener_unix_socket(struct fixture *f, const char *path, size_t size,
                                        eddy_address *address)
{
    eddy_socket socket;

    must(eddy_address_unix(path, size != 0 ? size : strlen(path), address));
    must(eddy_socket_new(f->loop, EDDY_UNIX, EDDY_STREAM, EDDY_ANY_PROTOCOL, &socket));
    fixture_keep_socket(f, socket);
    return socket;
}

eddy_socket listener_new_unix(struct fixture *f, const char *path, size_t size)
{
    eddy_address address;
    eddy_socket socket = listener_unix_socket(f, path, size, &address);

    must(eddy_socket_bind(socket, &address));
    must(eddy_socket_listen(socket, 16));
    return socket;
}

eddy_socket listener_connect_unix(struct fixture *f, const char *path)
{
    eddy_address address;
    eddy_socket socket = listener_unix_socket(f, path, 0, &address);
    int error = eddy_socket_connect(socket, &address);

    must(error == EDDY_EINPROGRESS ? 0 : error);
    return socket;
}

eddy_socket listener_accept(struct fixture *f, eddy_socket listener)
{
    eddy_time end = 0;
    eddy_socket accepted = EDDY_NO_SOCKET;
    int error = eddy_socket_accept(listener, &accepted, NULL);

    while (error == EDDY_EAGAIN && fixture_wait_goes_on(eddy_loop_time(f->loop), &end)) {
        run_for(f->loop, EDDY_MILLISECONDS(1));
        error = eddy_socket_accept(listener, &accepted, NULL);
    }
    must(error);
    fixture_keep_socket(f, accepted);
    return accepted;
}

bool listener_was_reached(struct fixture *f, eddy_socket listener)
{
    eddy_socket accepted;

    run_for(f->loop, EDDY_MILLISECONDS(2));
    if (eddy_socket_accept(listener, &accepted, NULL) != 0)
        return false;
    eddy_socket_close(accepted);
    return true;
}

bool listener_await_end(struct fixture *f, eddy_socket socket)
{
    eddy_time end = 0;
    char buffer[64];
    int64_t count = eddy_socket_receive(socket, buffer, sizeof buffer);

    while (count == EDDY_EAGAIN && fixture_wait_goes_on(eddy_loop_time(f->loop), &end)) {
        run_for(f->loop, EDDY_MILLISECONDS(1));
        count = eddy_socket_receive(socket, buffer, sizeof buffer);
    }
    return count == 0 || count == EDDY_ECONNRESET || count == EDDY_ECONNABORTED;
}

void need_localhost(struct fixture *f)
{
    if (f->sim != NULL || platform_knows_localhost())
        return;
    print_message("skipped: this system's resolver does not know \"localhost\"\n");
    skip();
}
