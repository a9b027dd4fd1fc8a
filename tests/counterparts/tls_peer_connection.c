/* SPDX-License-Identifier: MIT */
#include "tls_peer.h"
#include <stdio.h>
#include <stdlib.h>

#define PIECE ((size_t)64 * 1024)

struct connection {
    eddy_protocol protocol;
    eddy_transport *transport;
    const struct options *options;
    FILE *file; /* or NULL */
    size_t sent;
    size_t received;
    size_t updated; /* `sent`, when new keys were made last */
    bool is_full;   /* write no more for now */
    eddy_handle rest;
};

static int connection_write(struct connection *c, const void *data, size_t size)
{
    eddy_value value = {0};

    if (c->options->update > 0 && c->sent - c->updated >= c->options->update &&
        eddy_transport_get_extra_info(c->transport, "ssl_object", &value)) {
        int error = eddy_tls_update_keys(value.tls, true);

        if (error)
            return error;
        c->updated = c->sent;
    }
    c->sent += size;
    return eddy_transport_write(c->transport, data, size);
}

/* Send as much as is taken, and close when there is nothing more to do. */
static int connection_go_on(struct connection *c)
{
    const struct options *options = c->options;
    int error = 0;

    if (options->answer && c->received == 0)
        return 0;
    while (error == 0 && !options->echo && !c->is_full && c->sent < options->size &&
           !eddy_transport_is_closing(c->transport)) {
        size_t left = options->size - c->sent;

        error = connection_write(c, options->data + c->sent, left < PIECE ? left : PIECE);
    }
    if ((options->await > 0 || options->send != NULL) && c->received >= options->await &&
        c->sent >= options->size)
        eddy_transport_close(c->transport);
    return error;
}

static void connection_announce(const struct connection *c)
{
    eddy_value value = {0};
    const char *alpn;

    if (!eddy_transport_get_extra_info(c->transport, "ssl_object", &value))
        return;
    alpn = eddy_tls_get_alpn(value.tls);
    printf("ready %s resumed=%d alpn=%s", eddy_tls_get_version(value.tls),
           eddy_tls_is_resumed(value.tls), alpn != NULL ? alpn : "none");
    if (eddy_transport_get_extra_info(c->transport, "peercert", &value) &&
        value.tls_certificate != NULL)
        printf(" %s", value.tls_certificate->subject);
    printf("\n");
    fflush(stdout);
}

static int on_connection_made(eddy_protocol *protocol, eddy_transport *transport)
{
    struct connection *c = (struct connection *)protocol;

    c->transport = transport;
    connection_announce(c);
    return connection_go_on(c);
}

static int on_rested(void *arg)
{
    return eddy_transport_resume_reading(((struct connection *)arg)->transport);
}

static int on_data_received(eddy_protocol *protocol, const void *data, size_t size)
{
    struct connection *c = (struct connection *)protocol;
    int error = 0;

    c->received += size;
    if (c->file != NULL && fwrite(data, 1, size, c->file) != size)
        return eddy_error(EDDY_EIO, "cannot write %s", c->options->get);
    if (c->options->echo)
        error = connection_write(c, data, size);
    if (error == 0 && c->options->slow) {
        eddy_transport_pause_reading(c->transport);
        error = eddy_loop_call_later(eddy_transport_get_loop(c->transport), EDDY_MILLISECONDS(2),
                                     on_rested, c, &c->rest);
    }
    return error ? error : connection_go_on(c);
}

static int on_pause_writing(eddy_protocol *protocol)
{
    struct connection *c = (struct connection *)protocol;

    c->is_full = true;
    return c->options->echo ? eddy_transport_pause_reading(c->transport) : 0;
}

static int on_resume_writing(eddy_protocol *protocol)
{
    struct connection *c = (struct connection *)protocol;

    c->is_full = false;
    return c->options->echo ? eddy_transport_resume_reading(c->transport) : connection_go_on(c);
}

static int on_connection_lost(eddy_protocol *protocol, int error)
{
    struct connection *c = (struct connection *)protocol;
    const struct options *options = c->options;

    eddy_handle_cancel(c->rest);
    printf("over %s sent %llu received %llu\n", error ? eddy_err_name(error) : "well",
           (unsigned long long)c->sent, (unsigned long long)c->received);
    if (error)
        printf("because %s\n", eddy_error_text());
    fflush(stdout);
    if (c->file != NULL)
        fclose(c->file);
    free(c);
    if (options->over == NULL)
        return 0;
    return error ? eddy_future_set_exception(options->over, error)
                 : eddy_future_set_result(options->over, (eddy_value){0});
}

static const eddy_protocol_callbacks callbacks = {
    .connection_made = on_connection_made,
    .data_received = on_data_received,
    .pause_writing = on_pause_writing,
    .resume_writing = on_resume_writing,
    .connection_lost = on_connection_lost,
};

eddy_protocol *connection_new(void *options)
{
    struct connection *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->options = options;
    if (c->options->get != NULL && (c->file = fopen(c->options->get, "wb")) == NULL) {
        free(c);
        return NULL;
    }
    eddy_protocol_init(&c->protocol, &callbacks);
    return &c->protocol;
}
