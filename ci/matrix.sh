# SPDX-License-Identifier: MIT
# All that ci/test.sh leaves out: `sh ci/matrix.sh [--budget MINUTES] [PART...]`, without names all
# parts but those that run on request only. `sh ci/matrix.sh --list` names them.
#
# Each part installs what it needs, builds into build/<preset>, and ends with one line. A part that
# cannot run on this machine is reported as skipped with the reason, never as passed.
cd "$(dirname "$0")/.." || exit 1
. ci/lib.sh
. ci/deps.sh

# Last what others show, too, if a budget runs out: four other parts build without OpenSSL.
PARTS="headers gcc-release no-tls shared asan tsan wine clang valgrind coroutine-fallbacks \
aarch64 i686 s390x musl guard macos oom faults counterparts fuzz"
# By name only: it takes most of an hour.
PARTS_ON_REQUEST="repeat"
# No part may hang: a limit for each, in seconds. What is asked for at length may take its time.
PART_LIMIT=900
[ -z "${EDDY_SWEEP:-}${EDDY_SWEEP_MINUTES:-}${EDDY_REPEAT:-}" ] || PART_LIMIT=36000

describe()
{
    case $1 in
    headers) echo "tidy, format, and each public header alone, with gcc and clang, as C and C++" ;;
    gcc-release) echo "the suites on the library as users build it, without test hooks" ;;
    no-tls) echo "the suites on the library as it is without OpenSSL" ;;
    shared) echo "the shared library: what it exports, installing it, the examples on it" ;;
    asan) echo "AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer" ;;
    tsan) echo "ThreadSanitizer" ;;
    wine) echo "Windows: MinGW-w64, run with Wine" ;;
    clang) echo "clang, warnings as errors" ;;
    valgrind) echo "the suites under valgrind's memcheck" ;;
    coroutine-fallbacks) echo "tasks switched by ucontext and by threads" ;;
    aarch64) echo "Linux on arm64, run with qemu" ;;
    i686) echo "Linux on 32-bit x86" ;;
    s390x) echo "Linux on a big-endian processor, run with qemu" ;;
    musl) echo "static programs with musl" ;;
    counterparts) echo "programs of others at the other end, thousands of children, churn" ;;
    fuzz) echo "libFuzzer on TLS transports, for 30 seconds (EDDY_FUZZ_SECONDS: longer)" ;;
    guard) echo "what the hot paths cost, in instructions, system calls and allocations" ;;
    macos) echo "macOS: compiled and linked for both processors, not run" ;;
    oom) echo "a sample of all allocations made to fail, on epoll and sim (EDDY_SWEEP=all: each)" ;;
    faults) echo "a sample of all system calls made to fail, on epoll (EDDY_SWEEP=all: each)" ;;
    repeat) echo "the suites 50 times in random order (EDDY_REPEAT: as often)" ;;
    esac
}

need_all()
{
    need_build_tools && need cmocka "$@" || skip_part "$missing"
}

# suites PRESET [OPTION...]: builds a preset and runs all suites, without the checks of sources.
# Side by side: most suites wait more than they compute.
suites()
{
    build_preset "$@" -DEDDY_TEST_SOURCES=OFF && run_tests "build/$1" -j "$(jobs_count)"
}

part_headers()
{
    need_all c++ clang pkg-config
    need clang-format-14 || echo "without clang-format 14: $missing"
    build_preset dev || return 1
    run_tests build/dev -R '^(tidy.*|format|headers|spec|asyncio|install|exports|readme)$' ||
        return 1
    sh tests/headers.sh clang clang++
}

part_gcc_release()
{
    need_all
    suites release
}

part_no_tls()
{
    need_all
    # What TLS leaves out is not a matter of the backend.
    suites no-tls -DEDDY_TLS=OFF "-DEDDY_TEST_BACKENDS=epoll;sim"
}

part_shared()
{
    need_all pkg-config
    suites shared
}

part_asan()
{
    need_all sanitizers
    ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
        UBSAN_OPTIONS=print_stacktrace=1 suites asan -DEDDY_TEST_TIMEOUT=240 \
        "-DEDDY_TEST_BACKENDS=epoll;poll;sim"
}

part_tsan()
{
    need_all sanitizers
    # poll and select have no threads of their own.
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 suites tsan -DEDDY_TEST_TIMEOUT=240 \
        "-DEDDY_TEST_BACKENDS=epoll;sim"
}

part_clang()
{
    need_all clang
    suites clang "-DEDDY_TEST_BACKENDS=epoll;sim"
}

part_valgrind()
{
    need_all valgrind libc-debug
    # The others differ from epoll in little that valgrind could see, and asan has all of them.
    build_preset valgrind -DEDDY_TEST_SOURCES=OFF -DEDDY_TEST_TIMEOUT=400 \
        -DEDDY_TEST_BACKENDS=epoll || return 1
    # Thousands of handshakes each, minutes under valgrind; asan has them.
    echo "tls_cut, tls_memory, tls_memory_transport: left out under valgrind"
    run_tests build/valgrind -j "$(jobs_count)" -E '^tls_(cut|memory|memory_transport)(\.|$)'
}

part_coroutine_fallbacks()
{
    need_all
    suites ucontext "-DEDDY_TEST_BACKENDS=epoll;sim" || failed=yes
    suites thread "-DEDDY_TEST_BACKENDS=epoll;sim" || failed=yes
    [ -z "${failed:-}" ]
}

part_wine()
{
    need_all mingw wine
    build_cmocka mingw cmake/toolchains/mingw-w64.cmake || return 1
    openssl=$PWD/build/deps/openssl-mingw
    if build_openssl mingw mingw64 x86_64-w64-mingw32-; then
        set -- -DEDDY_TLS=ON -DOPENSSL_ROOT_DIR="$openssl" -DOPENSSL_USE_STATIC_LIBS=ON
    else
        say "building without TLS: $missing"
        set -- -DEDDY_TLS=OFF
    fi
    WINEDEBUG=-all
    WINEPREFIX=$PWD/build/deps/wine
    export WINEDEBUG WINEPREFIX
    # Only the server of this prefix is ended, whatever way this part ends.
    trap 'wineserver_stop' EXIT
    say "making a Wine prefix"
    quietly wine-prefix wine cmd /c "exit 0" || skip_part "wine does not start"
    # The simulated backend is the same code as elsewhere, and Wine is slow. At times one of its
    # processes has ended all tests and does not go: what took too long is asked once more.
    build_preset mingw -DCMAKE_FIND_ROOT_PATH="$PWD/build/deps/cmocka-mingw;$openssl" "$@" \
        -DEDDY_TEST_TIMEOUT=150 -DEDDY_TEST_BACKENDS=iocp -DEDDY_TEST_SOURCES=OFF &&
        run_tests build/mingw -j "$(jobs_count)" --repeat after-timeout:2
}

wineserver_stop()
{
    for server in wineserver /usr/lib/wine/wineserver /usr/lib/wine/wineserver64; do
        if command -v $server >/dev/null 2>&1; then
            $server -k
            return 0
        fi
    done
}

part_aarch64()
{
    need_all aarch64-cc aarch64-run
    build_cmocka aarch64 cmake/toolchains/aarch64-linux.cmake || return 1
    suites aarch64 -DCMAKE_FIND_ROOT_PATH="$PWD/build/deps/cmocka-aarch64;/usr/aarch64-linux-gnu" \
        -DEDDY_TLS=OFF -DEDDY_TEST_TIMEOUT=240
}

part_i686()
{
    need_all i686-cc
    build_cmocka i686 cmake/toolchains/i686-linux.cmake || return 1
    # Without instructions for atomic numbers of 64 bits, which are libatomic's functions then.
    quietly i486-configure cmake --preset i686 -B build/i486 \
        -DCMAKE_C_FLAGS='-march=i486 -Wno-psabi' -DCMAKE_FIND_ROOT_PATH=/usr/i686-linux-gnu \
        -DEDDY_BUILD_TESTS=OFF &&
        quietly i486-build cmake --build build/i486 --target example_echo_server || return 1
    suites i686 -DCMAKE_FIND_ROOT_PATH="$PWD/build/deps/cmocka-i686;/usr/i686-linux-gnu" \
        -DEDDY_TLS=OFF
}

part_s390x()
{
    need_all s390x-cc s390x-run
    build_cmocka s390x cmake/toolchains/s390x-linux.cmake || return 1
    # Emulation is slow, and the order of bytes does not depend on how a loop waits.
    suites s390x -DCMAKE_FIND_ROOT_PATH="$PWD/build/deps/cmocka-s390x;/usr/s390x-linux-gnu" \
        -DEDDY_TLS=OFF -DEDDY_TEST_TIMEOUT=240 "-DEDDY_TEST_BACKENDS=epoll;sim"
}

part_musl()
{
    need_all musl
    build_cmocka musl cmake/toolchains/musl.cmake || return 1
    suites musl -DCMAKE_FIND_ROOT_PATH="$PWD/build/deps/cmocka-musl" -DEDDY_TLS=OFF
}

part_counterparts()
{
    need_all
    # What is missing skips its scripts, which say so.
    for tool in socat openbsd-nc curl bc openssl gnutls-cli python3; do
        need $tool || echo "without $tool: $missing"
    done
    say "building build/counterparts"
    quietly counterparts-configure cmake --preset counterparts &&
        quietly counterparts-build cmake --build --preset counterparts -j "$(jobs_count)" ||
        return 1
    run_tests build/counterparts -L '^counterpart$' -j "$(jobs_count)"
    set -- $?
    grep -E '^(warm: |[0-9]+ (rounds|children))' build/counterparts/Testing/Temporary/LastTest.log
    return "$1"
}

part_fuzz()
{
    need_build_tools && need clang-fuzzer openssl-dev || skip_part "$missing"
    say "building build/fuzz"
    quietly fuzz-configure cmake --preset fuzz &&
        quietly fuzz-build cmake --build build/fuzz -j "$(jobs_count)" || return 1
    say "fuzzing for ${EDDY_FUZZ_SECONDS:-30} s"
    if build/fuzz/tests/fuzz/fuzz_tls -max_total_time="${EDDY_FUZZ_SECONDS:-30}" -max_len=300 \
        -len_control=0 -artifact_prefix=build/logs/fuzz_tls- >build/logs/fuzz_tls.txt 2>&1; then
        grep '^Done ' build/logs/fuzz_tls.txt
    else
        tail -n 60 build/logs/fuzz_tls.txt >&2
        return 1
    fi
}

part_guard()
{
    [ "$(uname -s)" = Linux ] || skip_part "the benchmarks need Linux"
    need_build_tools && need python3 valgrind strace || skip_part "$missing"
    build_bench --target bench_guard && python3 bench/guard.py --build build/bench
}

part_macos()
{
    need_build_tools || skip_part "$missing"
    fetch_zig
    ZIG_GLOBAL_CACHE_DIR=$PWD/build/deps/zig-cache
    ZIG_LOCAL_CACHE_DIR=$ZIG_GLOBAL_CACHE_DIR
    export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
    sh ci/macos.sh "$zig" aarch64-macos && sh ci/macos.sh "$zig" x86_64-macos
}

# suite_seconds LABELS MINUTES: what each suite gets if all together are to take that long.
suite_seconds()
{
    ctest --test-dir build/dev -N -L "$1" | awk -v minutes="$2" -v jobs="$(jobs_count)" '
        /^Total Tests:/ { print int(minutes * 60 * jobs / ($3 > 0 ? $3 : 1)) + 1 }'
}

# sweep LABELS: the suites once more, in the sweep that the environment asks for, with a second for
# each; they print how many points they did not get to. EDDY_SWEEP_MINUTES: for as long as that.
# EDDY_SWEEP=all: all points.
sweep()
{
    need_all
    build_preset dev -DEDDY_TEST_TIMEOUT=$((PART_LIMIT * 9 / 10)) || return 1
    seconds=1
    [ -z "${EDDY_SWEEP_MINUTES:-}" ] || seconds=$(suite_seconds "$1" "$EDDY_SWEEP_MINUTES")
    [ "${EDDY_SWEEP:-}" != all ] || seconds=$PART_LIMIT
    say "sweeping for $seconds s a suite"
    EDDY_TEST_OOM_SECONDS=$seconds EDDY_TEST_FAULTS_SECONDS=$seconds \
        run_tests build/dev -L "$1" -j "$(jobs_count)"
    set -- $?
    awk '/^\[  (OOM|FAULTS)  \] / && $4 !~ /^test_/ && $6 == "points:" {
             suites++; points += $5; coped += $7; bailed += $9; missed += $12; left += $16 }
         END { printf "%d suites, %d points: %d coped, %d bailed out, %d missed, %d not run\n",
                      suites, points, coped, bailed, missed, left }' \
        build/dev/Testing/Temporary/LastTest.log
    return "$1"
}

part_oom()
{
    EDDY_TEST_OOM=1
    export EDDY_TEST_OOM
    sweep '^(epoll|sim)$'
}

part_faults()
{
    EDDY_TEST_FAULTS=1
    export EDDY_TEST_FAULTS
    sweep '^epoll$'
}

# A round's output is shown if it failed; its tests run in the order of its number.
part_repeat()
{
    need_all
    build_preset dev || return 1
    rounds=${EDDY_REPEAT:-50}
    for round in $(seq 1 "$rounds"); do
        say "round $round of $rounds"
        if EDDY_TEST_ORDER=$round run_tests build/dev -L '^suite$' --schedule-random \
            -j "$(jobs_count)" >build/logs/round.txt 2>&1; then
            tail -n 1 build/logs/round.txt
        else
            cat build/logs/round.txt
            failed=yes
        fi
    done
    [ -z "${failed:-}" ]
}

#
# Running parts.
#
# Everything of one part in a process of its own, so that a limit can be set for it.
if [ "${1:-}" = --one ]; then
    "part_$(echo "$2" | tr - _)"
    exit
fi

# report PART STATUS SECONDS LOG: the part's line, and its share of the total.
report()
{
    counts=$(awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
        p += $1; f += $3; s += $5; lines++ } END { if (lines) print p, f, s }' "$4")
    case $2 in
    77) line="skipped: $(sed -n 's/^skipped: //p' "$4" | tail -n 1)"
        counts="0 0 1" ;;
    0) counts=${counts:-1 0 0}
       line=passed ;;
    124)
        if [ "$part_limit" -lt $PART_LIMIT ]; then
            line="skipped: the budget of $((budget / 60)) minutes ran out in the middle"
            counts="0 0 1"
        else
            line="FAILED: took longer than $part_limit s"
            counts=$(echo "${counts:-0 0 0}" | awk '{ print $1, $2 + 1, $3 }')
        fi ;;
    *) line=FAILED
       counts=$(echo "${counts:-0 1 0}" | awk '{ print $1, ($2 > 0 ? $2 : 1), $3 }') ;;
    esac
    part_seconds=$3
    case $line in
    FAILED*) failures="$failures$(failures_of "$1" "$4")
" ;;
    esac
    # shellcheck disable=SC2086
    set -- "$1" "$line" $counts
    total_passed=$((total_passed + $3))
    total_failed=$((total_failed + $4))
    total_skipped=$((total_skipped + $5))
    summary="$summary$(printf '%-20s %s (%s; %d s)' "$1" "$line" \
        "$(print_counts "$3" "$4" "$5")" "$part_seconds")
"
    printf '== part %s %s\n' "$1" "$line"
}

budget=0
chosen=
while [ $# -gt 0 ]; do
    case $1 in
    --list)
        for part in $PARTS $PARTS_ON_REQUEST; do
            printf '%-20s %s\n' "$part" "$(describe "$part")"
        done
        exit 0 ;;
    --budget)
        budget=$(($2 * 60))
        shift ;;
    -*) die "usage: sh ci/matrix.sh [--list] [--budget MINUTES] [PART...]" ;;
    *)
        [ -n "$(describe "$1")" ] || die "no part is named $1; see sh ci/matrix.sh --list"
        chosen="$chosen $1" ;;
    esac
    shift
done

start=$(date +%s)
total_passed=0
total_failed=0
total_skipped=0
summary=
failures=
mkdir -p build/logs
for part in ${chosen:-$PARTS}; do
    begin=$(date +%s)
    log=build/logs/part-$part.txt
    part_limit=$PART_LIMIT
    [ "$part" != repeat ] || part_limit=36000
    if [ $budget -gt 0 ] && [ $((start + budget - begin)) -lt $part_limit ]; then
        part_limit=$((start + budget - begin))
    fi
    # Less than a minute is not worth a start.
    if [ $part_limit -lt 60 ]; then
        echo "skipped: the budget of $((budget / 60)) minutes is used up" >"$log"
        report "$part" 77 0 "$log"
        continue
    fi
    say "part $part: $(describe "$part")"
    # The status of the part, not that of tee.
    limit=
    command -v timeout >/dev/null 2>&1 && limit="timeout -k 10 $part_limit"
    # shellcheck disable=SC2086
    { $limit sh ci/matrix.sh --one "$part" 2>&1; echo $? >"$log.status"; } |
        tee "$log"
    report "$part" "$(cat "$log.status")" $(($(date +%s) - begin)) "$log"
done

printf '\n%s' "$summary"
printf '%s' "$failures"
print_counts $total_passed $total_failed $total_skipped
[ $total_failed -eq 0 ]
