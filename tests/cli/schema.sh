#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ipcmeter schema: the shipped configs keep to it, broken ones do not, every key has its help.
set -eu
ipcmeter=$IPM_BIN/ipcmeter
unset IPCMETER_WORKER
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "$*"
    exit 1
}

# The same words as a check of the config: one table serves both.
"$ipcmeter" schema --key repeat.window >"$scratch/window"
grep -q '^  allowed: .*"10us" .. "1h"$' "$scratch/window" || fail "repeat.window: $(cat "$scratch/window")"
grep -q '^  default: 50ms$' "$scratch/window" || fail "repeat.window has no default"
"$ipcmeter" schema --key sweeps.axes.size >"$scratch/long"
"$ipcmeter" schema --key size >"$scratch/short"
diff <(sed 1d "$scratch/long") <(sed 1d "$scratch/short") || fail "an axis by its name alone differs"
"$ipcmeter" schema --key sensors.energy.simulated.seed >/dev/null || fail "no help three levels down"

status=0
"$ipcmeter" schema --key repeat.windw >"$scratch/out" 2>"$scratch/err" || status=$?
[ $status -eq 2 ] || fail "an unknown key: exit status $status"
[ ! -s "$scratch/out" ] || fail "an unknown key: stdout is not empty"
grep -q "did you mean 'window'" "$scratch/err" || fail "an unknown key: $(cat "$scratch/err")"

# Every key of the schema has help, and every option of a mechanism that is here is a key.
"$ipcmeter" schema >"$scratch/schema.json"
jq -e '[.. | objects | select(has("properties")) | .properties | to_entries[]
        | select(.value.description == null) | .key] | if . == [] then true else error("no help: \(.)") end' \
    "$scratch/schema.json" >/dev/null
"$ipcmeter" list --json |
    jq -r '.mechanisms[] | .name as $name | .options[]? | "\($name).\(.name)"' >"$scratch/options"
[ -s "$scratch/options" ] || fail "no mechanism has an option"
while read -r option; do
    "$ipcmeter" schema --key "$option" >/dev/null || fail "no help for $option"
done <"$scratch/options"

if ! python3 -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
    echo "skipped: no python3-jsonschema with draft 2020-12"
    exit 77
fi
export IPCMETER_WORKER=$IPM_SOURCE/tests/support/fake_worker.sh
"$ipcmeter" schema >"$scratch/fake.json"
python3 "$IPM_SOURCE/tests/support/check_schema.py" "$scratch/schema.json" "$IPM_SOURCE"/configs/*.jsonc
python3 "$IPM_SOURCE/tests/support/check_schema.py" --broken "$scratch/fake.json" \
    "$IPM_SOURCE"/tests/cli/broken/*.jsonc
