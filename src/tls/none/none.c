/* SPDX-License-Identifier: MIT */
/* In place of the other sources of src/tls when eddy is built without OpenSSL. */
#include "common/argument.h"
#include "common/future.h"
#include "tls/context.h"
#include "tls/tls.h"

static int none_refuse(void)
{
    return eddy_error(EDDY_ENOTSUPPORTED, "eddy was built without TLS");
}

int eddy_tls_context_new(const eddy_tls_options *options, eddy_tls_context **context)
{
    (void)options;
    *context = NULL;
    return none_refuse();
}

eddy_tls_context *eddy_tls_context_ref(eddy_tls_context *context)
{
    return context;
}

void eddy_tls_context_unref(eddy_tls_context *context)
{
    (void)context;
}

/** Something that is not NULL, so that it is refused instead of connecting without TLS. */
eddy_tls_context *eddy_tls_default(void)
{
    static char placeholder;

    return (eddy_tls_context *)(void *)&placeholder;
}

void *eddy_tls_context_native(const eddy_tls_context *context)
{
    (void)context;
    return NULL;
}

const char *eddy_tls_get_version(const eddy_tls *tls)
{
    (void)tls;
    return "";
}

const char *eddy_tls_get_alpn(const eddy_tls *tls)
{
    (void)tls;
    return NULL;
}

const char *eddy_tls_get_server_name(const eddy_tls *tls)
{
    (void)tls;
    return NULL;
}

bool eddy_tls_is_resumed(const eddy_tls *tls)
{
    (void)tls;
    return false;
}

bool eddy_tls_get_peer_der(const eddy_tls *tls, eddy_buffer *der)
{
    (void)tls;
    (void)der;
    return false;
}

int eddy_tls_update_keys(eddy_tls *tls, bool both)
{
    (void)tls;
    (void)both;
    return none_refuse();
}

void *eddy_tls_native(const eddy_tls *tls)
{
    (void)tls;
    return NULL;
}

eddy_future *eddy_loop_start_tls(eddy_loop *loop, eddy_transport *transport,
                                 eddy_protocol *protocol, eddy_tls_context *context,
                                 const eddy_start_tls_options *options)
{
    (void)transport;
    (void)protocol;
    (void)context;
    (void)options;
    if (loop == NULL)
        return eddy__future_failed(NULL, eddy_error(EDDY_EINVALID, "no loop"));
    return eddy__future_failed(loop, none_refuse());
}

int eddy__tls_check(const struct eddy__tls_setup *setup, bool server)
{
    (void)server;
    return setup->context != NULL ? none_refuse() : eddy__check_without_tls(setup);
}

int eddy__tls_new(struct eddy_loop *loop, const struct eddy__tls_setup *setup,
                  const struct eddy_transport *lower, struct eddy__tls **tls)
{
    (void)loop;
    (void)lower;
    *tls = NULL;
    return setup->context != NULL ? none_refuse() : 0;
}

void eddy__tls_discard(struct eddy__tls *tls)
{
    (void)tls;
}

/** Not called, as there is no `tls`. */
struct eddy_transport *eddy__tls_begin(struct eddy__tls *tls, struct eddy__stream *stream,
                                       const struct eddy__transport_setup *setup)
{
    (void)tls;
    (void)stream;
    (void)setup;
    return NULL;
}

void eddy__tls_fini(struct eddy_loop *loop)
{
    (void)loop;
}
