# SPDX-License-Identifier: MIT
# Counts single tests: awk -f count.awk CTEST_OUTPUT LAST_TEST_LOG prints "passed failed skipped".
#
# What ctest printed says how each program ended; its log has what the programs printed, so that a
# suite counts with each of its tests and a script as one. A program that failed without saying
# which test did (a crash, a time-out, a leak found at the end) counts as one failure.

FNR == 1 {
    files++
}

files == 1 && match($0, /Test +#[0-9]+: /) {
    name = substr($0, RSTART + RLENGTH)
    status = name
    sub(/ .*/, "", name)
    sub(/^[^ ]+ [. ]*/, "", status)
    sub(/ +[0-9.]+ sec.*/, "", status)
    outcome[name] = status
    next
}

files == 2 && /^[0-9]+\/[0-9]+ Testing: / {
    current = $3
    next
}

files == 2 && /\[       OK \] / {
    passed_in[current]++
}

files == 2 && /\[  SKIPPED \] [0-9]+ test/ {
    skipped_in[current] += number_after("SKIPPED ] ")
}

files == 2 && /\[  FAILED  \] [0-9]+ test/ {
    failed_in[current] += number_after("FAILED  ] ")
}

# A test whose set-up or clean-up failed is in no summary.
files == 2 && /\[  ERROR   \] [^-]/ {
    failed_in[current]++
}

function number_after(text)
{
    return substr($0, index($0, text) + length(text)) + 0
}

END {
    for (name in outcome) {
        status = outcome[name]
        if (status ~ /Skipped/) {
            skipped++
            continue
        }
        skipped += skipped_in[name]
        passed += passed_in[name]
        if (status !~ /Passed/)
            failed += failed_in[name] > 0 ? failed_in[name] : 1
        else if (passed_in[name] + skipped_in[name] == 0)
            passed++
    }
    print passed + 0, failed + 0, skipped + 0
}
