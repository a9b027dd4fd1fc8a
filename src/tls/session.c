/* SPDX-License-Identifier: MIT */
/*
 * What a client remembers to resume with: one session for each server's name, the newest. Those of
 * TLS 1.3 are used once, as observers could tell by them that it is the same client.
 *
 * A context may serve connections in several threads at once, hence the lock; nothing of OpenSSL
 * but the counting of references happens under it.
 */
#include "common/memory.h"
#include "tls/openssl.h"
#include <openssl/err.h>
#include <string.h>

/** More buckets than this bring nothing. */
enum { BUCKETS_MAX = 1 << 16 };

struct entry {
    struct eddy__list node;   /**< in the order of use */
    struct eddy__list bucket; /**< among those of its hash */
    SSL_SESSION *session;     /**< a reference */
    char host[];
};

/* FNV-1a; the names are the program's, so nobody gains by making them collide. */
static struct eddy__list *sessions_bucket(struct eddy__tls_sessions *sessions, const char *host)
{
    uint32_t hash = 2166136261U;

    for (; *host != '\0'; host++)
        hash = (hash ^ (unsigned char)*host) * 16777619U;
    return &sessions->buckets[hash & (sessions->bucket_count - 1)];
}

static struct entry *sessions_find(struct eddy__tls_sessions *sessions, const char *host)
{
    struct eddy__list *bucket = sessions_bucket(sessions, host);

    for (struct eddy__list *at = bucket->next; at != bucket; at = at->next) {
        struct entry *entry = EDDY__OWNER(at, struct entry, bucket);

        if (strcmp(entry->host, host) == 0)
            return entry;
    }
    return NULL;
}

static struct entry *sessions_remove(struct eddy__tls_sessions *sessions, struct entry *entry)
{
    eddy__list_remove(&entry->node);
    eddy__list_remove(&entry->bucket);
    sessions->count--;
    return entry;
}

static void entry_free(struct entry *entry)
{
    if (entry == NULL)
        return;
    SSL_SESSION_free(entry->session);
    eddy__free(entry);
}

/* In place of what was remembered of the same server, or, if there are too many, of the one that
 * was unused for the longest time. */
static void sessions_add(struct eddy__tls_sessions *sessions, struct entry *entry)
{
    struct entry *dropped;

    eddy__mutex_lock(&sessions->lock);
    dropped = sessions_find(sessions, entry->host);
    if (dropped == NULL && sessions->count == sessions->max)
        dropped = EDDY__OWNER(sessions->entries.next, struct entry, node);
    if (dropped != NULL)
        sessions_remove(sessions, dropped);
    eddy__list_append(&sessions->entries, &entry->node);
    eddy__list_append(sessions_bucket(sessions, entry->host), &entry->bucket);
    sessions->count++;
    eddy__mutex_unlock(&sessions->lock);
    entry_free(dropped);
}

/* OpenSSL's callback; 0 leaves the session to it. A copy is kept, since OpenSSL gives up the
 * session of a connection that ended without close_notify, as was the rule before TLS 1.1. No
 * memory: then nothing is remembered, which is no error. */
static int sessions_on_new(SSL *ssl, SSL_SESSION *session)
{
    struct eddy__tls_link *link = eddy__tls_link_of(ssl);
    const char *host = link != NULL ? eddy__tls_link_host(link) : "";
    size_t size;
    struct entry *entry;

    if (host[0] == '\0' || link->context->sessions.max == 0)
        return 0;
    size = strlen(host) + 1;
    entry = eddy__alloc_zeroed(sizeof *entry + size);
    if (entry == NULL)
        return 0;
    memcpy(entry->host, host, size);
    ERR_set_mark();
    entry->session = SSL_SESSION_dup(session);
    ERR_pop_to_mark();
    if (entry->session != NULL)
        sessions_add(&link->context->sessions, entry);
    else
        eddy__free(entry);
    return 0;
}

int eddy__tls_sessions_init(struct eddy_tls_context *context, size_t max)
{
    struct eddy__tls_sessions *sessions = &context->sessions;
    size_t bucket_count = 1;
    int result;

    if (max == 0)
        return 0;
    while (bucket_count < max && bucket_count < BUCKETS_MAX)
        bucket_count *= 2;
    sessions->buckets = eddy__alloc(bucket_count * sizeof *sessions->buckets);
    if (sessions->buckets == NULL)
        return EDDY_ENOMEM;
    result = eddy__mutex_init(&sessions->lock);
    if (result < 0) {
        eddy__free(sessions->buckets);
        return result;
    }
    for (size_t i = 0; i < bucket_count; i++)
        eddy__list_init(&sessions->buckets[i]);
    eddy__list_init(&sessions->entries);
    sessions->bucket_count = bucket_count;
    sessions->max = max;
    SSL_CTX_set_session_cache_mode(context->native,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context->native, sessions_on_new);
    return 0;
}

void eddy__tls_sessions_fini(struct eddy__tls_sessions *sessions)
{
    struct eddy__list *node;

    if (sessions->max == 0)
        return;
    while ((node = eddy__list_shift(&sessions->entries)) != NULL)
        entry_free(EDDY__OWNER(node, struct entry, node));
    eddy__mutex_fini(&sessions->lock);
    eddy__free(sessions->buckets);
    sessions->max = 0;
}

/* What is remembered of `host`, or NULL; those that may be used again stay. */
static SSL_SESSION *sessions_take(struct eddy__tls_sessions *sessions, const char *host,
                                  bool *stays)
{
    SSL_SESSION *session = NULL;
    struct entry *dropped = NULL;
    struct entry *entry;

    *stays = false;
    eddy__mutex_lock(&sessions->lock);
    entry = sessions_find(sessions, host);
    if (entry != NULL) {
        session = entry->session;
        SSL_SESSION_up_ref(session);
        *stays = SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION;
        eddy__list_remove(&entry->node);
        eddy__list_append(&sessions->entries, &entry->node);
        if (!*stays)
            dropped = sessions_remove(sessions, entry);
    }
    eddy__mutex_unlock(&sessions->lock);
    entry_free(dropped);
    return session;
}

/* Without a session, the handshake is a full one. */
void eddy__tls_sessions_offer(struct eddy_tls_context *context, SSL *ssl)
{
    const char *host = eddy__tls_link_host(eddy__tls_link_of(ssl));
    SSL_SESSION *session;
    SSL_SESSION *offered;
    bool stays;

    if (context->sessions.max == 0 || host[0] == '\0')
        return;
    session = sessions_take(&context->sessions, host, &stays);
    if (session == NULL)
        return;
    ERR_set_mark();
    /* The one that stays would be given up with this connection, see sessions_on_new(). */
    offered = stays ? SSL_SESSION_dup(session) : session;
    if (offered != NULL)
        SSL_set_session(ssl, offered);
    if (offered != session)
        SSL_SESSION_free(offered);
    SSL_SESSION_free(session);
    ERR_pop_to_mark();
}
