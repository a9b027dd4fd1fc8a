/* SPDX-License-Identifier: MIT */
/*
 * load JOB ADDRESS [NAME=VALUE...]: see load.h. ADDRESS is a port of 127.0.0.1, or a path.
 * Prints one line, an object of JSON.
 */
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    load_job run;
} jobs[] = {
    {"echo", load_echo},     {"churn", load_churn},         {"sink", load_sink},
    {"source", load_source}, {"datagram", load_datagram},   {"idle", load_idle},
#if defined(BENCH_TLS)
    {"tls", load_tls},       {"handshake", load_handshake}, {"tls-idle", load_tls_idle},
#endif
};

static _Noreturn void refuse(const char *what)
{
    fprintf(stderr, "load: not understood: %s\n", what);
    exit(2);
}

/* A port, "::1:" and a port, or the path of a Unix socket. */
static void read_address(struct load_options *options, const char *text)
{
    size_t size = strlen(text);

    if (strncmp(text, "::1:", 4) == 0) {
        options->address.inet6.sin6_family = AF_INET6;
        options->address.inet6.sin6_addr = in6addr_loopback;
        options->address.inet6.sin6_port = htons((uint16_t)strtoul(text + 4, NULL, 10));
        options->address_size = sizeof options->address.inet6;
        return;
    }
    if (strchr(text, '/') == NULL) {
        options->address.inet.sin_family = AF_INET;
        options->address.inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        options->address.inet.sin_port = htons((uint16_t)strtoul(text, NULL, 10));
        options->address_size = sizeof options->address.inet;
        return;
    }
    if (size >= sizeof options->address.local.sun_path)
        refuse(text);
    options->address.local.sun_family = AF_UNIX;
    memcpy(options->address.local.sun_path, text, size + 1);
    options->address_size = sizeof options->address.local;
}

static bool is_named(const char *text, const char *name)
{
    size_t size = strlen(name);

    return strncmp(text, name, size) == 0 && text[size] == '=';
}

static void read_option(struct load_options *options, const char *text)
{
    const char *equals = strchr(text, '=');
    double value = equals != NULL ? strtod(equals + 1, NULL) : 0;

    if (is_named(text, "connections"))
        options->connections = (int)value;
    else if (is_named(text, "idle"))
        options->idle = (int)value;
    else if (is_named(text, "depth"))
        options->depth = (int)value;
    else if (is_named(text, "size"))
        options->size = (size_t)value;
    else if (is_named(text, "warm"))
        options->warm = value;
    else if (is_named(text, "seconds"))
        options->seconds = value;
    else if (is_named(text, "count"))
        options->count = (uint64_t)value;
    else if (is_named(text, "stay"))
        options->idle_stay = value;
    else if (is_named(text, "resume"))
        options->resume = value > 0;
    else if (is_named(text, "pause"))
        options->pause = (unsigned)value;
    else if (is_named(text, "server"))
        options->server = (pid_t)value;
    else
        refuse(text);
}

static void print_result(const struct load_result *result)
{
    const struct histogram *latency = &result->latency;

    printf("{\"operations\": %llu, \"bytes\": %llu, \"seconds\": %.9f, \"server_cpu\": %.9f, "
           "\"server_user\": %.3f, \"own_cpu\": %.9f, \"p50_ns\": %llu, \"p99_ns\": %llu, "
           "\"p999_ns\": %llu, \"max_ns\": %llu}\n",
           (unsigned long long)result->operations, (unsigned long long)result->bytes,
           result->seconds, result->server_cpu, result->server_user, result->own_cpu,
           (unsigned long long)histogram_quantile(latency, 0.5),
           (unsigned long long)histogram_quantile(latency, 0.99),
           (unsigned long long)histogram_quantile(latency, 0.999),
           (unsigned long long)latency->max_ns);
}

int main(int argc, char **argv)
{
    static struct load_result result;
    struct load_options options = {.connections = 1, .depth = 1, .size = 64, .warm = 0.2};
    size_t job = 0;
    int i;

    if (argc < 3)
        refuse("load JOB ADDRESS [NAME=VALUE...]");
    while (job < sizeof jobs / sizeof jobs[0] && strcmp(argv[1], jobs[job].name) != 0)
        job++;
    if (job == sizeof jobs / sizeof jobs[0])
        refuse(argv[1]);
    options.seconds = 1;
    read_address(&options, argv[2]);
    for (i = 3; i < argc; i++)
        read_option(&options, argv[i]);
    if (options.connections < 1 || options.depth < 1 || options.size < 1 ||
        options.size > LOAD_PIECE_MAX)
        refuse("a number out of its range");
    jobs[job].run(&options, &result);
    print_result(&result);
    return 0;
}
