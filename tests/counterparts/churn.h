/* SPDX-License-Identifier: MIT */
/** What the churn opens and closes, and what it counts. */
#ifndef EDDY_TESTS_CHURN_H
#define EDDY_TESTS_CHURN_H

#include <eddy/eddy.h>

/** How much was done so far; by any thread only between rounds. */
struct churn {
    const char *folder; /**< for the files of Unix sockets */
    long rounds;
    long connections;
    long datagrams;
    long tasks;
    long timers;
    long futures;
    long children;
    long jobs;
    long loops;
};

/** One kind of work; a task's body with the churn as `arg`. It leaves nothing behind. */
struct churn_step {
    const char *name;
    eddy_function run;
};

/** All kinds; the last one has no name. */
extern const struct churn_step churn_steps[];

/** The streams are in a file of their own. */
int churn_streams(void *churn, eddy_value *result);
int churn_unix_streams(void *churn, eddy_value *result);

#endif
