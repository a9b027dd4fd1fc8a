/* SPDX-License-Identifier: MIT */
/**
 * Serves the files of a folder over HTTP, or HTTPS:
 *
 *     file_server DIR [--port N] [--host ADDRESS] [--tls CERTIFICATE KEY]
 *
 * Port 0 (the default) picks a free one. When it is ready it prints one line, "listening on ...".
 * Ctrl-C ends it. Clients are protocols (connection.c), files are looked for on the executor's
 * threads (transfer.c) and sent by sendfile(), over TLS as well.
 */
#include "connection.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *root;
    const char *host;
    int port;
    const char *certificate; /* NULL: no TLS */
    const char *key;
};

/** Print where to find us, once somebody may come. */
static void announce(eddy_server *server, bool tls)
{
    char text[EDDY_ADDRESS_TEXT_MAX];
    eddy_address address;

    if (eddy_socket_view_getsockname(eddy_server_socket(server, 0), &address) == 0 &&
        eddy_address_format(&address, text, sizeof text) == 0)
        printf("listening on %s://%s/\n", tls ? "https" : "http", text);
    fflush(stdout);
}

static int serve(void *arg, eddy_value *result)
{
    const struct arguments *arguments = arg;
    eddy_tls_context *tls = NULL;
    eddy_value server;
    int error = 0;

    (void)result;
    if (arguments->certificate != NULL)
        error = eddy_tls_context_new(
            &(eddy_tls_options){
                .server = true,
                .certificate_file = arguments->certificate,
                .key_file = arguments->key,
                .alpn = "http/1.1",
            },
            &tls);
    if (error)
        return error;
    error = eddy_await(eddy_loop_create_server(eddy_get_running_loop(), connection_new,
                                               (void *)(uintptr_t)arguments->root, arguments->host,
                                               arguments->port,
                                               &(eddy_server_options){.backlog = 1024, .tls = tls}),
                       &server);
    eddy_tls_context_unref(tls); /* the server has its own reference */
    if (error)
        return error;
    announce(server.server, arguments->certificate != NULL);
    error = eddy_await(eddy_server_serve_forever(server.server), NULL);
    eddy_server_unref(server.server);
    return error;
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            arguments->port = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--host") == 0 && i + 1 < argc) {
            arguments->host = argv[++i];
        } else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
            arguments->certificate = argv[++i];
            arguments->key = argv[++i];
        } else if (argv[i][0] != '-' && arguments->root == NULL) {
            arguments->root = argv[i];
        } else {
            return -1;
        }
    }
    return arguments->root == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.host = "127.0.0.1"};
    int error;

    if (parse(argc, argv, &arguments) != 0) {
        fprintf(stderr, "usage: file_server DIR [--port N] [--host ADDRESS] "
                        "[--tls CERTIFICATE KEY]\n");
        return 2;
    }
    if (file_look(arguments.root) != FILE_FOLDER) {
        fprintf(stderr, "file_server: %s is no folder\n", arguments.root);
        return 1;
    }
    error = eddy_run(serve, &arguments, NULL, NULL);
    if (error && error != EDDY_ECANCELED) /* Ctrl-C is a way to end it, not a failure */
        fprintf(stderr, "file_server: %s\n", eddy_error_text());
    return error != 0 && error != EDDY_ECANCELED;
}
