/* SPDX-License-Identifier: MIT */
#include "common/credentials.h"
#include "common/error.h"
#include "posix/sys.h"
#if defined(__APPLE__)
#include <sys/un.h>
#endif

#if defined(__linux__)

/* The system's structure, which <sys/socket.h> shows only to programs that ask for GNU's. */
struct credentials_native {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

int eddy__credentials_of_peer(eddy_socket socket, eddy_peer_credentials *credentials)
{
    struct credentials_native native = {.pid = 0};
    socklen_t size = sizeof native;

    if (EDDY__SYS(getsockopt)((int)socket, SOL_SOCKET, SO_PEERCRED, &native, &size) < 0)
        return eddy__system_error(errno);
    /* For sockets that have no such peer Linux answers all the same, with nobody. */
    if (native.pid == 0)
        return eddy_error(EDDY_ENOTCONN, "the socket has no peer with credentials");
    *credentials = (eddy_peer_credentials){native.pid, native.uid, native.gid};
    return 0;
}

#else

int eddy__credentials_of_peer(eddy_socket socket, eddy_peer_credentials *credentials)
{
    uid_t uid;
    gid_t gid;
    pid_t pid = -1;

    if (getpeereid((int)socket, &uid, &gid) < 0)
        return eddy__system_error(errno);
#if defined(LOCAL_PEERPID)
    socklen_t size = sizeof pid;

    if (EDDY__SYS(getsockopt)((int)socket, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) < 0)
        pid = -1;
#endif
    *credentials = (eddy_peer_credentials){pid, uid, gid};
    return 0;
}

#endif
