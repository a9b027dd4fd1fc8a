# SPDX-License-Identifier: MIT
# Warnings, sanitizers and the macros that make the system's headers show what they have.

function(eddy_warnings target)
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 /utf-8 $<$<BOOL:${EDDY_WERROR}>:/WX>)
        target_compile_definitions(${target} PRIVATE _CRT_SECURE_NO_WARNINGS)
        return()
    endif()
    foreach(flag IN ITEMS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:${flag}>)
    endforeach()
    if(EDDY_WERROR)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-Werror>)
    endif()
endfunction()

# MSVC needs to be told that C11 atomics are wanted; they are "experimental" up to VS 2022.
if(MSVC AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    add_compile_options(/experimental:c11atomics)
endif()

if(EDDY_SANITIZE)
    add_compile_options(-fsanitize=${EDDY_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${EDDY_SANITIZE})
    if(EDDY_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
endif()

if(EDDY_BUILD_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(WIN32)
    set(eddy_system_macros _WIN32_WINNT=0x0A00 WINVER=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX
        UNICODE _UNICODE)
    set(eddy_windows_libraries ws2_32 mswsock iphlpapi advapi32 crypt32)
    if(MSVC)
        # WaitOnAddress and its like: with MinGW they are asked for at run time or not at all.
        list(APPEND eddy_windows_libraries synchronization)
    endif()
elseif(APPLE)
    set(eddy_system_macros _DARWIN_C_SOURCE)
elseif(CMAKE_SYSTEM_NAME STREQUAL "NetBSD")
    set(eddy_system_macros _NETBSD_SOURCE)
elseif(CMAKE_SYSTEM_NAME MATCHES "BSD|DragonFly")
    set(eddy_system_macros _BSD_SOURCE __BSD_VISIBLE=1)
else()
    # Files beyond 2 GiB on 32-bit systems, too.
    set(eddy_system_macros _GNU_SOURCE _FILE_OFFSET_BITS=64)
endif()

# Functions of a library are numbers of 64 bits on some 32-bit processors (armel, mips, powerpc),
# and those of 8 bits on RISC-V, as for GCC 12.
set(eddy_atomic_library "")
if(NOT MSVC)
    include(CheckCSourceCompiles)
    set(eddy_atomic_program "
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
static _Atomic(uint64_t) number;
static atomic_bool flag;
int main(void) {
    uint64_t seen = atomic_fetch_add(&number, 1);
    return atomic_compare_exchange_strong(&number, &seen, 2) && atomic_exchange(&number, 3) == 1 &&
        atomic_exchange(&flag, true);
}")
    check_c_source_compiles("${eddy_atomic_program}" EDDY_HAVE_ATOMICS)
    if(NOT EDDY_HAVE_ATOMICS)
        list(APPEND CMAKE_REQUIRED_LIBRARIES atomic)
        check_c_source_compiles("${eddy_atomic_program}" EDDY_HAVE_LIBATOMIC)
        list(REMOVE_ITEM CMAKE_REQUIRED_LIBRARIES atomic)
        if(NOT EDDY_HAVE_LIBATOMIC)
            message(FATAL_ERROR "eddy needs atomic numbers of 8 and of 64 bits, for which this "
                "compiler has no instructions here, and no libatomic")
        endif()
        set(eddy_atomic_library atomic)
    endif()
endif()
