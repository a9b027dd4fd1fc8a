# SPDX-License-Identifier: MIT
# Holds the rules of CONTRIBUTING.md that a machine can hold: `sh tests/tidy.sh [folder]`.
#
# Needs sh, find, sort and awk. tests/tidy_exceptions.txt is the ratchet: it lists what was too long
# when the rule came, and an entry may only shrink.
root=${1:-$(dirname "$0")/..}
here=$(cd "$(dirname "$0")" && pwd)
cd "$root" || exit 1

find . \( -name .git -o -name build -o -name 'build-*' \) -prune -o -type f \
    \( -name '*.[chS]' -o -name '*.sh' -o -name '*.awk' -o -name '*.cmake' -o -name '*.md' \
       -o -name '*.yml' -o -name '*.json' -o -name CMakeLists.txt -o -path ./.ci/run \) -print |
    sed 's|^\./||' | LC_ALL=C sort >"${TMPDIR:-/tmp}/eddy-tidy.$$"
trap 'rm -f "${TMPDIR:-/tmp}/eddy-tidy.$$"' EXIT

exceptions=tests/tidy_exceptions.txt
[ -f "$exceptions" ] || exceptions=/dev/null
LC_ALL=C awk -f "$here/tidy.awk" "$exceptions" "${TMPDIR:-/tmp}/eddy-tidy.$$"
