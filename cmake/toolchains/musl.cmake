# SPDX-License-Identifier: MIT
# Programs with musl as their C library, linked into them: nothing of the system's own is used, and
# they run on any Linux of this machine's processor.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR "${CMAKE_HOST_SYSTEM_PROCESSOR}")
set(CMAKE_C_COMPILER musl-gcc)
# Its FD_SET() counts bits in unsigned numbers, its recvmmsg() takes unsigned flags: glibc's do not.
set(CMAKE_C_FLAGS_INIT "-Wno-sign-conversion")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
