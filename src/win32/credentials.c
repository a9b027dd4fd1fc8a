/* SPDX-License-Identifier: MIT */
#include "common/credentials.h"
#include <eddy/error.h>

int eddy__credentials_of_peer(eddy_socket socket, eddy_peer_credentials *credentials)
{
    (void)socket;
    (void)credentials;
    return eddy_error(EDDY_ENOTSUPPORTED, "Windows does not say who is behind a Unix socket");
}
