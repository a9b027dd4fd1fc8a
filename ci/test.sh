# SPDX-License-Identifier: MIT
# Builds eddy and runs its tests on this machine: `sh ci/test.sh`.
#
# Installs a compiler, CMake, CMocka, OpenSSL and pkg-config if they are missing (as root, or by
# sudo). Everything else stays in the folder build/. The last line counts single tests; the exit
# status is 0 if none failed.
cd "$(dirname "$0")/.." || exit 1
. ci/lib.sh

need_build_tools && need cmocka pkg-config || die "$missing"
build_preset dev || {
    print_counts 0 1 0
    exit 1
}
say "running the tests; build/dev/Testing/Temporary/LastTest.log has all their output"
run_tests build/dev -j "$(jobs_count)"
