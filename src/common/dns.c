/* SPDX-License-Identifier: MIT */
/*
 * Name resolution: the system's blocking resolver on the default executor. What a thread reads and
 * writes is a struct of its own, released with the work, so that nobody has to wait for a resolver
 * whose answer is no longer wanted (NET-3).
 */
#include "common/dns.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/future.h"
#include "common/log.h"
#include "sim/sim.h"
#include <stdio.h>
#include <string.h>

#define DNS_ALL_AI_FLAGS                                                                           \
    (EDDY_AI_PASSIVE | EDDY_AI_CANONNAME | EDDY_AI_NUMERICHOST | EDDY_AI_NUMERICSERV |             \
     EDDY_AI_ADDRCONFIG | EDDY_AI_V4MAPPED | EDDY_AI_ALL)
#define DNS_ALL_NI_FLAGS                                                                           \
    (EDDY_NI_NUMERICHOST | EDDY_NI_NUMERICSERV | EDDY_NI_NAMEREQD | EDDY_NI_NOFQDN | EDDY_NI_DGRAM)

/** What a thread is to find out. */
struct dns_question {
    struct eddy_sim *sim; /**< whose table answers, or NULL; only in the loop's own thread */
    bool debug;
    struct eddy__resolver_query query; /**< of addresses ... */
    eddy_address address;              /**< ... or of names */
    unsigned flags;
    char texts[]; /**< host and service */
};

static int dns_failed(int code, const char *host, const char *service)
{
    return eddy_error(code, "cannot resolve %s, %s: %s", host != NULL ? host : "any host",
                      service != NULL ? service : "no service", eddy__error_text_of(code));
}

/** LOOP-33: debug mode tells how long the resolver took. */
static void dns_log(const struct dns_question *question, const char *what, eddy_time start)
{
    if (question->debug)
        eddy__log(EDDY_LOG_DEBUG, "resolving %s took %.3f ms", what,
                  (double)(eddy__clock_now() - start) / 1e6);
}

static int dns_find_addresses(void *arg, eddy_value *result)
{
    const struct dns_question *question = arg;
    const struct eddy__resolver_query *query = &question->query;
    eddy_time start = eddy__clock_now();
    int error = question->sim != NULL ? eddy__sim_resolve(question->sim, query, &result->addresses)
                                      : eddy__resolver_addresses(query, &result->addresses);

    dns_log(question, query->host != NULL ? query->host : query->service, start);
    return error ? dns_failed(error, query->host, query->service) : 0;
}

static int dns_find_name(void *arg, eddy_value *result)
{
    const struct dns_question *question = arg;
    char address[EDDY_ADDRESS_TEXT_MAX];
    eddy_time start = eddy__clock_now();
    int error;

    eddy_address_format(&question->address, address, sizeof address);
    error =
        question->sim != NULL
            ? eddy__sim_name(question->sim, &question->address, question->flags, &result->name_info)
            : eddy__resolver_name(&question->address, question->flags, &result->name_info);
    dns_log(question, address, start);
    return error ? eddy_error(error, "no name for %s: %s", address, eddy__error_text_of(error)) : 0;
}

static void dns_release(void *arg)
{
    eddy__free(arg);
}

static void dns_dispose_addresses(eddy_value value)
{
    eddy_address_list_free(value.addresses);
}

static void dns_dispose_name(eddy_value value)
{
    eddy_name_info_free(value.name_info);
}

static struct eddy_future *dns_ask(struct eddy_loop *loop, struct dns_question *question,
                                   eddy_function function, eddy_disposer dispose)
{
    struct eddy__work_order order = {
        .function = function,
        .arg = question,
        .release = dns_release,
        .dispose = dispose,
    };

    question->sim = loop->sim;
    question->debug = loop->debug;
    return eddy__work_start(loop, NULL, &order);
}

static int dns_check(const struct eddy_loop *loop, const struct eddy__resolver_query *query)
{
    if (loop == NULL)
        return eddy_error(EDDY_EINVALID, "no loop");
    if (query->host == NULL && query->service == NULL)
        return eddy_error(EDDY_EINVALID, "neither a host nor a service to resolve");
    if (query->flags & ~(unsigned)DNS_ALL_AI_FLAGS)
        return eddy_error(EDDY_EINVALID, "unknown resolver flags 0x%x", query->flags);
    return eddy__loop_check_open(loop);
}

/** Ask the resolver. Copies `query`. */
static struct eddy_future *dns_ask_addresses(struct eddy_loop *loop,
                                             const struct eddy__resolver_query *query)
{
    size_t host_size = query->host != NULL ? strlen(query->host) + 1 : 0;
    size_t service_size = query->service != NULL ? strlen(query->service) + 1 : 0;
    struct dns_question *question = eddy__alloc_zeroed(sizeof *question + host_size + service_size);

    if (question == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    question->query = *query;
    if (query->host != NULL)
        question->query.host = memcpy(question->texts, query->host, host_size);
    if (query->service != NULL)
        question->query.service = memcpy(question->texts + host_size, query->service, service_size);
    return dns_ask(loop, question, dns_find_addresses, dns_dispose_addresses);
}

eddy_future *eddy_loop_getaddrinfo(eddy_loop *loop, const char *host, const char *service,
                                   const eddy_addrinfo_options *options)
{
    struct eddy__resolver_query query = {.host = host, .service = service};
    int error;

    if (options != NULL) {
        query.family = (int)options->family;
        query.type = (int)options->type;
        query.protocol = (int)options->protocol;
        query.flags = options->flags;
    }
    error = dns_check(loop, &query);
    return error ? eddy__future_failed(loop, error) : dns_ask_addresses(loop, &query);
}

eddy_future *eddy_loop_getnameinfo(eddy_loop *loop, const eddy_address *address, unsigned flags)
{
    struct dns_question *question;
    int error = 0;

    if (loop == NULL || address == NULL)
        error = eddy_error(EDDY_EINVALID, "no %s", loop == NULL ? "loop" : "address");
    else if (flags & ~(unsigned)DNS_ALL_NI_FLAGS)
        error = eddy_error(EDDY_EINVALID, "unknown resolver flags 0x%x", flags);
    else
        error = eddy__loop_check_open(loop);
    if (error)
        return eddy__future_failed(loop, error);
    question = eddy__alloc_zeroed(sizeof *question);
    if (question == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    question->address = *address;
    question->flags = flags;
    return dns_ask(loop, question, dns_find_name, dns_dispose_name);
}

/** A decimal port of at most five digits, absent or empty: 0 (NET-4). False for anything else. */
static bool dns_read_port(const char *service, int *port)
{
    *port = 0;
    if (service == NULL)
        return true;
    if (strlen(service) > 5)
        return false;
    for (; *service != '\0'; service++) {
        if (*service < '0' || *service > '9')
            return false;
        *port = *port * 10 + (*service - '0');
    }
    return *port <= 65535;
}

/** NET-4: the answer if it can be read off the question, else false. */
static bool dns_read_literal(const struct eddy__resolver_query *query, eddy_addrinfo *entry)
{
    int protocol = query->type == EDDY_STREAM ? EDDY_TCP : EDDY_UDP;
    int port;

    if (query->type != EDDY_STREAM && query->type != EDDY_DGRAM)
        return false;
    if (query->protocol != EDDY_ANY_PROTOCOL && query->protocol != EDDY_TCP &&
        query->protocol != EDDY_UDP)
        return false;
    if (query->host == NULL || query->host[0] == '\0' || strchr(query->host, '%') != NULL)
        return false;
    if (!dns_read_port(query->service, &port) ||
        eddy_address_parse(query->host, port, &entry->address) != 0)
        return false;
    entry->family = eddy_address_family(&entry->address);
    entry->type = (eddy_socket_type)query->type;
    entry->protocol = (eddy_ip_protocol)protocol;
    return query->family == EDDY_UNSPEC || query->family == (int)entry->family;
}

struct eddy_future *eddy__dns_resolve(struct eddy_loop *loop,
                                      const struct eddy__resolver_query *query)
{
    int error = dns_check(loop, query);
    eddy_addrinfo entry = {0};
    eddy_value value = {0};
    struct eddy_future *future;

    if (error)
        return eddy__future_failed(loop, error);
    if (!dns_read_literal(query, &entry))
        return dns_ask_addresses(loop, query);
    value.addresses = eddy__address_list_new(1, 0);
    if (value.addresses == NULL)
        return eddy__future_failed(loop, EDDY_ENOMEM);
    value.addresses->entries[0] = entry;
    future = eddy_loop_create_future(loop);
    eddy_future_set_disposer(future, dns_dispose_addresses);
    if (eddy_future_set_result(future, value) != 0)
        dns_dispose_addresses(value); /* no future was made */
    return future;
}

int eddy__dns_service(int port, const char *service, char room[EDDY__PORT_TEXT_SIZE],
                      const char **text)
{
    if (port < 0 || port > 65535)
        return eddy_error(EDDY_EINVALID, "port %d is outside 0..65535", port);
    if (service != NULL && port != 0)
        return eddy_error(EDDY_EINVALID, "both port %d and service %s are given", port, service);
    *text = service;
    if (service == NULL) {
        snprintf(room, EDDY__PORT_TEXT_SIZE, "%d", port);
        *text = room;
    }
    return 0;
}
