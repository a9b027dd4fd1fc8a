# SPDX-License-Identifier: MIT
# First file: the exceptions, "function path:name lines" or "file path lines".
# Second file: the paths to look at. One finding a line, "path:line: what", status 1 if any.

function complain(line, text)
{
    print path ":" line ": " text
    findings++
}

# Findings for one word that may not be used, unless it is a member or part of a longer name.
function ban(code, line, word, better)
{
    if (code ~ ("(^|[^A-Za-z0-9_.>])" word "[ ]*\\("))
        complain(line, word "() is banned: " better)
}

function within_limit(kind, name, line, length_, limit,    key)
{
    key = kind " " name
    if (key in allowed) {
        seen[key] = 1
        if (length_ > allowed[key])
            complain(line, kind " grew to " length_ " lines, its exception says " allowed[key])
        else if (length_ <= limit)
            complain(line, kind " has " length_ " lines: take it out of tests/tidy_exceptions.txt")
        else if (length_ < allowed[key])
            complain(line, kind " shrank: set its exception to " length_ " lines")
    } else if (length_ > limit)
        complain(line, kind " of " length_ " lines, at most " limit)
}

# The line without texts and comments; `in_comment` carries over to the next line.
function strip(text,    out, at, two)
{
    out = ""
    while (text != "") {
        if (in_comment) {
            at = index(text, "*/")
            if (at == 0)
                return out
            text = substr(text, at + 2)
            in_comment = 0
            continue
        }
        if (match(text, /["'\/]/) == 0)
            return out text
        out = out substr(text, 1, RSTART - 1)
        text = substr(text, RSTART)
        two = substr(text, 1, 2)
        if (two == "/*") {
            in_comment = 1
            text = substr(text, 3)
        } else if (two == "//") {
            return out
        } else if (substr(text, 1, 1) == "/") {
            out = out "/"
            text = substr(text, 2)
        } else if (match(text, /^"([^"\\]|\\.)*"/) || match(text, /^'([^'\\]|\\.)*'/)) {
            out = out "\"\""
            text = substr(text, RLENGTH + 1)
        } else {
            text = substr(text, 2)
        }
    }
    return out
}

function check_banned(code, line)
{
    ban(code, line, "strcpy", "memcpy() with a size that was checked")
    ban(code, line, "strncpy", "memcpy() with a size that was checked")
    ban(code, line, "strcat", "snprintf()")
    ban(code, line, "strncat", "snprintf()")
    ban(code, line, "sprintf", "snprintf()")
    ban(code, line, "vsprintf", "vsnprintf()")
    ban(code, line, "gets", "fgets()")
    ban(code, line, "atoi", "strtol(), and look at the end")
    ban(code, line, "atol", "strtol(), and look at the end")
    ban(code, line, "atof", "strtod(), and look at the end")
    ban(code, line, "strtok", "strcspn()")
    ban(code, line, "alloca", "memory of a known size")
    ban(code, line, "gmtime", "gmtime_r() or gmtime_s()")
    ban(code, line, "localtime", "localtime_r() or localtime_s()")
    ban(code, line, "ctime", "strftime()")
    ban(code, line, "asctime", "strftime()")
    ban(code, line, "tmpnam", "a folder of mkdtemp()")
    ban(code, line, "inet_addr", "eddy_address_parse()")
    ban(code, line, "inet_ntoa", "eddy_address_format()")
    ban(code, line, "gethostbyname", "eddy_loop_getaddrinfo()")
    if (path !~ /\/coroutine_[a-z]+\.c$/) {
        ban(code, line, "setjmp", "a task")
        ban(code, line, "longjmp", "a task")
    }
    if (path ~ /^src\//) {
        if (path != "src/common/memory.c") {
            ban(code, line, "malloc", "eddy__alloc()")
            ban(code, line, "calloc", "eddy__alloc()")
            ban(code, line, "realloc", "eddy__realloc()")
            ban(code, line, "free", "eddy__free()")
            ban(code, line, "strdup", "eddy__alloc() and memcpy()")
        }
        ban(code, line, "exit", "an error code: the library never ends the program")
        ban(code, line, "printf", "the log")
        ban(code, line, "puts", "the log")
        ban(code, line, "perror", "the log")
        ban(code, line, "strerror", "eddy__error's thread-safe text")
        ban(code, line, "rand", "a generator with a seed of its own")
        ban(code, line, "signal", "sigaction()")
        if (path !~ /\/environment\.c$/)
            ban(code, line, "getenv", "eddy__environment(), which is deaf in set-uid programs")
    }
    if (path ~ /^tests\//) {
        ban(code, line, "sleep", "the virtual clock, or eddy_sleep()")
        ban(code, line, "usleep", "the virtual clock, or eddy_sleep()")
        ban(code, line, "nanosleep", "the virtual clock, or eddy_sleep()")
        ban(code, line, "Sleep", "the virtual clock, or eddy_sleep()")
    }
}

# src/common, src/sim, src/tls and the public headers know no operating system; src/tls knows
# OpenSSL, and nothing else does.
function check_portable(code, raw, line)
{
    if (code ~ /^[ ]*#.*(_WIN32|_WIN64|__linux|__APPLE__|__MACH__|__unix|BSD__|__sun)/ &&
        path !~ /^include\/eddy\/base\.h$/)
        complain(line, "a system's macro in portable code: put it behind src/posix and src/win32")
    if (raw ~ /^[ ]*#[ ]*include[ ]*</ && raw !~ portable_header &&
        !(path ~ /^src\/tls\// && raw ~ /<openssl\/[a-z0-9_]+\.h>/) &&
        !(path == "src/common/bits.h" && raw ~ /<intrin\.h>/)) # a compiler's, on any system
        complain(line, "a header that is neither C11's nor ours in portable code")
}

function check_c(raw, line,    code)
{
    code = strip(raw)
    if (path !~ /^tests\/tidy/)
        check_banned(code, line)
    if (path ~ /^(src\/common|src\/sim|src\/tls|include)\//)
        check_portable(code, raw, line)
    if (path ~ /^(src\/(native|posix|win32)|examples)\// && raw ~ /^[ ]*#[ ]*include[ ]*<openssl\//)
        complain(line, "OpenSSL is for src/tls to know, and for tests")
    if (path ~ /^src\/(native|posix|win32)\// && code ~ /#[ ]*include[ ]*<threads\.h>/)
        complain(line, "<threads.h> is missing on two platforms")
    if (raw ~ /^[ ]*#[ ]*include[ ]*"[^"]*\.c"/)
        complain(line, "a source file is included")
    if (code ~ /^[ ]*typedef[^(]*[A-Za-z0-9]_t;/)
        complain(line, "a type of ours ends in _t, which POSIX reserves")

    # A function is what stands between a brace alone at the left margin and its partner.
    if (code ~ /^[A-Za-z_].*\(/ && code !~ /;[ ]*$/)
        function_name = name_before_parenthesis(code)
    if (code ~ /^\{[ ]*$/) {
        function_start = line
    } else if (code ~ /^\}/ && function_start) {
        within_limit("function", path ":" function_name, function_start,
                     line - function_start - 1, 70)
        function_start = 0
    }
}

function name_before_parenthesis(code,    name)
{
    name = code
    sub(/[ ]*\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    return name
}

function check_first_lines(raw, line)
{
    if (path ~ /\.[chS]$/) {
        if (line == 1 && raw != "/* SPDX-License-Identifier: MIT */")
            complain(1, "the first line must be /* SPDX-License-Identifier: MIT */")
        return
    }
    if (path ~ /\.(md|json)$/)
        return
    if (line == 1 && raw ~ /^#!/) {
        shebang = 1
        return
    }
    if (line == 1 + shebang && raw != "# SPDX-License-Identifier: MIT")
        complain(line, "the first line must be # SPDX-License-Identifier: MIT")
}

function check_line(raw, line)
{
    check_first_lines(raw, line)
    if (index(raw, "\t"))
        complain(line, "tab")
    if (raw ~ /[ \r]$/)
        complain(line, "blank or carriage return at the end")
    if (path !~ /\.(md|json|yml)$/ && width(raw) > 100)
        complain(line, "longer than 100 columns")
    # Written so that this file does not find itself.
    if (raw ~ /(^|[^A-Za-z_])(TO[D]O|FIX[M]E|X[X]X)([^A-Za-z_]|$)/)
        complain(line, "unfinished business: do it, or open an issue")
    if (path ~ /\.[ch]$/)
        check_c(raw, line)
}

# Columns rather than bytes: continuation bytes of UTF-8 take no room.
function width(text)
{
    gsub(/[\200-\277]/, "", text)
    return length(text)
}

function check_file(    raw, line)
{
    in_comment = 0
    function_start = 0
    shebang = 0
    line = 0
    while ((getline raw < path) > 0)
        check_line(raw, ++line)
    close(path)
    if (line == 0)
        complain(1, "empty file")
    if (raw == "" && line > 0)
        complain(line, "empty line at the end")
    if (path ~ /\.[chS]$/)
        within_limit("file", path, 1, line, 600)
    files++
}

BEGIN {
    portable_header = "<(eddy/[a-z_]+|assert|ctype|errno|float|inttypes|limits|math|signal|" \
        "stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|" \
        "time|sanitizer/[a-z_]+|valgrind/[a-z]+)\\.h>"
}

FILENAME == ARGV[1] && FILENAME != "/dev/null" {
    if (NF == 3 && $1 !~ /^#/)
        allowed[$1 " " $2] = $3
    next
}

{
    path = $0
    check_file()
}

END {
    path = ARGV[1]
    for (key in allowed)
        if (!(key in seen))
            complain(1, "exception for something that is not there: " key)
    print "tidy: " files + 0 " files, " findings + 0 " findings"
    exit findings > 0 || files == 0
}
