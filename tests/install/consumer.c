/* SPDX-License-Identifier: MIT */
/* What a user's first program may be: it links, and library and headers are of one version. */
#include <eddy/eddy.h>
#include <stdio.h>

int main(void)
{
    eddy_tls_options options = {.server = true};
    eddy_tls_context *context = NULL;
    int error = eddy_tls_context_new(&options, &context);

    eddy_tls_context_unref(context);
    printf("eddy %s, %s TLS\n", eddy_version_text(),
           error == EDDY_ENOTSUPPORTED ? "without" : "with");
    return eddy_version() == EDDY_VERSION_NUMBER ? 0 : 1;
}
