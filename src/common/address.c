/* SPDX-License-Identifier: MIT */
#include "common/address.h"
#include <eddy/error.h>
#include <stdio.h>
#include <string.h>

/* Read a decimal number of 32 bits that is the whole text. */
static bool address_number(const char *text, uint32_t *number)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

/* Fill in family, ip and scope from a numeric host. */
static bool address_parse_host(const char *host, struct eddy__endpoint *endpoint)
{
    char ip[64];
    const char *scope = strchr(host, '%');
    size_t size = scope != NULL ? (size_t)(scope - host) : strlen(host);

    if (scope == NULL && eddy__ip_parse(EDDY_INET, host, endpoint->ip)) {
        endpoint->family = EDDY_INET;
        return true;
    }
    if (size >= sizeof ip)
        return false;
    memcpy(ip, host, size);
    ip[size] = '\0';
    endpoint->family = EDDY_INET6;
    return eddy__ip_parse(EDDY_INET6, ip, endpoint->ip) &&
           (scope == NULL || address_number(scope + 1, &endpoint->scope_id));
}

int eddy_address_parse(const char *host, int port, eddy_address *address)
{
    struct eddy__endpoint endpoint = {.family = EDDY_INET, .port = port};

    if (port < 0 || port > 65535)
        return eddy_error(EDDY_EINVALID, "port %d is not in 0..65535", port);
    if (host != NULL && *host != '\0' && !address_parse_host(host, &endpoint))
        return eddy_error(EDDY_EINVALID, "'%s' is not a numeric address", host);
    return eddy__address_join(&endpoint, address);
}

int eddy_address_unix(const char *path, size_t size, eddy_address *address)
{
    struct eddy__endpoint endpoint = {.family = EDDY_UNIX, .path = path, .path_size = size};

    if (path == NULL || size == 0)
        return eddy_error(EDDY_EINVALID, "the path of a Unix socket is empty");
    if (path[0] != '\0' && memchr(path, '\0', size) != NULL)
        return eddy_error(EDDY_EINVALID, "the path of a Unix socket contains a NUL");
    return eddy__address_join(&endpoint, address);
}

int eddy_address_from_native(const void *sockaddr, size_t size, eddy_address *address)
{
    if (sockaddr == NULL || size > sizeof address->storage)
        return eddy_error(EDDY_EINVALID, "a socket address of %zu bytes does not fit", size);
    memset(address, 0, sizeof *address);
    memcpy(address->storage, sockaddr, size);
    address->length = (uint32_t)size;
    return 0;
}

const void *eddy_address_native(const eddy_address *address, size_t *size)
{
    *size = address->length;
    return address->storage;
}

eddy_family eddy_address_family(const eddy_address *address)
{
    struct eddy__endpoint endpoint;

    eddy__address_split(address, &endpoint);
    return endpoint.family;
}

int eddy_address_port(const eddy_address *address)
{
    struct eddy__endpoint endpoint;

    eddy__address_split(address, &endpoint);
    return endpoint.port;
}

uint32_t eddy_address_flowinfo(const eddy_address *address)
{
    struct eddy__endpoint endpoint;

    eddy__address_split(address, &endpoint);
    return endpoint.flowinfo;
}

uint32_t eddy_address_scope_id(const eddy_address *address)
{
    struct eddy__endpoint endpoint;

    eddy__address_split(address, &endpoint);
    return endpoint.scope_id;
}

/* The host's text, which always fits. */
static void address_host_text(const struct eddy__endpoint *endpoint,
                              char text[EDDY_ADDRESS_TEXT_MAX])
{
    size_t size;

    text[0] = '\0';
    if (endpoint->family == EDDY_INET || endpoint->family == EDDY_INET6) {
        eddy__ip_format(endpoint->family, endpoint->ip, text, EDDY_ADDRESS_TEXT_MAX);
        size = strlen(text);
        if (endpoint->scope_id != 0)
            snprintf(text + size, EDDY_ADDRESS_TEXT_MAX - size, "%%%lu",
                     (unsigned long)endpoint->scope_id);
    } else if (endpoint->family == EDDY_UNIX) {
        size = endpoint->path_size;
        if (size >= EDDY_ADDRESS_TEXT_MAX)
            size = EDDY_ADDRESS_TEXT_MAX - 1;
        /* An abstract name is bytes: NUL may stand anywhere in it. */
        for (size_t i = 0; i < size; i++)
            text[i] = endpoint->path[i] != '\0' ? endpoint->path[i] : '@';
        text[size] = '\0';
    }
}

/* Give out a text that was made in full before. */
static int address_copy(const char *text, char *buffer, size_t size)
{
    size_t needed = strlen(text) + 1;

    if (needed > size) {
        if (size > 0)
            buffer[0] = '\0';
        return eddy_error(EDDY_EINVALID, "an address needs room for %zu bytes", needed);
    }
    memcpy(buffer, text, needed);
    return 0;
}

int eddy_address_host(const eddy_address *address, char *buffer, size_t size)
{
    struct eddy__endpoint endpoint;
    char host[EDDY_ADDRESS_TEXT_MAX];

    eddy__address_split(address, &endpoint);
    address_host_text(&endpoint, host);
    return address_copy(host, buffer, size);
}

int eddy_address_format(const eddy_address *address, char *buffer, size_t size)
{
    struct eddy__endpoint endpoint;
    char host[EDDY_ADDRESS_TEXT_MAX];
    char text[EDDY_ADDRESS_TEXT_MAX + 16];

    eddy__address_split(address, &endpoint);
    address_host_text(&endpoint, host);
    if (endpoint.family == EDDY_INET)
        snprintf(text, sizeof text, "%s:%d", host, endpoint.port);
    else if (endpoint.family == EDDY_INET6)
        snprintf(text, sizeof text, "[%s]:%d", host, endpoint.port);
    else
        snprintf(text, sizeof text, "%s", host);
    return address_copy(text, buffer, size);
}

bool eddy_address_equal(const eddy_address *a, const eddy_address *b)
{
    struct eddy__endpoint x;
    struct eddy__endpoint y;

    eddy__address_split(a, &x);
    eddy__address_split(b, &y);
    if (x.family != y.family)
        return false;
    if (x.family == EDDY_OTHER_FAMILY)
        return a->length == b->length && memcmp(a->storage, b->storage, a->length) == 0;
    return x.port == y.port && x.scope_id == y.scope_id && memcmp(x.ip, y.ip, sizeof x.ip) == 0 &&
           x.path_size == y.path_size &&
           (x.path_size == 0 || memcmp(x.path, y.path, x.path_size) == 0);
}
