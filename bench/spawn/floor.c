/* SPDX-License-Identifier: MIT */
/* vfork(), execve() and waitpid(), one child after the other. */
#include "spawn.h"
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct micro micro = spawn_read(argc, argv);
    char *const command[] = {SPAWN_PROGRAM, NULL};
    extern char **environ;
    uint64_t i;
    int status;
    pid_t pid;

    micro_begin();
    for (i = 0; i < micro.n; i++) {
        pid = vfork();
        if (pid == 0) {
            execve(SPAWN_PROGRAM, command, environ);
            _exit(127);
        }
        micro_need(pid < 0 || waitpid(pid, &status, 0) != pid || status != 0, "a child");
    }
    micro_end(micro.n);
    return 0;
}
