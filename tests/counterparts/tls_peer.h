/* SPDX-License-Identifier: MIT */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <eddy/eddy.h>

struct options {
    eddy_tls_options tls;
    const char *host;
    int port;
    const char *name; /* whom the client checks; NULL: the host */
    int times;
    const char *send;
    const char *get;
    char *data; /* of the file to send */
    size_t size;
    size_t await;
    bool echo;
    bool answer;
    bool slow;
    size_t update;     /* new keys each time so many bytes were sent; 0: never */
    eddy_future *over; /* the client's connection is; or NULL */
};

/** Factory: the protocol of a connection, for `options`. */
eddy_protocol *connection_new(void *options);

#endif
