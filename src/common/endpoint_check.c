/* SPDX-License-Identifier: MIT */
/* Which options of a datagram endpoint go together (DGRAM-2, DGRAM-3). */
#include "common/argument.h"
#include "common/endpoint.h"
#include "common/text.h"

static bool check_has_internet_local(const eddy_datagram_options *options)
{
    return options->local_host != NULL || options->local_service != NULL ||
           options->local_port != 0;
}

static bool check_has_internet_remote(const eddy_datagram_options *options)
{
    return options->remote_host != NULL || options->remote_service != NULL ||
           options->remote_port != 0;
}

bool eddy__endpoint_has_local(const eddy_datagram_options *options)
{
    return check_has_internet_local(options) || options->local_path != NULL;
}

bool eddy__endpoint_has_remote(const eddy_datagram_options *options)
{
    return check_has_internet_remote(options) || options->remote_path != NULL;
}

bool eddy__endpoint_is_unix(const eddy_datagram_options *options)
{
    return options->family == EDDY_UNIX || options->local_path != NULL ||
           options->remote_path != NULL;
}

/** With a socket everything is decided: name what else was asked for. */
static int check_with_socket(const eddy_datagram_options *options)
{
    const struct {
        const char *name;
        bool is_given;
    } others[] = {
        {"family", options->family != EDDY_UNSPEC},
        {"protocol", options->protocol != EDDY_ANY_PROTOCOL},
        {"flags", options->flags != 0},
        {"local_host", options->local_host != NULL},
        {"local_service", options->local_service != NULL},
        {"local_port", options->local_port != 0},
        {"remote_host", options->remote_host != NULL},
        {"remote_service", options->remote_service != NULL},
        {"remote_port", options->remote_port != 0},
        {"local_path", options->local_path != NULL},
        {"remote_path", options->remote_path != NULL},
        {"reuse_port", options->reuse_port},
        {"allow_broadcast", options->allow_broadcast},
    };
    struct eddy__text text = {0};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].is_given)
            eddy__text_add(&text, "%s%s", text.used > 0 ? ", " : "", others[i].name);
    if (text.used == 0)
        return 0;
    return eddy_error(EDDY_EINVALID, "sock and %s are given at the same time", text.text);
}

int eddy__endpoint_check(const eddy_datagram_options *options)
{
    int error = eddy__check_reserved(options->reserved,
                                     sizeof options->reserved / sizeof options->reserved[0]);

    if (error)
        return error;
    if (options->sock != NULL)
        return check_with_socket(options);
    if (!eddy__endpoint_has_local(options) && !eddy__endpoint_has_remote(options) &&
        options->family == EDDY_UNSPEC)
        return eddy_error(EDDY_EINVALID, "neither a local nor a remote address nor a family");
    if (!eddy__endpoint_is_unix(options))
        return 0;
    if (check_has_internet_local(options) || check_has_internet_remote(options))
        return eddy_error(EDDY_EINVALID, "the addresses of Unix sockets are local_path and "
                                         "remote_path, not hosts and ports");
    if (options->family != EDDY_UNSPEC && options->family != EDDY_UNIX)
        return eddy_error(EDDY_EINVALID, "local_path and remote_path are for Unix sockets only");
    return 0;
}
