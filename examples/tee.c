/* SPDX-License-Identifier: MIT */
/**
 * Copies standard input to standard output and to a file: `producer | tee FILE | consumer`.
 *
 * While the consumer does not keep up, reading stops, so that little is kept in memory. If it goes
 * away, the copy ends. Both standard streams have to be pipes, sockets or terminals.
 */
#include <eddy/eddy.h>
#include <stdio.h>

struct tee {
    eddy_protocol input;
    eddy_protocol output;
    eddy_transport *reader; /* NULL: not there any more */
    eddy_transport *writer;
    FILE *file;
};

static struct tee *tee_of_output(eddy_protocol *protocol)
{
    return (struct tee *)(void *)((char *)protocol - offsetof(struct tee, output));
}

static int input_made(eddy_protocol *protocol, eddy_transport *transport)
{
    ((struct tee *)protocol)->reader = transport;
    return 0;
}

static int input_data(eddy_protocol *protocol, const void *data, size_t size)
{
    struct tee *tee = (struct tee *)protocol;

    if (fwrite(data, 1, size, tee->file) != size)
        perror("tee");
    return tee->writer != NULL ? eddy_transport_write(tee->writer, data, size) : 0;
}

static int input_lost(eddy_protocol *protocol, int error)
{
    struct tee *tee = (struct tee *)protocol;

    (void)error;
    tee->reader = NULL;
    if (tee->writer != NULL)
        eddy_transport_close(tee->writer); /* once everything is written */
    return 0;
}

static int output_made(eddy_protocol *protocol, eddy_transport *transport)
{
    tee_of_output(protocol)->writer = transport;
    return 0;
}

static int output_pause(eddy_protocol *protocol)
{
    struct tee *tee = tee_of_output(protocol);

    return tee->reader != NULL ? eddy_transport_pause_reading(tee->reader) : 0;
}

static int output_resume(eddy_protocol *protocol)
{
    struct tee *tee = tee_of_output(protocol);

    return tee->reader != NULL ? eddy_transport_resume_reading(tee->reader) : 0;
}

static int output_lost(eddy_protocol *protocol, int error)
{
    struct tee *tee = tee_of_output(protocol);
    eddy_loop *loop = eddy_transport_get_loop(tee->writer);

    if (error)
        fprintf(stderr, "tee: %s\n", eddy_error_text());
    tee->writer = NULL;
    if (tee->reader != NULL)
        eddy_transport_close(tee->reader);
    eddy_loop_stop(loop);
    return 0;
}

static const eddy_protocol_callbacks input_callbacks = {
    .connection_made = input_made,
    .data_received = input_data,
    .connection_lost = input_lost,
};

static const eddy_protocol_callbacks output_callbacks = {
    .connection_made = output_made,
    .pause_writing = output_pause,
    .resume_writing = output_resume,
    .connection_lost = output_lost,
};

static eddy_protocol *factory(void *protocol)
{
    return protocol;
}

static int copy(eddy_loop *loop, struct tee *tee)
{
    int error;

    error = eddy_loop_run_until_complete(
        loop, eddy_loop_connect_write_pipe(loop, factory, &tee->output, 1, NULL), NULL);
    if (error == 0)
        error = eddy_loop_run_until_complete(
            loop, eddy_loop_connect_read_pipe(loop, factory, &tee->input, 0, NULL), NULL);
    if (error == 0)
        error = eddy_loop_run_forever(loop); /* until output_lost() */
    return error;
}

int main(int argc, char **argv)
{
    struct tee tee = {.file = argc == 2 ? fopen(argv[1], "wb") : NULL};
    eddy_loop *loop;
    int error;

    if (tee.file == NULL) {
        fprintf(stderr, "usage: tee FILE\n");
        return 2;
    }
    eddy_protocol_init(&tee.input, &input_callbacks);
    eddy_protocol_init(&tee.output, &output_callbacks);
    error = eddy_new_event_loop(&loop);
    if (error == 0) {
        error = copy(loop, &tee);
        if (error)
            fprintf(stderr, "tee: %s\n", eddy_error_text());
        eddy_loop_close(loop);
        eddy_loop_unref(loop);
    }
    fclose(tee.file);
    return error != 0;
}
