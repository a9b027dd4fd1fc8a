/* SPDX-License-Identifier: MIT */
#include "support/tls_pair.h"
#include "common/memory.h"
#include "support/support.h"
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static int side_new(struct tls_side *side, eddy_tls_context *context, const char *name)
{
    int result;

    side->room = (struct eddy__tls_room){side->said, 0, sizeof side->said};
    side->wire.out = &side->room;
    side->ssl = SSL_new(eddy_tls_context_native(context));
    if (side->ssl == NULL)
        return eddy__tls_failed(EDDY_ETLS, "SSL");
    result = eddy__tls_wire_attach(&side->wire, side->ssl);
    return result < 0 ? result : eddy__tls_context_setup_ssl(context, side->ssl, name);
}

int tls_pair_new(struct tls_pair *pair, eddy_tls_context *client, eddy_tls_context *server,
                 const char *name)
{
    int result;

    memset(pair, 0, sizeof *pair);
    pair->client.other = &pair->server;
    pair->server.other = &pair->client;
    result = side_new(&pair->client, client, name);
    if (result == 0)
        result = side_new(&pair->server, server, NULL);
    if (result < 0)
        tls_pair_free(pair);
    return result;
}

void tls_pair_free(struct tls_pair *pair)
{
    SSL_free(pair->client.ssl);
    SSL_free(pair->server.ssl);
    pair->client.ssl = pair->server.ssl = NULL;
}

static void side_fail(struct tls_side *side, int code)
{
    side->result = code;
    side->number = eddy_error_number();
    snprintf(side->text, sizeof side->text, "%s", eddy_error_text());
}

/** What the other one has said since is there to be read. */
static void side_hear(struct tls_side *side)
{
    size_t said = side->other->room.size;

    if (side->wire.in_size == 0)
        side->wire.in = side->other->said + side->heard;
    side->wire.in_size += said - side->heard;
    side->heard = said;
}

bool tls_side_step(struct tls_side *side)
{
    int result;

    if (side->is_done || side->result < 0)
        return false;
    side_hear(side);
    ERR_clear_error();
    result = SSL_do_handshake(side->ssl);
    if (result == 1) {
        side->is_done = true;
        result = eddy__tls_context_finish_ssl(side->ssl);
        if (result < 0)
            side_fail(side, result);
        return result == 0;
    }
    switch (SSL_get_error(side->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return true;
    default:
        side_fail(side, eddy__tls_explain(side->ssl));
        return false;
    }
}

/* One byte, which takes tickets and late alerts along. */
static void side_pass(struct tls_side *from, struct tls_side *to)
{
    char byte = 'x';

    ERR_clear_error();
    if (from->result == 0 && SSL_write(from->ssl, &byte, 1) != 1)
        side_fail(from, eddy__tls_explain(from->ssl));
    side_hear(to);
    if (SSL_read(to->ssl, &byte, 1) != 1)
        side_fail(to, eddy__tls_explain(to->ssl));
}

void tls_pair_run(struct tls_pair *pair)
{
    /* A handshake has fewer turns than that. */
    for (int turn = 0; turn < 20; turn++) {
        bool client = tls_side_step(&pair->client);
        bool server = tls_side_step(&pair->server);

        if (!client && !server)
            break;
    }
    if (tls_pair_is_good(pair))
        side_pass(&pair->client, &pair->server);
    /* A client of TLS 1.3 is done before the server has seen its certificate. */
    if (pair->client.is_done && pair->client.result == 0)
        side_pass(&pair->server, &pair->client);
}

bool tls_pair_is_good(const struct tls_pair *pair)
{
    return pair->client.is_done && pair->server.is_done && pair->client.result == 0 &&
           pair->server.result == 0;
}

struct tls_scene tls_scene_new(void)
{
    struct tls_scene scene = {.server = {.server = true}};

    scene.ca = certificate_new(&(struct certificate_wish){.name = "root", .is_authority = true});
    scene.own = certificate_for("DNS:a.test,DNS:b.test,DNS:c.test", scene.ca);
    scene.client.ca_data = certificate_pem(scene.ca);
    scene.server.certificate_data = certificate_pem(scene.own);
    scene.server.key_data = certificate_key_pem(scene.own);
    return scene;
}

static void outcome_look(struct tls_outcome *outcome, SSL *client)
{
    const struct eddy_tls_certificate *certificate = eddy__tls_certificate_new(client);
    const unsigned char *alpn;
    unsigned size;

    SSL_get0_alpn_selected(client, &alpn, &size);
    snprintf(outcome->alpn, sizeof outcome->alpn, "%.*s", (int)size, (const char *)alpn);
    snprintf(outcome->version, sizeof outcome->version, "%s", SSL_get_version(client));
    outcome->was_resumed = SSL_session_reused(client) == 1;
    if (certificate == NULL)
        return;
    outcome->is_verified = certificate->is_verified;
    snprintf(outcome->subject, sizeof outcome->subject, "%s", certificate->subject);
    eddy__free((void *)(uintptr_t)certificate);
}

struct tls_outcome tls_play(eddy_tls_context *client, eddy_tls_context *server, const char *name)
{
    struct tls_outcome outcome = {0};
    struct tls_pair pair;

    outcome.client = tls_pair_new(&pair, client, server, name);
    if (outcome.client < 0) {
        snprintf(outcome.client_text, sizeof outcome.client_text, "%s", eddy_error_text());
        return outcome;
    }
    tls_pair_run(&pair);
    assert_int_equal(ERR_peek_error(), 0);
    outcome.is_good = tls_pair_is_good(&pair);
    outcome.client = pair.client.result;
    outcome.server = pair.server.result;
    outcome.client_number = pair.client.number;
    memcpy(outcome.client_text, pair.client.text, sizeof outcome.client_text);
    memcpy(outcome.server_text, pair.server.text, sizeof outcome.server_text);
    if (outcome.is_good)
        outcome_look(&outcome, pair.client.ssl);
    tls_pair_free(&pair);
    return outcome;
}

struct tls_contexts tls_contexts_new(const eddy_tls_options *client, const eddy_tls_options *server)
{
    struct tls_contexts contexts = {NULL, NULL};
    int result = eddy_tls_context_new(client, &contexts.client);

    if (result == 0)
        result = eddy_tls_context_new(server, &contexts.server);
    if (result < 0)
        tls_contexts_free(&contexts);
    must(result);
    return contexts;
}

void tls_contexts_free(struct tls_contexts *contexts)
{
    eddy_tls_context_unref(contexts->client);
    eddy_tls_context_unref(contexts->server);
}

struct tls_outcome tls_play_options(const eddy_tls_options *client, const eddy_tls_options *server,
                                    const char *name)
{
    struct tls_contexts contexts = tls_contexts_new(client, server);
    struct tls_outcome outcome = tls_play(contexts.client, contexts.server, name);

    tls_contexts_free(&contexts);
    return outcome;
}

struct tls_outcome tls_play_scene(const struct tls_scene *scene)
{
    return tls_play_options(&scene->client, &scene->server, "a.test");
}

void tls_assert_good(const struct tls_outcome *outcome, const char *file, int line)
{
    if (outcome->is_good)
        return;
    give_up_if(outcome->client == EDDY_ENOMEM || outcome->server == EDDY_ENOMEM);
    print_error("client: %s \"%s\", server: %s \"%s\"\n", eddy_err_name(outcome->client),
                outcome->client_text, eddy_err_name(outcome->server), outcome->server_text);
    _fail(file, line);
}

void tls_assert_failed(const struct tls_outcome *outcome, const char *side, int code,
                       const char *text, const char *file, int line)
{
    bool server = strcmp(side, "server") == 0;
    int found = server ? outcome->server : outcome->client;
    const char *words = server ? outcome->server_text : outcome->client_text;

    if (!outcome->is_good && found == code && strstr(words, text) != NULL)
        return;
    /* Without memory for its words, a refusal is short. */
    give_up_if(!outcome->is_good);
    print_error("client: %s \"%s\", server: %s \"%s\"\nexpected %s: %s \"...%s...\"\n",
                eddy_err_name(outcome->client), outcome->client_text,
                eddy_err_name(outcome->server), outcome->server_text, side, eddy_err_name(code),
                text);
    _fail(file, line);
}
