/* SPDX-License-Identifier: MIT */
/**
 * Two sides of the library over a pair of sockets, of which one has a reason to refuse the other:
 *
 *     static void show_other(struct tls_trial *trial)
 *     {
 *         tls_trial_show_wish(trial, (struct certificate_wish){.names = "DNS:b.test"});
 *     }
 *     ...
 *     static const struct tls_row rows[] = {
 *         {show_other, "a.test", EDDY_ETLSVERIFY, "certificate is for b.test, not for a.test",
 *          EDDY_ETLS, "peer refused our certificate", false},
 *     };
 *
 *     tls_run_rows(f, rows);
 *
 * Each row is run in TLS 1.2 and 1.3: both sides have to end with its codes and words, and no
 * protocol may hear of a connection. A row takes two places of the fixture's ends.
 */
#ifndef TESTS_SUPPORT_TLS_TRIAL_H
#define TESTS_SUPPORT_TLS_TRIAL_H

#include "support/certificates.h"
#include "support/witness.h"

/** What both sides are made from; at first a good pair, whose server is "a.test". */
struct tls_trial {
    const struct certificate *root;    /**< the client trusts it */
    const struct certificate *between; /**< it signs what the server shows, and is shown, too */
    eddy_tls_options client;
    eddy_tls_options server;
};

/** What is wrong, and what both sides say about it. */
struct tls_row {
    void (*prepare)(struct tls_trial *trial);
    const char *host; /**< whom the client asks for */
    int client;       /**< its code, and a part of its text */
    const char *client_text;
    int server;
    const char *server_text;
    /** A client of TLS 1.3 is done before its certificate is looked at: it is made, and lost. */
    bool is_late;
};

/** What became of a side. */
struct tls_trial_side {
    eddy_future *future; /**< done, and gone */
    struct witness w;
    int code; /**< of the future, or later of connection_lost() */
    char text[512];
};

/** Of the last run; a fixture that closes its loop may still tell their witnesses. */
extern struct tls_trial_side tls_trial_client, tls_trial_server;

/** One that goes well, in this version; certificates are there until the end of the program. */
struct tls_trial tls_trial_new(eddy_tls_version version);

/** Have the server show `own`, and behind it trial->between. */
void tls_trial_show(struct tls_trial *trial, const struct certificate *own);

/** The same with a new one; defaults: signed by trial->between, for a.test. */
void tls_trial_show_wish(struct tls_trial *trial, struct certificate_wish wish);

/** Run it until both sides have failed, or ended, or stand connected. */
void tls_trial_run(struct fixture *f, const struct tls_trial *trial, const char *host);

/** Assert that `side` has ended with `code` (0: it has not) and such a text. */
void tls_trial_assert_side(const struct tls_trial_side *side, int code, const char *text);

/** Assert that its protocol was not called, or, `is_late`, only made and lost. */
void tls_trial_assert_unusable(const struct tls_trial_side *side, bool is_late);

/** All of them, in both versions. */
#define tls_run_rows(f, rows) tls_trial_run_rows((f), (rows), sizeof(rows) / sizeof *(rows))

void tls_trial_run_rows(struct fixture *f, const struct tls_row *rows, size_t count);

#endif
