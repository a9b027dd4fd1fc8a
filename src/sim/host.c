/* SPDX-License-Identifier: MIT */
/* The host table of a simulation, and the answers of a resolver from it. */
#include "sim/network.h"
#include <stdio.h>
#include <string.h>

enum {
    NAME_SIZE_MAX = 253, /* as in the DNS */
    ALL_AI_FLAGS = EDDY_AI_PASSIVE | EDDY_AI_CANONNAME | EDDY_AI_NUMERICHOST | EDDY_AI_NUMERICSERV |
                   EDDY_AI_ADDRCONFIG | EDDY_AI_V4MAPPED | EDDY_AI_ALL
};

/** The few services that tests ask for by name; the same for TCP and UDP. */
static const struct host_service {
    const char *name;
    int port;
} services[] = {
    {"echo", 7},    {"ftp", 21},  {"ssh", 22},   {"telnet", 23}, {"smtp", 25},
    {"domain", 53}, {"http", 80}, {"pop3", 110}, {"imap2", 143}, {"https", 443},
};

/** What a query comes to, before its addresses are looked up. */
struct host_answer {
    const struct eddy__resolver_query *query;
    int port;
    eddy_address_list *list; /**< NULL while only counting */
    size_t count;
    char *canonical;
};

static char host_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool host_name_equal(const char *a, const char *b)
{
    while (*a != '\0' && host_lower(*a) == host_lower(*b)) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

int eddy_sim_add_host(eddy_sim *sim, const char *name, const eddy_address *address)
{
    struct eddy__sim_host *host;
    size_t size = name == NULL ? 0 : strlen(name);
    int family = address == NULL ? EDDY_UNSPEC : (int)eddy_address_family(address);

    if (size == 0 || size > NAME_SIZE_MAX)
        return eddy_error(EDDY_EINVALID, "a host name has 1 to %d characters", NAME_SIZE_MAX);
    if (family != EDDY_INET && family != EDDY_INET6)
        return eddy_error(EDDY_EINVALID, "address of %s is neither IPv4 nor IPv6", name);
    host = eddy__alloc(sizeof *host + size + 1);
    if (host == NULL)
        return EDDY_ENOMEM;
    host->address = *address;
    eddy__sim_set_port(&host->address, 0);
    memcpy(host->name, name, size + 1);
    eddy__list_append(&sim->hosts, &host->node);
    return 0;
}

int eddy__sim_hosts_init(struct eddy_sim *sim)
{
    eddy_address address;
    int error;

    eddy__list_init(&sim->hosts);
    eddy_address_parse("127.0.0.1", 0, &address);
    error = eddy_sim_add_host(sim, "localhost", &address);
    if (error)
        return error;
    eddy_address_parse("::1", 0, &address);
    return eddy_sim_add_host(sim, "localhost", &address);
}

void eddy__sim_hosts_fini(struct eddy_sim *sim)
{
    struct eddy__list *node;

    while ((node = eddy__list_shift(&sim->hosts)) != NULL)
        eddy__free(EDDY__OWNER(node, struct eddy__sim_host, node));
}

/** A decimal port; -1 if `text` is none. */
static int host_port(const char *text)
{
    int port = 0;

    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = port * 10 + (*text - '0');
        if (port > 65535)
            return -1;
    }
    return port;
}

static int host_find_service(const struct eddy__resolver_query *query, int *port)
{
    *port = 0;
    if (query->service == NULL)
        return 0;
    *port = host_port(query->service);
    if (*port >= 0)
        return 0;
    if (query->flags & EDDY_AI_NUMERICSERV)
        return EDDY_EAI_NONAME;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (strcmp(services[i].name, query->service) == 0) {
            *port = services[i].port;
            return 0;
        }
    }
    return EDDY_EAI_SERVICE;
}

/** One entry; sockets of `type` are what the query asks for, or it does not say. */
static void host_answer_add_type(struct host_answer *answer, const eddy_address *address,
                                 eddy_socket_type type, eddy_ip_protocol protocol)
{
    const struct eddy__resolver_query *query = answer->query;
    eddy_addrinfo *entry;

    if (query->type != EDDY_ANY_TYPE && query->type != (int)type)
        return;
    if (query->protocol != EDDY_ANY_PROTOCOL && query->protocol != (int)protocol)
        return;
    if (answer->list != NULL) {
        entry = &answer->list->entries[answer->count];
        entry->family = eddy_address_family(address);
        entry->type = type;
        entry->protocol = protocol;
        entry->canonical_name = answer->count == 0 ? answer->canonical : NULL;
        entry->address = *address;
        eddy__sim_set_port(&entry->address, answer->port);
    }
    answer->count++;
}

/** The entries for one address, if it is of the family. */
static void host_answer_add(struct host_answer *answer, const eddy_address *address)
{
    int family = answer->query->family;

    if (family != EDDY_UNSPEC && family != (int)eddy_address_family(address))
        return;
    host_answer_add_type(answer, address, EDDY_STREAM, EDDY_TCP);
    host_answer_add_type(answer, address, EDDY_DGRAM, EDDY_UDP);
}

static void host_answer_add_text(struct host_answer *answer, const char *text)
{
    eddy_address address;

    eddy_address_parse(text, 0, &address);
    host_answer_add(answer, &address);
}

/** The entries for a name; false if the table does not have it. */
static bool host_answer_add_name(struct host_answer *answer, struct eddy_sim *sim, bool as_mapped)
{
    bool known = false;
    const struct eddy__list *node;

    for (node = sim->hosts.next; node != &sim->hosts; node = node->next) {
        const struct eddy__sim_host *host = EDDY__OWNER(node, struct eddy__sim_host, node);
        eddy_address address = host->address;

        if (!host_name_equal(host->name, answer->query->host))
            continue;
        known = true;
        if (as_mapped)
            eddy__sim_map(&address);
        host_answer_add(answer, &address);
    }
    return known;
}

/** Go through all addresses of the query: once to count them, once to fill the list. */
static int host_answer_walk(struct host_answer *answer, struct eddy_sim *sim)
{
    const struct eddy__resolver_query *query = answer->query;
    bool is_passive = (query->flags & EDDY_AI_PASSIVE) != 0;
    bool maps = query->family == EDDY_INET6 && (query->flags & EDDY_AI_V4MAPPED);
    eddy_address numeric;

    answer->count = 0;
    if (query->host == NULL) {
        host_answer_add_text(answer, is_passive ? "0.0.0.0" : "127.0.0.1");
        host_answer_add_text(answer, is_passive ? "::" : "::1");
        return 0;
    }
    if (*query->host != '\0' && eddy_address_parse(query->host, 0, &numeric) == 0) {
        if (maps)
            eddy__sim_map(&numeric);
        host_answer_add(answer, &numeric);
        return answer->count == 0 ? EDDY_EAI_ADDRFAMILY : 0;
    }
    if (query->flags & EDDY_AI_NUMERICHOST)
        return EDDY_EAI_NONAME;
    if (!host_answer_add_name(answer, sim, maps && (query->flags & EDDY_AI_ALL)))
        return EDDY_EAI_NONAME;
    if (answer->count == 0 && maps)
        host_answer_add_name(answer, sim, true);
    return answer->count == 0 ? EDDY_EAI_NODATA : 0;
}

static int host_check_query(const struct eddy__resolver_query *query)
{
    if (query->flags & ~(unsigned)ALL_AI_FLAGS)
        return EDDY_EAI_BADFLAGS;
    if (query->host == NULL && query->service == NULL)
        return EDDY_EAI_NONAME;
    if (query->host == NULL && (query->flags & EDDY_AI_CANONNAME))
        return EDDY_EAI_BADFLAGS;
    if (query->family != EDDY_UNSPEC && query->family != EDDY_INET && query->family != EDDY_INET6)
        return EDDY_EAI_FAMILY;
    if (query->type < EDDY_ANY_TYPE || query->type > EDDY_DGRAM ||
        (query->type == EDDY_STREAM && query->protocol == EDDY_UDP) ||
        (query->type == EDDY_DGRAM && query->protocol == EDDY_TCP))
        return EDDY_EAI_SOCKTYPE;
    return 0;
}

int eddy__sim_resolve(struct eddy_sim *sim, const struct eddy__resolver_query *query,
                      eddy_address_list **list)
{
    struct host_answer answer = {.query = query};
    bool wants_name = (query->flags & EDDY_AI_CANONNAME) != 0;
    size_t extra;
    int error = host_check_query(query);

    if (error == 0)
        error = host_find_service(query, &answer.port);
    if (error == 0)
        error = host_answer_walk(&answer, sim);
    if (error)
        return eddy_error(error, "%s (simulated host %s, service %s)", eddy_strerror(error),
                          query->host == NULL ? "*" : query->host,
                          query->service == NULL ? "*" : query->service);
    extra = wants_name ? strlen(query->host) + 1 : 0;
    answer.list = eddy__address_list_new(answer.count, extra);
    if (answer.list == NULL)
        return EDDY_ENOMEM;
    if (wants_name) {
        answer.canonical = (char *)&answer.list->entries[answer.count];
        memcpy(answer.canonical, query->host, extra);
    }
    error = host_answer_walk(&answer, sim);
    *list = answer.list;
    return error;
}

/** The first name that the table has for an address; NULL if none. */
static const char *host_name_of(struct eddy_sim *sim, const eddy_address *address)
{
    const struct eddy__list *node;

    for (node = sim->hosts.next; node != &sim->hosts; node = node->next) {
        const struct eddy__sim_host *host = EDDY__OWNER(node, struct eddy__sim_host, node);

        if (eddy__sim_same_host(&host->address, address))
            return host->name;
    }
    return NULL;
}

/** The name of a port, else its number in decimal. */
static void host_service_of(int port, unsigned flags, char *text, size_t size)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (services[i].port == port && !(flags & EDDY_NI_NUMERICSERV)) {
            snprintf(text, size, "%s", services[i].name);
            return;
        }
    }
    snprintf(text, size, "%d", port);
}

int eddy__sim_name(struct eddy_sim *sim, const eddy_address *address, unsigned flags,
                   eddy_name_info **info)
{
    int family = (int)eddy_address_family(address);
    const char *host = flags & EDDY_NI_NUMERICHOST ? NULL : host_name_of(sim, address);
    char number[EDDY_ADDRESS_TEXT_MAX];
    char service[16];
    size_t host_size;
    size_t service_size;
    char *texts;

    if (family != EDDY_INET && family != EDDY_INET6)
        return eddy_error(EDDY_EAI_FAMILY, "only IPv4 and IPv6 addresses have names");
    if (host == NULL && (flags & EDDY_NI_NAMEREQD))
        return EDDY_EAI_NONAME;
    if (host == NULL) {
        eddy_address_host(address, number, sizeof number);
        host = number;
    }
    host_service_of(eddy_address_port(address), flags, service, sizeof service);
    host_size = strlen(host) + 1;
    service_size = strlen(service) + 1;
    *info = eddy__alloc(sizeof **info + host_size + service_size);
    if (*info == NULL)
        return EDDY_ENOMEM;
    texts = (char *)(*info + 1);
    memcpy(texts, host, host_size);
    memcpy(texts + host_size, service, service_size);
    (*info)->host = texts;
    (*info)->service = texts + host_size;
    return 0;
}
