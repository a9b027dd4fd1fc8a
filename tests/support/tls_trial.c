/* SPDX-License-Identifier: MIT */
#include "support/tls_trial.h"
#include "support/support.h"
#include <stdio.h>
#include <string.h>

struct tls_trial_side tls_trial_client, tls_trial_server;

static void side_note(struct tls_trial_side *side, int code)
{
    side->code = code;
    snprintf(side->text, sizeof side->text, "%s", eddy_error_text());
}

static int on_event(struct witness *w, enum witness_event event)
{
    if (event == WITNESS_LOST && w->error != 0)
        side_note(w->arg, w->error);
    return 0;
}

static void side_init(struct tls_trial_side *side)
{
    memset(side, 0, sizeof *side);
    witness_init(&side->w, NULL);
    side->w.script = on_event;
    side->w.arg = side;
}

/* What a run holds. It goes when the run is over, or with the fixture, should it end before. */
static eddy_tls_context *contexts[2];

static void release(void *unused)
{
    (void)unused;
    eddy_tls_context_unref(contexts[0]);
    eddy_tls_context_unref(contexts[1]);
    eddy_future_unref(tls_trial_client.future);
    eddy_future_unref(tls_trial_server.future);
    contexts[0] = contexts[1] = NULL;
    tls_trial_client.future = tls_trial_server.future = NULL;
}

/* As must_begin(), but the future stays ours. */
static void must_be_under_way(const struct tls_trial_side *side, eddy_socket socket)
{
    if (!eddy_future_done(side->future))
        return;
    eddy_socket_close(socket);
    must(eddy_future_exception(side->future));
}

/* Begin both sides over a pair of sockets. */
static void begin(struct fixture *f, const struct tls_trial *trial, const char *host)
{
    eddy_socket sockets[2];

    side_init(&tls_trial_client);
    side_init(&tls_trial_server);
    fixture_at_end(f, release, NULL);
    must(eddy_tls_context_new(&trial->client, &contexts[0]));
    must(eddy_tls_context_new(&trial->server, &contexts[1]));
    must(eddy_socket_pair(f->loop, EDDY_STREAM, sockets));
    fixture_keep_socket(f, sockets[1]);
    tls_trial_client.future = eddy_loop_create_connection(
        f->loop, witness_factory, &tls_trial_client.w, NULL, 0,
        &(eddy_connection_options){
            .sock = &sockets[0], .tls = contexts[0], .server_hostname = host});
    must_be_under_way(&tls_trial_client, sockets[0]);
    fixture_drop_socket(f, sockets[1]);
    tls_trial_server.future =
        eddy_loop_connect_accepted_socket(f->loop, witness_factory, &tls_trial_server.w, sockets[1],
                                          &(eddy_accepted_options){.tls = contexts[1]});
    must_be_under_way(&tls_trial_server, sockets[1]);
}

/* It has failed, or its connection is over, or both sides have one. */
static bool is_settled(const struct tls_trial_side *side, const struct tls_trial_side *other)
{
    return eddy_future_done(side->future) &&
           (side->w.counts[WITNESS_MADE] == side->w.counts[WITNESS_LOST] ||
            other->w.counts[WITNESS_MADE] > 0);
}

static void finish(struct tls_trial_side *side)
{
    eddy_value value = {0};
    int code = eddy_future_result(side->future, &value);

    if (code < 0)
        side_note(side, code);
    else
        eddy_transport_unref(value.transport);
}

void tls_trial_run(struct fixture *f, const struct tls_trial *trial, const char *host)
{
    eddy_time end = 0;

    begin(f, trial, host);
    while (!(is_settled(&tls_trial_client, &tls_trial_server) &&
             is_settled(&tls_trial_server, &tls_trial_client)) &&
           fixture_wait_goes_on(eddy_loop_time(f->loop), &end))
        run_for(f->loop, EDDY_MILLISECONDS(1));
    run_iterations(f->loop, 3);
    give_up_if(!eddy_future_done(tls_trial_client.future) ||
               !eddy_future_done(tls_trial_server.future));
    assert_true(eddy_future_done(tls_trial_client.future) &&
                eddy_future_done(tls_trial_server.future));
    finish(&tls_trial_client);
    finish(&tls_trial_server);
    release(NULL);
}

void tls_trial_assert_side(const struct tls_trial_side *side, int code, const char *text)
{
    if (side->code == code && strstr(side->text, text) != NULL)
        return;
    give_up_if(true); /* a sweep fails it in other ways */
    fail_msg("%s: %s \"%s\", expected %s \"...%s...\"",
             side == &tls_trial_client ? "client" : "server", eddy_err_name(side->code), side->text,
             eddy_err_name(code), text);
}

void tls_trial_assert_unusable(const struct tls_trial_side *side, bool is_late)
{
    for (int event = WITNESS_MADE; event < WITNESS_EVENTS; event++) {
        bool is_heard = is_late && (event == WITNESS_MADE || event == WITNESS_LOST);

        assert_int_equal(side->w.counts[event], is_heard ? 1 : 0);
    }
}

void tls_trial_show(struct tls_trial *trial, const struct certificate *own)
{
    trial->server.certificate_data =
        certificate_join(certificate_pem(own), certificate_pem(trial->between));
    trial->server.key_data = certificate_key_pem(own);
}

void tls_trial_show_wish(struct tls_trial *trial, struct certificate_wish wish)
{
    wish.issuer = wish.issuer != NULL ? wish.issuer : trial->between;
    wish.names = wish.names != NULL ? wish.names : "DNS:a.test";
    tls_trial_show(trial, certificate_new(&wish));
}

struct tls_trial tls_trial_new(eddy_tls_version version)
{
    struct tls_trial trial = {.server = {.server = true}};

    trial.root = certificate_new(&(struct certificate_wish){.name = "root", .is_authority = true});
    trial.between = certificate_new(
        &(struct certificate_wish){.name = "between", .is_authority = true, .issuer = trial.root});
    trial.client.ca_data = certificate_pem(trial.root);
    trial.client.version_min = trial.client.version_max = version;
    tls_trial_show_wish(&trial, (struct certificate_wish){.name = "own"});
    return trial;
}

static void run_row(struct fixture *f, const struct tls_row *row, eddy_tls_version version)
{
    struct tls_trial trial = tls_trial_new(version);

    row->prepare(&trial);
    tls_trial_run(f, &trial, row->host);
    tls_trial_assert_side(&tls_trial_client, row->client, row->client_text);
    tls_trial_assert_side(&tls_trial_server, row->server, row->server_text);
    tls_trial_assert_unusable(&tls_trial_client, row->is_late && version == EDDY_TLS_1_3);
    tls_trial_assert_unusable(&tls_trial_server, false);
    recorder_reset();
}

void tls_trial_run_rows(struct fixture *f, const struct tls_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run_row(f, &rows[i], EDDY_TLS_1_2);
        run_row(f, &rows[i], EDDY_TLS_1_3);
    }
}
