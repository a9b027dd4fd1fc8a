/* SPDX-License-Identifier: MIT */
/* TLS connections and servers from end to end: made, used, closed (TLS-17, TLS-18, TLS-26). */
#include "support/support.h"
#include "support/certificates.h"
#include "support/program.h"
#include "support/sweep.h"
#include <string.h>

static void drop_context(void *context)
{
    eddy_tls_context_unref(context);
}

static void test_bytes_go_both_ways(struct fixture *f)
{
    struct certificate *ca = certificate_new(&(struct certificate_wish){.is_authority = true});
    struct certificate *own = certificate_for("DNS:example.test", ca);
    eddy_tls_context *server_side, *client_side;
    struct program program = {.count = 0};
    struct witness client;
    eddy_server *server;
    eddy_address address;
    eddy_value value;
    eddy_time limit = fixture_wait_limit();

    must(eddy_tls_context_new(&(eddy_tls_options){.server = true,
                                                  .certificate_data = certificate_pem(own),
                                                  .key_data = certificate_key_pem(own)},
                              &server_side));
    fixture_at_end(f, drop_context, server_side);
    must(eddy_tls_context_new(&(eddy_tls_options){.ca_data = certificate_pem(ca)}, &client_side));
    fixture_at_end(f, drop_context, client_side);
    must(make_server(f, &program, "127.0.0.1",
                     &(eddy_server_options){.tls = server_side, .tls_handshake_timeout = limit},
                     &server));
    server_address(server, 0, &address);
    witness_init(&client, "client");
    must(eddy_loop_run_until_complete(
        f->loop,
        eddy_loop_create_connection(f->loop, witness_factory, &client, "127.0.0.1",
                                    eddy_address_port(&address),
                                    &(eddy_connection_options){.tls = client_side,
                                                               .server_hostname = "example.test",
                                                               .tls_handshake_timeout = limit}),
        &value));
    eddy_transport_write(value.transport, "hello", 5);
    run_until_recorded(f->loop, "data:hello");
    eddy_transport_write(program.clients[0].transport, "world", 5);
    run_until_recorded(f->loop, "client.data:world");
    eddy_transport_close(value.transport);
    run_until_recorded(f->loop, "client.lost:0");
    eddy_transport_unref(value.transport);
    eddy_server_close(server);
    release_server(server);
    run_iterations(f->loop, 3);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(test_bytes_go_both_ways),
    };

    return run_suite("tls", tests);
}
