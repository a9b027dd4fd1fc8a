/* SPDX-License-Identifier: MIT */
/**
 * What the loop's resolver answers: `resolve NAME` prints the addresses of a name, one a line and
 * in order, `resolve -r ADDRESS` the name of an address. To be compared with other programs.
 */
#include <eddy/eddy.h>
#include <stdio.h>
#include <string.h>

struct question {
    const char *text;
    bool reverse;
};

static int print_addresses(eddy_loop *loop, const char *name)
{
    /* What getent(1) asks for. */
    eddy_addrinfo_options options = {.type = EDDY_STREAM, .flags = EDDY_AI_ADDRCONFIG};
    eddy_value value;
    int error = eddy_await(eddy_loop_getaddrinfo(loop, name, NULL, &options), &value);

    if (error)
        return error;
    for (size_t i = 0; i < eddy_address_list_count(value.addresses); i++) {
        char text[EDDY_ADDRESS_TEXT_MAX];

        eddy_address_host(&eddy_address_list_get(value.addresses, i)->address, text, sizeof text);
        puts(text);
    }
    eddy_address_list_free(value.addresses);
    return 0;
}

static int print_name(eddy_loop *loop, const char *text)
{
    eddy_address address;
    eddy_value value;
    int error = eddy_address_parse(text, 0, &address);

    if (error == 0)
        error = eddy_await(eddy_loop_getnameinfo(loop, &address, EDDY_NI_NAMEREQD), &value);
    if (error)
        return error;
    puts(value.name_info->host);
    eddy_name_info_free(value.name_info);
    return 0;
}

static int resolve(void *arg, eddy_value *result)
{
    const struct question *question = arg;
    eddy_loop *loop = eddy_get_running_loop();

    (void)result;
    return question->reverse ? print_name(loop, question->text)
                             : print_addresses(loop, question->text);
}

int main(int argc, char **argv)
{
    struct question question = {0};
    int error;

    question.reverse = argc == 3 && strcmp(argv[1], "-r") == 0;
    if (argc != 2 + question.reverse) {
        fprintf(stderr, "usage: resolve NAME | -r ADDRESS\n");
        return 2;
    }
    question.text = argv[argc - 1];
    error = eddy_run(resolve, &question, NULL, NULL);
    if (error)
        fprintf(stderr, "resolve: %s\n", eddy_error_text());
    return error != 0;
}
