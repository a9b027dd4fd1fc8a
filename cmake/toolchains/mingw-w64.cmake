# SPDX-License-Identifier: MIT
# Windows programs built on another system and run with wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# A DLL of the compiler that is not beside the program ends it without a word under wine.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
find_program(EDDY_WINE NAMES wine wine64)
if(EDDY_WINE)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${EDDY_WINE}")
endif()
