#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A worker that describes itself as describe.json says and measures nothing: its figures
# follow from the seed of the invocation, wider ones from larger messages.
#   FAKE_FAIL=PATTERN   fails when the point matches, e.g. '"mechanism":"pipe"'
#   FAKE_FAIL_FIRST=1   fails at the first try of each invocation
#   FAKE_SLEEP=SECONDS  takes so long
folder=${BASH_SOURCE[0]%/*}
for word; do
    [[ $word == describe ]] && exec cat "$folder/describe.json"
done
IFS= read -r point || true
[[ $point =~ \"seed\":([0-9]+) ]] && seed=${BASH_REMATCH[1]}
[[ $point =~ \"size\":([0-9]+) ]] && size=${BASH_REMATCH[1]}
[[ -z ${FAKE_SLEEP:-} ]] || sleep "$FAKE_SLEEP"
p50=$((100000 + (seed % 2001 - 1000) * size / 8))
status='"status":"ok","phase":null,"reason":null'
if [[ (-n ${FAKE_FAIL:-} && $point =~ $FAKE_FAIL) || (-n ${FAKE_FAIL_FIRST:-} && $point != *'"try":'*) ]]; then
    status='"status":"failed","phase":"window","reason":"EIO: as the test wants it"'
fi
printf '%s,"build":"0123456789abcdef0123456789abcdef01234567",%s,"flags":[],"messages":100,"operations":50,"elapsed_ns":%d,"latency_kind":"round_trip","latency_ns":{"count":50,"p50":%d}}\n' \
    "${point%\}}" "$status" $((p50 * 50)) "$p50"
