# SPDX-License-Identifier: MIT
# Finds OpenSSL: here and not in src, since the tests use it, too.

if(NOT EDDY_TLS)
    message(STATUS "eddy: without TLS")
    return()
endif()

find_package(OpenSSL 3.0 COMPONENTS SSL Crypto)
if(NOT OPENSSL_FOUND)
    message(FATAL_ERROR "eddy needs OpenSSL 3 (libssl-dev, openssl-devel, openssl@3) for TLS; "
        "-DOPENSSL_ROOT_DIR=... says where it is, -DEDDY_TLS=OFF builds eddy without")
endif()
message(STATUS "eddy: TLS by OpenSSL ${OPENSSL_VERSION}")
