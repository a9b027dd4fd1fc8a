# SPDX-License-Identifier: MIT
# Names failed tests: awk -f failures.awk CTEST_OUTPUT LAST_TEST_LOG prints a line for each, its
# program, its name and what it said; a program that failed otherwise has a line of its own.
#
# Logs are often kept by their end only, and what failed stands in the middle.

FNR == 1 {
    files++
}

files == 1 && match($0, /Test +#[0-9]+: /) {
    name = substr($0, RSTART + RLENGTH)
    status = name
    sub(/ .*/, "", name)
    sub(/^[^ ]+ [. ]*/, "", status)
    sub(/ +[0-9.]+ sec.*/, "", status)
    gsub(/\*+/, " ", status)
    sub(/^ +/, "", status)
    outcome[name] = status
    next
}

files == 2 && /^[0-9]+\/[0-9]+ Testing: / {
    program = $3
    fails = outcome[program] !~ /Passed|Skipped/
    inside = told = 0
    test = said = problem = ""
    next
}

files != 2 || !fails {
    next
}

{
    sub(/\r$/, "")
}

/^Output:$/ {
    inside = 1
    next
}

!inside || /^-+$/ {
    next
}

/^<end of output>$/ {
    if (test != "")
        tell(test ": did not end: " (problem != "" ? problem : said))
    else if (told == 0)
        tell(problem != "" ? problem : said)
    inside = 0
    next
}

# A sweep says what failed at which point; what its child said follows.
/^\[  (OOM|FAULTS)  \] .*: point [0-9]+: / {
    tell(substr($0, index($0, "] ") + 2))
    test = said = ""
    swept = program
    next
}

swept == program && /^\[/ {
    next
}

/^\[ RUN      \] / {
    test = $4
    said = ""
    next
}

/^\[ (      OK|  SKIPPED|=========)/ && test != "" {
    test = said = ""
    next
}

/^\[  (FAILED |ERROR  ) \] [A-Za-z_]/ && $4 == test && test != "" {
    tell(test ": " said)
    test = said = ""
    next
}

/^\[=|^\[  (PASSED|FAILED|SKIPPED)/ {
    next
}

{
    gsub(/\[  ERROR   \] --- |\[   LINE   \] --- |: error: Failure!/, "")
    if (problem == "" && /Sanitizer: |runtime error: |^==[0-9]+== [A-Z0-9][a-z0-9,]* /)
        problem = $0
    if ($0 !~ /^ *$/)
        said = said == "" ? $0 : said " | " $0
    # The beginning of what a test said has the reason, the end of what a script said.
    if (length(said) > 300)
        said = test != "" ? substr(said, 1, 300) : substr(said, length(said) - 299)
}

function tell(text)
{
    printf "FAILED: %s: %s (%s)\n", program, text, outcome[program]
    told++
}
