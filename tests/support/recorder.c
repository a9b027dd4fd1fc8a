/* SPDX-License-Identifier: MIT */
#include "support/recorder.h"
#include "support/support.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES_MAX = 1024, TEXT_SIZE = 64 };

static struct {
    char entries[ENTRIES_MAX][TEXT_SIZE];
    size_t count;
    const char *awaited;
    void (*notify)(void *arg);
    void *arg;
} recorder;

void record(const char *format, ...)
{
    va_list args;
    char *text;

    if (recorder.count == ENTRIES_MAX)
        fail_msg("more than %d entries recorded", ENTRIES_MAX);
    text = recorder.entries[recorder.count++];
    va_start(args, format);
    vsnprintf(text, TEXT_SIZE, format, args);
    va_end(args);
    if (recorder.awaited != NULL && strcmp(text, recorder.awaited) == 0)
        recorder.notify(recorder.arg);
}

size_t recorded(const char *text)
{
    size_t i, count = 0;

    for (i = 0; i < recorder.count; i++)
        count += text == NULL || strcmp(recorder.entries[i], text) == 0;
    return count;
}

void recorder_print(void)
{
    size_t i;

    print_error("recorded:");
    for (i = 0; i < recorder.count; i++)
        print_error(" \"%s\"", recorder.entries[i]);
    print_error("%s\n", recorder.count == 0 ? " nothing" : "");
}

void recorder_check(const char *file, int line, ...)
{
    const char *expected;
    bool equal = true;
    va_list args;
    size_t i = 0;

    va_start(args, line);
    while ((expected = va_arg(args, const char *)) != NULL) {
        equal = equal && i < recorder.count && strcmp(recorder.entries[i], expected) == 0;
        i++;
    }
    va_end(args);
    if (!equal || i != recorder.count) {
        print_error("expected:");
        va_start(args, line);
        while ((expected = va_arg(args, const char *)) != NULL)
            print_error(" \"%s\"", expected);
        va_end(args);
        print_error("%s\n", i == 0 ? " nothing" : "");
        recorder_print();
        _fail(file, line);
    }
    recorder.count = 0;
}

void recorder_reset(void)
{
    recorder.count = 0;
    recorder.awaited = NULL;
}

void recorder_await(const char *text, void (*notify)(void *arg), void *arg)
{
    recorder.awaited = text;
    recorder.notify = notify;
    recorder.arg = arg;
}
