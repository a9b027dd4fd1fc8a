/* SPDX-License-Identifier: MIT */
/* Certificates as texts: for errors, and for the extra information "peercert". */
#include "common/memory.h"
#include "tls/openssl.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/** Readable as it is: RFC 2253, but UTF-8 stays UTF-8. */
enum { NAME_FLAGS = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB };

/* The texts of a certificate, one behind the other, in a BIO that grows. */
static bool texts_add(BIO *texts, const void *data, size_t size)
{
    return (size == 0 || BIO_write(texts, data, (int)size) == (int)size) &&
           BIO_write(texts, "", 1) == 1;
}

static bool texts_add_name(BIO *texts, const X509_NAME *name)
{
    return X509_NAME_print_ex(texts, name, 0, NAME_FLAGS) >= 0 && BIO_write(texts, "", 1) == 1;
}

const char *eddy__tls_name_text(const X509_NAME *name, char *buffer, size_t size)
{
    BIO *texts = BIO_new(BIO_s_mem());
    char *text;

    snprintf(buffer, size, "?");
    if (texts != NULL && texts_add_name(texts, name) && BIO_get_mem_data(texts, &text) > 0)
        snprintf(buffer, size, "%s", text);
    BIO_free(texts);
    return buffer;
}

const char *eddy__tls_day_text(const ASN1_TIME *day, char buffer[16])
{
    struct tm parts;

    if (ASN1_TIME_to_tm(day, &parts) != 1 || strftime(buffer, 16, "%Y-%m-%d", &parts) == 0)
        snprintf(buffer, 16, "?");
    return buffer;
}

const char *eddy__tls_key_text(const EVP_PKEY *key, char *buffer, size_t size)
{
    const char *kind = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;

    snprintf(buffer, size, "%s %d bits", kind != NULL ? kind : "?",
             key != NULL ? EVP_PKEY_get_bits(key) : 0);
    return buffer;
}

/** An alternative name as text: borrowed from `name`, or made in `buffer`. */
struct alternative {
    const char *kind;
    const char *text;
    size_t size;
    char buffer[48];
};

static bool alternative_of_text(struct alternative *alternative, const char *kind,
                                const ASN1_STRING *text)
{
    alternative->kind = kind;
    alternative->text = (const char *)ASN1_STRING_get0_data(text);
    alternative->size = (size_t)ASN1_STRING_length(text);
    /* A NUL inside is there to deceive; OpenSSL matches no such name either. */
    return memchr(alternative->text, '\0', alternative->size) == NULL;
}

static bool alternative_of_address(struct alternative *alternative, const ASN1_STRING *address)
{
    const unsigned char *data = ASN1_STRING_get0_data(address);
    int size = ASN1_STRING_length(address);
    size_t used = 0;

    alternative->kind = "IP";
    alternative->text = alternative->buffer;
    if (size == 4)
        used = (size_t)snprintf(alternative->buffer, sizeof alternative->buffer, "%u.%u.%u.%u",
                                data[0], data[1], data[2], data[3]);
    for (int i = 0; size == 16 && i < size; i += 2)
        used +=
            (size_t)snprintf(alternative->buffer + used, sizeof alternative->buffer - used, "%s%x",
                             i > 0 ? ":" : "", (unsigned)data[i] << 8 | (unsigned)data[i + 1]);
    alternative->size = used;
    return used > 0;
}

/* False for kinds that nobody can use by its text. */
static bool alternative_read(struct alternative *alternative, const GENERAL_NAME *name)
{
    int kind;
    const void *value = GENERAL_NAME_get0_value(name, &kind);

    switch (kind) {
    case GEN_DNS:
        return alternative_of_text(alternative, "DNS", value);
    case GEN_EMAIL:
        return alternative_of_text(alternative, "email", value);
    case GEN_URI:
        return alternative_of_text(alternative, "URI", value);
    case GEN_IPADD:
        return alternative_of_address(alternative, value);
    default:
        return false;
    }
}

const char *eddy__tls_hosts_text(const X509 *certificate, char *buffer, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t used = 0;

    buffer[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        struct alternative name;

        if (!alternative_read(&name, sk_GENERAL_NAME_value(names, i)) ||
            (strcmp(name.kind, "DNS") != 0 && strcmp(name.kind, "IP") != 0))
            continue;
        if (name.size + sizeof ", , ..." > size - used) {
            snprintf(buffer + used, size - used, "%s...", used > 0 ? ", " : "");
            break;
        }
        used += (size_t)snprintf(buffer + used, size - used, "%s%.*s", used > 0 ? ", " : "",
                                 (int)name.size, name.text);
    }
    GENERAL_NAMES_free(names);
    return buffer;
}

/* Kind and text of each alternative name, how many of them in `*count`. */
static bool certificate_names(BIO *texts, const X509 *certificate, size_t *count)
{
    int found;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, NULL);
    bool done = names != NULL || found == -1;

    for (int i = 0; done && i < sk_GENERAL_NAME_num(names); i++) {
        struct alternative name;

        if (!alternative_read(&name, sk_GENERAL_NAME_value(names, i)))
            continue;
        done = texts_add(texts, name.kind, strlen(name.kind)) &&
               texts_add(texts, name.text, name.size);
        (*count)++;
    }
    GENERAL_NAMES_free(names);
    return done;
}

/* Subject, issuer and serial number, then the names: all that is text. */
static bool certificate_texts(BIO *texts, const X509 *certificate, size_t *name_count)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *serial = number != NULL ? BN_bn2hex(number) : NULL;
    bool done = serial != NULL && texts_add_name(texts, X509_get_subject_name(certificate)) &&
                texts_add_name(texts, X509_get_issuer_name(certificate)) &&
                texts_add(texts, serial, strlen(serial));

    OPENSSL_free(serial);
    BN_free(number);
    return done && certificate_names(texts, certificate, name_count);
}

/* Days since 1970 of a date in the Gregorian calendar, whose years begin in March here. */
static int64_t days_of(const struct tm *date)
{
    int64_t year = date->tm_year + (int64_t)1900 - (date->tm_mon < 2);
    int64_t month = (date->tm_mon + 10) % 12;
    int64_t leap_days = year / 4 - year / 100 + year / 400;

    return year * 365 + leap_days + (month * 306 + 5) / 10 + date->tm_mday - 1 - 719468;
}

static int64_t seconds_of(const ASN1_TIME *when)
{
    struct tm date;

    if (ASN1_TIME_to_tm(when, &date) != 1)
        return 0;
    return days_of(&date) * 86400 + date.tm_hour * (int64_t)3600 + date.tm_min * (int64_t)60 +
           date.tm_sec;
}

static const char *text_next(const char **at)
{
    const char *text = *at;

    *at += strlen(text) + 1;
    return text;
}

/* One block: the struct, the array of names, the texts. */
static struct eddy_tls_certificate *certificate_pack(const X509 *certificate, BIO *texts,
                                                     size_t name_count)
{
    char *data = NULL;
    long size = BIO_get_mem_data(texts, &data);
    struct eddy_tls_certificate *made;
    eddy_tls_name *names;
    const char *at;

    made = eddy__alloc_zeroed(sizeof *made + name_count * sizeof *names + (size_t)size);
    if (made == NULL)
        return NULL;
    names = (eddy_tls_name *)(void *)(made + 1);
    at = memcpy(names + name_count, data, (size_t)size);
    made->is_verified = true;
    made->subject = text_next(&at);
    made->issuer = text_next(&at);
    made->serial = text_next(&at);
    made->not_before = seconds_of(X509_get0_notBefore(certificate));
    made->not_after = seconds_of(X509_get0_notAfter(certificate));
    for (size_t i = 0; i < name_count; i++) {
        names[i].kind = text_next(&at);
        names[i].text = text_next(&at);
    }
    made->names = names;
    made->name_count = name_count;
    return made;
}

static struct eddy_tls_certificate *certificate_unverified(void)
{
    struct eddy_tls_certificate *made = eddy__alloc_zeroed(sizeof *made);

    if (made != NULL)
        made->subject = made->issuer = made->serial = "";
    return made;
}

static struct eddy_tls_certificate *certificate_verified(const X509 *certificate)
{
    struct eddy_tls_certificate *made = NULL;
    BIO *texts = BIO_new(BIO_s_mem());
    size_t name_count = 0;

    if (texts != NULL && certificate_texts(texts, certificate, &name_count))
        made = certificate_pack(certificate, texts, name_count);
    else
        eddy__tls_failed(EDDY_ETLS, "reading the peer's certificate");
    BIO_free(texts);
    return made;
}

const struct eddy_tls_certificate *eddy__tls_certificate_new(SSL *ssl)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);

    if (certificate == NULL)
        return NULL;
    if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE || SSL_get_verify_result(ssl) != X509_V_OK)
        return certificate_unverified();
    return certificate_verified(certificate);
}
