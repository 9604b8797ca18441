#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# docs/report.schema.json is a schema, takes the report of tests/golden/small-run, and
# refuses it as soon as one member is missing, of another type, or one too many.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The distribution's own Python may have it where another one comes first.
for python in python3 /usr/bin/python3 ""; do
    [[ -n $python ]] && "$python" -c 'from jsonschema import Draft202012Validator' 2>/dev/null && break
done
if [[ -z $python ]]; then
    echo "skipped: python3 with jsonschema (4.0 or later) is not installed"
    exit 77
fi
cp -r "${IPM_SOURCE:?}/tests/golden/small-run" "$work/run"
"${IPM_BIN:?}/ipcmeter" report "$work/run" >/dev/null
"$python" - "$IPM_SOURCE/docs/report.schema.json" "$work/run/report.json" <<'CHECK'
import copy
import json
import sys

from jsonschema import Draft202012Validator

schema, report = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:])
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
failures = ["%s: %s" % ("/".join(map(str, error.path)), error.message[:200])
            for error in validator.iter_errors(report)]


def refused(what, change):
    """Whether the schema sees a change to the report."""
    broken = copy.deepcopy(report)
    change(broken)
    if validator.is_valid(broken):
        failures.append(what + " is not seen")


# Members that describe the machine, the config or the factors are free inside.
for key in report:
    refused(key + " missing", lambda broken: broken.pop(key))
    refused(key + " mistyped", lambda broken: broken.update({key: 0.5}))
for place in ("health", "answer", "ladder", "environment"):
    for key in report[place]:
        refused(f"{place}.{key} missing", lambda broken: broken[place].pop(key))
        refused(f"{place}.{key} mistyped", lambda broken: broken[place].update({key: 0.5}))
for place in ("points", "floors", "failures", "invalid", "skips", "bad_lines", "models"):
    if not report[place]:
        failures.append("small-run has no " + place)
        continue
    for key in ("reason", "id", "line", "figures", "passes", "status", "parameters"):
        if key in report[place][0]:
            refused(f"{place}.{key} missing", lambda broken: broken[place][0].pop(key))
for key in report["points"][0]["figures"]["p50_ns"]:
    refused(f"figure.{key} missing",
            lambda broken: broken["points"][0]["figures"]["p50_ns"].pop(key))
    refused(f"figure.{key} mistyped",
            lambda broken: broken["points"][0]["figures"]["p50_ns"].update({key: []}))
refused("a member too many", lambda broken: broken.update(surprise=1))
refused("a plot missing", lambda broken: broken["plots"].pop("ladder"))

for failure in failures:
    print("FAILED:", failure)
sys.exit(bool(failures))
CHECK
