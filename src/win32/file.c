/* SPDX-License-Identifier: MIT */
/*
 * Reading at an offset moves the position of a file that was opened without overlapped I/O, which
 * all duplicates of a handle share. Reading is therefore done on the file opened once more. That
 * fails if the program shares it with nobody: then the position is put back after each read, and
 * while one is under way the program can see it elsewhere.
 */
#include "common/file.h"
#include "common/error.h"
#include "win32/system.h"

static int file_error(void)
{
    return eddy__system_error((int64_t)GetLastError());
}

int eddy__file_size(eddy_file file, int64_t *size)
{
    LARGE_INTEGER found;
    DWORD type;

    SetLastError(NO_ERROR);
    type = GetFileType((HANDLE)file);
    if (type == FILE_TYPE_UNKNOWN && GetLastError() != NO_ERROR)
        return file_error();
    if (type != FILE_TYPE_DISK)
        return eddy_error(EDDY_EINVALID, "handle %p is not a regular file", (void *)file);
    if (!GetFileSizeEx((HANDLE)file, &found))
        return file_error();
    *size = found.QuadPart;
    return 0;
}

int eddy__file_duplicate(eddy_file file, eddy_file *copy)
{
    HANDLE process = GetCurrentProcess();
    HANDLE made;

    if (!DuplicateHandle(process, (HANDLE)file, process, &made, 0, FALSE, DUPLICATE_SAME_ACCESS))
        return file_error();
    *copy = (eddy_file)made;
    return 0;
}

eddy_file eddy__file_reader(eddy_file file)
{
    HANDLE reader = ReOpenFile((HANDLE)file, GENERIC_READ,
                               FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0);

    return reader != INVALID_HANDLE_VALUE ? (eddy_file)reader : file;
}

int64_t eddy__file_read(eddy_file file, void *buffer, size_t size, int64_t offset)
{
    OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    LARGE_INTEGER none = {.QuadPart = 0};
    LARGE_INTEGER before;
    bool has_position;
    DWORD got = 0;
    int error = 0;

    if (event == NULL)
        return file_error();
    has_position = SetFilePointerEx((HANDLE)file, none, &before, FILE_CURRENT);
    /* The low bit keeps the packet from a port that the program may have given the handle to. */
    at.hEvent = (HANDLE)((uintptr_t)event | 1);
    if (!ReadFile((HANDLE)file, buffer, (DWORD)size, &got, &at) &&
        (GetLastError() != ERROR_IO_PENDING ||
         !GetOverlappedResult((HANDLE)file, &at, &got, TRUE)) &&
        GetLastError() != ERROR_HANDLE_EOF)
        error = file_error();
    if (has_position)
        SetFilePointerEx((HANDLE)file, before, NULL, FILE_BEGIN);
    CloseHandle(event);
    return error != 0 ? error : (int64_t)got;
}

void eddy__file_seek(eddy_file file, int64_t position)
{
    LARGE_INTEGER to = {.QuadPart = position};

    SetFilePointerEx((HANDLE)file, to, NULL, FILE_BEGIN);
}

void eddy__file_close(eddy_file file)
{
    CloseHandle((HANDLE)file);
}
