#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `ipcmeter export` makes of the gate in tests/golden/small-gate, byte by byte: a made-up
# document with every verdict, texts that want to be more, and a verdict of nobody's.  That it
# keeps to the grammar of JUnit, and that no foreign word becomes markup.
#
# With --accept the committed expectations are replaced by what came out; read the diff.
set -u
golden=${IPM_SOURCE:?}/tests/golden
expected=$golden/small-gate-export
ipcmeter=${IPM_BIN:?}/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()
declare -A files=([junit]=junit.xml [markdown]=summary.md)

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

mkdir "$work/out"
for format in "${!files[@]}"; do
    "$ipcmeter" export "$golden/small-gate" --format "$format" >"$work/out/${files[$format]}" 2>"$work/stderr" ||
        fail "$format: exit status $?: $(tail -n 2 "$work/stderr")"
done
if [[ ${1:-} == --accept ]]; then
    mkdir -p "$expected"
    cp "$work"/out/* "$expected/"
    exit
fi
for name in "${files[@]}"; do
    diff -u "$expected/$name" "$work/out/$name" | head -n 40
    cmp -s "$expected/$name" "$work/out/$name" || fail "$name has changed"
done

if command -v xmllint >/dev/null; then
    xmllint --noout --nonet --schema "$golden/schemas/junit.xsd" "$work/out/junit.xml" 2>"$work/stderr" ||
        fail "junit: $(head -n 3 "$work/stderr")"
else
    skipped+=("the grammar of JUnit: xmllint is not installed")
fi
if command -v python3 >/dev/null; then
    python3 -B - "$golden/small-gate/gate.json" "$work/out/junit.xml" <<'CHECK' || fail "junit is not the document"
import json
import sys
import xml.etree.ElementTree as ElementTree

document = json.load(open(sys.argv[1], encoding="utf-8"))
root = ElementTree.parse(sys.argv[2]).getroot()
outcomes = {"pass": None, "regression": "failure", "error": "error"}
cases = {case.get("name"): case for case in root.iter("testcase")}
assert len(cases) == len(list(root.iter("testcase"))) == len(document["points"]) + 1, "two cases of one name"
by_hash = {}
for case in root.iter("testcase"):
    for line in case.findtext("system-out").splitlines():
        if line.startswith("point = "):
            by_hash[line[len("point = "):]] = case
known = ("pass", "regression", "inconclusive", "environment", "error")
for point in document["points"]:
    case = by_hash[point["point"]]
    verdict = point["verdict"] if point["verdict"] in known else "error"
    got = [child.tag for child in case if child.tag != "system-out"]
    wanted = outcomes.get(verdict, "skipped")
    assert got == ([wanted] if wanted else []), (point["label"], got)
    assert case.get("classname").startswith(point["label"].split("/")[0] + "."), case.attrib
    assert (case.get("time") is None) == ("elapsed_ns" not in point), case.attrib
whole = cases["the gate"]
assert whole.find("error").get("type") == document["verdict"]
for suite in root:
    controls = [by_hash[point["point"]] for point in document["points"] if point["control"]]
    here = list(suite.iter("testcase"))
    assert (suite.get("name") == "gate, control points") == all(case in controls for case in here)
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(count)) == sum(case.find(tag) is not None for case in here), count
    assert int(suite.get("tests")) == len(here)
for count in ("tests", "failures", "errors"):
    assert int(root.get(count)) == sum(int(suite.get(count)) for suite in root), count
properties = {each.get("name"): each.get("value") for each in root.iter("property")}
assert properties["verdict"] == "error"
assert properties["params.seed"] == str(document["params"]["seed"])
assert properties["measured.a.build"] == document["measured"]["a"]["build"]
CHECK
else
    skipped+=("what the cases say: python3 is not installed")
fi
if command -v cmark-gfm >/dev/null; then
    cmark-gfm --unsafe -e table -e autolink -e strikethrough "$work/out/summary.md" >"$work/page"
    grep -qF '&lt;img src=x onerror=alert(1)&gt;' "$work/page" || fail "markdown: a foreign text is not as it was"
    if grep -nE '<(a|img|em|del|script|code[^>]*)[ >]' "$work/page" | grep -vE '<code>ipcmeter gate [^<]*</code>'; then
        fail "markdown: a foreign text has become markup"
    fi
    for count in '3 <table>' '1 <details>' '1 </details>' '4 <h3>' '1 <h2>'; do
        [[ $(grep -c "${count#* }" "$work/page") == "${count% *}" ]] || fail "markdown: not $count on the page"
    done
else
    skipped+=("the page that Markdown makes: cmark-gfm is not installed")
fi

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
