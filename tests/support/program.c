/* SPDX-License-Identifier: MIT */
#include "support/program.h"
#include "support/support.h"
#include <string.h>

eddy_protocol *program_factory(void *arg)
{
    struct program *program = arg;
    struct witness *w = &program->clients[program->count];

    if (program->refuse) {
        record("refused");
        eddy_error(EDDY_EUSER, "full house");
        return NULL;
    }
    assert_true(program->count < CLIENTS_MAX);
    program->count++;
    witness_init(w, NULL);
    w->script = program->script;
    w->results[WITNESS_MADE] = program->made_result;
    return &w->protocol;
}

/* What tests have made and not dropped. */
static eddy_server *servers[SERVERS_MAX];
static size_t server_count;

static void drop_all_servers(void *arg)
{
    (void)arg;
    while (server_count > 0)
        eddy_server_unref(servers[--server_count]);
}

void keep_server(struct fixture *f, eddy_server *server)
{
    assert_true(server_count < SERVERS_MAX);
    if (server_count == 0)
        fixture_at_end(f, drop_all_servers, NULL);
    servers[server_count++] = server;
}

void release_server(eddy_server *server)
{
    size_t i = 0;

    while (i < server_count && servers[i] != server)
        i++;
    assert_true(i < server_count);
    servers[i] = servers[--server_count];
    eddy_server_unref(server);
}

int make_server(struct fixture *f, struct program *program, const char *host,
                const eddy_server_options *options, eddy_server **server)
{
    eddy_value value = {0};
    int error = eddy_loop_run_until_complete(
        f->loop, eddy_loop_create_server(f->loop, program_factory, program, host, 0, options),
        &value);

    *server = value.server;
    if (error == 0)
        keep_server(f, value.server);
    return error;
}

void server_address(eddy_server *server, size_t index, eddy_address *address)
{
    must(eddy_socket_view_getsockname(eddy_server_socket(server, index), address));
}

eddy_socket connect_client(struct fixture *f, eddy_server *server)
{
    eddy_address address;
    eddy_socket client;
    int error;

    server_address(server, 0, &address);
    must(eddy_socket_new(f->loop, eddy_address_family(&address), EDDY_STREAM, EDDY_TCP, &client));
    fixture_keep_socket(f, client);
    error = eddy_socket_connect(client, &address);
    must(error == EDDY_EINPROGRESS ? 0 : error);
    return client;
}

void run_until_count(struct fixture *f, const char *text, size_t count)
{
    eddy_time end = 0;

    while (recorded(text) < count && fixture_wait_goes_on(eddy_loop_time(f->loop), &end))
        run_for(f->loop, EDDY_MILLISECONDS(1));
    give_up_if(recorded(text) < count);
    assert_int_equal(recorded(text), count);
}

static void drop_future(void *future)
{
    eddy_future_unref(future);
}

eddy_future *keep_future(struct fixture *f, eddy_future *future)
{
    fixture_at_end(f, drop_future, future);
    return future;
}

static int on_done(eddy_future *future, void *name)
{
    record("%s:%s", (const char *)name, eddy_future_cancelled(future) ? "cancelled" : "done");
    return 0;
}

void watch(eddy_future *future, const char *name)
{
    must(eddy_future_add_done_callback(future, on_done, (void *)(uintptr_t)name));
}

void assert_refused(eddy_future *future, int code, const char *text)
{
    int error;

    assert_true(eddy_future_done(future));
    error = eddy_future_exception(future);
    if (error != EDDY_ENOMEM || !allocations_failed()) {
        if (error != code || strstr(eddy_error_text(), text) == NULL)
            print_error("%s: %s\n", eddy_err_name(error), eddy_error_text());
        assert_int_equal(error, code);
        assert_non_null(strstr(eddy_error_text(), text));
    }
    eddy_future_unref(future);
}
