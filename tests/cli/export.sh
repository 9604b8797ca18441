#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ipcmeter export: figures are the report's, readers of each format can read it, words of a
# run stay words, and what cannot be written is an error.
set -u
golden=${IPM_SOURCE:?}/tests/golden
ipcmeter=${IPM_BIN:?}/ipcmeter
check=$IPM_SOURCE/tests/support/check_exports.py
formats=(csv gbench bmf junit markdown)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# status WANTED WHAT ARGUMENTS...: exit status of ipcmeter export
status() {
    local wanted=$1 what=$2 got
    shift 2
    "$ipcmeter" export "$@" >"$work/stdout" 2>"$work/stderr"
    got=$?
    [[ $got == "$wanted" ]] || fail "$what: exit status $got instead of $wanted: $(tail -n 1 "$work/stderr")"
}

# says TEXT WHAT: on stderr
says() {
    grep -qF -- "$1" "$work/stderr" || fail "$2: stderr does not say '$1'"
}

# holds FILE TEXT
holds() {
    grep -qF -- "$2" "$1" || fail "'$2' is not in $(basename "$1")"
}

# export_all RUN FOLDER
export_all() {
    local format
    mkdir -p "$2"
    for format in "${formats[@]}"; do
        status 0 "$format of $(basename "$1")" "$1" --format "$format" --out "$2/$format"
        [[ ! -s $work/stdout ]] || fail "$format: --out writes to stdout, too"
        "$ipcmeter" export "$1" --format "$format" 2>/dev/null | cmp -s - "$2/$format" ||
            fail "$format: twice is not the same"
    done
}

# ---- the same figures as the report, told by the rules of the readers

cp -r "$golden/small-run" "$work/small"
"$ipcmeter" report "$work/small" >/dev/null 2>&1 || fail "report: exit status $?"
export_all "$work/small" "$work/exports"
status 0 "torn records" "$work/small" --format csv
says "the last line of the records is torn" "torn records"
if command -v python3 >/dev/null; then
    python3 -B "$check" "$work/small" "$work/exports" || fail "the exports are not the report"
    # That it would see a difference.
    cp -r "$work/exports" "$work/broken"
    for change in "csv:s/,messages_per_s,30000,/,messages_per_s,30001,/" 'gbench:s/"cpu_time"/"cpu"/' 'bmf:s/"latency"/"latenzy"/' \
        'junit:s/<failure [^>]*>//' 'markdown:/floor_null/d' "csv:s/,timing,,\r/,timing,\r/"; do
        sed "${change#*:}" "$work/exports/${change%%:*}" >"$work/broken/${change%%:*}"
        cmp -s "$work/exports/${change%%:*}" "$work/broken/${change%%:*}" && fail "$change changes nothing"
        python3 -B "$check" "$work/small" "$work/broken" >/dev/null 2>&1 && fail "$change is not seen"
        cp "$work/exports/${change%%:*}" "$work/broken/${change%%:*}"
    done
else
    skipped+=("the figures: python3 is not installed")
fi

# ---- Google Benchmark's own script

compare=/usr/share/benchmark/compare.py
for python in python3 /usr/bin/python3 ""; do
    [[ -n $python ]] && "$python" -c 'import numpy, scipy' 2>/dev/null && break
done
if [[ ! -r $compare ]]; then
    skipped+=("compare.py of Google Benchmark is not installed (libbenchmark-tools)")
elif [[ -z $python ]]; then
    skipped+=("compare.py: no python3 with numpy and scipy")
else
    sed 's/"real_time": \([0-9]\)/"real_time": 1\1/' "$work/exports/gbench" >"$work/slower.json"
    "$python" -B "$compare" --no-color benchmarks "$work/exports/gbench" "$work/slower.json" \
        >"$work/compared" 2>"$work/stderr" || fail "compare.py: $(tail -n 1 "$work/stderr")"
    holds "$work/compared" "pingpong/pipe/64/same_cpu/block/copies=2/batch=1_median"
    grep -q 'pingpong/pipe/64/same_cpu/block/copies=2/batch=1_pvalue  *0\.00[0-9]*  *1\.0000 .*Repetitions: 6 vs 6' \
        "$work/compared" || fail "compare.py makes no U test of invocations"
fi

# ---- words that want to be more

# shellcheck disable=SC2016 # it is meant for others, not to be expanded here
word='=cmd|`x`@someone #77 <img src=x onerror=alert(1)>,\"q\"\n|next|\u001b[31m\u202eabc\u200b&amp; [l](javascript:x) ]]> 50% http://a.b *_~$1'
run=$work/hostile
mkdir "$run"
long=$(head -c 10240 /dev/zero | tr '\0' 'L')
for name in manifest.json records.jsonl; do
    text=$(<"$golden/small-run/$name")
    text=${text//'"unix_stream"'/"\"$word\""}
    text=${text//'"posix_mq"'/"\"$long\""}
    text=${text//'"small run"'/"\"$word\""}
    text=${text//'Example CPU'/"$word"}
    text=${text//'Too many open files'/"$word"}
    text=${text//'no powercap zone'/"$word"}
    printf '%s\n' "$text" >"$run/$name"
done
grep -q 'someone' "$run/records.jsonl" || fail "no name is hostile"
grep -q 'LLLL' "$run/records.jsonl" || fail "no name is long"
"$ipcmeter" report "$run" >/dev/null 2>&1 || fail "report of the hostile run: exit status $?"
export_all "$run" "$work/words"
status 0 "a name of 10 KB" "$run" --format bmf
says "names that were too long and were cut" "a name of 10 KB"
if command -v python3 >/dev/null; then
    python3 -B "$check" "$run" "$work/words" || fail "hostile words change figures"
    python3 -B - "$work/words" "$long" <<'CHECK' || fail "words"
import csv
import json
import sys
import xml.etree.ElementTree as ElementTree

folder, long = sys.argv[1:]
# A character that nobody sees stands as \uXXXX; the rest is what it was.
word = ("=cmd|`x`@someone #77 <img src=x onerror=alert(1)>,\"q\"\\u000A|next|\\u001B[31m\\u202Eabc\\u200B&amp; "
        "[l](javascript:x) ]]> 50% http://a.b *_~$1")
bad = []


def text(name):
    with open(f"{folder}/{name}", encoding="utf-8", newline="") as file:
        return file.read()


rows = list(csv.DictReader(text("csv").splitlines()))
mechanisms = {row["mechanism"] for row in rows}
if "'" + word not in mechanisms or long not in mechanisms:
    bad.append("csv: a mechanism is not what it was")
if {row["run"] for row in rows} != {"'" + word}:
    bad.append("csv: the run is not what it was")
name = f"pingpong/{word}/64/same_cpu/block/copies=2/batch=1"
for format_, names in (("gbench", [entry["run_name"] for entry in json.loads(text("gbench"))["benchmarks"]]),
                       ("bmf", list(json.loads(text("bmf")))),
                       ("junit", [case.get("name") for case in
                                  ElementTree.fromstring(text("junit")).iter("testcase")])):
    if name not in names:
        bad.append(format_ + ": a name is not what it was")
    cut = {name for name in names if "LLLL" in name}
    if len(cut) < 2 or max(map(len, cut)) > 1024:
        bad.append(f"{format_}: long names: {len(cut)}, {max(map(len, cut))}")
for what in ("@someone", "#77", "`x`", "<img", "[l](", "http://a", "\u202e", "\x1b", "]]>"):
    if what in text("markdown"):
        bad.append("markdown: " + what)
for name_ in ("csv", "gbench", "bmf", "junit", "markdown"):
    if any(character in text(name_) for character in "\x1b\u202e\u200b"):
        bad.append(name_ + ": a hidden character")
for line in bad:
    print("FAILED:", line)
sys.exit(bool(bad))
CHECK
fi
if command -v xmllint >/dev/null; then
    xmllint --noout --nonet --schema "$golden/schemas/junit.xsd" "$work/words/junit" 2>"$work/stderr" ||
        fail "junit: $(head -n 2 "$work/stderr")"
else
    skipped+=("the grammar of JUnit: xmllint is not installed")
fi
if command -v cmark-gfm >/dev/null; then
    # All that was markup in a foreign text is text on the page.
    cmark-gfm --unsafe -e table -e autolink -e strikethrough "$work/words/markdown" >"$work/page"
    holds "$work/page" '&lt;img src=x onerror=alert(1)&gt;'
    if grep -nE '<(a|img|em|del|script|code[^>]*)[ >]' "$work/page" | grep -vE '<code>(report.json|ipcmeter export)'; then
        fail "markdown: a foreign text has become markup"
    fi
    [[ $(grep -c '<table>' "$work/page") == 3 ]] || fail "markdown: not three tables on the page"
else
    skipped+=("the page that Markdown makes: cmark-gfm is not installed")
fi

# ---- a run of many points: the page stays a page

mkdir "$work/large"
line=$(grep -m 1 '"mechanism":"pipe".*"status":"ok"' "$golden/small-run/records.jsonl")
line=$line long=$long awk 'BEGIN {
    for (i = 0; i < 600; i++) {
        text = ENVIRON["line"]
        sub(/"point":"[^"]*"/, "\"point\":\"p" i "\"", text)
        sub(/"mechanism":"pipe"/, "\"mechanism\":\"m" i ENVIRON["long"] "\"", text)
        print text
    }
}' >"$work/large/records.jsonl"
status 0 "600 points" "$work/large" --format markdown
[[ $(wc -c <"$work/stdout") -lt 1048576 ]] || fail "600 points make a page above 1 MiB"
grep -qE '^and 400 more: ' "$work/stdout" || fail "the rows left out are not counted"

# ---- nothing to write, and nowhere to

mkdir "$work/empty" "$work/none"
: >"$work/none/records.jsonl"
grep '"status":"failed"' "$golden/small-run/records.jsonl" | head -n 1 >"$work/failed.jsonl"
mkdir "$work/failed"
mv "$work/failed.jsonl" "$work/failed/records.jsonl"
for format in "${formats[@]}"; do
    status 11 "$format of an empty run" "$work/none" --format "$format" --out "$work/never"
    says "nothing to write: the run has no" "$format of an empty run"
    [[ ! -e $work/never && ! -e $work/never.tmp ]] || fail "$format: a file of nothing"
done
for format in csv gbench bmf; do
    status 11 "$format of a run that measured nothing" "$work/failed" --format "$format"
    [[ ! -s $work/stdout ]] || fail "$format: nothing is something"
done
status 0 "junit of a run that measured nothing" "$work/failed" --format junit
holds "$work/stdout" '<failure type="create" message="1 of 1 invocations failed: mq_open: Too many open files"/>'
status 0 "markdown of a run that measured nothing" "$work/failed" --format markdown
holds "$work/stdout" '### Failed'

status 2 "no format" "$work/small"
status 2 "no directory" --format csv
status 2 "an unknown format" "$work/small" --format cvs
says "did you mean 'csv'?" "an unknown format"
status 2 "two directories" "$work/small" "$work/hostile" --format csv
status 2 "a directory that is not there" "$work/nowhere" --format csv
status 2 "a directory without records" "$work/empty" --format csv
status 0 "help" --help
for format in "${formats[@]}"; do
    holds "$work/stdout" "$format:"
done
status 1 "a folder that is not there" "$work/small" --format csv --out "$work/nowhere/x"
says "No such file or directory" "a folder that is not there"
if [[ -w /dev/full ]]; then
    for format in "${formats[@]}"; do
        "$ipcmeter" export "$work/small" --format "$format" >/dev/full 2>"$work/stderr"
        [[ $? == 1 ]] || fail "$format: a full disk is not seen"
        says "could not be written" "$format to a full disk"
        status 1 "$format --out to a full disk" "$work/small" --format "$format" --out /dev/full
    done
    [[ -c /dev/full ]] || fail "--out has replaced a device"
else
    skipped+=("a full disk: there is no /dev/full")
fi

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
