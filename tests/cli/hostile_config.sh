#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Files that are no configs - too long, too deep, no text, or with more errors than anyone
# reads - end in exit status 2 and a few lines, and none of them takes forever.
set -u
ipcmeter=$IPM_BIN/ipcmeter
export IPCMETER_WORKER=$IPM_SOURCE/tests/support/fake_worker.sh
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0
patience=60 # seconds: what works backwards through a file takes hours

# refused NAME PATTERN: the file NAME ends in status 2, and PATTERN stands on stderr.
refused() {
    local name=$1 pattern=$2 status
    timeout $patience "$ipcmeter" plan "$scratch/$name" >"$scratch/out" 2>"$scratch/err"
    status=$?
    if [ $status -ne 2 ]; then
        echo "$name: exit status $status, expected 2"
        failed=1
    fi
    if [ -s "$scratch/out" ]; then
        echo "$name: stdout is not empty"
        failed=1
    fi
    if ! grep -q -- "$pattern" "$scratch/err"; then
        echo "$name: no '$pattern' in:"
        head -c 2000 "$scratch/err"
        failed=1
    fi
    if [ "$(wc -c <"$scratch/err")" -gt 100000 ]; then
        echo "$name: more on stderr than anyone reads"
        failed=1
    fi
    if LC_ALL=C grep -q '[[:cntrl:]]' "$scratch/err"; then
        echo "$name: control characters on stderr"
        failed=1
    fi
    if ! iconv -f UTF-8 -t UTF-8 "$scratch/err" >"$scratch/utf8" 2>&1; then
        echo "$name: stderr is no UTF-8"
        failed=1
    fi
}

# repeat N TEXT
repeat() {
    awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) printf "%s", text }'
}

truncate -s 100M "$scratch/zeros"
refused zeros 'cannot read this file: File too large'
(printf '{ "name": "'; head -c 100000000 /dev/zero | tr '\0' x; printf '" }') >"$scratch/long"
refused long 'cannot read this file: File too large'

repeat 100000 '[' >"$scratch/deep"
refused deep 'maximum parsing depth reached'
(repeat 100000 '['; repeat 100000 ']') >"$scratch/deep_and_closed"
refused deep_and_closed 'maximum parsing depth reached'
repeat 100000 '{"a":' >"$scratch/deep_objects"
refused deep_objects 'maximum parsing depth reached'
# As deep as the parser goes, and then read by the checks.
(printf '{"sweeps":[{"workloads":"pingpong","mechanisms":"pipe","axes":{"size":'
    repeat 2000 '['; repeat 2000 ']'; printf '}}]}') >"$scratch/deep_axis"
refused deep_axis "'size' must be a size"

head -c 500000 "$ipcmeter" >"$scratch/program"
refused program 'this is no text: it has a NUL byte'
head -c 1000000 /dev/urandom | tr -d '\000' >"$scratch/noise"
refused noise ': error: '
repeat 1000000 $'\xff' >"$scratch/bytes"
refused bytes ':1:1: error: '
printf '{ "name": "x", "sweeps": [] }\0' >"$scratch/nul"
refused nul 'this is no text: it has a NUL byte'
printf '{ "name": "\xc3\x28 \xed\xa0\x80 \xf5\x80" }' >"$scratch/broken_utf8"
refused broken_utf8 'unable to decode byte 0xc3'
printf '{ "sweeps": %s }' "$(repeat 900000 9)" >"$scratch/digits"
refused digits 'too big integer'
printf '{ "name": "%s" }' "$(repeat 900000 '\u00e9' | head -c 900000)" >"$scratch/escapes"
refused escapes 'error: '

# Errors without end: a hundred are told, the others counted.
(printf '{'; seq -f '"k%.0f":0,' 60000; printf '}') >"$scratch/keys"
refused keys '^59901 more errors$'
(printf '{"sweeps":['; repeat 300000 '{},'; printf ']}') >"$scratch/sweeps"
refused sweeps ' more errors$'
(printf '{"sweeps":[{"workloads":"pingpong","mechanisms":['; repeat 200000 '"x",'
    printf ']}]}') >"$scratch/names"
refused names '^199900 more errors$'
(printf '{"sweeps":[{"workloads":"pingpong","mechanisms":"pipe","exclude":['
    repeat 1000 '{"size":{"from":1,"to":1000,"step":0}},'; printf ']}]}') >"$scratch/rows"
refused rows '^900 more errors$'

# A good config that means too much.
(printf '{"sweeps":['
    repeat 5000 '{"workloads":"pingpong","mechanisms":"pipe","axes":{"size":{"from":1,"to":1000,"step":1}}},'
    printf ']}') >"$scratch/too_much"
refused too_much 'combinations together, at most 1000000 are allowed'
printf '{"sweeps":[{"workloads":"pingpong","mechanisms":"pipe","axes":{"size":{"from":1,"to":1000,"step":1},"depth":{"from":1,"to":30,"step":1}}}],"max_points":999}' \
    >"$scratch/guarded"
refused guarded 'the plan has 1000 points, max_points allows 999: .* --set max_points=1000$'

mkfifo "$scratch/fifo"
: >"$scratch/fifo" &
refused fifo 'there is nothing in this file'
wait
exit $failed
