/* SPDX-License-Identifier: MIT */
#if !defined(_WIN32)
#include "support/platform.h"
#include "support/support.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* One call for all of them, where the system allows so many: a sweep looks very often. */
static bool platform_poll_all(struct pollfd asked[PLATFORM_DESCRIPTORS])
{
    for (int fd = 0; fd < PLATFORM_DESCRIPTORS; fd++)
        asked[fd] = (struct pollfd){.fd = fd};
    return poll(asked, PLATFORM_DESCRIPTORS, 0) >= 0;
}

void platform_descriptors_look(struct platform_descriptors *descriptors)
{
    struct pollfd asked[PLATFORM_DESCRIPTORS];
    bool answered = platform_poll_all(asked);

    for (int fd = 0; fd < PLATFORM_DESCRIPTORS; fd++)
        descriptors->open[fd] =
            answered ? !(asked[fd].revents & POLLNVAL) : fcntl(fd, F_GETFD) != -1;
}

int platform_descriptors_print_new(const struct platform_descriptors *before)
{
    struct platform_descriptors now;
    char path[64], target[128];
    ssize_t length;
    int fd, count = 0;

    platform_descriptors_look(&now);
    for (fd = 0; fd < PLATFORM_DESCRIPTORS; fd++) {
        if (!now.open[fd] || before->open[fd])
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        print_error("    descriptor %d %s\n", fd, target);
        count++;
    }
    return count;
}

int platform_children_print(void)
{
    siginfo_t child;

    /* A child that was killed may take a moment. Peeks, so that nothing is reaped here. */
    for (int i = 0; i < 1000; i++) {
        child.si_pid = 0;
        if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0)
            return 0; /* ECHILD: none */
        poll(NULL, 0, 1);
    }
    print_error("    a child %s\n", child.si_pid != 0 ? "that nobody has reaped" : "that runs");
    return 1;
}

void platform_socket_reset(eddy_socket socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt((int)socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close((int)socket);
}

bool platform_folder_new(char *path, size_t size)
{
    const char *parent = getenv("TMPDIR");

    snprintf(path, size, "%s/eddy-XXXXXX", parent != NULL && *parent != '\0' ? parent : "/tmp");
    return mkdtemp(path) != NULL;
}

void platform_folder_remove(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
    rmdir(path);
}

bool platform_path_exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

eddy_file platform_file_open(const char *path)
{
    return open(path, O_RDWR | O_CLOEXEC);
}

void platform_file_close(eddy_file file)
{
    close((int)file);
}

int64_t platform_file_position(eddy_file file)
{
    return lseek((int)file, 0, SEEK_CUR);
}

bool platform_file_resize(eddy_file file, int64_t size)
{
    return ftruncate((int)file, (off_t)size) == 0;
}

bool platform_file_put(eddy_file file, int64_t at, char byte)
{
    return pwrite((int)file, &byte, 1, (off_t)at) == 1;
}

void platform_trap(void)
{
    raise(SIGTRAP);
}

void *platform_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED ? memory : NULL;
}

void platform_unshare(void *memory, size_t size)
{
    munmap(memory, size);
}

/* The child's side: everything printed goes to `output`. */
static _Noreturn void platform_child(void (*function)(void *arg), void *arg, unsigned seconds,
                                     int output)
{
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    signal(SIGALRM, SIG_DFL);
    alarm(seconds);
    function(arg);
    fflush(NULL);
    _exit(0);
}

static void platform_read_output(FILE *file, char *output, size_t size)
{
    long end;

    fseek(file, 0, SEEK_END);
    end = ftell(file);
    fseek(file, end > (long)size - 1 ? end - (long)size + 1 : 0, SEEK_SET);
    output[fread(output, 1, size - 1, file)] = '\0';
}

enum platform_end platform_run(void (*function)(void *arg), void *arg, unsigned seconds,
                               char *output, size_t size)
{
    FILE *file = tmpfile();
    int status = 0;
    pid_t child;

    if (file == NULL) {
        perror("tmpfile");
        exit(1);
    }
    fflush(NULL);
    child = fork();
    if (child == -1) {
        perror("fork");
        exit(1);
    }
    if (child == 0)
        platform_child(function, arg, seconds, fileno(file));
    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        ;
    platform_read_output(file, output, size);
    fclose(file);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return PLATFORM_HUNG;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? PLATFORM_RETURNED : PLATFORM_CRASHED;
}

void platform_default_faults(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT};
    size_t i;

    for (i = 0; i < sizeof faults / sizeof *faults; i++)
        signal(faults[i], SIG_DFL);
}

bool platform_knows_localhost(void)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;

    if (getaddrinfo("localhost", NULL, &hints, &list) != 0)
        return false;
    freeaddrinfo(list);
    return true;
}

void platform_set_environment(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}
#else
/* A translation unit must not be empty. */
extern int platform_posix_is_empty_on_windows;
#endif
