/* SPDX-License-Identifier: MIT */
#include "common/resolver.h"
#include "common/address.h"
#include "common/error.h"
#include "common/memory.h"
#include "posix/sys.h"
#include <string.h>

/* What the resolver said; errno belongs to EAI_SYSTEM. */
static int resolver_result(int number)
{
    if (number == EAI_SYSTEM)
        return eddy__system_error(errno);
    return eddy__resolver_error(number);
}

struct resolver_flag {
    unsigned portable;
    int native;
};

static const struct resolver_flag resolver_ai_flags[] = {
    {EDDY_AI_PASSIVE, AI_PASSIVE},         {EDDY_AI_CANONNAME, AI_CANONNAME},
    {EDDY_AI_NUMERICHOST, AI_NUMERICHOST}, {EDDY_AI_NUMERICSERV, AI_NUMERICSERV},
    {EDDY_AI_ADDRCONFIG, AI_ADDRCONFIG},
#if defined(AI_V4MAPPED) && defined(AI_ALL) /* OpenBSD maps nothing */
    {EDDY_AI_V4MAPPED, AI_V4MAPPED},       {EDDY_AI_ALL, AI_ALL},
#endif
};

static const struct resolver_flag resolver_ni_flags[] = {
    {EDDY_NI_NUMERICHOST, NI_NUMERICHOST},
    {EDDY_NI_NUMERICSERV, NI_NUMERICSERV},
    {EDDY_NI_NAMEREQD, NI_NAMEREQD},
    {EDDY_NI_NOFQDN, NI_NOFQDN},
    {EDDY_NI_DGRAM, NI_DGRAM},
};

static int resolver_flags(const struct resolver_flag *table, size_t count, unsigned flags)
{
    int native = 0;

    for (size_t i = 0; i < count; i++)
        if (flags & table[i].portable)
            native |= table[i].native;
    return native;
}

/* Bytes that the canonical names of the answer take. */
static size_t resolver_measure(const struct addrinfo *info, bool named, size_t *count)
{
    size_t size = 0;

    for (*count = 0; info != NULL; info = info->ai_next, ++*count)
        if (named && info->ai_canonname != NULL)
            size += strlen(info->ai_canonname) + 1;
    return size;
}

/* `named`: names were asked for; musl gives them in any case. */
static int resolver_copy(const struct addrinfo *info, bool named, eddy_address_list **list)
{
    size_t count;
    size_t names_size = resolver_measure(info, named, &count);
    eddy_address_list *copy = eddy__address_list_new(count, names_size);
    char *names;

    if (copy == NULL)
        return EDDY_ENOMEM;
    names = (char *)&copy->entries[count];
    for (size_t i = 0; i < count; i++, info = info->ai_next) {
        eddy_addrinfo *entry = &copy->entries[i];

        entry->family = eddy__family_from_native(info->ai_family);
        entry->type = (eddy_socket_type)eddy__type_from_native(info->ai_socktype);
        entry->protocol = (eddy_ip_protocol)eddy__protocol_from_native(info->ai_protocol);
        eddy_address_from_native(info->ai_addr, info->ai_addrlen, &entry->address);
        if (!named || info->ai_canonname == NULL)
            continue;
        entry->canonical_name = names;
        memcpy(names, info->ai_canonname, strlen(info->ai_canonname) + 1);
        names += strlen(names) + 1;
    }
    *list = copy;
    return 0;
}

int eddy__resolver_addresses(const struct eddy__resolver_query *query, eddy_address_list **list)
{
    struct addrinfo hints = {0};
    struct addrinfo *info = NULL;
    int number;
    int error;

    hints.ai_family = eddy__family_to_native(query->family);
    hints.ai_socktype = eddy__type_to_native(query->type);
    hints.ai_protocol = eddy__protocol_to_native(query->protocol);
    hints.ai_flags = resolver_flags(
        resolver_ai_flags, sizeof resolver_ai_flags / sizeof resolver_ai_flags[0], query->flags);
    number = EDDY__SYS(getaddrinfo)(query->host, query->service, &hints, &info);
    if (number != 0)
        return resolver_result(number);
    error = resolver_copy(info, (query->flags & EDDY_AI_CANONNAME) != 0, list);
    if (info != NULL) /* an answer without addresses, which musl's would not survive */
        freeaddrinfo(info);
    return error;
}

static int resolver_copy_names(const char *host, const char *service, eddy_name_info **info)
{
    size_t host_size = strlen(host) + 1;
    size_t service_size = strlen(service) + 1;
    eddy_name_info *copy = eddy__alloc(sizeof *copy + host_size + service_size);
    char *texts;

    if (copy == NULL)
        return EDDY_ENOMEM;
    texts = (char *)(copy + 1);
    memcpy(texts, host, host_size);
    memcpy(texts + host_size, service, service_size);
    copy->host = texts;
    copy->service = texts + host_size;
    *info = copy;
    return 0;
}

int eddy__resolver_name(const eddy_address *address, unsigned flags, eddy_name_info **info)
{
    int native_flags = resolver_flags(
        resolver_ni_flags, sizeof resolver_ni_flags / sizeof resolver_ni_flags[0], flags);
    char host[NI_MAXHOST];
    char service[NI_MAXSERV];
    size_t size;
    const void *native = eddy_address_native(address, &size);
    int number = EDDY__SYS(getnameinfo)(native, (socklen_t)size, host, sizeof host, service,
                                        sizeof service, native_flags);

    return number == 0 ? resolver_copy_names(host, service, info) : resolver_result(number);
}
