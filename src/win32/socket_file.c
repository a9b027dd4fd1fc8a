/* SPDX-License-Identifier: MIT */
#include "common/socket_file.h"
#include "common/error.h"
#include "common/memory.h"
#include "win32/wide.h"

/* A Unix socket is a file that only a reparse point's tag tells from others. */
#if !defined(IO_REPARSE_TAG_AF_UNIX)
#define IO_REPARSE_TAG_AF_UNIX 0x80000023L
#endif

static int file_error(void)
{
    return eddy__system_error((int64_t)GetLastError());
}

static int file_identify(HANDLE file, struct eddy__file_identity *identity)
{
    FILE_ATTRIBUTE_TAG_INFO tag;
    BY_HANDLE_FILE_INFORMATION info;

    if (!GetFileInformationByHandleEx(file, FileAttributeTagInfo, &tag, sizeof tag) ||
        !GetFileInformationByHandle(file, &info))
        return file_error();
    if (!(tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) ||
        tag.ReparseTag != (DWORD)IO_REPARSE_TAG_AF_UNIX)
        return EDDY_ENOTSOCK;
    identity->volume = info.dwVolumeSerialNumber;
    identity->number = ((uint64_t)info.nFileIndexHigh << 32) | info.nFileIndexLow;
    return 0;
}

int eddy__socket_file_identify(const char *path, struct eddy__file_identity *identity)
{
    WCHAR *wide;
    HANDLE file;
    int error = eddy__wide_from_utf8(path, &wide);

    if (error)
        return error;
    file =
        CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                    OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
    error = file == INVALID_HANDLE_VALUE ? file_error() : file_identify(file, identity);
    if (file != INVALID_HANDLE_VALUE)
        CloseHandle(file);
    eddy__free(wide);
    return error;
}

int eddy__socket_file_unlink(const char *path)
{
    WCHAR *wide;
    int error = eddy__wide_from_utf8(path, &wide);

    if (error)
        return error;
    error = DeleteFileW(wide) ? 0 : file_error();
    eddy__free(wide);
    return error;
}
