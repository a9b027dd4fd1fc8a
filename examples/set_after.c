/* SPDX-License-Identifier: MIT */
/** A task gets its loop, makes a future, and has a callback complete it a second later. */
#include <eddy/eddy.h>
#include <stdio.h>

static int set_text(void *arg)
{
    return eddy_future_set_result(arg, (eddy_value){.text = "... world"});
}

static int say_hello(void *arg, eddy_value *result)
{
    eddy_loop *loop = eddy_get_running_loop();
    eddy_future *future = eddy_loop_create_future(loop);
    eddy_handle timer;
    eddy_value text;
    int error;

    (void)arg;
    (void)result;
    error = eddy_loop_call_later(loop, EDDY_SECONDS(1), set_text, future, &timer);
    if (error) {
        eddy_future_unref(future);
        return error;
    }
    printf("hello ...\n");
    error = eddy_await(future, &text);
    eddy_handle_cancel(timer); /* after Ctrl-C it would find the future gone */
    if (error == 0)
        printf("%s\n", text.text);
    return error;
}

int main(void)
{
    int error = eddy_run(say_hello, NULL, NULL, NULL);

    if (error)
        fprintf(stderr, "set_after: %s\n", eddy_strerror(error));
    return error != 0;
}
