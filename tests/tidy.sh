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
status=$?

# The service runs the parts that a person runs: those of PARTS, and no others.
if [ -f ci/matrix.sh ] && [ -f .github/workflows/ci.yml ]; then
    parts=$(sed -n '/^PARTS="/,/"$/p' ci/matrix.sh | sed 's/^PARTS=//' | tr -d '"\\' |
        tr ' ' '\n' | grep . | LC_ALL=C sort)
    jobs=$(sed -n '/^ *part:$/,/^ *runs-on:/s/^ *- //p' .github/workflows/ci.yml | LC_ALL=C sort)
    if [ "$parts" != "$jobs" ]; then
        echo ".github/workflows/ci.yml: its parts are not the PARTS of ci/matrix.sh"
        status=1
    fi
fi
exit $status
