/* SPDX-License-Identifier: MIT */
/**
 * Sends one mail, encrypted or not at all: `mail_client [--ca FILE] HOST PORT FROM TO <MAIL`.
 *
 * The server has to offer STARTTLS, and to show a certificate for HOST that an authority in FILE,
 * or else one that the system trusts, has signed. `mail_server` is its counterpart.
 */
#include "lines.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct errand {
    const char *ca; /* NULL: the system's */
    const char *host;
    int port;
    const char *from;
    const char *to;
};

/*
 * Read an answer, which may have several lines; `wanted` is the first digit of a good one. `*offer`
 * (may be NULL) tells whether one of the lines was "STARTTLS".
 */
static int hear(struct lines *lines, char wanted, bool *offer)
{
    char *line;
    int got;

    while ((got = lines_read(lines, &line)) > 0) {
        if (strlen(line) < 3 || line[0] != wanted)
            return eddy_error(EDDY_EPROTO, "the server says: %s", line);
        if (offer != NULL && strcmp(line + 3 + (line[3] != '\0'), "STARTTLS") == 0)
            *offer = true;
        if (line[3] != '-')
            return 0;
    }
    return got < 0 ? got : eddy_error(EDDY_ECONNRESET, "the server closed the connection");
}

/* Say what was just written, and hear an answer: `error` is that of the writing. */
static int exchange(int error, struct lines *lines, char wanted)
{
    return error ? error : hear(lines, wanted, NULL);
}

static int encrypt(struct lines *lines, eddy_tls_context *context, const char *host)
{
    bool is_offered = false;
    int error = lines_write(lines, "EHLO localhost");

    if (error == 0)
        error = hear(lines, '2', &is_offered);
    if (error == 0 && !is_offered)
        error = eddy_error(EDDY_EPROTO, "the server does not offer STARTTLS");
    if (error == 0)
        error = exchange(lines_write(lines, "STARTTLS"), lines, '2');
    if (error == 0)
        error = lines_start_tls(lines, context, host);
    /* What it said before could have been somebody else's. */
    if (error == 0)
        error = exchange(lines_write(lines, "EHLO localhost"), lines, '2');
    return error;
}

/* Standard input, line by line; a dot goes before each that begins with one. */
static int send_text(struct lines *lines)
{
    char line[1000];
    int error = 0;

    while (error == 0 && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        error = lines_write(lines, "%s%s", line[0] == '.' ? "." : "", line);
    }
    return error ? error : lines_write(lines, ".");
}

static int send_mail(struct lines *lines, const struct errand *errand)
{
    int error = exchange(lines_write(lines, "MAIL FROM:<%s>", errand->from), lines, '2');

    if (error == 0)
        error = exchange(lines_write(lines, "RCPT TO:<%s>", errand->to), lines, '2');
    if (error == 0)
        error = exchange(lines_write(lines, "DATA"), lines, '3');
    if (error == 0)
        error = exchange(send_text(lines), lines, '2');
    if (error == 0)
        error = exchange(lines_write(lines, "QUIT"), lines, '2');
    return error;
}

static eddy_protocol *server_new(void *lines)
{
    eddy_protocol *protocol = lines_new(NULL, NULL);

    *(struct lines **)lines = (struct lines *)protocol;
    return protocol;
}

static int run(void *arg, eddy_value *result)
{
    const struct errand *errand = arg;
    struct lines *lines = NULL;
    eddy_tls_context *context;
    eddy_value server;
    int error = eddy_tls_context_new(&(eddy_tls_options){.ca_file = errand->ca}, &context);

    (void)result;
    if (error)
        return error;
    error = eddy_await(eddy_loop_create_connection(eddy_get_running_loop(), server_new, &lines,
                                                   errand->host, errand->port, NULL),
                       &server);
    if (error)
        goto out;
    eddy_transport_unref(server.transport);
    error = hear(lines, '2', NULL);
    if (error == 0)
        error = encrypt(lines, context, errand->host);
    if (error == 0)
        error = send_mail(lines, errand);
out:
    lines_close(lines);
    eddy_tls_context_unref(context);
    return error;
}

int main(int argc, char **argv)
{
    struct errand errand = {.ca = NULL};
    int error;

    if (argc > 2 && strcmp(argv[1], "--ca") == 0) {
        errand.ca = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc != 5) {
        fprintf(stderr, "usage: mail_client [--ca FILE] HOST PORT FROM TO <MAIL\n");
        return 2;
    }
    errand.host = argv[1];
    errand.port = (int)strtol(argv[2], NULL, 10);
    errand.from = argv[3];
    errand.to = argv[4];
    error = eddy_run(run, &errand, NULL, NULL);
    if (error)
        fprintf(stderr, "mail_client: %s\n", eddy_error_text());
    return error != 0;
}
