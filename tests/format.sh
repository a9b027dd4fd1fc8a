# SPDX-License-Identifier: MIT
# clang-format's opinion of every C file: `sh tests/format.sh`, or with --fix to follow it.
#
# Versions differ in small things, so that only one counts; any other is reported as skipped.
version=14
cd "$(dirname "$0")/.." || exit 1

for tool in "clang-format-$version" clang-format; do
    if "$tool" --version 2>/dev/null | grep -q "version $version\."; then
        found=$tool
        break
    fi
done
if [ -z "${found:-}" ]; then
    echo "skipped: clang-format $version is not installed"
    exit 77
fi

files=$(find include src tests examples bench -name '*.[ch]' | sort)
if [ "${1:-}" = --fix ]; then
    # shellcheck disable=SC2086
    exec "$found" -i $files
fi
# shellcheck disable=SC2086
if "$found" --dry-run --Werror $files; then
    echo "format: $(echo "$files" | wc -l) files as clang-format $version has them"
else
    echo "format: run sh tests/format.sh --fix"
    exit 1
fi
