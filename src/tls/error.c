/* SPDX-License-Identifier: MIT */
#include "common/thread_state.h"
#include "tls/openssl.h"
#include <openssl/err.h>
#include <stdio.h>

void eddy__tls_drain(struct eddy__tls_reason *reason)
{
    const char *detail;
    unsigned long error;
    int flags;

    *reason = (struct eddy__tls_reason){0};
    while ((error = ERR_get_error_all(NULL, NULL, NULL, &detail, &flags)) != 0) {
        if (reason->first == 0) {
            reason->first = error;
            if ((flags & ERR_TXT_STRING) != 0 && detail != NULL)
                snprintf(reason->detail, sizeof reason->detail, "%s", detail);
        }
        if (reason->of_ssl == 0 && ERR_GET_LIB(error) == ERR_LIB_SSL)
            reason->of_ssl = error;
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            reason->is_out_of_memory = true;
    }
}

const char *eddy__tls_words(unsigned long error)
{
    const char *words = ERR_reason_error_string(error);

    return words != NULL ? words : "unknown reason";
}

int eddy__tls_error(int code, int64_t number, const char *text)
{
    eddy_error(code, "%s", text);
    eddy__thread_state()->error->number = number;
    return code;
}

int eddy__tls_failed(int code, const char *what)
{
    struct eddy__tls_reason reason;
    char text[256];

    eddy__tls_drain(&reason);
    /* It has a reason for everything, unless it finds no memory to keep it in. */
    if (reason.is_out_of_memory || reason.first == 0)
        return eddy_error(EDDY_ENOMEM, "%s: out of memory", what);
    if (reason.detail[0] != '\0')
        snprintf(text, sizeof text, "%s: %s (%s)", what, eddy__tls_words(reason.first),
                 reason.detail);
    else
        snprintf(text, sizeof text, "%s: %s", what, eddy__tls_words(reason.first));
    return eddy__tls_error(code, ERR_GET_REASON(reason.first), text);
}
