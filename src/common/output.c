/* SPDX-License-Identifier: MIT */
#include "common/output.h"
#include "common/memory.h"
#include <eddy/error.h>
#include <string.h>

/** Room of a copying chunk at least, so that small writes behind each other share one. */
enum { CHUNK_ROOM_MIN = 4000 };

struct eddy__chunk {
    struct eddy__chunk *next;
    const unsigned char *data; /**< what is still to be sent ... */
    size_t size;               /**< ... and how much of it */
    eddy_release release;      /**< of a chunk that was handed over; may be NULL */
    void *arg;
    size_t room; /**< bytes of `copy`; 0 in a chunk that was handed over */
    unsigned char copy[];
};

/** Bytes that fit behind what the last chunk holds. */
static size_t output_room(const struct eddy__output *output)
{
    const struct eddy__chunk *last = output->last;

    if (last == NULL || last->room == 0)
        return 0;
    return last->room - (size_t)(last->data + last->size - last->copy);
}

static void output_link(struct eddy__output *output, struct eddy__chunk *chunk)
{
    if (output->last != NULL)
        output->last->next = chunk;
    else
        output->first = chunk;
    output->last = chunk;
}

/** Append to the last chunk, which has the room. */
static void output_fill(struct eddy__output *output, const void *data, size_t size)
{
    struct eddy__chunk *last = output->last;

    memcpy(last->copy + (last->data + last->size - last->copy), data, size);
    last->size += size;
    output->size += size;
}

/** Append an empty copying chunk for at least `size` bytes. */
static int output_grow(struct eddy__output *output, size_t size)
{
    size_t room = size < CHUNK_ROOM_MIN ? CHUNK_ROOM_MIN : size;
    struct eddy__chunk *chunk;

    if (room > SIZE_MAX - sizeof *chunk)
        return EDDY_ENOMEM;
    chunk = eddy__alloc(sizeof *chunk + room);
    if (chunk == NULL)
        return EDDY_ENOMEM;
    *chunk = (struct eddy__chunk){.data = chunk->copy, .room = room};
    output_link(output, chunk);
    return 0;
}

static size_t output_total(const eddy_buffer *buffers, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += buffers[i].size;
    return total;
}

int eddy__output_copy(struct eddy__output *output, const eddy_buffer *buffers, size_t count,
                      size_t skip)
{
    size_t size = output_total(buffers, count) - skip;

    /* All of it goes into one chunk, so that nothing is half done when there is no memory. */
    if (size > output_room(output) && output_grow(output, size) != 0)
        return EDDY_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t done = skip < buffers[i].size ? skip : buffers[i].size;

        skip -= done;
        if (done < buffers[i].size)
            output_fill(output, (const char *)buffers[i].data + done, buffers[i].size - done);
    }
    return 0;
}

int eddy__output_take(struct eddy__output *output, const void *data, size_t size, size_t skip,
                      eddy_release release, void *arg)
{
    struct eddy__chunk *chunk = eddy__alloc(sizeof *chunk);

    if (chunk == NULL)
        return EDDY_ENOMEM;
    *chunk = (struct eddy__chunk){
        .data = (const unsigned char *)data + skip,
        .size = size - skip,
        .release = release,
        .arg = arg,
    };
    output_link(output, chunk);
    output->size += chunk->size;
    return 0;
}

size_t eddy__output_spans(const struct eddy__output *output, struct eddy__span *spans, size_t max)
{
    size_t count = 0;

    for (const struct eddy__chunk *chunk = output->first; chunk != NULL && count < max;
         chunk = chunk->next)
        spans[count++] = (struct eddy__span){(void *)(uintptr_t)chunk->data, chunk->size};
    return count;
}

/** Give chunks back that are in no queue any more: who hears of it may do anything to the queue. */
static void output_free(struct eddy__chunk *chunk)
{
    while (chunk != NULL) {
        struct eddy__chunk *next = chunk->next;

        if (chunk->release != NULL)
            chunk->release(chunk->arg);
        eddy__free(chunk);
        chunk = next;
    }
}

void eddy__output_advance(struct eddy__output *output, size_t size)
{
    struct eddy__chunk *finished = output->first;
    struct eddy__chunk **end = &finished;

    output->size -= size;
    while (*end != NULL && size >= (*end)->size) {
        size -= (*end)->size;
        end = &(*end)->next;
    }
    output->first = *end;
    *end = NULL;
    if (output->first == NULL) {
        output->last = NULL;
    } else {
        output->first->data += size;
        output->first->size -= size;
    }
    output_free(finished);
}

void eddy__output_clear(struct eddy__output *output)
{
    struct eddy__chunk *dropped = output->first;

    *output = (struct eddy__output){0};
    output_free(dropped);
}
