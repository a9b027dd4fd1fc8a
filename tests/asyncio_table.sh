# SPDX-License-Identifier: MIT
# The table asyncio -> eddy, docs/asyncio.md: `sh tests/asyncio_table.sh` compares it with what the
# specification, the headers and the tests say, `--fix` writes it anew.
#
# A row is a row of the index in docs/spec/README.md. Its C name follows from asyncio's by rule; the
# few that do not are listed below. What no header declares is shown as not there yet.
cd "$(dirname "$0")/.." || exit 1
made=$(mktemp) || exit 1
trap 'rm -f "$made"' EXIT

awk '
BEGIN {
    # Rows that the rule does not reach: what the row says, then the C name.
    other["AbstractEventLoopPolicy"] = "eddy_policy_callbacks"
    other["transport.write() second row, the index means writelines()"] = \
        "eddy_transport_writelines"
    other["transport.close() (subprocess)"] = "eddy_transport_close"
    other["transport.abort() (write transports)"] = "eddy_transport_abort"
    other["transport.abort() (datagram)"] = "eddy_transport_abort"
    other["transport.get_write_buffer_size() (its text speaks of the marks)"] = \
        "eddy_transport_get_write_buffer_size"
    other["eof_received() (buffered)"] = "eof_received"
}

function squeeze(text)
{
    gsub(/[ \t]+/, " ", text)
    gsub(/^ | $/, "", text)
    return text
}

# Declarations: EDDY_API ... ; on one line, and the callbacks of a protocol.
FILENAME ~ /^include/ {
    if ($0 ~ /^EDDY_API/) {
        text = ""
        collecting = 1
    }
    if (collecting) {
        text = text " " $0
        if ($0 ~ /;/) {
            collecting = 0
            sub(/^ *EDDY_API /, "", text)
            sub(/ EDDY_PRINTF\(.*\)/, "", text)
            text = squeeze(text)
            name = text
            sub(/\(.*/, "", name)
            sub(/.*[ *]/, "", name)
            declared[name] = text
        }
    }
    if (FILENAME ~ /protocol\.h$/ && match($0, /\(\*[a-z_]+\)\(/)) {
        name = substr($0, RSTART + 2, RLENGTH - 4)
        text = $0
        waiting = name
    } else if (waiting != "") {
        text = text " " $0
    }
    if (waiting != "" && $0 ~ /;/) {
        declared[waiting] = squeeze(text)
        waiting = ""
    }
    if ($0 ~ /^typedef struct eddy_policy_callbacks/)
        declared["eddy_policy_callbacks"] = "struct eddy_policy_callbacks"
    next
}

# Tests: the ids of the comments since the last test, and the test that follows them.
FILENAME ~ /^tests/ {
    line = $0
    while (match(line, /[A-Z]+-[0-9]+(\.\.[A-Z]+-[0-9]+)?/)) {
        named[++names] = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
    }
    if (match($0, /^static void test_[a-z0-9_]+/)) {
        test = substr($0, RSTART + 12, RLENGTH - 12)
        for (i = 1; i <= names; i++)
            if (named[i] !~ /\.\./ && !(named[i] in shown))
                shown[named[i]] = test
        names = 0
    } else if ($0 ~ /^}/ || FNR == 1) {
        names = 0
    }
    next
}

# The index of the specification.
/^## Around the index rows/ {
    exit
}

/^\| row \|/ || /^\| row \| id/ {
    next
}

/^\| .* \| .* \|$/ && !/^\|---/ && !/^\| (label|row) / {
    split($0, cell, "|")
    what = squeeze(cell[2])
    ids = squeeze(cell[3])
    if (what !~ /`/ || ids !~ /[A-Z]+-[0-9]/ || cell[3] ~ /EX-/)
        next
    plain = what
    gsub(/`/, "", plain)
    if (plain in other) {
        name = other[plain]
    } else {
        name = plain
        sub(/\(\).*/, "", name)
        if (name ~ /^asyncio\./ || name ~ /^loop\./ || name ~ /^transport\./) {
            sub(/^asyncio\./, "", name)
            sub(/^loop\./, "loop_", name)
            sub(/^transport\./, "transport_", name)
            name = "eddy_" name
        }
    }
    first = ids
    sub(/[,.].*/, "", first)
    rows++
    if (name in declared) {
        there++
        printf "| %s | `%s` | %s | %s |\n", what, declared[name], ids, \
            first in shown ? "`" shown[first] "`" : "none names " first
    } else {
        printf "| %s | *not there yet* | %s | |\n", what, ids
    }
}

END {
    printf "\n%d of %d rows are there.\n", there, rows
}' include/eddy/*.h tests/test_*.c docs/spec/README.md >"$made.rows"

{
    cat <<'HEAD'
# From asyncio to eddy

Each row of asyncio's low-level index, the C declaration that stands for it, the requirements of
the [specification](spec/README.md) that say what it does, and a test that shows the first of them.
This page is made by `sh tests/asyncio_table.sh --fix` and checked by the tests.

| asyncio | eddy | ids | shown by |
| --- | --- | --- | --- |
HEAD
    cat "$made.rows"
} >"$made"
rm -f "$made.rows"

if [ "${1:-}" = --fix ]; then
    cp "$made" docs/asyncio.md
elif ! cmp -s "$made" docs/asyncio.md; then
    diff docs/asyncio.md "$made" | head -n 20
    echo "docs/asyncio.md is out of date: run sh tests/asyncio_table.sh --fix"
    exit 1
fi
tail -n 1 docs/asyncio.md
