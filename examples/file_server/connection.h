/* SPDX-License-Identifier: MIT */
/** One client: its requests, one after the other, and their answers. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <eddy/eddy.h>

/** An eddy_protocol_factory; `root` is the folder to serve and stays the caller's. */
eddy_protocol *connection_new(void *root);

#endif
