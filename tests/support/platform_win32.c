/* SPDX-License-Identifier: MIT */
#if defined(_WIN32)
#include "support/platform.h"
#include "support/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <windows.h>
#include <winioctl.h>

void platform_descriptors_look(struct platform_descriptors *descriptors)
{
    memset(descriptors, 0, sizeof *descriptors);
}

int platform_descriptors_print_new(const struct platform_descriptors *before)
{
    (void)before;
    return 0;
}

int platform_children_print(void)
{
    return 0;
}

void platform_socket_reset(eddy_socket socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt((SOCKET)socket, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger);
    closesocket((SOCKET)socket);
}

bool platform_folder_new(char *path, size_t size)
{
    char parent[MAX_PATH + 1];
    DWORD length = GetTempPathA(sizeof parent, parent);

    if (length == 0 || length > MAX_PATH)
        return false;
    snprintf(path, size, "%seddy-%lu", parent, (unsigned long)GetCurrentProcessId());
    return CreateDirectoryA(path, NULL) || GetLastError() == ERROR_ALREADY_EXISTS;
}

void platform_folder_remove(const char *path)
{
    char pattern[MAX_PATH + 8];
    char file[2 * MAX_PATH + 8];
    WIN32_FIND_DATAA found;
    HANDLE search;

    snprintf(pattern, sizeof pattern, "%s\\*", path);
    search = FindFirstFileA(pattern, &found);
    while (search != INVALID_HANDLE_VALUE) {
        snprintf(file, sizeof file, "%s\\%s", path, found.cFileName);
        DeleteFileA(file); /* not "." and "..", which are no files */
        if (!FindNextFileA(search, &found))
            break;
    }
    if (search != INVALID_HANDLE_VALUE)
        FindClose(search);
    RemoveDirectoryA(path);
}

bool platform_path_exists(const char *path)
{
    return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

eddy_file platform_file_open(const char *path)
{
    return (eddy_file)CreateFileA(path, GENERIC_READ | GENERIC_WRITE,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                  OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

void platform_file_close(eddy_file file)
{
    CloseHandle((HANDLE)file);
}

int64_t platform_file_position(eddy_file file)
{
    LARGE_INTEGER nowhere = {.QuadPart = 0};
    LARGE_INTEGER position;

    return SetFilePointerEx((HANDLE)file, nowhere, &position, FILE_CURRENT) ? position.QuadPart
                                                                            : -1;
}

bool platform_file_resize(eddy_file file, int64_t size)
{
    LARGE_INTEGER end = {.QuadPart = size};

    return SetFilePointerEx((HANDLE)file, end, NULL, FILE_BEGIN) && SetEndOfFile((HANDLE)file);
}

bool platform_file_put(eddy_file file, int64_t at, char byte)
{
    OVERLAPPED where = {.Offset = (DWORD)at, .OffsetHigh = (DWORD)(at >> 32)};
    DWORD put;
    DWORD bytes;

    DeviceIoControl((HANDLE)file, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &bytes, NULL);
    return WriteFile((HANDLE)file, &byte, 1, &put, &where) && put == 1;
}

void platform_trap(void)
{
    DebugBreak();
}

void *platform_share(size_t size)
{
    (void)size;
    return NULL;
}

void platform_unshare(void *memory, size_t size)
{
    (void)memory;
    (void)size;
}

enum platform_end platform_run(void (*function)(void *arg), void *arg, unsigned seconds,
                               char *output, size_t size)
{
    (void)function;
    (void)arg;
    (void)seconds;
    if (size > 0)
        output[0] = '\0';
    return PLATFORM_CRASHED;
}

void platform_default_faults(void)
{
}

bool platform_knows_localhost(void)
{
    return true; /* the resolver itself answers for it */
}

void platform_set_environment(const char *name, const char *value)
{
    _putenv_s(name, value != NULL ? value : "");
}
#else
/* A translation unit must not be empty. */
extern int platform_win32_is_empty_elsewhere;
#endif
