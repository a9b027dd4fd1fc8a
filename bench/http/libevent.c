/* SPDX-License-Identifier: MIT */
/* libevent: evhttp, and files in the answer's buffer, which are sent by sendfile(). */
#include "http.h"
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

static int folder;

static void on_request(struct evhttp_request *request, void *arg)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    int64_t size;
    int file =
        path[0] == '/' && strstr(path, "..") == NULL ? http_open(folder, path + 1, &size) : -1;

    (void)arg;
    if (file < 0) {
        evhttp_send_error(request, HTTP_NOTFOUND, NULL);
        return;
    }
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/octet-stream");
    job_need(evbuffer_add_file(evhttp_request_get_output_buffer(request), file, 0, size) != 0,
             "evbuffer_add_file");
    evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

int main(int argc, char **argv)
{
    struct job job = job_read(argc, argv);
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);

    folder = open(http_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    evhttp_set_gencb(http, on_request, NULL);
    job_need(evhttp_accept_socket(http, job.fd) != 0, "listening");
    return event_base_dispatch(base);
}
