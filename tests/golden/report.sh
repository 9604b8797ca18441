#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `ipcmeter report` makes of tests/golden/small-run, byte by byte: report.json, the
# answer in words, and the picture's data and script.  The picture itself differs between
# versions of gnuplot: it must be there and be well-formed.
#
# With --accept the committed expectations are replaced by what came out; read the diff.
set -u
golden=${IPM_SOURCE:?}/tests/golden
expected=$golden/small-report
ipcmeter=${IPM_BIN:?}/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# same NAME: the file in the run against the committed one.
same() {
    local name=$1
    diff -u "$expected/$(basename "$name")" "$work/run/$name" || fail "$name has changed"
}

# status WANTED WHAT ARGUMENTS...: ipcmeter report's exit status.
status() {
    local wanted=$1 what=$2 got
    shift 2
    "$ipcmeter" report "$@" >"$work/stdout" 2>"$work/stderr"
    got=$?
    [[ $got == "$wanted" ]] || fail "$what: exit status $got instead of $wanted"
}

cp -r "$golden/small-run" "$work/run"
"$ipcmeter" report "$work/run" --text >"$work/run/answer.txt" || fail "report: exit status $?"

if [[ ${1:-} == --accept ]]; then
    mkdir -p "$expected"
    cp "$work"/run/{report.json,answer.txt,plots/{ladder,rate}.{dat,gp}} "$expected/"
    exit
fi

same plots/ladder.gp
same plots/rate.gp
if grep -q 'built without GSL' "$work/run/report.json"; then
    skipped+=("the figures: built without GSL, so there are no intervals")
elif ! command -v gnuplot >/dev/null; then
    same plots/ladder.dat
    skipped+=("report.json and the words: without gnuplot they say so")
else
    same plots/ladder.dat
    same plots/rate.dat
    same report.json
    same answer.txt
fi

if ! command -v gnuplot >/dev/null; then
    skipped+=("the picture: gnuplot is not installed")
elif ! command -v xmllint >/dev/null; then
    skipped+=("the form of the picture: xmllint is not installed")
    [[ -s $work/run/plots/ladder.svg && -s $work/run/plots/rate.svg ]] || fail "a picture is not there"
else
    xmllint --noout "$work"/run/plots/{ladder,rate}.svg || fail "a picture is no XML"
fi
if awk 'length($0) > 100' "$work/run/answer.txt" | grep -q .; then
    fail "the answer is wider than 100 columns"
fi

# The records came in a random order: another one must tell the same story.
cp -r "$golden/small-run" "$work/other"
{
    sed '$d' "$golden/small-run/records.jsonl" | sort
    tail -c 200 "$golden/small-run/records.jsonl"
} >"$work/other/records.jsonl"
"$ipcmeter" report "$work/other" --text >"$work/other/answer.txt" || fail "other order: status $?"
diff -u "$work/run/answer.txt" "$work/other/answer.txt" || fail "the order of records matters"

status 0 "paths" "$work/run"
grep -q "^$work/run/report.json$" "$work/stdout" || fail "report.json is not named on stdout"
mkdir "$work/empty"
status 2 "no directory"
status 2 "two directories" "$work/run" "$work/other"
status 2 "unknown option" "$work/run" --frobnicate
status 2 "a directory that is not there" "$work/nowhere"
status 2 "a directory without records" "$work/empty"
[[ -s $work/stderr && ! -s $work/stdout ]] || fail "an error belongs on stderr"
status 0 "help" --help

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
