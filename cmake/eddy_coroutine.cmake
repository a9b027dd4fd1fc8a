# SPDX-License-Identifier: MIT
# Decides how a task's stack is switched; the answer is in eddy_coroutine.
include(CheckCSourceCompiles)

# CMAKE_SYSTEM_PROCESSOR says where CMake runs more often than what is built: ask the compiler.
check_c_source_compiles("
#if !defined(__GNUC__) || !(defined(__x86_64__) || defined(__aarch64__)) || defined(__ILP32__)
#error no hand-written switch for this
#endif
int main(void) { return 0; }" EDDY_HAVE_ASM_SWITCH)

# musl has the header without the functions, macOS has deprecated functions.
if(NOT WIN32 AND NOT APPLE)
    check_c_source_compiles("
#include <ucontext.h>
static ucontext_t a, b;
static void run(void) { }
int main(void) { getcontext(&a); makecontext(&a, run, 0); return swapcontext(&b, &a); }"
        EDDY_HAVE_UCONTEXT)
endif()

set(eddy_coroutine "${EDDY_COROUTINE}")
if(eddy_coroutine STREQUAL "auto")
    if(EDDY_HAVE_ASM_SWITCH AND NOT MSVC)
        set(eddy_coroutine asm)
    elseif(WIN32)
        set(eddy_coroutine fiber)
    elseif(EDDY_HAVE_UCONTEXT)
        set(eddy_coroutine ucontext)
    else()
        set(eddy_coroutine thread)
    endif()
elseif(NOT eddy_coroutine MATCHES "^(asm|ucontext|fiber|thread)$")
    message(FATAL_ERROR "EDDY_COROUTINE must be auto, asm, ucontext, fiber or thread")
endif()
string(TOUPPER "EDDY_COROUTINE_${eddy_coroutine}" eddy_coroutine_macro)
message(STATUS "eddy: tasks switch stacks by ${eddy_coroutine}")
