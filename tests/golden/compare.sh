#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `ipcmeter compare` makes of tests/golden/small-run and of the same run on a machine that
# costs a quarter more, byte by byte: compare.json and the words.
#
# With --accept the committed expectations are replaced by what came out; read the diff.
set -u
golden=${IPM_SOURCE:?}/tests/golden
expected=$golden/small-compare
ipcmeter=${IPM_BIN:?}/ipcmeter
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# The other machine: its medians and tails are a quarter more, those of the ring a tenth less; it has no
# spin_then_block, and another kernel.
cp -r "$golden/small-run" here
mkdir there
jq -c 'select(.wait != "spin_then_block")
    | (if .mechanism == "shm_ring" then 0.9 else 1.25 end) as $factor
    | if .latency_ns.p50? then .latency_ns.p50 *= $factor | .latency_ns.p99 *= $factor else . end' \
    <(grep '^{.*}$' here/records.jsonl) >there/records.jsonl
jq '.host.kernel = "6.99.0-other" | .name = "small run there"' here/manifest.json >there/manifest.json

"$ipcmeter" compare here there --json >compare.json 2>stderr || fail "compare: $(tail -n 2 stderr)"
"$ipcmeter" compare here there >answer.txt 2>stderr || fail "compare in words: $(tail -n 2 stderr)"

# From digests it must be the same, but for the word that says so.
for side in here there; do
    "$ipcmeter" report $side >/dev/null 2>&1
    [[ -s $side/digest.jsonl ]] || fail "report leaves no digest of $side"
done
"$ipcmeter" compare here there --json >digested.json 2>stderr || fail "of digests: $(tail -n 2 stderr)"
[[ $(grep -c '"read": "digest"' digested.json) == 2 ]] || fail "the digests are not read"
diff <(sed 's/"read": "digest"/"read": "records"/' digested.json) compare.json | head -n 20
cmp -s <(sed 's/"read": "digest"/"read": "records"/' digested.json) compare.json ||
    fail "digests say another thing than their records"

if [[ ${1:-} == --accept ]]; then
    ((failures == 0)) || exit 1
    mkdir -p "$expected"
    cp compare.json answer.txt "$expected/"
    exit
fi
if grep -q 'built without GSL' answer.txt compare.json || ! jq -e '[.points[].by[].figures[] | .low?] | any' compare.json >/dev/null; then
    ((failures == 0)) || exit 1
    echo "skipped: built without GSL, so there are no intervals" && exit 77
fi
for name in compare.json answer.txt; do
    diff -u "$expected/$name" "$name" | head -n 40
    cmp -s "$expected/$name" "$name" || fail "$name has changed"
done
exit $((failures > 0))
