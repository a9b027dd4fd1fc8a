/* SPDX-License-Identifier: MIT */
#include "request.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/** A piece of the head; not terminated. */
struct text {
    const char *data;
    size_t size;
};

size_t request_head_size(const char *data, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (data[i] != '\n')
            continue;
        if (data[i + 1] == '\n')
            return i + 2;
        if (i + 2 < size && data[i + 1] == '\r' && data[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

/** Cut `text` at the first `separator`: returns what is before it, leaves what is behind. */
static struct text text_cut(struct text *text, char separator)
{
    const char *end = memchr(text->data, separator, text->size);
    struct text before = *text;

    if (end == NULL) {
        *text = (struct text){text->data + text->size, 0};
        return before;
    }
    before.size = (size_t)(end - text->data);
    *text = (struct text){end + 1, text->size - before.size - 1};
    return before;
}

static struct text text_trim(struct text text)
{
    while (text.size > 0 && strchr(" \t\r", text.data[0]) != NULL)
        text = (struct text){text.data + 1, text.size - 1};
    while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

/** Equal but for the case of letters. */
static bool text_is(struct text text, const char *word)
{
    if (text.size != strlen(word))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (tolower((unsigned char)text.data[i]) != tolower((unsigned char)word[i]))
            return false;
    return true;
}

/** A number of digits only; -1 if it is none or too large. */
static int64_t text_number(struct text text)
{
    int64_t number = 0;

    if (text.size == 0)
        return -1;
    for (size_t i = 0; i < text.size; i++) {
        if (!isdigit((unsigned char)text.data[i]) || number > (INT64_MAX - 9) / 10)
            return -1;
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** Refuse what leads out of the root, or means something else to the file system. */
static bool path_is_safe(const char *path)
{
    const char *segment = path;

    if (strpbrk(path, "\\:") != NULL)
        return false;
    while (segment != NULL) {
        size_t size = strcspn(segment, "/");

        if (size == 2 && memcmp(segment, "..", 2) == 0)
            return false;
        segment = segment[size] == '/' ? segment + size + 1 : NULL;
    }
    return true;
}

/** Decode the path of a request's target; the query is not looked at. */
static int parse_target(struct text target, struct request *request)
{
    size_t used = 0;

    if (target.size == 0 || target.data[0] != '/')
        return 400;
    target = text_cut(&target, '?');
    for (size_t i = 1; i < target.size; i++) {
        char c = target.data[i];

        if (c == '%') {
            int high = i + 2 < target.size ? hex_digit(target.data[i + 1]) : -1;
            int low = i + 2 < target.size ? hex_digit(target.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return 400;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if ((unsigned char)c < ' ' || used + 1 >= sizeof request->path)
            return 400;
        request->path[used++] = c;
    }
    request->path[used] = '\0';
    return path_is_safe(request->path) && request->path[0] != '/' ? 0 : 404;
}

/** "bytes=first-last"; other units, several ranges and nonsense are as if it were not there. */
static void parse_range(struct text value, struct request *request)
{
    struct text unit = text_cut(&value, '=');
    struct text first = text_cut(&value, '-');

    if (!text_is(unit, "bytes") || memchr(value.data, ',', value.size) != NULL)
        return;
    request->range_first = text_number(text_trim(first));
    request->range_last = text_number(text_trim(value));
    request->has_range = request->range_first >= 0
                             ? (value.size == 0 || request->range_last >= request->range_first)
                             : (first.size == 0 && request->range_last >= 0);
}

/** One header line; the status that refuses the request, or 0. */
static int parse_field(struct text line, struct request *request, bool *has_host)
{
    struct text name = text_cut(&line, ':');
    struct text value = text_trim(line);

    if (name.size == 0 || name.data + name.size == line.data + line.size)
        return 400;
    if (text_is(name, "host"))
        *has_host = true;
    else if (text_is(name, "connection"))
        request->keep_alive =
            text_is(value, "keep-alive") || (request->keep_alive && !text_is(value, "close"));
    else if (text_is(name, "range"))
        parse_range(value, request);
    else if (text_is(name, "transfer-encoding"))
        return 400; /* a body is of no use here, and must not be taken for the next request */
    else if (text_is(name, "content-length") && text_number(value) != 0)
        return 400;
    return 0;
}

int request_parse(const char *head, size_t size, struct request *request)
{
    struct text rest = {head, size};
    struct text line = text_trim(text_cut(&rest, '\n'));
    struct text method = text_cut(&line, ' ');
    struct text target = text_cut(&line, ' ');
    bool has_host = false;
    int status;

    *request = (struct request){.keep_alive = text_is(line, "HTTP/1.1")};
    if (!request->keep_alive && !text_is(line, "HTTP/1.0"))
        return 400;
    has_host = !request->keep_alive;
    request->head_only = text_is(method, "HEAD");
    status = parse_target(target, request);
    while (rest.size > 0 && status != 400) {
        line = text_trim(text_cut(&rest, '\n'));
        if (line.size > 0 && parse_field(line, request, &has_host) != 0)
            return 400;
    }
    if (!has_host)
        return 400;
    return status == 0 && !request->head_only && !text_is(method, "GET") ? 405 : status;
}

int request_range(const struct request *request, int64_t size, int64_t *first, int64_t *count)
{
    int64_t last = size - 1;

    *first = 0;
    *count = size;
    if (!request->has_range)
        return 200;
    if (request->range_first < 0)
        *first = request->range_last < size ? size - request->range_last : 0;
    else
        *first = request->range_first;
    if (request->range_first >= 0 && request->range_last >= 0 && request->range_last < last)
        last = request->range_last;
    if (*first > last)
        return 416;
    *count = last - *first + 1;
    return 206;
}
