/* SPDX-License-Identifier: MIT */
#include "support/tls_scene.h"
#include "support/support.h"
#include "support/sweep.h"
#include "tls/parts.h"

static void scene_connect(struct fixture *f, struct tls_scene *s, enum tls_peer_side side)
{
    tls_kit_init(f, &s->kit);
    connect_tls_peer(f, &s->kit, &s->w, side, &s->peer);
    assert_recorded("made");
}

void tls_scene_begin(struct fixture *f, struct tls_scene *s, enum tls_peer_side side)
{
    witness_init(&s->w, NULL);
    scene_connect(f, s, side);
}

void tls_scene_begin_buffered(struct fixture *f, struct tls_scene *s, enum tls_peer_side side,
                              void *buffer, size_t size)
{
    witness_init_buffered(&s->w, NULL, buffer, size);
    scene_connect(f, s, side);
}

/* Shake hands and run `future`, which makes the connection. */
static void scene_finish(struct fixture *f, struct tls_scene *s, eddy_future *future)
{
    eddy_value value;

    tls_peer_shake(&s->peer);
    must(eddy_loop_run_until_complete(f->loop, future, &value));
    eddy_transport_unref(value.transport);
}

void tls_scene_begin_prepared(struct fixture *f, struct tls_scene *s, void (*prepare)(SSL *ssl))
{
    eddy_future *future;

    tls_kit_init(f, &s->kit);
    witness_init(&s->w, NULL);
    future = begin_tls_peer(f, &s->kit, &s->w, TLS_PEER_IS_SERVER, &s->peer);
    prepare(s->peer.ssl);
    scene_finish(f, s, future);
    assert_recorded("made");
}

static void prepare_1_2(SSL *ssl)
{
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
}

void tls_scene_begin_in_1_2(struct fixture *f, struct tls_scene *s)
{
    tls_scene_begin_prepared(f, s, prepare_1_2);
}

void tls_scene_begin_by_tcp(struct fixture *f, struct tls_scene *s)
{
    eddy_socket sockets[2];
    eddy_future *future;

    tls_kit_init(f, &s->kit);
    witness_init(&s->w, NULL);
    tcp_pair(f, sockets);
    tls_peer_init(&s->peer, f, &s->kit, TLS_PEER_IS_CLIENT, sockets[1]);
    future = eddy_loop_connect_accepted_socket(
        f->loop, witness_factory, &s->w, sockets[0],
        &(eddy_accepted_options){.tls = s->kit.server,
                                 .tls_shutdown_timeout = EDDY_MILLISECONDS(20)});
    must_begin(f, future, sockets[0]);
    scene_finish(f, s, future);
    tls_scene_settle(f, s);
    assert_recorded("made");
}

void tls_scene_settle(struct fixture *f, struct tls_scene *s)
{
    run_for(f->loop, EDDY_MILLISECONDS(2));
    run_iterations(f->loop, 3);
    give_up_if(witness_is_gone(&s->w));
}

void tls_scene_abort(struct fixture *f, struct tls_scene *s)
{
    give_up_if(witness_is_gone(&s->w));
    eddy_transport_abort(s->w.transport);
    run_until_true(f->loop, witness_is_gone(&s->w));
    give_up_if(s->w.error == EDDY_ENOMEM); /* it had failed before */
    assert_recorded("lost:0");
}

size_t tls_scene_fill(struct tls_scene *s)
{
    give_up_if(witness_is_gone(&s->w));
    return fill_transport(s->w.transport);
}

void tls_scene_check_filling(struct tls_scene *s, size_t size)
{
    char buffer[4096];
    size_t have = 0;

    while (have < size) {
        size_t room = size - have < sizeof buffer ? size - have : sizeof buffer;
        size_t part = tls_peer_receive(&s->peer, buffer, room);

        if (part == 0)
            fail_msg("%lu of %lu bytes came", (unsigned long)have, (unsigned long)size);
        if (!peer_is_filling(buffer, part, have))
            fail_msg("wrong bytes behind byte %lu", (unsigned long)have);
        have += part;
    }
}

eddy_transport *tls_scene_lower(const struct tls_scene *s)
{
    eddy_transport *lower = tls_of(s->w.transport)->lower;

    give_up_if(lower == NULL);
    return lower;
}
