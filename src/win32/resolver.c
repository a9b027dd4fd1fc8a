/* SPDX-License-Identifier: MIT */
/*
 * The wide calls only: the narrow ones speak the code page of the machine, in which most host
 * names of the world cannot be written. They also turn international names into Punycode.
 */
#include "common/resolver.h"
#include "common/address.h"
#include "common/error.h"
#include "common/memory.h"
#include "win32/sys.h"
#include "win32/wide.h"
#include <string.h>

static int resolver_flags_native(unsigned flags)
{
    static const struct {
        unsigned flag;
        int native;
    } table[] = {
        {EDDY_AI_PASSIVE, AI_PASSIVE},
        {EDDY_AI_CANONNAME, AI_CANONNAME},
        {EDDY_AI_NUMERICHOST, AI_NUMERICHOST},
        {EDDY_AI_NUMERICSERV, AI_NUMERICSERV},
        {EDDY_AI_ADDRCONFIG, AI_ADDRCONFIG},
        {EDDY_AI_V4MAPPED, AI_V4MAPPED},
        {EDDY_AI_ALL, AI_ALL},
    };
    int native = 0;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (flags & table[i].flag)
            native |= table[i].native;
    return native;
}

/* Windows leaves out the protocol where the type says it; other systems do not (NET-1). */
static eddy_ip_protocol resolver_protocol(const ADDRINFOW *info)
{
    if (info->ai_protocol == 0 && (info->ai_family == AF_INET || info->ai_family == AF_INET6))
        return info->ai_socktype == SOCK_STREAM  ? EDDY_TCP
               : info->ai_socktype == SOCK_DGRAM ? EDDY_UDP
                                                 : EDDY_ANY_PROTOCOL;
    return (eddy_ip_protocol)eddy__protocol_from_native(info->ai_protocol);
}

/* One allocation for all: entries, and the canonical name behind them. */
static int resolver_copy(const ADDRINFOW *first, eddy_address_list **list)
{
    const WCHAR *name = first != NULL ? first->ai_canonname : NULL;
    size_t name_size = name != NULL ? eddy__wide_to_utf8(name, NULL, 0) : 0;
    eddy_address_list *made;
    size_t count = 0;
    char *text;

    for (const ADDRINFOW *info = first; info != NULL; info = info->ai_next)
        count++;
    made = eddy__address_list_new(count, name_size);
    if (made == NULL)
        return EDDY_ENOMEM;
    text = (char *)&made->entries[count];
    if (name_size > 0)
        eddy__wide_to_utf8(name, text, name_size);
    made->count = 0;
    for (const ADDRINFOW *info = first; info != NULL; info = info->ai_next) {
        eddy_addrinfo *entry = &made->entries[made->count];

        if (eddy_address_from_native(info->ai_addr, info->ai_addrlen, &entry->address) < 0)
            continue; /* no address of the system is that long */
        entry->family = eddy__family_from_native(info->ai_family);
        entry->type = (eddy_socket_type)eddy__type_from_native(info->ai_socktype);
        entry->protocol = resolver_protocol(info);
        entry->canonical_name = name_size > 0 && made->count == 0 ? text : NULL;
        made->count++;
    }
    *list = made;
    return 0;
}

static int resolver_ask(const struct eddy__resolver_query *query, const WCHAR *host,
                        const WCHAR *service, eddy_address_list **list)
{
    ADDRINFOW hints = {.ai_flags = resolver_flags_native(query->flags),
                       .ai_family = eddy__family_to_native(query->family),
                       .ai_socktype = eddy__type_to_native(query->type),
                       .ai_protocol = eddy__protocol_to_native(query->protocol)};
    ADDRINFOW *answer = NULL;
    int number;
    int error;

    if (hints.ai_family < 0)
        return eddy_error(EDDY_EAI_FAMILY, "unknown address family");
    number = EDDY__SYS(GetAddrInfoW)(host, service, &hints, &answer);
    if (number != 0) {
        error = eddy__resolver_error(number);
        return eddy_error(error, "%s: %s", query->host != NULL ? query->host : query->service,
                          eddy_strerror(error));
    }
    error = resolver_copy(answer, list);
    FreeAddrInfoW(answer);
    return error;
}

int eddy__resolver_addresses(const struct eddy__resolver_query *query, eddy_address_list **list)
{
    WCHAR *host = NULL;
    WCHAR *service = NULL;
    int error = eddy__winsock_start();

    if (error == 0)
        error = eddy__wide_from_utf8(query->host, &host);
    if (error == 0)
        error = eddy__wide_from_utf8(query->service, &service);
    if (error == 0)
        error = resolver_ask(query, host, service, list);
    eddy__free(service);
    eddy__free(host);
    return error;
}

static int resolver_name_flags_native(unsigned flags)
{
    return (flags & EDDY_NI_NUMERICHOST ? NI_NUMERICHOST : 0) |
           (flags & EDDY_NI_NUMERICSERV ? NI_NUMERICSERV : 0) |
           (flags & EDDY_NI_NAMEREQD ? NI_NAMEREQD : 0) | (flags & EDDY_NI_NOFQDN ? NI_NOFQDN : 0) |
           (flags & EDDY_NI_DGRAM ? NI_DGRAM : 0);
}

int eddy__resolver_name(const eddy_address *address, unsigned flags, eddy_name_info **info)
{
    WCHAR host[NI_MAXHOST];
    WCHAR service[NI_MAXSERV];
    size_t size;
    const void *native = eddy_address_native(address, &size);
    size_t host_size;
    size_t service_size;
    eddy_name_info *made;
    char *text;
    int number;
    int error = eddy__winsock_start();

    if (error < 0)
        return error;
    number = EDDY__SYS(GetNameInfoW)(native, (socklen_t)size, host, NI_MAXHOST, service, NI_MAXSERV,
                                     resolver_name_flags_native(flags));
    if (number != 0)
        return eddy__resolver_error(number);
    host_size = eddy__wide_to_utf8(host, NULL, 0);
    service_size = eddy__wide_to_utf8(service, NULL, 0);
    made = eddy__alloc(sizeof *made + host_size + service_size);
    if (made == NULL)
        return EDDY_ENOMEM;
    text = (char *)(made + 1);
    eddy__wide_to_utf8(host, text, host_size);
    eddy__wide_to_utf8(service, text + host_size, service_size);
    made->host = text;
    made->service = text + host_size;
    *info = made;
    return 0;
}
