/* SPDX-License-Identifier: MIT */
/** The whole public API. <eddy/testing.h>, the simulated network, is included on its own. */
#ifndef EDDY_EDDY_H
#define EDDY_EDDY_H

#include <eddy/address.h>
#include <eddy/base.h>
#include <eddy/connection.h>
#include <eddy/context.h>
#include <eddy/datagram.h>
#include <eddy/descriptor.h>
#include <eddy/dns.h>
#include <eddy/error.h>
#include <eddy/exception.h>
#include <eddy/executor.h>
#include <eddy/future.h>
#include <eddy/generator.h>
#include <eddy/handle.h>
#include <eddy/log.h>
#include <eddy/loop.h>
#include <eddy/memory.h>
#include <eddy/pipe.h>
#include <eddy/policy.h>
#include <eddy/process.h>
#include <eddy/protocol.h>
#include <eddy/run.h>
#include <eddy/sendfile.h>
#include <eddy/server.h>
#include <eddy/signal.h>
#include <eddy/sock.h>
#include <eddy/socket.h>
#include <eddy/task.h>
#include <eddy/tls.h>
#include <eddy/transport.h>
#include <eddy/unix.h>
#include <eddy/version.h>

#endif
