/* SPDX-License-Identifier: MIT */
#include "support/datagram.h"
#include "common/loop.h"
#include "support/support.h"
#include <string.h>

int try_endpoint(struct fixture *f, struct witness *w, const eddy_datagram_options *options)
{
    eddy_future *future = eddy_loop_create_datagram_endpoint(f->loop, witness_factory, w, options);

    return eddy_loop_run_until_complete(f->loop, future, NULL);
}

void open_endpoint(struct fixture *f, struct witness *w, const eddy_datagram_options *options)
{
    must(try_endpoint(f, w, options));
}

void open_endpoint_pair(struct fixture *f, struct witness *s, struct witness *c)
{
    eddy_address address;

    witness_init(s, "s");
    witness_init(c, "c");
    bind_endpoint(f, s, &address);
    connect_endpoint(f, c, &address);
    assert_recorded("s.made", "c.made");
}

eddy_address endpoint_address(const eddy_transport *transport)
{
    eddy_address address = {0};
    eddy_value value;

    if (eddy_transport_get_extra_info(transport, "sockname", &value))
        address = *value.address;
    return address;
}

void bind_endpoint(struct fixture *f, struct witness *w, eddy_address *address)
{
    const eddy_datagram_options options = {.local_host = "127.0.0.1"};

    open_endpoint(f, w, &options);
    *address = endpoint_address(w->transport);
}

void connect_endpoint(struct fixture *f, struct witness *w, const eddy_address *address)
{
    const eddy_datagram_options options = {
        .remote_host = "127.0.0.1",
        .remote_port = eddy_address_port(address),
    };

    open_endpoint(f, w, &options);
}

int send_datagram(eddy_transport *transport, const char *text, const eddy_address *address)
{
    return eddy_transport_sendto(transport, text, strlen(text), address);
}

void close_endpoint(struct fixture *f, struct witness *w)
{
    int turn;

    eddy_transport_close(w->transport);
    for (turn = 0; turn < 1000 && w->counts[WITNESS_LOST] == 0; turn++)
        run_iterations(f->loop, 1);
    assert_int_equal(w->counts[WITNESS_LOST], 1);
}

/* One table that answers in the place of the real one; the test's channels come with it. */
static struct {
    struct eddy__socket_ops table;
    const struct eddy__socket_ops *real;
    bool holds;
    int send_error;
    int send_errors;
    int receive_error;
} faults;

static int64_t faulty_send(eddy_socket socket, const struct eddy__outgoing *list, size_t count)
{
    if (faults.holds)
        return EDDY_EAGAIN;
    if (faults.send_errors > 0) {
        faults.send_errors--;
        return faults.send_error;
    }
    return faults.real->send_datagrams(socket, list, count);
}

static int64_t faulty_receive(eddy_socket socket, struct eddy__incoming *list, size_t count)
{
    int error = faults.receive_error;

    faults.receive_error = 0;
    return error ? error : faults.real->receive_datagrams(socket, list, count);
}

/* The table goes between the loop and its sockets with the first fault; see spy.c for the idea. */
static void faults_install(struct fixture *f)
{
    static struct eddy__backend backend;

    if (f->loop->backend == &backend)
        return;
    memset(&faults, 0, sizeof faults);
    backend = *f->loop->backend;
    faults.real = backend.sockets;
    faults.table = *backend.sockets;
    faults.table.send_datagrams = faulty_send;
    faults.table.receive_datagrams = faulty_receive;
    backend.sockets = &faults.table;
    f->loop->backend = &backend;
}

void hold_sending(struct fixture *f)
{
    faults_install(f);
    faults.holds = true;
}

void release_sending(struct fixture *f)
{
    faults_install(f);
    faults.holds = false;
}

void fail_sending(struct fixture *f, int error, int count)
{
    faults_install(f);
    faults.send_error = error;
    faults.send_errors = count;
}

void fail_receiving(struct fixture *f, int error)
{
    faults_install(f);
    faults.receive_error = error;
}
