/* SPDX-License-Identifier: MIT */
/** The inside of a TLS context that the rest of the library sees; no OpenSSL here. */
#ifndef EDDY_TLS_CONTEXT_H
#define EDDY_TLS_CONTEXT_H

#include <eddy/tls.h>

/** Whether it is for the accepting side. */
bool eddy__tls_context_is_server(const struct eddy_tls_context *context);

/** Whether a client with it has to be told a name to check (TLS-3). */
bool eddy__tls_context_checks_name(const struct eddy_tls_context *context);

/** True for what eddy_tls_default() returns, which stands for a context of each loop's own. */
bool eddy__tls_context_is_default(const struct eddy_tls_context *context);

#endif
