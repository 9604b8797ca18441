#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# meter: the verb that examines energy meters, on this machine and on fixtures; what a
# record says of energy; and whom the udev rule lets read.
set -euo pipefail
worker=$IPM_BIN/ipcmeter-worker
machines=$IPM_SOURCE/tests/fixtures/machines

fail() { echo "$*" >&2 && exit 1; }
# expect JSON FILTER: the filter must be true of it.
expect() { jq -e "$2" >/dev/null <<<"$1" || fail "not so: $2: $1"; }

# Whatever this machine has: a choice or a reason, and three sources with theirs.
here=$("$worker" meter)
expect "$here" '(.chosen == null) != (.reason == null)'
expect "$here" '[.sources[].source] == ["power", "powercap", "hwmon"]'
expect "$here" 'all(.sources[]; .accepted == (.reason == null) and (.tests | length) > 0)'
expect "$here" 'all(.sources[]; .accepted or (.reason | test("^[a-z_]+: .")))'

# Counters that never move: each of the client's, told apart from zones that are not there.
client=$("$worker" --sysroot "$machines/intel-client" --sensors '{"energy":"powercap"}' meter)
expect "$client" '.chosen == null and (.reason | startswith("stuck: energy_uj of package-0"))'
expect "$client" '[.sources[0].zones[].name] | sort
    == ["package-0", "package-0/core", "package-0/uncore", "psys"]'
expect "$client" '.sources[0].update_period_ns == null and .sources[0].idle_w == 0'
box=$("$worker" --sysroot "$machines/container" meter)
expect "$box" '.chosen == null and (.reason | startswith("masked: "))'
off=$("$worker" --sensors '{"energy":"off"}' meter)
expect "$off" '.chosen == null and (.reason | startswith("off: ")) and .sources == []'

# A record of the energy pass has the source's own reason, and of another pass that it is not
# of it; never a 0.
point() { # PASS MACHINE
    jq -nc --arg pass "$1" --arg root "$machines/$2" '{schema: 1, workload: "pingpong",
        mechanism: "pipe", size: 64, cpus: [0], wait: "block", pass: $pass, sysroot: $root,
        window_ns: 120000000, warmup_ns: 1000000, sensors: {energy: "powercap"}}' | "$worker"
}
record=$(point energy intel-server)
expect "$record" '.status == "ok" and .metrics.energy_package_uj.value == null'
expect "$record" '.metrics.energy_package_uj
    | .reason | startswith("stuck: energy_uj of package-")'
expect "$record" '.metrics.energy_package_uj | .source == "powercap" and .provenance == "unavailable"'
expect "$record" '.metrics.energy_core_uj.reason | startswith("absent: ")'
expect "$(point energy container)" '.metrics.energy_package_uj.reason | startswith("masked: ")'
expect "$(point timing intel-server)" \
    '.metrics.energy_package_uj | .value == null and (.reason | startswith("not_in_this_pass: "))'

# The rule gives one group the right to read, nobody else, and nobody to write.
rules=$IPM_SOURCE/docs/99-ipcmeter-energy.rules
grep -v '^#' "$rules" | grep -q 'chgrp energy' || fail "the rule names no group"
mapfile -t modes < <(grep -v '^#' "$rules" | grep -o 'chmod [^ ]*')
[ "${#modes[@]}" -gt 0 ] || fail "the rule sets no mode"
for mode in "${modes[@]}"; do
    [ "$mode" = 'chmod 0440' ] || fail "the rule says $mode"
done
