/* SPDX-License-Identifier: MIT */
/**
 * One end of TLS, as its options say: `tls_peer server PORT [OPTION]...` or
 * `tls_peer client HOST PORT [OPTION]...`
 *
 *     --ca FILE, --cert FILE, --key FILE, --alpn LIST, --name HOST      as in eddy_tls_options
 *     --min VERSION, --max VERSION            1.2 or 1.3
 *     --verify                                the client has to show a certificate
 *     --no-tickets                            the server gives none out
 *     --times N                               the client connects so often, and remembers sessions
 *     --send FILE, --get FILE                 what is sent, and where to what arrives goes
 *     --echo                                  what arrives is sent back
 *     --await N                               close only when so many bytes have arrived
 *     --answer                                send nothing before something has arrived
 *     --slow                                  rest a while after each piece that arrived
 *     --update KIB                            have new keys made each time so much was sent
 *
 * It prints a line when a connection is ready, and one when it is over.
 */
#include "tls_peer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool flag(const char *argument, const char *name, bool *value)
{
    if (strcmp(argument, name) != 0)
        return false;
    *value = true;
    return true;
}

static bool text(char ***arguments, const char *name, const char **value)
{
    if (strcmp((*arguments)[0], name) != 0 || (*arguments)[1] == NULL)
        return false;
    *value = *++*arguments;
    return true;
}

static eddy_tls_version version(const char *name)
{
    return name == NULL               ? EDDY_TLS_VERSION_DEFAULT
           : strcmp(name, "1.2") == 0 ? EDDY_TLS_1_2
                                      : EDDY_TLS_1_3;
}

static bool parse_options(char **argument, struct options *options)
{
    const char *min = NULL;
    const char *max = NULL;
    const char *await = "0";
    const char *times = "1";
    const char *update = "0";
    bool verify = false;
    eddy_tls_options *tls = &options->tls;

    for (; *argument != NULL; argument++) {
        if (!text(&argument, "--ca", &tls->ca_file) &&
            !text(&argument, "--cert", &tls->certificate_file) &&
            !text(&argument, "--key", &tls->key_file) && !text(&argument, "--alpn", &tls->alpn) &&
            !text(&argument, "--name", &options->name) && !text(&argument, "--min", &min) &&
            !text(&argument, "--max", &max) && !text(&argument, "--times", &times) &&
            !text(&argument, "--send", &options->send) &&
            !text(&argument, "--get", &options->get) && !text(&argument, "--await", &await) &&
            !flag(*argument, "--verify", &verify) &&
            !flag(*argument, "--no-tickets", &tls->no_tickets) &&
            !flag(*argument, "--echo", &options->echo) &&
            !flag(*argument, "--answer", &options->answer) &&
            !text(&argument, "--update", &update) && !flag(*argument, "--slow", &options->slow))
            return false;
    }
    options->update = (size_t)strtoul(update, NULL, 10) * 1024;
    tls->version_min = version(min);
    tls->version_max = version(max);
    tls->verify = verify ? EDDY_TLS_VERIFY_REQUIRED : EDDY_TLS_VERIFY_DEFAULT;
    options->await = (size_t)strtoull(await, NULL, 10);
    options->times = (int)strtol(times, NULL, 10);
    tls->session_cache = !tls->server && options->times > 1 ? 8 : 0;
    return true;
}

static bool read_whole(const char *path, struct options *options)
{
    FILE *file = fopen(path, "rb");
    long size;

    if (file == NULL)
        return false;
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    options->data = malloc((size_t)size + 1);
    options->size = options->data != NULL ? fread(options->data, 1, (size_t)size, file) : 0;
    fclose(file);
    return options->size == (size_t)size;
}

static int serve(const struct options *options, eddy_tls_context *context)
{
    eddy_address address;
    eddy_value server;
    int error = eddy_await(
        eddy_loop_create_server(eddy_get_running_loop(), connection_new, (void *)(uintptr_t)options,
                                "127.0.0.1", options->port, &(eddy_server_options){.tls = context}),
        &server);

    if (error)
        return error;
    if (eddy_socket_view_getsockname(eddy_server_socket(server.server, 0), &address) == 0)
        printf("port %d\n", eddy_address_port(&address));
    fflush(stdout);
    error = eddy_await(eddy_server_serve_forever(server.server), NULL);
    eddy_server_unref(server.server);
    return error;
}

static int connect_once(struct options *options, eddy_tls_context *context)
{
    eddy_loop *loop = eddy_get_running_loop();
    int error;

    options->over = eddy_loop_create_future(loop);
    error = eddy_await(
        eddy_loop_create_connection(
            loop, connection_new, options, options->host, options->port,
            &(eddy_connection_options){.tls = context, .server_hostname = options->name}),
        NULL);
    if (error)
        printf("failed %s %s\n", eddy_err_name(error), eddy_error_text());
    else
        error = eddy_await(eddy_future_ref(options->over), NULL);
    eddy_future_unref(options->over);
    return error;
}

static int run(void *arg, eddy_value *result)
{
    struct options *options = arg;
    eddy_tls_context *context;
    int error = eddy_tls_context_new(&options->tls, &context);

    (void)result;
    if (error)
        return error;
    if (options->tls.server)
        error = serve(options, context);
    for (int i = 0; i < options->times && !options->tls.server && error == 0; i++)
        error = connect_once(options, context);
    eddy_tls_context_unref(context);
    return error;
}

int main(int argc, char **argv)
{
    struct options options = {.name = NULL};
    bool is_server = argc > 2 && strcmp(argv[1], "server") == 0;
    int error;

    options.tls.server = is_server;
    if (argc < (is_server ? 3 : 4) || !parse_options(argv + (is_server ? 3 : 4), &options)) {
        fprintf(stderr, "usage: tls_peer server PORT|client HOST PORT [OPTION]...\n");
        return 2;
    }
    options.host = argv[2];
    options.port = (int)strtol(argv[is_server ? 2 : 3], NULL, 10);
    if (options.send != NULL && !read_whole(options.send, &options)) {
        fprintf(stderr, "tls_peer: cannot read %s\n", options.send);
        return 2;
    }
    error = eddy_run(run, &options, NULL, NULL);
    if (error)
        fprintf(stderr, "tls_peer: %s\n", eddy_error_text());
    free(options.data);
    return error != 0;
}
