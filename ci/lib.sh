# SPDX-License-Identifier: MIT
# What the scripts of this folder share. Sourced, with the project's folder as the current one.

say()
{
    printf '== %s\n' "$*"
}

die()
{
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# A part that cannot run here says why; the caller reports it as skipped.
skip_part()
{
    printf 'skipped: %s\n' "$*"
    exit 77
}

jobs_count()
{
    getconf _NPROCESSORS_ONLN 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2
}

# quietly LOG COMMAND...: keep the output in build/logs; show its end only if the command fails.
quietly()
{
    log=build/logs/$1.log
    shift
    mkdir -p build/logs
    "$@" >"$log" 2>&1 && return 0
    printf 'failed: %s\n' "$*" >&2
    grep -v '^\[ *[0-9]*%\]' "$log" | tail -n 40 >&2
    return 1
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    elif command -v doas >/dev/null 2>&1; then
        doas "$@"
    else
        printf 'this needs root, and there is neither sudo nor doas: %s\n' "$*" >&2
        return 1
    fi
}

#
# Packages. An item is what the scripts need; `has` asks for the thing itself, not for a package.
#
package_manager()
{
    for manager in apt-get dnf pacman apk brew; do
        if command -v $manager >/dev/null 2>&1; then
            echo $manager
            return
        fi
    done
}

compiles_c()
{
    probe=$(mktemp -d) || return 1
    printf '%s\nint main(void) { return 0; }\n' "$2" >"$probe/a.c"
    "$1" -o "$probe/a.out" "$probe/a.c" $3 >/dev/null 2>&1
    status=$?
    rm -rf "$probe"
    return $status
}

# Homebrew keeps it out of the compiler's sight; CMake finds it there by itself.
openssl_folder()
{
    for folder in /opt/homebrew/opt/openssl@3 /usr/local/opt/openssl@3; do
        [ ! -d $folder ] || echo "-I$folder/include -L$folder/lib"
    done
}

has()
{
    case $1 in
    cc) compiles_c cc '#include <stdio.h>' ;;
    clang) compiles_c clang '#include <stdio.h>' ;;
    cmocka) compiles_c cc '#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>' "-L/opt/homebrew/lib -I/opt/homebrew/include -lcmocka" ;;
    openssl-dev) compiles_c cc '#include <openssl/ssl.h>
#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error older than 3.0
#endif' "$(openssl_folder) -lssl -lcrypto" ;;
    perl) perl -MFile::Compare -MFindBin -MIPC::Cmd -e 1 2>/dev/null ;;
    c++) printf 'int main() {}\n' | c++ -x c++ -fsyntax-only - 2>/dev/null ;;
    clang-sanitizers) compiles_c clang '' -fsanitize=address ;;
    clang-fuzzer) compiles_c clang '' -fsanitize=address,fuzzer-no-link ;;
    sanitizers)
        compiles_c cc '' -fsanitize=address,undefined && compiles_c cc '' -fsanitize=thread ;;
    mingw) command -v x86_64-w64-mingw32-gcc >/dev/null 2>&1 ;;
    wine) command -v wine >/dev/null 2>&1 ;;
    aarch64-cc) compiles_c aarch64-linux-gnu-gcc '#include <stdio.h>' ;;
    aarch64-run) command -v qemu-aarch64-static >/dev/null 2>&1 ;;
    i686-cc) compiles_c i686-linux-gnu-gcc '#include <stdio.h>' ;;
    s390x-cc) compiles_c s390x-linux-gnu-gcc '#include <stdio.h>' ;;
    s390x-run) command -v qemu-s390x-static >/dev/null 2>&1 ;;
    musl) compiles_c musl-gcc '#include <stdio.h>' -static ;;
    openbsd-nc) nc -h 2>&1 | grep -q OpenBSD ;;
    libc-debug) [ -e /usr/share/doc/libc6-dbg ] || ! command -v apt-get >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# package_of MANAGER ITEM: the packages' names, empty where the system has none.
package_of()
{
    case $1:$2 in
    apt-get:cc) echo gcc libc6-dev ;;
    dnf:cc) echo gcc glibc-devel ;;
    pacman:cc) echo gcc ;;
    apk:cc) echo gcc musl-dev linux-headers ;;
    brew:cc) ;;
    apt-get:c++ | pacman:c++) echo g++ ;;
    dnf:c++) echo gcc-c++ ;;
    apk:c++) echo g++ ;;
    apt-get:cmocka) echo libcmocka-dev ;;
    dnf:cmocka) echo libcmocka-devel ;;
    apk:cmocka) echo cmocka-dev ;;
    apt-get:openssl-dev) echo libssl-dev ;;
    dnf:openssl-dev) echo openssl-devel ;;
    apk:openssl-dev) echo openssl-dev ;;
    brew:openssl-dev) echo openssl@3 ;;
    *:openssl-dev) echo openssl ;;
    dnf:sanitizers) echo libasan libubsan libtsan ;;
    apk:clang) echo clang compiler-rt ;;
    apt-get:gnutls-cli) echo gnutls-bin ;;
    dnf:gnutls-cli | apk:gnutls-cli) echo gnutls-utils ;;
    *:gnutls-cli) echo gnutls ;;
    *:clang-sanitizers | *:clang-fuzzer) echo clang ;;
    apt-get:sha256sum | dnf:sha256sum) echo coreutils ;;
    dnf:pkg-config) echo pkgconf-pkg-config ;;
    pacman:pkg-config | apk:pkg-config) echo pkgconf ;;
    apt-get:clang-format-14) echo clang-format-14 ;;
    apt-get:libc-debug) echo libc6-dbg ;;
    apt-get:mingw) echo gcc-mingw-w64-x86-64-win32 ;;
    dnf:mingw) echo mingw64-gcc ;;
    pacman:mingw) echo mingw-w64-gcc ;;
    apt-get:wine) echo wine wine64 ;;
    apt-get:aarch64-cc) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross ;;
    apt-get:aarch64-run) echo qemu-user-static ;;
    apt-get:i686-cc) echo gcc-i686-linux-gnu libc6-dev-i386-cross ;;
    apt-get:s390x-cc) echo gcc-s390x-linux-gnu libc6-dev-s390x-cross ;;
    apt-get:s390x-run) echo qemu-user-static ;;
    apt-get:musl) echo musl-tools ;;
    apt-get:openbsd-nc | apk:openbsd-nc) echo netcat-openbsd ;;
    dnf:openbsd-nc) echo netcat ;;
    pacman:openbsd-nc) echo openbsd-netcat ;;
    *:aarch64-* | *:i686-* | *:s390x-* | *:musl) ;;
    *:openbsd-nc | *:clang-format-14 | *:libc-debug | *:sanitizers) ;;
    *:xz) [ "$1" = apt-get ] && echo xz-utils || echo xz ;;
    *) echo "$2" ;;
    esac
}

install_packages()
{
    case $manager in
    apt-get)
        if [ -z "${EDDY_APT_UPDATED:-}" ]; then
            quietly packages as_root apt-get update -q || return 1
            EDDY_APT_UPDATED=yes
            export EDDY_APT_UPDATED
        fi
        quietly packages as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
            --no-install-recommends "$@" ;;
    dnf) quietly packages as_root dnf install -q -y "$@" ;;
    pacman) quietly packages as_root pacman -Sy --noconfirm --needed "$@" ;;
    apk) quietly packages as_root apk add -q "$@" ;;
    brew) quietly packages brew install -q "$@" ;;
    esac
}

# need ITEM...: install what is missing. False, with the reason in $missing, if that cannot be.
need()
{
    wanted=
    for item; do
        has "$item" || wanted="$wanted $item"
    done
    missing=
    [ -n "$wanted" ] || return 0

    manager=$(package_manager)
    packages=
    for item in $wanted; do
        names=
        [ -z "$manager" ] || names=$(package_of "$manager" "$item")
        [ -n "$names" ] || missing="$missing $item"
        packages="$packages $names"
    done
    if [ -n "$missing" ]; then
        missing="please install:$missing (no package known for ${manager:-this system})"
        return 1
    fi
    say "installing:$(echo " $packages" | tr -s ' ')"
    # shellcheck disable=SC2086
    install_packages $packages || {
        missing="$manager could not install:$packages"
        return 1
    }
    for item in $wanted; do
        has "$item" || missing="$missing $item"
    done
    [ -z "$missing" ] || {
        missing="installed, but still not working:$missing"
        return 1
    }
}

need_build_tools()
{
    need cc make cmake || return 1
    version=$(cmake --version | awk 'NR == 1 { print $3 }')
    case $version in
    [0-2].* | 3.[0-9].* | 3.1[0-9].* | 3.20.*)
        missing="CMake 3.21 or newer is needed for the presets, this is $version"
        return 1 ;;
    esac
}

#
# Building and running suites.
#
# choose_tls: sets $tls to ON, or to OFF with a word why: eddy does without OpenSSL.
choose_tls()
{
    tls=ON
    need openssl-dev && return
    tls=OFF
    say "building without TLS: $missing"
}

# build_preset PRESET [OPTION...]: configures and builds into build/PRESET, with TLS if the options
# leave that open and OpenSSL 3 is there or can be installed.
build_preset()
{
    preset=$1
    shift
    case " $* " in
    *' -DEDDY_TLS='*) ;;
    *)
        choose_tls
        set -- "$@" "-DEDDY_TLS=$tls" ;;
    esac
    say "building build/$preset"
    quietly "$preset-configure" cmake --preset "$preset" "$@" &&
        quietly "$preset-build" cmake --build "build/$preset" -j "$(jobs_count)"
}

# build_bench [CMAKE BUILD OPTION...]: the benchmarks, into build/bench.
build_bench()
{
    say "building build/bench"
    quietly bench-configure cmake -S . -B build/bench -DCMAKE_BUILD_TYPE=Release \
        -DEDDY_BUILD_BENCH=ON -DEDDY_BUILD_TESTS=OFF -DEDDY_BUILD_EXAMPLES=OFF &&
        quietly bench-build cmake --build build/bench -j "$(jobs_count)" "$@"
}

# run_tests FOLDER [CTEST OPTION...]: runs ctest, shows it, ends with a line for each test that
# failed and the line of counts.
run_tests()
{
    folder=$1
    shift
    mkdir -p build/logs
    output=build/logs/ctest-$(basename "$folder").txt
    rm -f "$folder/Testing/Temporary/LastTest.log"
    ctest --test-dir "$folder" --output-on-failure --no-tests=error "$@" >"$output" 2>&1
    ctest_status=$?
    # Skipped tests say why in the log only: it is shown too.
    cat "$output"
    show_reasons "$folder/Testing/Temporary/LastTest.log"
    [ -f "$folder/Testing/Temporary/LastTest.log" ] || {
        print_counts 0 1 0
        return 1
    }
    [ $ctest_status -eq 0 ] ||
        awk -f ci/failures.awk "$output" "$folder/Testing/Temporary/LastTest.log"
    # shellcheck disable=SC2046
    set -- $(awk -f ci/count.awk "$output" "$folder/Testing/Temporary/LastTest.log")
    if [ $ctest_status -ne 0 ] && [ "$2" -eq 0 ]; then
        set -- "$1" 1 "$3"
    fi
    print_counts "$1" "$2" "$3"
    [ "$2" -eq 0 ]
}

show_reasons()
{
    [ -f "$1" ] || return 0
    awk '/^[0-9]+\/[0-9]+ Testing: / { name = $3 }
         /^skipped: / { print name ": " $0 }
         /^spec: / { print }
         /\[  SKIPPED \] [^0-9]/ && !seen[name $NF]++ { print name ": skipped: " $NF }' "$1"
}

# failures_of PART LOG: the lines about failed tests, marked with the part they are from. Without
# any it was not built, or not run to the end: then what looks like the reason.
failures_of()
{
    if grep -q '^FAILED: [^[]' "$2"; then
        sed -n "s/^FAILED: \\([^[]\\)/FAILED: [$1] \\1/p" "$2"
    else
        printf 'FAILED: [%s] %s\n' "$1" \
            "$(grep -E -m 1 '(^|[^a-z])error: |^failed: ' "$2" || tail -n 1 "$2")"
    fi
}

print_counts()
{
    printf '%d passed, %d failed, %d skipped\n' "$1" "$2" "$3"
}
