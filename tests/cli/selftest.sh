#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `ipcmeter selftest stats`: usage, the document, the same figures twice, and that too few
# suites to show anything are no success.  `selftest gate` is in gate_real.sh.
set -euo pipefail
ipcmeter=$IPM_BIN/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

expect 0 "help" "$ipcmeter" selftest --help
must "help names the classes' option" grep -q -- --class "$work/stdout"
expect 2 "no test named" "$ipcmeter" selftest
expect 2 "an unknown test" "$ipcmeter" selftest nothing
expect 2 "no suites" "$ipcmeter" selftest stats --suites 0
expect 2 "a seed that is no number" "$ipcmeter" selftest stats --seed x
expect 2 "an unknown option" "$ipcmeter" selftest stats --fast
expect 2 "an unknown class" "$ipcmeter" selftest stats --suites 1 --class calm
if grep -q "built without GSL" <("$ipcmeter" selftest stats --suites 1 2>&1); then
    expect 12 "without GSL" "$ipcmeter" selftest stats --suites 1
    exit $((failures > 0))
fi
must "the classes are named" grep -q "quiet drift bimodal" "$work/stderr"

# Of twenty suites, none with a false alarm leaves 17 % possible.
expect 3 "twenty suites show nothing" "$ipcmeter" selftest stats --suites 20 --class quiet --json
cp "$work/stdout" "$work/first"
must "the bound that was not met is marked" jq -e '
    .met == false and ([.classes[0].demands[] | select(.met | not) | .what]
        | index("upper end of their 95 % interval") != null)' "$work/first"
must "all suites have a verdict" jq -e '
    [.classes[].simulated[] | (.verdicts | add) == .suites] | all' "$work/first"
must "the other design is simulated where nothing is planted" jq -e '
    .classes[0].simulated | map(.naive_alarms != null) == [true, false, false]' "$work/first"
expect 3 "again" "$ipcmeter" selftest stats --suites 20 --class quiet --json
must "the same seed gives the same document" cmp "$work/first" "$work/stdout"
expect 3 "another seed" "$ipcmeter" selftest stats --suites 20 --class quiet --seed 2 --json
must "another seed gives another one" bash -c "! cmp -s '$work/first' '$work/stdout'"
expect 3 "in words" "$ipcmeter" selftest stats --suites 20 --class bimodal
must "what failed is said" grep -q "^  FAIL .*upper end" "$work/stdout"

exit $((failures > 0))
