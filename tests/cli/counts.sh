#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ipcmeter counts: the table that is kept holds here, a system call planted in every write() is
# found by it and nothing else is, and what was not measured never passes and is no regression.
set -u
ipcmeter=${IPM_BIN:?}/ipcmeter
source=${IPM_SOURCE:?}
table=$source/configs/counts.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# status WANTED WHAT ARGUMENTS...: exit status of ipcmeter counts
status() {
    local wanted=$1 what=$2 got
    shift 2
    "$ipcmeter" counts "$@" >"$work/stdout" 2>"$work/stderr"
    got=$?
    [[ $got == "$wanted" ]] || fail "$what: exit status $got instead of $wanted: $(head -c 600 "$work/stdout" "$work/stderr")"
}

# says WHAT TEXT: on stdout or stderr
says() {
    cat "$work/stdout" "$work/stderr" | tr -s ' \n' ' ' | grep -qF -- "$2" ||
        fail "$1: '$2' is not said, but: $(head -c 600 "$work/stdout" "$work/stderr")"
}

# document WHAT FILTER: true of the document on stdout
document() {
    jq -e "$2" "$work/stdout" >/dev/null || fail "$1: $(head -c 600 "$work/stdout")"
}

# measure OUT ARGUMENTS...: a run
measure() {
    local out=$1
    shift
    "$ipcmeter" run "$source/configs/counts.jsonc" --out "$out" --progress none --seed 7 "$@" \
        >"$work/stdout" 2>"$work/stderr" || fail "run: $(tail -n 3 "$work/stderr")"
}

twin=$("$IPM_BIN/ipcmeter-worker" --sensors '{"syscalls":"twin"}' describe | jq -r '.passes[] | select(.name == "counters:syscalls") | .reason // ""')
if [[ -n $twin ]]; then
    echo "skipped: system calls are not counted here: $twin" && exit 77
fi
measure "$work/run"

# ---- the table that is kept

status 0 "the kept table" "$work/run" --against "$table"
says "the kept table" "all as in the table"
status 0 "the kept table, as a document" "$work/run" --against "$table" --json
document "every point passes" '.verdict == "pass" and all(.points[]; .verdict == "pass") and (.points | length) > 10 and .not_in_table == []'
status 0 "nothing to annotate" "$work/run" --against "$table" --annotations
! grep -q '^::' "$work/stdout" || fail "a pass has annotations"

status 0 "nothing to fail" "$work/run" --against "$table" --junit "$work/pass.xml" --markdown "$work/pass.md"
grep -qE '<testsuites .* failures="0" errors="0"' "$work/pass.xml" || fail "a pass is red: $(head -n 3 "$work/pass.xml")"
[[ $(grep -c '<testcase ' "$work/pass.xml") == $(($(jq '.points | length' "$table") + 1)) ]] || fail "not a case for each point"
[[ $(head -n 1 "$work/pass.md") == "## ipcmeter counts: pass" ]] || fail "the page: $(head -n 3 "$work/pass.md")"

# ---- a table made here

status 0 "write" "$work/run" --write "$work/made"
jq -e --slurpfile kept "$table" '(.points | keys) == ($kept[0].points | keys) and (.points | keys_unsorted) == (.points | keys)' \
    "$work/made" >/dev/null || fail "a table made here has other points, or another order"
status 0 "write again" "$work/run" --write "$work/again"
cmp -s "$work/made" "$work/again" || fail "the same run gives another table"
status 2 "a table has no verdict" "$work/run" --write "$work/never" --junit "$work/never.xml"
[[ ! -e $work/never && ! -e $work/never.xml ]] || fail "a table with a verdict was written"
status 0 "a table of its own" "$work/run" --against "$work/made"
mkdir "$work/single"
cp "$work/run/manifest.json" "$work/single/"
grep '"invocation":0' "$work/run/records.jsonl" >"$work/single/records.jsonl"
status 0 "write from single invocations" "$work/single" --write "$work/one"
jq -e 'all(.points[]; .system_calls | type == "object")' "$work/one" >/dev/null ||
    fail "one invocation makes a count exact"

# ---- planted: a call more in each write()

compiler=${CC:-cc}
if grep -q 'IPM_SANITIZE:STRING=..*' "${IPM_BUILD:?}/CMakeCache.txt"; then
    skipped+=("a planted call: sanitizers want to be the first library")
elif ! "$compiler" -shared -fPIC -O2 -D_GNU_SOURCE -o "$work/chatty.so" "$source/tests/support/chatty.c"; then
    skipped+=("a planted call: no compiler")
else
    LD_PRELOAD=$work/chatty.so IPM_CHATTY=none measure "$work/quiet" --only 'pipe|fifo|unix|eventfd'
    LD_PRELOAD=$work/chatty.so IPM_CHATTY=more measure "$work/chatty" --only 'pipe|fifo|unix|eventfd'
    jq '.points |= with_entries(select(.key | test("pipe|fifo|unix|eventfd")))' "$table" >"$work/part"
    status 0 "the library without its call" "$work/quiet" --against "$work/part"
    status 10 "a planted call" "$work/chatty" --against "$work/part" --json
    document "a planted call" '.verdict == "regression"
        and all(.points[]; (.verdict == "regression") == (.point | test("/(pipe|fifo|eventfd)/")))
        and all(.points[] | select(.verdict == "regression"); .reason | test("^(3|3[.]0[0-9]*|2[.]9[0-9]*) system calls a message, the table has 2 [(]getppid 0 -> (1|1[.]0[0-9]*|0[.]9[0-9]*)[)]$"))
        and ([.points[] | select(.verdict == "regression")] | length) == 4'
    status 10 "annotations" "$work/chatty" --against "$work/part" --annotations
    [[ $(grep -c '^::error title=[a-z]*/[^:]*::[23.0-9]* system calls a message' "$work/stdout") == 4 ]] ||
        fail "annotations: $(cat "$work/stdout")"
    status 1 "a regression beside what is missing" "$work/chatty" --against "$table"
    # The way back.
    status 0 "write with the call" "$work/chatty" --write "$work/more"
    status 0 "improved" "$work/quiet" --against "$work/more" --annotations
    says "improved" "make a new one"
    grep -q '^::warning ' "$work/stdout" || fail "improved: no warning"
fi

# ---- never a pass, never a regression

grep -v '"mechanism":"pipe"' "$work/run/records.jsonl" >"$work/records"
mkdir "$work/missing" "$work/timing" "$work/empty" "$work/failed" "$work/torn"
for each in missing timing empty failed torn; do cp "$work/run/manifest.json" "$work/$each/"; done
cp "$work/records" "$work/missing/records.jsonl"
grep -v '"pass":"counters:' "$work/run/records.jsonl" >"$work/timing/records.jsonl"
: >"$work/empty/records.jsonl"
{
    cat "$work/records"
    grep '"mechanism":"pipe"' "$work/run/records.jsonl" |
        jq -c '.status = "failed" | .phase = "window" | .reason = "planted\n::error::no"'
} >"$work/failed/records.jsonl"
head -c -20 "$work/run/records.jsonl" >"$work/torn/records.jsonl"
status 1 "a point is missing" "$work/missing" --against "$table"
says "a point is missing" "the run has no such point"
"$ipcmeter" counts "$work/torn" --against "$table" >"$work/stdout" 2>"$work/stderr"
says "a torn last line" "torn and was dropped"
status 11 "no pass of system calls" "$work/timing" --against "$table"
says "no pass of system calls" "no value of system calls"
status 11 "nothing measured" "$work/empty" --against "$table" --junit "$work/none.xml" --markdown "$work/none.md"
grep -q '<error type="error"' "$work/none.xml" || fail "nothing measured is green"
grep -qx '## ipcmeter counts: error' "$work/none.md" || fail "nothing measured: $(head -n 3 "$work/none.md")"
status 2 "no such run" "$work/nowhere" --against "$table" --junit "$work/none.xml" --markdown "$work/none.md"
grep -q '<error type="error" message="[^"]*nowhere' "$work/none.xml" || fail "no such run is green"
if command -v xmllint >/dev/null; then
    for each in pass none; do
        xmllint --noout --nonet --schema "$source/tests/golden/schemas/junit.xsd" "$work/$each.xml" 2>"$work/stderr" ||
            fail "$each: the grammar of JUnit: $(head -n 2 "$work/stderr")"
    done
fi
status 11 "a table of nothing" "$work/empty" --write "$work/none"
[[ ! -e $work/none ]] || fail "a table of nothing was written"
status 1 "failed" "$work/failed" --against "$table" --annotations
says "failed" "invocations failed: planted"
! grep -q '^ *::error::no' "$work/stdout" || fail "a reason begins a command"
status 11 "a table of what failed" "$work/failed" --write "$work/none"
jq '.points |= with_entries(.key |= sub("/pipe/"; "/tube/"))' "$table" >"$work/renamed"
status 1 "renamed" "$work/run" --against "$work/renamed"
says "renamed" "renamed?"
says "renamed" "are not in the table"
jq '.points[].mechanism_version += 1' "$table" >"$work/version"
status 11 "another version" "$work/run" --against "$work/version"
says "another version" "version 1 of the mechanism, the table is of version 2"
head -c 700 "$table" >"$work/cut"
status 1 "a torn table" "$work/run" --against "$work/cut"
echo '{"schema":1,"kind":"counts","points":{}}' >"$work/bare"
status 1 "a table without points" "$work/run" --against "$work/bare"
jq '.points[].sytem_calls = 1' "$table" >"$work/slip"
status 1 "a slip in the table" "$work/run" --against "$work/slip"
says "a slip in the table" "'sytem_calls'"
status 2 "no table" "$work/run" --against "$work/nowhere"
status 2 "no run" "$work/nowhere" --against "$table"
status 2 "neither" "$work/run"
status 2 "both" "$work/run" --against "$table" --write "$work/none"
status 2 "nothing" --against "$table"
sed 's/"source":"traced twin"/"source":"tracepoint"/g' "$work/run/records.jsonl" >"$work/empty/records.jsonl"
status 11 "counted by a tracepoint" "$work/empty" --against "$table"
says "counted by a tracepoint" "wants the traced twin"
jq '.architecture = "sparc64"' "$table" >"$work/sparc"
status 0 "another architecture" "$work/run" --against "$work/sparc"
says "another architecture" "the table is of sparc64"

for reason in "${skipped[@]}"; do echo "skipped: $reason"; done
[[ $failures == 0 ]] || exit 1
[[ ${#skipped[@]} == 0 ]] || exit 77
