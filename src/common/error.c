/* SPDX-License-Identifier: MIT */
#include "common/error.h"
#include "common/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *eddy_strerror(int code)
{
#define ERROR_TEXT(name, number, text)                                                             \
    case number:                                                                                   \
        return text;

    switch (code) {
        EDDY_ERRORS_OF_LIBRARY(ERROR_TEXT)
        EDDY_ERRORS_OF_SYSTEM(ERROR_TEXT)
        EDDY_ERRORS_OF_RESOLVER(ERROR_TEXT)
        EDDY_ERRORS_OF_TLS(ERROR_TEXT)
    default:
        break;
    }
#undef ERROR_TEXT
    if (code >= 0)
        return "no error";
    return code <= EDDY_EUSER ? "error of the program" : "unknown error";
}

const char *eddy_err_name(int code)
{
#define ERROR_NAME(name, number, text)                                                             \
    case number:                                                                                   \
        return "EDDY_" #name;

    switch (code) {
        EDDY_ERRORS_OF_LIBRARY(ERROR_NAME)
        EDDY_ERRORS_OF_SYSTEM(ERROR_NAME)
        EDDY_ERRORS_OF_RESOLVER(ERROR_NAME)
        EDDY_ERRORS_OF_TLS(ERROR_NAME)
    case EDDY_EUSER:
        return "EDDY_EUSER";
    default:
        return "EDDY_E?";
    }
#undef ERROR_NAME
}

int eddy__system_error(int64_t number)
{
    struct eddy__thread_state *state = eddy__thread_state();

    state->system_code = eddy__system_code(number);
    state->system_number = number;
    return state->system_code;
}

/** The text of a record, composed if it is not yet; "" without one. */
static const char *error_compose(struct eddy__error_record *record)
{
    char name[EDDY_ADDRESS_TEXT_MAX] = "peer";

    if (!record->is_of_peer)
        return record->text;
    if (record->peer.length != 0)
        eddy_address_format(&record->peer, name, sizeof name);
    record->is_of_peer = false;
    snprintf(record->text, sizeof record->text, "connection with %s: %s", name,
             eddy_strerror(record->code));
    return record->text;
}

const char *eddy_error_text(void)
{
    struct eddy__error_record *record = eddy__thread_state()->error;
    const char *text = error_compose(record);

    return text[0] != '\0' ? text : eddy_strerror(record->code);
}

const char *eddy__error_said(int code)
{
    struct eddy__error_record *record = eddy__thread_state()->error;
    const char *text = record->code == code ? error_compose(record) : "";

    return text[0] != '\0' ? text : NULL;
}

int64_t eddy_error_number(void)
{
    return eddy__thread_state()->error->number;
}

/* The system's number that led to `code`, once; 0 if it came from elsewhere. */
static int64_t error_take_number(struct eddy__thread_state *state, int code)
{
    if (state->system_code != code)
        return 0;
    state->system_code = 0;
    return state->system_number;
}

/* Take off the last character of a text that was cut, if it has several bytes: half of it may be
 * missing. */
static void error_trim(char *text, size_t size)
{
    size_t start = size;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0xC0)
        start--;
    text[start] = '\0';
}

int eddy_error(int code, const char *format, ...)
{
    struct eddy__thread_state *state = eddy__thread_state();
    struct eddy__error_record *record = state->error;
    char text[sizeof record->text]; /* an argument may be the previous text */
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size < 0)
        text[0] = '\0';
    else if ((size_t)size >= sizeof text)
        error_trim(text, sizeof text - 1);
    record->code = code;
    record->number = error_take_number(state, code);
    record->is_of_peer = false;
    memcpy(record->text, text, sizeof text);
    return code;
}

int eddy__error_of_peer(int code, const eddy_address *peer)
{
    struct eddy__thread_state *state = eddy__thread_state();
    struct eddy__error_record *record = state->error;

    record->code = code;
    record->number = error_take_number(state, code);
    record->is_of_peer = true;
    record->peer = *peer;
    return code;
}

struct eddy__failure *eddy__failure_capture(int code)
{
    struct eddy__thread_state *state = eddy__thread_state();
    struct eddy__error_record *record = state->error;
    const char *text = record->code == code ? error_compose(record) : "";
    int64_t number = record->code == code ? record->number : 0;
    struct eddy__failure *failure;
    size_t size;

    if (state->system_code == code) {
        /* Nobody has said anything since the system did: the text is of an older failure. */
        text = "";
        number = error_take_number(state, code);
    }
    if (text[0] == '\0' && number == 0)
        return NULL;
    size = strlen(text) + 1;
    failure = eddy__alloc(sizeof *failure + size);
    if (failure == NULL)
        return NULL;
    failure->number = number;
    memcpy(failure->text, text, size);
    return failure;
}

void eddy__failure_restore(int code, const struct eddy__failure *failure)
{
    struct eddy__error_record *record = eddy__thread_state()->error;

    record->code = code;
    record->is_of_peer = false;
    record->number = failure != NULL ? failure->number : 0;
    if (failure != NULL)
        snprintf(record->text, sizeof record->text, "%s", failure->text);
    else
        record->text[0] = '\0';
    if (record->text[0] == '\0' && code == EDDY_EUNKNOWN && record->number != 0)
        eddy__system_text(record->number, record->text, sizeof record->text);
}
