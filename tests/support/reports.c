/* SPDX-License-Identifier: MIT */
#include "support/reports.h"
#include "support/support.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { REPORTS_MAX = 64, RECORDS_MAX = 256, RECORD_SIZE = 1024 };

struct log_record {
    eddy_log_level level;
    bool claimed;
    char text[RECORD_SIZE];
};

static struct report reports[REPORTS_MAX];
static size_t report_count;

/* Records come from any thread. */
static atomic_flag records_lock = ATOMIC_FLAG_INIT;
static struct log_record records[RECORDS_MAX];
static size_t record_count;

static void records_acquire(void)
{
    while (atomic_flag_test_and_set_explicit(&records_lock, memory_order_acquire))
        ;
}

static void records_release(void)
{
    atomic_flag_clear_explicit(&records_lock, memory_order_release);
}

/* The list keeps its first RECORDS_MAX records; later ones would not be looked for. */
static void records_add(eddy_log_level level, const char *text, void *arg)
{
    (void)arg;
    records_acquire();
    if (record_count < RECORDS_MAX) {
        struct log_record *added = &records[record_count++];

        added->level = level;
        added->claimed = false;
        snprintf(added->text, sizeof added->text, "%s", text);
    }
    records_release();
}

static void report_copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

int reports_handler(eddy_loop *loop, const eddy_exception_context *context, void *arg)
{
    struct report *report;

    (void)loop;
    (void)arg;
    if (report_count == REPORTS_MAX)
        return 0;
    report = &reports[report_count++];
    memset(report, 0, sizeof *report);
    report_copy(report->message, sizeof report->message, context->message);
    report_copy(report->text, sizeof report->text, context->exception_text);
    report_copy(report->source_traceback, sizeof report->source_traceback,
                context->source_traceback);
    report_copy(report->handle_traceback, sizeof report->handle_traceback,
                context->handle_traceback);
    report->exception = context->exception;
    report->future = context->future;
    report->task = context->task;
    report->protocol = context->protocol;
    report->transport = context->transport;
    report->has_handle = context->handle != NULL;
    report->has_socket = context->socket != NULL;
    return 0;
}

void reports_reset(void)
{
    report_count = 0;
    records_acquire();
    record_count = 0;
    records_release();
    eddy_set_log_handler(records_add, NULL);
}

static void report_print(const struct report *report)
{
    print_error("    report: %s (%s)\n", report->message, eddy_err_name(report->exception));
}

static void log_record_print(const struct log_record *log_record)
{
    static const char *const names[] = {"?", "debug", "info", "warning", "error"};

    print_error("    %s: %s\n", names[log_record->level], log_record->text);
}

const struct report *reports_claim(const char *text, int code, const char *file, int line)
{
    size_t i;

    for (i = 0; i < report_count; i++) {
        struct report *report = &reports[i];

        if (!report->claimed && report->exception == code &&
            strstr(report->message, text) != NULL) {
            report->claimed = true;
            return report;
        }
    }
    print_error("no report of \"%s\" with %s among:\n", text, eddy_err_name(code));
    for (i = 0; i < report_count; i++)
        report_print(&reports[i]);
    _fail(file, line);
    return NULL;
}

const char *logs_claim(eddy_log_level level, const char *text, const char *file, int line)
{
    const char *found = NULL;
    size_t i;

    records_acquire();
    for (i = 0; i < record_count && found == NULL; i++) {
        struct log_record *candidate = &records[i];

        if (!candidate->claimed && candidate->level == level &&
            strstr(candidate->text, text) != NULL) {
            candidate->claimed = true;
            found = candidate->text;
        }
    }
    records_release();
    if (found != NULL)
        return found;
    print_error("nothing logged with \"%s\" among:\n", text);
    for (i = 0; i < record_count; i++)
        log_record_print(&records[i]);
    _fail(file, line);
    return NULL;
}

size_t logged(eddy_log_level level, const char *text)
{
    size_t i, count = 0;

    records_acquire();
    for (i = 0; i < record_count; i++)
        count += records[i].level == level && strstr(records[i].text, text) != NULL;
    records_release();
    return count;
}

size_t reported(void)
{
    return report_count;
}

int reports_print_unclaimed(void)
{
    int unclaimed = 0;
    size_t i;

    for (i = 0; i < report_count; i++) {
        if (!reports[i].claimed) {
            report_print(&reports[i]);
            unclaimed++;
        }
    }
    for (i = 0; i < record_count; i++) {
        if (!records[i].claimed && records[i].level >= EDDY_LOG_WARNING) {
            log_record_print(&records[i]);
            unclaimed++;
        }
    }
    return unclaimed;
}
