# SPDX-License-Identifier: MIT
# Builds eddy and its benchmarks and runs them beside other libraries: `sh ci/bench.sh [OPTION...]`.
#
# --list names the cases, --quick tries all of them briefly, --only NAME runs one (or all whose
# names begin so), --exact counts instructions too, --help has the rest. Linux only. Installs a
# compiler, CMake, Python 3, valgrind, strace and the other libraries if they are missing (as root,
# or by sudo); what the system has no package of is left out. The build lies in build/bench.
cd "$(dirname "$0")/.." || exit 1
. ci/lib.sh

[ "$(uname -s)" = Linux ] || die "the benchmarks need Linux"

# bench_packages MANAGER: the other libraries, by the names of their packages.
bench_packages()
{
    case $1 in
    apt-get) echo libuv1-dev libevent-dev libev-dev libasio-dev libssl-dev openssl python3-uvloop ;;
    dnf) echo libuv-devel libevent-devel libev-devel asio-devel openssl-devel python3-uvloop ;;
    pacman) echo libuv libevent libev asio openssl python-uvloop ;;
    apk) echo libuv-dev libevent-dev libev-dev asio-dev openssl-dev openssl py3-uvloop ;;
    esac
}

install_peers()
{
    manager=$(package_manager)
    for package in $(bench_packages "$manager"); do
        case $manager in
        apt-get) dpkg -s "$package" >/dev/null 2>&1 && continue ;;
        esac
        say "installing: $package"
        install_packages "$package" || echo "without $package"
    done
}

need_build_tools && need python3 || die "$missing"
case " $* " in
*" --list "* | *" --help "* | *" -h "*) exec python3 bench/run.py "$@" ;;
esac
need c++ valgrind strace pkg-config || echo "some figures will be missing: $missing"
need wrk || echo "without the file servers: $missing"
install_peers
build_bench || exit 1
# Only to know how large it is.
say "building build/bench-shared"
quietly bench-shared-configure cmake -S . -B build/bench-shared -DCMAKE_BUILD_TYPE=Release \
    -DBUILD_SHARED_LIBS=ON -DEDDY_BUILD_TESTS=OFF -DEDDY_BUILD_EXAMPLES=OFF &&
    quietly bench-shared-build cmake --build build/bench-shared -j "$(jobs_count)" ||
    echo "without the size of the shared library"
python3 bench/run.py --build build/bench "$@"
