/* SPDX-License-Identifier: MIT */
#include <eddy/version.h>

#define VERSION_QUOTE(x) #x
#define VERSION_TEXT(major, minor, patch)                                                          \
    VERSION_QUOTE(major) "." VERSION_QUOTE(minor) "." VERSION_QUOTE(patch)

uint32_t eddy_version(void)
{
    return EDDY_VERSION_NUMBER;
}

const char *eddy_version_text(void)
{
    return VERSION_TEXT(EDDY_VERSION_MAJOR, EDDY_VERSION_MINOR, EDDY_VERSION_PATCH);
}
