/* SPDX-License-Identifier: MIT */
/**
 * Talks with an interactive program through pipes, as a person does: says a line, waits until the
 * answer is there, says the next. `dialogue SAY ANSWER [SAY ANSWER]... -- PROGRAM [ARGUMENTS...]`
 *
 * An answer is any text that has to appear in what the program writes, on its stdout or stderr,
 * after the line was said; "" is none, and nothing is waited for. In the end stdin is closed, and
 * the program's exit status is this one's.
 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE EDDY_SECONDS(20)

struct dialogue {
    eddy_protocol protocol;
    eddy_transport *child; /* a reference */
    const char *const *lines;
    size_t line_count; /* said and answered ones together */
    const char *const *argv;
    const char *wanted;    /* NULL: nobody waits for an answer */
    eddy_future *answered; /* who waits */
    char heard[65536];     /* since the last line, with a NUL */
    size_t heard_size;
    int64_t returncode;
};

static int on_output(eddy_protocol *protocol, int fd, const void *data, size_t size)
{
    struct dialogue *dialogue = (struct dialogue *)protocol;

    (void)fd;
    if (size >= sizeof dialogue->heard - dialogue->heard_size)
        return eddy_error(EDDY_EOVERFLOW, "the program says too much");
    memcpy(dialogue->heard + dialogue->heard_size, data, size);
    dialogue->heard_size += size;
    dialogue->heard[dialogue->heard_size] = '\0';
    if (dialogue->wanted == NULL || strstr(dialogue->heard, dialogue->wanted) == NULL)
        return 0;
    dialogue->wanted = NULL;
    return eddy_future_set_result(dialogue->answered, (eddy_value){0});
}

static const eddy_protocol_callbacks callbacks = {.pipe_data_received = on_output};

static eddy_protocol *same_protocol(void *dialogue)
{
    return &((struct dialogue *)dialogue)->protocol;
}

/* Say one line, and wait for its answer. */
static int exchange(struct dialogue *dialogue, const char *line, const char *answer)
{
    eddy_transport *input = eddy_transport_get_pipe_transport(dialogue->child, 0);
    eddy_buffer buffers[] = {{line, strlen(line)}, {"\n", 1}};
    int error;

    dialogue->heard_size = 0;
    dialogue->heard[0] = '\0';
    dialogue->wanted = answer;
    dialogue->answered = eddy_loop_create_future(eddy_get_running_loop());
    error = eddy_transport_writelines(input, buffers, 2);
    if (error == 0 && answer[0] != '\0')
        error = eddy_await_for(eddy_future_ref(dialogue->answered), PATIENCE, NULL);
    dialogue->wanted = NULL;
    eddy_future_unref(dialogue->answered);
    if (error)
        fprintf(stderr, "dialogue: after '%s' no '%s' but '%s'\n", line, answer, dialogue->heard);
    return error;
}

static int converse(void *arg, eddy_value *result)
{
    struct dialogue *dialogue = arg;
    eddy_value value;
    int error = eddy_await(eddy_loop_subprocess_exec(eddy_get_running_loop(), same_protocol,
                                                     dialogue, dialogue->argv, NULL),
                           &value);

    (void)result;
    if (error)
        return error;
    dialogue->child = value.transport;
    for (size_t i = 0; i < dialogue->line_count && error == 0; i += 2)
        error = exchange(dialogue, dialogue->lines[i], dialogue->lines[i + 1]);
    if (error == 0) {
        eddy_transport_close(eddy_transport_get_pipe_transport(dialogue->child, 0));
        error = eddy_await_for(eddy_process_wait(dialogue->child), PATIENCE, &value);
    }
    if (error == 0)
        dialogue->returncode = value.integer;
    eddy_transport_close(dialogue->child);
    eddy_transport_unref(dialogue->child);
    return error;
}

int main(int argc, char **argv)
{
    static struct dialogue dialogue;
    int end = 1;
    int error;

    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    if (end + 1 >= argc || end < 3 || end % 2 == 0) {
        fprintf(stderr, "usage: dialogue SAY ANSWER [SAY ANSWER]... -- PROGRAM [ARGUMENTS...]\n");
        return 2;
    }
    dialogue.lines = (const char *const *)argv + 1;
    dialogue.line_count = (size_t)end - 1;
    dialogue.argv = (const char *const *)argv + end + 1;
    eddy_protocol_init(&dialogue.protocol, &callbacks);
    error = eddy_run(converse, &dialogue, NULL, NULL);
    if (error)
        fprintf(stderr, "dialogue: %s\n", eddy_error_text());
    return error ? 99 : (int)dialogue.returncode;
}
