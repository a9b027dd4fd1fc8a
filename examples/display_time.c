/* SPDX-License-Identifier: MIT */
/** Prints the time every second for five seconds, with call_later(); then stops the loop. */
#include <eddy/eddy.h>
#include <stdio.h>
#include <time.h>

struct display {
    eddy_loop *loop;
    eddy_time end;
};

static bool local_time(const time_t *now, struct tm *parts)
{
#if defined(_WIN32)
    return localtime_s(parts, now) == 0;
#else
    return localtime_r(now, parts) != NULL;
#endif
}

static int show(void *arg)
{
    struct display *display = arg;
    char text[32] = "?";
    time_t now = time(NULL);
    struct tm parts;

    if (local_time(&now, &parts))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    printf("%s\n", text);
    if (eddy_loop_time(display->loop) + EDDY_SECONDS(1) < display->end)
        return eddy_loop_call_later(display->loop, EDDY_SECONDS(1), show, display, NULL);
    eddy_loop_stop(display->loop);
    return 0;
}

int main(void)
{
    struct display display;
    int error = eddy_new_event_loop(&display.loop);

    if (error)
        goto failed;
    display.end = eddy_loop_time(display.loop) + EDDY_SECONDS(5);
    error = eddy_loop_call_soon(display.loop, show, &display, NULL);
    if (error == 0)
        error = eddy_loop_run_forever(display.loop);
    eddy_loop_close(display.loop);
    eddy_loop_unref(display.loop);
failed:
    if (error)
        fprintf(stderr, "display_time: %s\n", eddy_strerror(error));
    return error != 0;
}
