#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# import: records out of a console's log, whole and noted as what they are; what is broken,
# torn, foreign or there already stays out.
set -eu
ipcmeter=$IPM_BIN/ipcmeter
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
    echo "$*"
    exit 1
}

point() { # INVOCATION: a record of this machine
    jq -cn --argjson n "$1" '{schema: 1, workload: "pingpong", mechanism: "pipe", size: 64, point: "0123456789abcdef",
        invocation: $n, host: "guest", cpus: [0, 0], wait: "block", window_ns: 2000000, warmup_ns: 1000000}' |
        "$IPM_BIN/ipcmeter-worker"
}
point 0 >zero
point 1 >one
point 2 >two
"$IPM_BIN/ipcmeter-worker" describe >described

# As a serial line brings it: carriage returns, the kernel between and around the records.
{
    printf 'OpenSBI v1.5\r\n\r\n{not json}\r\n'
    cat described && printf '\r\n'
    sed 's/$/\r/' zero
    printf '[    0.75] a driver says { this\r\n>>> 2 %s[    0.9] clocksource\r\n' "$(cat one)"
} >log
"$ipcmeter" import dir log --emulated 2>said || fail "a whole log: exit status $?: $(cat said)"
grep -q '^ipcmeter import: 2 records added, 0 known, 3 other lines$' said || fail "said: $(cat said)"
[ "$(jq -s 'map(.invocation)' -c dir/records.jsonl)" = '[0,1]' ] || fail "not the two records"
# What was measured is untouched: only what the worker could not know is added.
for n in 0 1; do
    jq -S 'del(.run, .flags)' <(sed -n $((n + 1))p dir/records.jsonl) >have
    jq -S 'del(.run, .flags)' "$([ $n = 0 ] && echo zero || echo one)" >want
    cmp have want || fail "record $n was changed"
done
jq -es --slurpfile m dir/manifest.json 'all(.run == $m[0].run and .run != "" and (.flags | index("emulated")))' \
    dir/records.jsonl >/dev/null || fail "run or flag is missing"
jq -e '.host == {class: "guest", emulated: true} and (.describe.mechanisms | length > 0) and .config == null' \
    dir/manifest.json >/dev/null || fail "manifest"

# The report says it where it is read.
"$ipcmeter" report dir --text >text
grep -q '^EMULATED machine' text || fail "the text does not say that the machine is emulated"
grep -q 'Emulated machine' dir/report.html || fail "the page does not say it"
jq -e '.host.emulated' dir/report.json >/dev/null || fail "report.json does not say it"

# Again, and with one more: nothing twice, nothing overwritten.
cp -r dir before
"$ipcmeter" import dir log --emulated 2>said
grep -q '0 records added, 2 known' said || fail "again: $(cat said)"
"$ipcmeter" import dir two --emulated 2>said
cmp dir/manifest.json before/manifest.json || fail "the manifest was changed"
head -n 2 dir/records.jsonl | cmp - before/records.jsonl || fail "records were changed"
[ "$(wc -l <dir/records.jsonl)" = 3 ] || fail "the third record is missing"

expect() { # STATUS WORDS ARGUMENTS...: and the folder stays as it is
    local status=0 wanted=$1 words=$2
    shift 2
    rm -rf before && { [ ! -e dir ] || cp -r dir before; }
    "$ipcmeter" import "$@" 2>said || status=$?
    [ $status = "$wanted" ] || fail "import $*: exit status $status, not $wanted: $(cat said)"
    grep -q -- "$words" said || fail "import $*: said $(cat said)"
    diff -r dir before || fail "import $*: the folder was changed"
}
expect 2 "that of the records is a real one" dir two
jq -c '.host = "other"' two >foreign
expect 2 "of host 'guest', the records are of 'other'" dir foreign --emulated
cat two foreign >mixed
expect 2 "two hosts" new mixed
[ ! -e new ] || fail "a refused import made a folder"
echo nothing >empty
expect 2 "holds no record" new empty
expect 2 "No such file" new absent
expect 2 "usage" dir
# A half record in the middle is named; a last line that is not ended is dropped.
{ head -c 300 two && echo && jq -c '.invocation = 3' two && jq -c '.invocation = 4' two | tr -d '\n'; } >torn
rm -rf before
status=0
"$ipcmeter" import plain torn 2>said || status=$?
[ $status = 3 ] || fail "a broken record: exit status $status"
grep -q 'last line is torn' said || fail "torn: $(cat said)"
grep -q '1 broken records left out; first, line 1: ' said || fail "broken: $(cat said)"
[ "$(jq .invocation plain/records.jsonl)" = 3 ] || fail "not the whole one alone"
jq -e '.host.emulated == false and .interrupted' plain/manifest.json >/dev/null || fail "plain manifest"
jq -e '.flags | index("emulated") | not' plain/records.jsonl >/dev/null || fail "flag without a reason"
if "$ipcmeter" report plain --text | grep EMULATED; then fail "emulated without a reason"; fi
