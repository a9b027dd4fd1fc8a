/* SPDX-License-Identifier: MIT */
/**
 * A small mail server that insists on STARTTLS: `mail_server PORT CERTIFICATE KEY`. It prints the
 * mails that it gets; port 0 picks a free one. Ctrl-C ends it. `mail_client` is its counterpart.
 *
 * Each connection is a task in straight-line code (lines.c): it reads a line, obeys, answers.
 */
#include "lines.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mail {
    bool is_encrypted; /* the connection that it comes by */
    char from[256];
    char to[256];
    char text[65536];
    size_t size;
};

/* What follows `name` in the line, whatever its case; or NULL. */
static const char *after(const char *line, const char *name)
{
    for (; *name != '\0'; name++, line++) {
        if (toupper((unsigned char)*line) != *name)
            return NULL;
    }
    return line;
}

static void forget(struct mail *mail)
{
    mail->from[0] = mail->to[0] = '\0';
    mail->size = 0;
}

static int start_tls(struct lines *lines, struct mail *mail)
{
    int error;

    if (mail->is_encrypted)
        return lines_write(lines, "503 it is encrypted already");
    if (lines_are_waiting(lines)) { /* and would be obeyed as if it had been encrypted */
        lines_write(lines, "554 nothing may follow STARTTLS before its answer");
        return eddy_error(EDDY_EPROTO, "commands behind STARTTLS");
    }
    error = lines_write(lines, "220 go ahead");
    if (error == 0)
        error = lines_start_tls(lines, lines_arg(lines), NULL);
    mail->is_encrypted = true;
    forget(mail);
    return error;
}

/* All lines up to one with a dot alone. Those that begin with a dot had another put before it. */
static int read_text(struct lines *lines, struct mail *mail)
{
    int error = lines_write(lines, "354 go on, and end with a dot");
    char *line;
    int got;

    if (error)
        return error;
    while ((got = lines_read(lines, &line)) > 0 && strcmp(line, ".") != 0) {
        size_t room = sizeof mail->text - mail->size;
        int size = snprintf(mail->text + mail->size, room, "%s\n", line + (line[0] == '.'));

        if (size < 0 || (size_t)size >= room)
            return eddy_error(EDDY_EMSGSIZE, "too long a mail");
        mail->size += (size_t)size;
    }
    if (got <= 0)
        return got < 0 ? got : eddy_error(EDDY_EPROTO, "half a mail");
    printf("mail from %s to %s:\n%s", mail->from, mail->to, mail->text);
    fflush(stdout);
    forget(mail);
    return lines_write(lines, "250 thank you");
}

static int obey(struct lines *lines, struct mail *mail, const char *line)
{
    const char *rest;

    if (after(line, "EHLO ") != NULL) {
        forget(mail);
        return lines_write(lines, mail->is_encrypted ? "250 eddy" : "250-eddy\r\n250 STARTTLS");
    }
    if (after(line, "STARTTLS") != NULL)
        return start_tls(lines, mail);
    if (!mail->is_encrypted)
        return lines_write(lines, "530 STARTTLS first");
    if ((rest = after(line, "MAIL FROM:")) != NULL) {
        snprintf(mail->from, sizeof mail->from, "%s", rest);
        return lines_write(lines, "250 ok");
    }
    if ((rest = after(line, "RCPT TO:")) != NULL && mail->from[0] != '\0') {
        snprintf(mail->to, sizeof mail->to, "%s", rest);
        return lines_write(lines, "250 ok");
    }
    if (after(line, "DATA") != NULL && mail->to[0] != '\0')
        return read_text(lines, mail);
    return lines_write(lines, "503 not that, or not now");
}

static int talk(void *arg, eddy_value *result) /* a task for each connection */
{
    struct lines *lines = arg;
    struct mail *mail = calloc(1, sizeof *mail);
    int error = mail != NULL ? lines_write(lines, "220 eddy") : EDDY_ENOMEM;
    char *line;

    (void)result;
    while (error == 0 && (error = lines_read(lines, &line)) > 0) {
        if (after(line, "QUIT") != NULL) {
            error = lines_write(lines, "221 goodbye");
            break;
        }
        error = obey(lines, mail, line);
    }
    if (error && error != EDDY_ECANCELED)
        fprintf(stderr, "mail_server: %s\n", eddy_error_text());
    free(mail);
    return error == EDDY_ECANCELED ? error : 0; /* the server goes on */
}

static eddy_protocol *client_new(void *context)
{
    return lines_new(talk, context);
}

static int serve(void *arg, eddy_value *result)
{
    char **arguments = arg;
    eddy_tls_context *context;
    eddy_address address;
    eddy_value server;
    int error = eddy_tls_context_new(&(eddy_tls_options){.server = true,
                                                         .certificate_file = arguments[2],
                                                         .key_file = arguments[3]},
                                     &context);

    (void)result;
    if (error)
        return error;
    error =
        eddy_await(eddy_loop_create_server(eddy_get_running_loop(), client_new, context,
                                           "127.0.0.1", (int)strtol(arguments[1], NULL, 10), NULL),
                   &server);
    if (error)
        goto out;
    if (eddy_socket_view_getsockname(eddy_server_socket(server.server, 0), &address) == 0)
        printf("mail is taken on port %d\n", eddy_address_port(&address));
    fflush(stdout);
    error = eddy_await(eddy_server_serve_forever(server.server), NULL);
    eddy_server_unref(server.server);
out:
    eddy_tls_context_unref(context);
    return error;
}

int main(int argc, char **argv)
{
    int error;

    if (argc != 4) {
        fprintf(stderr, "usage: mail_server PORT CERTIFICATE KEY\n");
        return 2;
    }
    error = eddy_run(serve, argv, NULL, NULL);
    if (error && error != EDDY_ECANCELED)
        fprintf(stderr, "mail_server: %s\n", eddy_error_text());
    return error != 0 && error != EDDY_ECANCELED;
}
