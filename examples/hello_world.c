/* SPDX-License-Identifier: MIT */
/** The smallest program: one callback prints and stops the loop, which is closed at the end. */
#include <eddy/eddy.h>
#include <stdio.h>

static int hello(void *arg)
{
    printf("Hello World\n");
    eddy_loop_stop(arg);
    return 0;
}

int main(void)
{
    eddy_loop *loop;
    int error = eddy_new_event_loop(&loop);

    if (error)
        goto failed;
    error = eddy_loop_call_soon(loop, hello, loop, NULL);
    if (error == 0)
        error = eddy_loop_run_forever(loop);
    eddy_loop_close(loop);
    eddy_loop_unref(loop);
failed:
    if (error)
        fprintf(stderr, "hello_world: %s\n", eddy_strerror(error));
    return error != 0;
}
