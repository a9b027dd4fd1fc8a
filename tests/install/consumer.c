/* SPDX-License-Identifier: MIT */
/* What a user's first program may be: it links, and library and headers are of one version. */
#include <eddy/eddy.h>
#include <stdio.h>

int main(void)
{
    printf("eddy %s\n", eddy_version_text());
    return eddy_version() == EDDY_VERSION_NUMBER ? 0 : 1;
}
