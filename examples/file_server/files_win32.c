/* SPDX-License-Identifier: MIT */
#include "files.h"
#include <stdio.h>
#include <windows.h>

/** The path in Windows' own encoding. False if it is too long or not UTF-8. */
static bool path_widen(const char *path, WCHAR wide[4096])
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, 4096) > 0;
}

enum file_kind file_look(const char *path)
{
    WCHAR wide[4096];
    DWORD attributes = path_widen(path, wide) ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;

    if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_DEVICE) != 0)
        return FILE_MISSING;
    return (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? FILE_FOLDER : FILE_REGULAR;
}

bool file_open(const char *path, struct file *file)
{
    WCHAR wide[4096];
    LARGE_INTEGER size;
    HANDLE handle;

    if (!path_widen(path, wide))
        return false;
    handle = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                         NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    /* Names such as NUL or COM1 are devices, wherever they stand. */
    if (GetFileType(handle) != FILE_TYPE_DISK || !GetFileSizeEx(handle, &size)) {
        CloseHandle(handle);
        return false;
    }
    *file = (struct file){(intptr_t)handle, size.QuadPart};
    return true;
}

void file_close(struct file *file)
{
    if (file->number != -1)
        CloseHandle((HANDLE)file->number);
    *file = NO_FILE;
}

bool folder_list(const char *path, void (*visit)(void *arg, const char *name, bool is_folder),
                 void *arg)
{
    WIN32_FIND_DATAW entry;
    WCHAR wide[4096];
    char text[4096];
    HANDLE search;

    if (snprintf(text, sizeof text, "%s/*", path) >= (int)sizeof text || !path_widen(text, wide))
        return false;
    search = FindFirstFileW(wide, &entry);
    if (search == INVALID_HANDLE_VALUE)
        return false;
    do {
        if (WideCharToMultiByte(CP_UTF8, 0, entry.cFileName, -1, text, sizeof text, NULL, NULL) >
                0 &&
            text[0] != '.')
            visit(arg, text, (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0);
    } while (FindNextFileW(search, &entry));
    FindClose(search);
    return true;
}
