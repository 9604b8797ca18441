#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# results/reference, the committed run: it is small, says nothing of who measured, and what
# README.md shows of it - the ladder and the answer in words - is what `ipcmeter report` makes.
#
#     reference.sh --unpack DIR    its records into a folder that `ipcmeter report` takes
#     reference.sh --accept        the words, the pictures of docs/ and README.md anew, from the records
#     reference.sh --remake        all anew: measures configs/reference.jsonc, two minutes of a
#                                  quiet machine, and accepts what came out; read the diff
set -euo pipefail
export LC_ALL=C # bytes: the records are 20 MB in long lines
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
ipcmeter=${IPM_BIN:-$source/build/release/bin}/ipcmeter
reference=$source/results/reference
readme=$source/README.md
begin='<!-- answer: made by tests/golden/reference.sh --accept -->'
end='<!-- /answer -->'
pictures=(ladder ratio rate) # of the README, and of docs/method.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# unpack DIR
unpack() {
    mkdir -p "$1"
    xz -dc "$reference/records.jsonl.xz" >"$1/records.jsonl"
    cp "$reference/manifest.json" "$1/"
}

# telling DIR: what in a run could name a person, a host or a place; and whatever this machine has.
telling() {
    local word words=("$HOME" "$(uname -n)" "$(id -un)")
    grep -hoE '"/?(home|root|tmp|work|mnt|media|srv|Users)/[^"]*|([0-9a-f]{2}:){5}[0-9a-f]{2}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9._-]+@[a-z0-9-]+\.[a-z]+|"[^"]*(serial|hostname)[^"]*":' \
        "$1/manifest.json" "$1/records.jsonl" | sort -u || true
    for word in "${words[@]}"; do
        # "root" is a word of the records: who may read a meter.
        [[ ${#word} -lt 5 ]] || ! grep -qF -- "\"$word\"" "$1/manifest.json" "$1/records.jsonl" || echo "$word"
    done
}

# The answer's sentences, as the README has them.
sentences() {
    awk '/^Fastest/ {on = 1} /^(Winners|Seed|Rates|Models|Doctor)/ {on = 0} on {print "    " $0}' "$1"
}

# block FILE: what stands between the marks of a README
block() {
    sed -n "\\|^$begin\$|,\\|^$end\$|p" "$1" | sed '1d;$d' | sed '/^$/d'
}

accept() {
    "$ipcmeter" report "$work/run" --text >"$reference/answer.txt"
    local name
    for name in "${pictures[@]}"; do
        [[ -s $work/run/plots/$name.svg ]] || { echo "FAILED: no picture of $name was drawn" && exit 1; }
        cp "$work/run/plots/$name.svg" "$source/docs/"
        cp "$work/run/plots/$name.dat" "$reference/"
    done
    {
        echo
        sentences "$reference/answer.txt"
        echo
    } >"$work/block"
    sed -i -e "\\|^$begin\$|,\\|^$end\$|{\\|^$begin\$|{p;r $work/block
d};\\|^$end\$|p;d}" "$readme"
}

case ${1:-} in
--unpack)
    unpack "${2:?--unpack DIR}"
    exit
    ;;
--remake)
    "$ipcmeter" run "$source/configs/reference.jsonc" --out "$work/run"
    [[ -z $(telling "$work/run") ]] || { telling "$work/run" && echo "FAILED: the run tells more than what it measured" && exit 1; }
    jq -e '.dropped == []' "$work/run/manifest.json" >/dev/null || { echo "FAILED: points were dropped: the machine is too busy" && exit 1; }
    mkdir -p "$reference"
    xz -9e -c "$work/run/records.jsonl" >"$reference/records.jsonl.xz"
    cp "$work/run/manifest.json" "$reference/"
    accept
    ;;
--accept)
    unpack "$work/run"
    accept
    ;;
esac

if ! command -v xz >/dev/null; then
    echo "skipped: xz is not installed"
    exit 77
fi
bytes=$(cat "$reference"/* | wc -c)
((bytes < 1500000)) || fail "results/reference has $bytes bytes"
rm -rf "$work/run"
unpack "$work/run"
[[ -z $(telling "$work/run") ]] || fail "results/reference tells: $(telling "$work/run")"
[[ $(jq -r '.name' "$work/run/manifest.json") == reference ]] || fail "it is not a run of configs/reference.jsonc"
[[ $(jq -r '.quick' "$work/run/manifest.json") != true ]] || fail "it is a first look"
"$ipcmeter" report "$work/run" --text >"$work/answer.txt" || fail "report: exit status $?"
jq -e '(.points | length > 40) and .dropped == []' "$work/run/report.json" >/dev/null || fail "few points, or some were dropped"
jq -e '[.energy.points[]?] == [] and (.unavailable | has("energy_package_uj"))' "$work/run/report.json" >/dev/null ||
    fail "it is said to have no joules, with the reason"
for name in "${pictures[@]}"; do
    diff -u "$reference/$name.dat" "$work/run/plots/$name.dat" || fail "docs/$name.svg shows other figures; --accept"
    grep -q "($name.svg)\|(docs/$name.svg)" "$readme" "$source/docs/method.md" || fail "nothing shows docs/$name.svg"
done
if grep -q 'built without GSL' "$work/run/report.json" || ! command -v gnuplot >/dev/null; then
    skipped+=("the words: without GSL or gnuplot they are others")
else
    diff -u "$reference/answer.txt" "$work/answer.txt" || fail "the answer has changed; --accept"
fi
[[ -n $(block "$readme") ]] || fail "README.md has no answer"
diff <(block "$readme") <(sentences "$reference/answer.txt" | sed '/^$/d') || fail "README.md has another answer; --accept"
if command -v xmllint >/dev/null; then
    xmllint --noout "$source"/docs/{ladder,ratio,rate}.svg || fail "a picture is no XML"
fi
for mechanism in pipe shm_ring unix_stream; do
    grep -q ">$mechanism" "$source/docs/ladder.svg" || fail "docs/ladder.svg does not show $mechanism"
done

# The check itself: a path, a user and a serial number are seen.
cp -r "$work/run" "$work/told"
jq '.host.where = "/home/somebody/x" | .host.disk_serial = "17"' "$work/run/manifest.json" >"$work/told/manifest.json"
[[ $(telling "$work/told" | wc -l) -ge 2 ]] || fail "a path or a serial number is not seen"

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
