#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# energy: the kernel's own powercap tree, with its names, rights and wrap, over a meter whose
# energy is known (rapl_module/).
# shellcheck disable=SC2016  # jq's variables stand in single quotes
set -euo pipefail
# shellcheck source=tests/lab/guest.bash
. "$(dirname "${BASH_SOURCE[0]}")/guest.bash"

[[ $(uname -m) == x86_64 ]] || lab_skip "the worker of this machine is not for an x86-64 guest"
lab_fetch x86_64
lab_module
lab_native_root
cp "$work/module/ipm_rapl.ko" "$work/root/"
parameters=/sys/module/ipm_rapl/parameters
zone=/sys/class/powercap/intel-rapl:0/energy_uj

# lab_energy NAME KEY=VALUE...: a window of 2 s, and what it really took.
lab_energy() {
    lab_point "$1" 'pass="energy"' 'sensors={"energy": "powercap"}' 'window_ns=2000000000' 'host="lab-energy"' "${@:2}"
    echo "show $parameters/readings"
}
{
    echo 'write /proc/sys/kernel/printk 1'
    echo 'module /ipm_rapl.ko'
    echo "show $parameters/truth"
    lab_energy load
    lab_energy load-unix 'mechanism="unix_stream"'
    # More than a window takes is not left in the counter: it wraps inside each of these.
    for wrap in 1 2; do
        echo "write $parameters/wrap_in_uj 8000000"
        echo "show $zone"
        lab_energy wrap-$wrap
        echo "show $zone"
    done
    lab_energy idle 'pass="idle"'
    lab_energy auto 'sensors={}'
    lab_energy short 'window_ns=50000000'
    echo "write $parameters/max_uj 1000000"
    lab_energy small
    echo "write $parameters/max_uj 262143328850"
    echo 'as 65534'
    lab_energy nobody 'window_ns=200000000'
} >"$work/root/jobs"

lab_boot x86_64 "$work/energy.log"
lab_import energy "$work/energy.log"

# To each record the readings that followed it: those of its window are the last two that
# lie apart by most of it.
grep "^show $parameters/readings " "$work/energy.log" | cut -d' ' -f3- |
    jq -Rc 'split(";") | map(split(" ") | map(select(. != "") | tonumber) |
        {time_ns: .[0], core: .[3], dram: .[4], package: .[5], psys: .[6]})' >"$work/readings"
jq -cs --slurpfile readings "$work/readings" 'to_entries | map(.key as $i | .value | .window_ns as $window | .truth =
    ($readings[$i] as $all | [range(1; $all | length) | [$all[. - 1], $all[.]] |
        select(.[1].time_ns - .[0].time_ns > $window / 2)] | last |
        if . == null then null else . as $pair | $pair[1] | with_entries(.value -= $pair[0][.key]) end)) | .[]' \
    "$records" >"$work/with_truth"
records=$work/with_truth

close='def close($name; $truth): .metrics[$name].value / $truth | . > 0.99 and . < 1.01;'
within="$close"' def whole: close("energy_package_uj"; .truth.package) and close("energy_core_uj"; .truth.core) and
    close("energy_dram_uj"; .truth.dram) and close("energy_psys_uj"; .truth.psys);'
lab_check "every invocation is ok" 'all(.status == "ok")'
lab_check "joules of load windows are the truth within 1 %" "$within"' of("load", "load-unix") | whole'
# The roles' time, not the meter's: other work of the guest in the window is not in it.
lab_check "and about what CPU time, switches and time of the record make" '
    of("load") | (.metrics.cpu_ns.value * 10e-3 + .elapsed_ns * 3e-3 + .metrics.switches_rusage.value * 5) as $made |
    .metrics.energy_package_uj.value / $made | . > 0.97 and . < 1.05'
lab_check "psys is not in the package" 'of("load") | m("energy_psys_uj").value > m("energy_package_uj").value * 1.1'
mapfile -t seen < <(grep "^show $zone " "$work/energy.log" | cut -d' ' -f3)
if ((${#seen[@]} == 4 && seen[1] < seen[0] && seen[3] < seen[2])); then
    echo "ok      the counter wrapped in both windows that it should in (${seen[*]})"
else
    echo "NOT OK  the counter did not wrap where it should (${seen[*]})"
    failed=$((failed + 1))
fi
lab_check "across a wrap the joules are the truth within 1 %" "$within"' of("wrap-1", "wrap-2") | whole'
lab_check "an idle window is the truth within 1 %" "$within"' of("idle") | whole and .messages == 0'
lab_check "a hypervisor's meter is read only by name" 'of("auto") | says("energy_package_uj"; "^attributed: ")'
lab_check "a window below 100 ms is too short" 'of("short") | says("energy_package_uj"; "^too_short: ")'
lab_check "a range that may be passed twice is refused" 'of("small") | says("energy_package_uj"; "^wrapped: ")'
lab_check "an ordinary user is denied, and reads no 0" \
    'of("nobody") | says("energy_package_uj"; "^denied: ") and says("energy_core_uj"; "^denied: ")'
lab_check "under a hypervisor joules are attributed, not measured" 'of("load").metrics.energy_package_uj.provenance == "attributed"'
lab_show "package, of the truth" 'map(select(.truth and .metrics.energy_package_uj.value) |
    "\(.point) \(.metrics.energy_package_uj.value) / \(.truth.package) = \(.metrics.energy_package_uj.value / .truth.package * 1e5 | round / 1e5)") | join(", ")'

# Where a busy CPU draws nothing beyond rest, joules are those of the switches alone, and a
# message costs nothing by itself: the model has to find that out.  1 mJ a switch, since a guest
# that is emulated does some hundreds of them a second, and little power at rest, since its
# windows end up to a tenth of a second away from their readings.
# lab_block POINT KEY=VALUE...: two blocks of windows at rest, load, load, at rest.
lab_block() {
    local name=$1 block window pass
    shift
    for block in 0 1; do
        for window in 0 1 2 3; do
            pass=energy
            ((window == 0 || window == 3)) && pass=idle
            lab_point "$name" "pass=\"$pass\"" "block=$block" "invocation=$((2 * block + window / 2))" \
                'sensors={"energy": "powercap"}' 'window_ns=2000000000' 'host="lab-switches"' "$@"
        done
    done
}
{
    echo 'write /proc/sys/kernel/printk 1'
    echo 'module /ipm_rapl.ko core_mw=0 idle_mw=100 dram_mw=10 switch_nj=1000000'
    lab_block pingpong
    lab_block burst 'workload="burst"' batch=8 'policy="batch"'
    lab_block loop 'workload="self_loop"'
    lab_block loop-4k 'workload="self_loop"' size=4096
    lab_block token 'workload="token"'
} >"$work/root/jobs"
lab_boot x86_64 "$work/switches.log"
lab_import switches "$work/switches.log"
"$IPM_BIN/ipcmeter" report "$work/switches" >/dev/null 2>"$work/report.said" || cat "$work/report.said"
jq -c '.models[] | select(.name == "energy")' "$work/switches/report.json" >"$work/model"
records=$work/model
lab_check "switches are told from messages" '.[0].cells | map(select(.domain == "package")) |
    length == 1 and .[0].status == "fitted" and .[0].provenance == "attributed"'
lab_check "the energy of a switch is the truth within 5 %" '.[0].cells[] | select(.domain == "package") |
    .parameters[] | select(.name == "E_cs.local") | .value != null and .value > 950 and .value < 1050'
lab_check "a message draws less than a tenth of it" '.[0].cells[] | select(.domain == "package") |
    .parameters[] | select(.name == "e0") | .fitted.value | fabs < 100'
lab_show "coefficients" '.[0].cells[] | select(.domain == "package") | "\(.status) \(.reason // "") " +
    ([.parameters[] | "\(.name) \(.fitted.value // .value) \(.unit)"] | join(", "))'
lab_end
