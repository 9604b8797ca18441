#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `ipcmeter export` makes of tests/golden/small-run, byte by byte; that the records' order
# does not matter; and that it keeps to the schemas of tests/golden/schemas.
#
# With --accept the committed expectations are replaced by what came out; read the diff.
set -u
golden=${IPM_SOURCE:?}/tests/golden
expected=$golden/small-export
ipcmeter=${IPM_BIN:?}/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()
declare -A files=([csv]=points.csv [gbench]=gbench.json [bmf]=bmf.json [junit]=junit.xml [markdown]=summary.md)

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# export_all RUN FOLDER
export_all() {
    local format
    mkdir -p "$2"
    for format in "${!files[@]}"; do
        "$ipcmeter" export "$1" --format "$format" >"$2/${files[$format]}" 2>"$work/stderr" ||
            fail "$format: exit status $?: $(tail -n 2 "$work/stderr")"
    done
}

export_all "$golden/small-run" "$work/out"
if [[ ${1:-} == --accept ]]; then
    mkdir -p "$expected"
    cp "$work"/out/* "$expected/"
    exit
fi

# Without intervals everything else is other, too.
grep -q 'built without GSL' "$work/out/points.csv" &&
    skipped+=("the figures: built without GSL, so there are no intervals")
if ((${#skipped[@]} == 0)); then
    for name in "${files[@]}"; do
        diff -u "$expected/$name" "$work/out/$name" | head -n 40
        cmp -s "$expected/$name" "$work/out/$name" || fail "$name has changed"
    done
fi

mkdir "$work/run"
cp "$golden/small-run/manifest.json" "$work/run/"
{
    sed '$d' "$golden/small-run/records.jsonl" | sort
    tail -c 200 "$golden/small-run/records.jsonl"
} >"$work/run/records.jsonl"
export_all "$work/run" "$work/other"
diff -r "$work/out" "$work/other" >/dev/null || fail "the order of the records matters"

if command -v xmllint >/dev/null; then
    xmllint --noout --schema "$golden/schemas/junit.xsd" "$work/out/junit.xml" 2>"$work/stderr" ||
        fail "junit: $(head -n 3 "$work/stderr")"
    # That the grammar is one: an unknown element and a test case without a name are refused.
    for change in 's/<skipped /<ignored /' 's/<testcase classname="[^"]*" name=/<testcase title=/'; do
        sed "$change" "$work/out/junit.xml" >"$work/broken.xml"
        cmp -s "$work/out/junit.xml" "$work/broken.xml" && fail "'$change' changes nothing"
        xmllint --noout --schema "$golden/schemas/junit.xsd" "$work/broken.xml" 2>/dev/null &&
            fail "junit.xsd does not see $change"
    done
else
    skipped+=("the grammar of JUnit: xmllint is not installed")
fi

# The distribution's own Python may have it where another one comes first.
for python in python3 /usr/bin/python3 ""; do
    [[ -n $python ]] && "$python" -c 'from jsonschema import Draft202012Validator' 2>/dev/null && break
done
if [[ -z $python ]]; then
    skipped+=("the schemas: python3 with jsonschema (4.0 or later) is not installed")
else
    "$python" - "$golden/schemas" "$work/out" <<'CHECK' || fail "schemas"
import copy
import json
import sys

from jsonschema import Draft202012Validator

schemas, out = sys.argv[1:]
failures = []


def first(document):
    """The first benchmark of gbench, the first measure of bmf."""
    if "benchmarks" in document:
        return document["benchmarks"][0]
    return next(iter(next(iter(document.values())).values()))


for name in ("gbench", "bmf"):
    with open(f"{schemas}/{name}.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    with open(f"{out}/{name}.json", encoding="utf-8") as file:
        document = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    failures += [f"{name}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]
    for key in first(document):
        if key in ("items_per_second", "bytes_per_second"):
            continue
        for what, change in (("missing", lambda entry: entry.pop(key)),
                             ("null", lambda entry: entry.update({key: None}))):
            broken = copy.deepcopy(document)
            change(first(broken))
            if validator.is_valid(broken):
                failures.append(f"{name}: {key} {what} is not seen")
for failure in failures:
    print("FAILED:", failure)
sys.exit(bool(failures))
CHECK
fi

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
