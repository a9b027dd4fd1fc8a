/* SPDX-License-Identifier: MIT */
#include "transfer.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE (REQUEST_PATH_MAX + 4096)

/** A page in the making. */
struct page {
    char *text;
    size_t used;
    size_t room;
    bool failed;
};

struct transfer *transfer_new(const char *root)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);

    if (transfer == NULL)
        return NULL;
    transfer->root = root;
    transfer->file = NO_FILE;
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    file_close(&transfer->file);
    free(transfer->text);
    free(transfer);
}

static void page_add(struct page *page, const char *format, ...)
{
    size_t room = page->used + 1024 + REQUEST_PATH_MAX * 6;
    va_list arguments;
    int written;

    if (!page->failed && room > page->room) {
        char *text = realloc(page->text, room * 2);

        page->failed = text == NULL;
        if (text != NULL) {
            page->text = text;
            page->room = room * 2;
        }
    }
    if (page->failed)
        return;
    va_start(arguments, format);
    written = vsnprintf(page->text + page->used, page->room - page->used, format, arguments);
    va_end(arguments);
    if (written > 0 && (size_t)written < page->room - page->used)
        page->used += (size_t)written;
}

/** Add a name, safe inside HTML, or (`link`) inside a link. */
static void page_add_name(struct page *page, const char *name, bool link)
{
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;

        if (link && strchr("-_.~/", c) == NULL && (c < '0' || c > '9') && (c < 'a' || c > 'z') &&
            (c < 'A' || c > 'Z'))
            page_add(page, "%%%02X", c);
        else if (strchr("<>&\"'", c) != NULL)
            page_add(page, "&#%d;", c);
        else
            page_add(page, "%c", c);
    }
}

static void page_add_entry(void *arg, const char *name, bool is_folder)
{
    struct page *page = arg;

    page_add(page, "<li><a href=\"");
    page_add_name(page, name, true);
    page_add(page, is_folder ? "/\">" : "\">");
    page_add_name(page, name, false);
    page_add(page, is_folder ? "/</a>\n" : "</a>\n");
}

static const char *content_type(const char *path)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".gif", "image/gif"},
        {".htm", "text/html; charset=utf-8"},
        {".html", "text/html; charset=utf-8"},
        {".ico", "image/x-icon"},
        {".jpeg", "image/jpeg"},
        {".jpg", "image/jpeg"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".md", "text/markdown; charset=utf-8"},
        {".mp4", "video/mp4"},
        {".pdf", "application/pdf"},
        {".png", "image/png"},
        {".svg", "image/svg+xml"},
        {".txt", "text/plain; charset=utf-8"},
        {".wasm", "application/wasm"},
        {".webp", "image/webp"},
        {".woff2", "font/woff2"},
        {".xml", "application/xml"},
    };
    const char *ending = strrchr(path, '.');

    for (size_t i = 0; ending != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(ending, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static const char *status_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 416:
        return "Range Not Satisfiable";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Internal Server Error";
    }
}

/** The head of an answer with `length` bytes of body, up to its empty line. */
static void add_head(struct page *page, const struct transfer *transfer, const char *type,
                     int64_t length)
{
    page_add(page, "HTTP/1.1 %d %s\r\nServer: eddy\r\nContent-Type: %s\r\nContent-Length: %lld\r\n",
             transfer->status, status_text(transfer->status), type, (long long)length);
    if (transfer->status == 206)
        page_add(page, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)transfer->offset,
                 (long long)(transfer->offset + length - 1), (long long)transfer->file.size);
    if (transfer->status == 416)
        page_add(page, "Content-Range: bytes */%lld\r\n", (long long)transfer->file.size);
    if (transfer->status == 405)
        page_add(page, "Allow: GET, HEAD\r\n");
    if (transfer->file.number != -1)
        page_add(page, "Accept-Ranges: bytes\r\n");
    if (transfer->status == 301) {
        page_add(page, "Location: /");
        page_add_name(page, transfer->request.path, true);
        page_add(page, "/\r\n");
    }
    page_add(page, "Connection: %s\r\n\r\n", transfer->request.keep_alive ? "keep-alive" : "close");
}

static int finish_page(struct transfer *transfer, struct page *page)
{
    if (page->failed) {
        free(page->text);
        return EDDY_ENOMEM;
    }
    transfer->text = page->text;
    transfer->text_size = page->used;
    return 0;
}

/** An answer without a file: head and `body`, which is freed. */
static int answer_page(struct transfer *transfer, struct page *body)
{
    struct page page = {.failed = body->failed};

    add_head(&page, transfer, "text/html; charset=utf-8", (int64_t)body->used);
    for (size_t done = 0; done < body->used && !transfer->request.head_only;) {
        size_t piece = body->used - done < 1024 ? body->used - done : 1024;

        page_add(&page, "%.*s", (int)piece, body->text + done);
        done += piece;
    }
    free(body->text);
    return finish_page(transfer, &page);
}

static int answer_status(struct transfer *transfer, int status)
{
    struct page body = {0};

    transfer->status = status;
    page_add(&body, "<!doctype html>\n<title>%d</title>\n<h1>%d %s</h1>\n", status, status,
             status_text(status));
    return answer_page(transfer, &body);
}

static int answer_folder(struct transfer *transfer, const char *path)
{
    struct page body = {0};

    page_add(&body, "<!doctype html>\n<title>/");
    page_add_name(&body, transfer->request.path, false);
    page_add(&body, "</title>\n<h1>/");
    page_add_name(&body, transfer->request.path, false);
    page_add(&body, "</h1>\n<ul>\n");
    if (!folder_list(path, page_add_entry, &body)) {
        free(body.text);
        return answer_status(transfer, 404);
    }
    page_add(&body, "</ul>\n");
    transfer->status = 200;
    return answer_page(transfer, &body);
}

static int answer_file(struct transfer *transfer, const char *path)
{
    struct page page = {0};

    if (!file_open(path, &transfer->file))
        return answer_status(transfer, 404);
    transfer->status = request_range(&transfer->request, transfer->file.size, &transfer->offset,
                                     &transfer->remaining);
    if (transfer->status == 416) {
        transfer->remaining = 0;
        return answer_status(transfer, 416);
    }
    add_head(&page, transfer, content_type(path), transfer->remaining);
    if (transfer->request.head_only)
        transfer->remaining = 0;
    return finish_page(transfer, &page);
}

int transfer_begin(void *arg, eddy_value *result)
{
    struct transfer *transfer = arg;
    size_t size = strlen(transfer->request.path);
    bool as_folder = size == 0 || transfer->request.path[size - 1] == '/';
    char path[PATH_SIZE];
    int used = snprintf(path, sizeof path, "%s/%s", transfer->root, transfer->request.path);

    (void)result;
    if (transfer->status != 0)
        return answer_status(transfer, transfer->status);
    if (used < 0 || (size_t)used + sizeof "index.html" > sizeof path)
        return answer_status(transfer, 404);
    switch (file_look(path)) {
    case FILE_REGULAR:
        return as_folder ? answer_status(transfer, 404) : answer_file(transfer, path);
    case FILE_FOLDER:
        if (!as_folder)
            return answer_status(transfer, 301);
        memcpy(path + used, "index.html", sizeof "index.html"); /* it was seen to fit */
        if (file_look(path) == FILE_REGULAR)
            return answer_file(transfer, path);
        path[used] = '\0';
        return answer_folder(transfer, path);
    default:
        return answer_status(transfer, 404);
    }
}
