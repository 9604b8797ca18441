#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What is asked of the sensors, from the command line and the config to the record: PAPI's
# presets are values or null with a reason, never 0; a worker without the module names the
# package; another choice is another run.
set -euo pipefail
ipcmeter=${IPM_BIN:?}/ipcmeter
command -v jq >/dev/null || { echo "skip: no jq" && exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS WHAT COMMAND...: runs it, stdout and stderr into $work.
expect() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
    [[ $status == "$wanted" ]] || fail "$what: wanted exit $wanted, got $status: $(tail -n 3 "$work/stderr")"
}

cat >"$work/small.jsonc" <<'CONFIG'
{ "name": "small", "repeat": { "invocations": 1, "window": "5ms", "warmup": "1ms" },
  "sensors": { "energy": "off" },
  "sweeps": [ { "name": "s", "workloads": "pingpong", "mechanisms": "pipe",
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
small=(run "$work/small.jsonc" --progress none)
metrics=(papi_tot_cyc papi_tot_ins papi_tlb_dm papi_tlb_im)

# papi RECORDS CLASS...: every record is ok and has each of PAPI's metrics, as a value above 0 or as null
# with a reason of one of these classes; perf's hardware events were left alone.
papi() {
    local records=$1 name
    shift
    jq -es 'length > 0 and all(.[]; .status == "ok")' "$records" >/dev/null || fail "$records: not ok"
    for name in "${metrics[@]}"; do
        jq -es --arg name "$name" --arg classes "^($(IFS='|' && echo "$*")): " '
            all(.[].metrics[$name]; if .status == "ok" then .value > 0
                                    else .value == null and (.reason | test($classes)) end)' "$records" >/dev/null ||
            fail "$records: $name: $(jq -c ".metrics.$name" "$records" | head -n 1)"
    done
    jq -es 'all(.[].metrics; .cycles.value == null and .cycles.reason == "not_chosen: --counters papi")' "$records" >/dev/null ||
        fail "$records: perf's cycles"
}

# By default nobody asks for PAPI, and no record speaks of it.
expect 0 "a default run" "$ipcmeter" "${small[@]}" --out "$work/perf"
jq -es 'all(.[]; (has("sensors") | not) and (.metrics | has("papi_tot_cyc") | not))' "$work/perf/records.jsonl" >/dev/null ||
    fail "a default run speaks of PAPI"

expect 0 "--counters papi" "$ipcmeter" "${small[@]}" --counters papi --out "$work/papi"
papi "$work/papi/records.jsonl" absent denied stuck multiplexed failed not_in_this_pass
jq -es 'any(.[]; .pass == "counters:software") and all(.[]; .sensors == {counters: "papi"})' "$work/papi/records.jsonl" >/dev/null ||
    fail "the software counters went, or the records do not say what was asked"
jq -e '.config.sensors == {counters: "papi", events: [], energy: "off", syscalls: "auto"}' "$work/papi/manifest.json" >/dev/null ||
    fail "the manifest does not say what was asked"
jq -e '[.describe.sensors[] | select(.name | test("^papi_")) | .available or (.reason | length > 10)] | length == 2 and all' \
    "$work/papi/manifest.json" >/dev/null || fail "describe does not tell of PAPI"
expect 0 "plan" "$ipcmeter" plan "$work/small.jsonc" --counters papi
for pass in counters:software counters:core counters:papi:core counters:papi:tlb; do
    grep -q "^  $pass " "$work/stdout" || fail "plan does not show the pass $pass"
done
grep -q 'counters:core .*none: not_chosen: --counters papi' "$work/stdout" || fail "plan: counters:core is not explained"
expect 0 "list" "$ipcmeter" list sensors --counters papi
grep -qE '^perf_core .*no: not_chosen: --counters papi' "$work/stdout" || fail "list: perf_core is not explained"
expect 0 "list" "$ipcmeter" list sensors
grep -qE '^papi_core .*no: not_chosen: --counters perf' "$work/stdout" || fail "list: papi_core is not explained"

# Resume wants the same choice, in whatever words.
expect 2 "resume without it" "$ipcmeter" "${small[@]}" --out "$work/papi" --resume
expect 0 "resume with it" "$ipcmeter" "${small[@]}" --set sensors.counters=papi --out "$work/papi" --resume
expect 2 "resume with an event more" "$ipcmeter" "${small[@]}" --counters papi --events cycles --out "$work/papi" --resume
expect 0 "perf is the default" "$ipcmeter" "${small[@]}" --counters perf --out "$work/perf" --resume

# A worker whose module was not built, or whose library is not installed.
mkdir -p "$work/bare/bin"
cp "$IPM_BIN/ipcmeter-worker" "$work/bare/bin"
expect 0 "without the module" env IPCMETER_WORKER="$work/bare/bin/ipcmeter-worker" \
    "$ipcmeter" "${small[@]}" --counters papi --out "$work/without"
papi "$work/without/records.jsonl" absent
grep -q 'install libpapi-dev and build again' "$work/without/records.jsonl" || fail "the missing package is not named"
modules=$(find "$IPM_BUILD" -path "$IPM_BUILD/lab*" -prune -o -path "*/ipcmeter/papi.so" -print | head -n 1)
if [[ -n $modules ]]; then
    bad=$work/bare/${modules#"$IPM_BUILD"/}
    mkdir -p "$(dirname "$bad")"
    echo "no shared object" >"$bad"
    "$work/bare/bin/ipcmeter-worker" --sensors '{"counters": "papi"}' describe |
        jq -e '[.sensors[] | select(.name | test("^papi_")) | .reason | test("^absent: install libpapi7.0: ")] | length == 2 and all' \
            >/dev/null || fail "a module that does not load: the package is not named"
    # The worker itself has nothing to do with it.
    ! ldd "$IPM_BIN/ipcmeter-worker" | grep -qi papi || fail "the worker links PAPI"
else
    echo "note: the PAPI module is not built here"
fi

# Words that are none.
expect 2 "--counters" "$ipcmeter" plan --counters likwid
expect 2 "--energy" "$ipcmeter" run --energy estimated --out "$work/x"
grep -q -- '--energy: auto, off, power, powercap or hwmon, not estimated' "$work/stderr" || fail "--energy: the words are not told"
expect 2 "--events" "$ipcmeter" list sensors --events 'cpu/event=1'
expect 2 "--events and no counters" "$ipcmeter" plan --events cycles --counters none
[[ ! -e $work/x ]] || fail "something was created"
"$IPM_BIN/ipcmeter-worker" --sensors '{"counters": "likwid"}' describe >"$work/stdout" 2>/dev/null && fail "the worker takes any word"
[[ ! -s $work/stdout ]] || fail "the worker described itself all the same"

# The whole of it reaches the worker as one object.
expect 0 "all at once" "$ipcmeter" plan "$work/small.jsonc" --json --energy powercap --events ' cycles:u ,cpu/event=1,umask=2/' --counters papi
jq -e '.config.sensors == {counters: "papi", events: ["cycles:u", "cpu/event=1,umask=2/"], energy: "powercap", syscalls: "auto"}' \
    "$work/stdout" >/dev/null || fail "plan: $(jq -c .config.sensors "$work/stdout")"

exit $((failures > 0))
