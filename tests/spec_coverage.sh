# SPDX-License-Identifier: MIT
# Which requirements of docs/spec no test names: `sh tests/spec_coverage.sh`.
#
# A requirement is defined by "- **ID-n**" (acceptance programs: by a table row "| EX-n |") and is
# named by a file of tests/ that contains its id. docs/spec/untested.md excuses ids, each with a
# reason: "- ID-n: why". tests/spec_unnamed.txt is the ratchet: so many may be unnamed, no more.
cd "$(dirname "$0")/.." || exit 1

find tests -type f \( -name '*.[ch]' -o -name '*.sh' \) ! -name spec_coverage.sh -print |
    LC_ALL=C sort >"${TMPDIR:-/tmp}/eddy-spec.$$"
trap 'rm -f "${TMPDIR:-/tmp}/eddy-spec.$$"' EXIT
excuses=docs/spec/untested.md
[ -f "$excuses" ] || excuses=/dev/null

LC_ALL=C awk -v limit="$(awk '!/^#/ && NF { print $1; exit }' tests/spec_unnamed.txt)" \
    -v tests="${TMPDIR:-/tmp}/eddy-spec.$$" -v excuses="$excuses" '
function note_ids(text)
{
    while (match(text, /[A-Z]+-[0-9]+/)) {
        named[substr(text, RSTART, RLENGTH)] = 1
        text = substr(text, RSTART + RLENGTH)
    }
}

FILENAME ~ /untested\.md$/ { next }

/^- \*\*[A-Z]+-[0-9]+\*\*/ {
    id = $2
    gsub(/\*/, "", id)
    order[++count] = id
    defined[id] = 1
}

/\| EX-[0-9]+ \|/ {
    match($0, /EX-[0-9]+/)
    order[++count] = substr($0, RSTART, RLENGTH)
    defined[order[count]] = 1
}

END {
    while ((getline path < tests) > 0) {
        while ((getline text < path) > 0)
            note_ids(text)
        close(path)
    }
    while ((getline text < excuses) > 0) {
        if (text !~ /^- [A-Z]+-[0-9]+:/)
            continue
        id = text
        sub(/^- /, "", id)
        sub(/:.*/, "", id)
        excused[id] = 1
        if (text !~ /: [^ ]/)
            wrong[++wrongs] = id " is excused without a reason"
        if (!(id in defined))
            wrong[++wrongs] = id " is excused but not in the specification"
        else if (id in named)
            wrong[++wrongs] = id " is excused but a test names it"
    }
    for (i = 1; i <= count; i++) {
        id = order[i]
        family = id
        sub(/-.*/, "", family)
        if (!(family in total))
            families[++family_count] = family
        total[family]++
        if (id in named)
            have++
        else if (id in excused)
            excuse_count++
        else {
            open++
            list[family] = list[family] " " id
        }
    }
    for (i = 1; i <= family_count; i++)
        if (list[families[i]] != "")
            print "unnamed:" list[families[i]]
    for (i = 1; i <= wrongs; i++)
        print "wrong: " wrong[i]
    print "spec: " count " requirements, " have + 0 " named by tests, " excuse_count + 0 \
        " excused, " open + 0 " unnamed (at most " limit ")"
    if (open + 0 < limit)
        print "spec: lower tests/spec_unnamed.txt to " open + 0
    exit count == 0 || limit == "" || open + 0 > limit + 0 || wrongs > 0
}' docs/spec/*.md
