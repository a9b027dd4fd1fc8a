/* SPDX-License-Identifier: MIT */
/**
 * TLS over any stream transport (TLS-1..TLS-51), by OpenSSL 3.
 *
 * A context says who we are, whom we trust and what we speak; it serves any number of connections,
 * in loops of any thread. Built without OpenSSL every call here answers EDDY_ENOTSUPPORTED.
 */
#ifndef EDDY_TLS_H
#define EDDY_TLS_H

#include <eddy/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Versions of the protocol, numbered as on the wire. Older ones are never spoken. */
typedef enum eddy_tls_version {
    EDDY_TLS_VERSION_DEFAULT = 0,
    EDDY_TLS_1_2 = 0x0303,
    EDDY_TLS_1_3 = 0x0304
} eddy_tls_version;

/** Whether the peer has to show a certificate; one that it shows has to be good in any case. */
typedef enum eddy_tls_verify {
    EDDY_TLS_VERIFY_DEFAULT = 0, /**< clients: required; servers: none, without asking for it */
    EDDY_TLS_VERIFY_REQUIRED,
    EDDY_TLS_VERIFY_OPTIONAL, /**< servers ask for it; a client's server always shows one */
    EDDY_TLS_VERIFY_NONE      /**< anybody will do: of use against eavesdroppers only */
} eddy_tls_verify;

/** Which certificates of a chain are looked up in the revocation lists. */
typedef enum eddy_tls_crl_check {
    EDDY_TLS_CRL_DEFAULT = 0, /**< the peer's own, if a list was given */
    EDDY_TLS_CRL_CHAIN        /**< each but the root's, so each issuer's list must be there */
} eddy_tls_crl_check;

/**
 * Asked for the password of a key: write at most `size` bytes to `buffer`, return how many; a
 * negative code gives up with it. Called inside eddy_tls_context_new() only.
 */
typedef int (*eddy_tls_password_callback)(void *arg, char *buffer, size_t size);

/**
 * Servers: a client asked for `server_name` as it stands in its message, of whatever case, maybe
 * with a dot at its end (NULL: for none in particular). `*context` is the server's own, borrowed:
 * to go on with another, set that, and a reference of it is handed over. Negative refuses the
 * handshake. In the thread of the connection's loop; must not end the connection.
 */
typedef int (*eddy_tls_server_name_callback)(void *arg, const char *server_name,
                                             eddy_tls_context **context);

/**
 * Servers: which of the `count` protocols that the client offered, in its order, is spoken: its
 * index; `count` or more: none of them, and the handshake goes on; negative refuses it. As above.
 */
typedef int (*eddy_tls_alpn_callback)(void *arg, const char *const *offered, size_t count);

/**
 * What a context is made from; zeroed fields mean the default. Files are read and texts copied by
 * the call. `*_data` fields are the same from memory. Encodings are PEM, if nothing else is said.
 */
typedef struct eddy_tls_options {
    bool server; /**< for the accepting side; false: for the connecting one (TLS-1) */

    /* Who we are: the own certificate first, then those between it and the root. */
    const char *certificate_file;
    eddy_buffer certificate_data;
    const char *key_file; /**< default: it is in the certificate's file or data */
    eddy_buffer key_data;
    const char *pkcs12_file; /**< certificate, chain and key in one, in place of the above */
    eddy_buffer pkcs12_data;
    eddy_tls_password_callback password; /**< an encrypted key is EDDY_ETLS without it */
    void *password_arg;

    /* Whom we trust. */
    const char *ca_file;
    const char *ca_directory; /**< of files named by their subject's hash, as by `c_rehash` */
    eddy_buffer ca_data;
    eddy_choice system_trust; /**< default: clients for which none of the three is given */
    eddy_tls_verify verify;
    bool no_name_check; /**< clients: any name will do, if the chain is good (TLS-3) */
    const char *crl_file;
    eddy_buffer crl_data;
    eddy_tls_crl_check crl_check;

    /* What we speak. */
    eddy_tls_version version_min; /**< default: 1.2 */
    eddy_tls_version version_max; /**< default: the newest there is */
    const char *ciphers;          /**< for 1.2, in OpenSSL's notation */
    const char *ciphersuites;     /**< for 1.3 */
    const char *groups;           /**< for key exchange, best first */
    const char *alpn;             /**< "h2,http/1.1", best first; a server picks by its order */
    bool alpn_required;           /**< no common protocol: the handshake fails (TLS-5) */
    eddy_tls_alpn_callback select_alpn; /**< servers, in place of `alpn` */
    void *select_alpn_arg;
    eddy_tls_server_name_callback on_server_name; /**< servers */
    void *on_server_name_arg;

    /* Sessions: a client remembers so many servers by name, to resume with; 0: none. */
    size_t session_cache;
    bool no_tickets; /**< servers: give none out (1.3: one cannot be resumed then) */

    /* OCSP stapling: clients ask for a response, and check it; servers show this one (DER). */
    bool ocsp_required; /**< a server that shows no good response is refused */
    eddy_buffer ocsp_response;

    /**
     * Secrets of every connection are appended here, for a debugger of protocols: unsafe. A new
     * file gets the permissions that are usual, which may let others read it.
     */
    const char *key_log_file;

    /* OpenSSL's own things. */
    void *library_context; /**< OSSL_LIB_CTX, borrowed for the context's life; NULL: the default */
    void *native;          /**< SSL_CTX that is set up already, a reference is taken; the other
                                fields but `server`, `verify` (DEFAULT: as it is), `no_name_check`
                                and `session_cache` must be zero then */
    void *reserved[8];
} eddy_tls_options;

/**
 * Make a context; NULL options: a client that trusts as the system does (TLS-2).
 *
 * Reads files, so it may block. EDDY_ETLS with a text that says which file and what is wrong with
 * it, the system's error for a file that cannot be read, EDDY_EINVALID for options that exclude
 * each other. Any thread.
 */
EDDY_API int eddy_tls_context_new(const eddy_tls_options *options, eddy_tls_context **context);

/** References are counted for any thread; NULL is allowed. Connections hold one of their own. */
EDDY_API eddy_tls_context *eddy_tls_context_ref(eddy_tls_context *context);
EDDY_API void eddy_tls_context_unref(eddy_tls_context *context);

/**
 * The default context of clients (TLS-1, TLS-2), for the `tls` field of options: made when a loop
 * first needs it, and kept as long as that loop. Borrowed; not for other calls. Cannot fail.
 */
EDDY_API eddy_tls_context *eddy_tls_default(void);

/** The SSL_CTX inside, borrowed; to be changed before the first connection only. */
EDDY_API void *eddy_tls_context_native(const eddy_tls_context *context);

/*
 * The TLS side of a connection is the extra information "ssl_object"; it lives as long as its
 * transport.
 */

/** "TLSv1.3"; "" before the handshake. */
EDDY_API const char *eddy_tls_get_version(const eddy_tls *tls);

/** The protocol agreed on by ALPN; NULL if none. */
EDDY_API const char *eddy_tls_get_alpn(const eddy_tls *tls);

/** Clients: the name that was asked for; servers: that the client asked for. NULL if none. */
EDDY_API const char *eddy_tls_get_server_name(const eddy_tls *tls);

/** The handshake was a short one that resumed an earlier session. */
EDDY_API bool eddy_tls_is_resumed(const eddy_tls *tls);

/** The peer's certificate in DER, verified or not, borrowed; false if it has shown none. */
EDDY_API bool eddy_tls_get_peer_der(const eddy_tls *tls, eddy_buffer *der);

/**
 * Have new keys made, for what is sent from now on, and by the peer too if `both` (TLS 1.3 only,
 * else EDDY_ENOTSUPPORTED). EDDY_EBADSTATE before the handshake and when closing.
 */
EDDY_API int eddy_tls_update_keys(eddy_tls *tls, bool both);

/** The SSL inside, borrowed. What is done with it must move no bytes. */
EDDY_API void *eddy_tls_native(const eddy_tls *tls);

/** A name that a certificate is for: "DNS", "IP", "email" or "URI", and its text. */
typedef struct eddy_tls_name {
    const char *kind;
    const char *text;
} eddy_tls_name;

/** The extra information "peercert" (TR-9), as long as the transport. */
struct eddy_tls_certificate {
    bool is_verified;    /**< false: it was not checked, and everything else is empty */
    const char *subject; /**< RFC 2253: "CN=example.org,O=Example" */
    const char *issuer;
    const char *serial; /**< hexadecimal */
    int64_t not_before; /**< seconds since 1970 */
    int64_t not_after;
    const eddy_tls_name *names; /**< subject alternative names */
    size_t name_count;
};

/** The extra information "cipher" (TR-9), as long as the transport. */
struct eddy_tls_cipher {
    const char *name;
    const char *version; /**< of the protocol, as eddy_tls_get_version() */
    int secret_bits;
};

/** The keywords of start_tls(); zeroed fields mean the default. Copied by the call. */
typedef struct eddy_start_tls_options {
    const char *server_hostname; /**< clients: whom to ask for and to check (TLS-3) */
    eddy_time handshake_timeout; /**< 0: 60 s (TLS-6) */
    eddy_time shutdown_timeout;  /**< 0: 30 s */
    eddy_buffer received;        /**< bytes of the peer's TLS that were read already (TLS-9) */
    void *reserved[4];
} eddy_start_tls_options;

/**
 * Turn a live connection into TLS, on the side that `context` is made for (TLS-7..TLS-14).
 *
 * The value is the new `transport`, with a reference for who takes it out; `protocol` hears of it
 * from now on, without another connection_made(), and the old transport is the library's: only
 * references may be dropped. All that was written before goes out first, as it was. Failing or
 * cancelled, the connection ends, and `protocol` hears connection_lost() (TLS-13).
 *
 * EDDY_EINVALID: no context, one that demands a name where there is none ("": none is checked), a
 * transport that cannot carry TLS; EDDY_EBADSTATE: a closing one, one that carries TLS already, or
 * a file is being sent. Then nothing has happened.
 */
EDDY_API eddy_future *eddy_loop_start_tls(eddy_loop *loop, eddy_transport *transport,
                                          eddy_protocol *protocol, eddy_tls_context *context,
                                          const eddy_start_tls_options *options);

#ifdef __cplusplus
}
#endif

#endif
