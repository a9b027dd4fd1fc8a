/* SPDX-License-Identifier: MIT */
/*
 * The wire as OpenSSL sees it, a BIO: reading copies from what was received right into its record
 * buffer, writing puts records where they are sent from. It is also the way from an SSL to what is
 * ours. Data of OpenSSL's own making (SSL_get_ex_new_index()) would be that, too, but their numbers
 * belong to one library context: in a thread whose default is another one they are a program's, and
 * nobody frees what is there.
 */
#include "tls/openssl.h"
#include <openssl/err.h>
#include <string.h>

static int wire_read(BIO *bio, char *buffer, size_t size, size_t *read)
{
    struct eddy__tls_wire *wire = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (wire == NULL)
        return 0; /* the connection is over, and a program has kept its SSL */
    if (wire->in_size == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *read = size < wire->in_size ? size : wire->in_size;
    memcpy(buffer, wire->in, *read);
    wire->in += *read;
    wire->in_size -= *read;
    return 1;
}

static int wire_write(BIO *bio, const char *data, size_t size, size_t *written)
{
    struct eddy__tls_wire *wire = BIO_get_data(bio);
    size_t room;

    BIO_clear_retry_flags(bio);
    if (wire == NULL)
        return 0;
    room = wire->out != NULL ? wire->out->max - wire->out->size : 0;
    if (room == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    *written = size < room ? size : room;
    memcpy(wire->out->data + wire->out->size, data, *written);
    wire->out->size += *written;
    return 1;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/** The wire and its link are gone for whoever still has the BIO. */
static int wire_cut(BIO *bio)
{
    struct eddy__tls_wire *wire = BIO_get_data(bio);

    BIO_set_data(bio, NULL);
    if (wire != NULL)
        eddy__tls_link_fini(&wire->link);
    return 1;
}

/** What tells such BIOs from others; 0 until the first is about to be made. */
static atomic_int wire_type;

/** A number of our own, asked for once: a process has some hundred of them. 0: there is none. */
static int wire_need_type(void)
{
    int type = atomic_load(&wire_type);
    int index = type == 0 ? BIO_get_new_index() : 0;

    if (index > 0) {
        type = index | BIO_TYPE_SOURCE_SINK;
        atomic_store(&wire_type, type);
    }
    return type;
}

static BIO_METHOD *wire_methods_new(void)
{
    int type = wire_need_type();
    BIO_METHOD *methods = type != 0 ? BIO_meth_new(type, "eddy") : NULL;

    if (methods == NULL)
        return NULL;
    BIO_meth_set_read_ex(methods, wire_read);
    BIO_meth_set_write_ex(methods, wire_write);
    BIO_meth_set_ctrl(methods, wire_ctrl);
    BIO_meth_set_destroy(methods, wire_cut);
    return methods;
}

/** The methods of such BIOs, made once for the process and never freed; NULL: no memory. */
static BIO_METHOD *wire_methods(void)
{
    static _Atomic(BIO_METHOD *) made;
    BIO_METHOD *methods = atomic_load(&made);

    if (methods != NULL)
        return methods;
    eddy__global_lock();
    methods = atomic_load(&made);
    if (methods == NULL) {
        methods = wire_methods_new();
        atomic_store(&made, methods);
    }
    eddy__global_unlock();
    return methods;
}

int eddy__tls_wire_attach(struct eddy__tls_wire *wire, SSL *ssl)
{
    BIO_METHOD *methods = wire_methods();
    BIO *bio = methods != NULL ? BIO_new(methods) : NULL;

    if (bio == NULL)
        return eddy__tls_failed(EDDY_ETLS, "cannot begin TLS");
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return 0;
}

void eddy__tls_wire_detach(SSL *ssl)
{
    if (eddy__tls_wire_of(ssl) != NULL)
        wire_cut(SSL_get_rbio(ssl));
}

struct eddy__tls_wire *eddy__tls_wire_of(const SSL *ssl)
{
    BIO *bio = ssl != NULL ? SSL_get_rbio(ssl) : NULL;
    int type = atomic_load_explicit(&wire_type, memory_order_relaxed);

    /* A program's own SSL, made from a context that it shares with us, stands on something else. */
    return bio != NULL && type != 0 && BIO_method_type(bio) == type ? BIO_get_data(bio) : NULL;
}
