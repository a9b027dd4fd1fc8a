# SPDX-License-Identifier: MIT
# Installs the library so that find_package(eddy) and pkg-config find it.
include(CMakePackageConfigHelpers)

set(eddy_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/eddy")

install(TARGETS eddy EXPORT eddy_targets
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/eddy" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h")
install(EXPORT eddy_targets FILE eddy-targets.cmake NAMESPACE eddy::
    DESTINATION "${eddy_cmake_dir}")

# A shared library has found OpenSSL already; who links a static one has to.
set(eddy_needs_openssl OFF)
set(eddy_pc_requires "")
if(EDDY_TLS AND NOT BUILD_SHARED_LIBS)
    set(eddy_needs_openssl ON)
    set(eddy_pc_requires "Requires: openssl >= 3.0.0\n")
endif()
configure_package_config_file(cmake/eddy-config.cmake.in eddy-config.cmake
    INSTALL_DESTINATION "${eddy_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/eddy-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/eddy-config.cmake"
              "${PROJECT_BINARY_DIR}/eddy-config-version.cmake"
    DESTINATION "${eddy_cmake_dir}")

# What a program has to add: always for a static library, only privately for a shared one.
if(WIN32)
    list(TRANSFORM eddy_windows_libraries PREPEND "-l" OUTPUT_VARIABLE eddy_pc_libs)
    list(JOIN eddy_pc_libs " " eddy_pc_libs)
else()
    set(eddy_pc_libs "${CMAKE_THREAD_LIBS_INIT}")
    if(NOT eddy_pc_libs)
        set(eddy_pc_libs "-pthread")
    endif()
    if(APPLE)
        string(APPEND eddy_pc_libs " -framework Security -framework CoreFoundation")
    endif()
endif()
if(eddy_atomic_library)
    string(APPEND eddy_pc_libs " -l${eddy_atomic_library}")
endif()
if(BUILD_SHARED_LIBS)
    set(eddy_pc_cflags "-DEDDY_SHARED")
    set(eddy_pc_libs_public "")
else()
    set(eddy_pc_cflags "")
    set(eddy_pc_libs_public " ${eddy_pc_libs}")
endif()
foreach(dir IN ITEMS INCLUDEDIR LIBDIR)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
        set(eddy_pc_${dir} "${CMAKE_INSTALL_${dir}}")
    else()
        set(eddy_pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
    endif()
endforeach()
configure_file(cmake/eddy.pc.in eddy.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/eddy.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
