#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Your own IPC: an installed copy, its headers and pkg-config file, the example built against
# them, every command of docs/adding-a-mechanism.md, plug-ins at fault, the suite's verdicts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
compiler=${CC:-cc}

# expect STATUS TEXT WHAT COMMAND...: its exit status, and TEXT in what it prints.
expect() {
    local wanted=$1 text=$2 what=$3 status=0
    shift 3
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
    if [[ $status == "$wanted" ]] && grep -qF -- "$text" <(cat "$work/stdout" "$work/stderr" && echo); then
        echo "ok: $what: $status"
    else
        echo "FAILED: $what: exit $status (wanted $wanted, with '$text'):"
        tail -n 5 "$work/stdout" "$work/stderr"
        failures=$((failures + 1))
    fi
}

for tool in "$compiler" cmake pkg-config; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: $tool is not installed" && exit 77
    fi
done

# --- installed, moved, and all it wants is found -----------------------------------------
cmake --install "$IPM_BUILD" --prefix "$work/staged" >/dev/null
mv "$work/staged" "$work/usr"
PATH=$work/usr/bin:$PATH
file=$(find "$work/usr" -name ipcmeter.pc)
export PKG_CONFIG_PATH=${file%/*}
expect 0 "ipcmeter" "the installed program" ipcmeter --version
expect 0 "shm_ring" "the installed worker is found" ipcmeter list mechanisms
abi=$(sed -n 's/.*IPM_PLUGIN_ABI = \([0-9]*\).*/\1/p' "$IPM_SOURCE/mechanisms/mechanism.h")
expect 0 "$abi" "the ABI in the pkg-config file" pkg-config --variable=plugin_abi ipcmeter
read -ra flags < <(pkg-config --cflags ipcmeter)
build() { # OUT SOURCE ARGUMENTS...
    local out=$1 source=$2
    shift 2
    "$compiler" -std=gnu17 -D_GNU_SOURCE -O2 -shared -fPIC "${flags[@]}" "$@" -o "$out" "$source"
}

# --- the page for writers of mechanisms, command by command ------------------------------
mkdir "$work/page" && cd "$work/page"
count=0
while IFS= read -r command; do
    case $command in "ipcmeter run"*) # what takes minutes otherwise
        command+=" --progress none --set repeat.invocations=1 --set repeat.window=5ms --set repeat.warmup=1ms" ;;
    esac
    expect 0 "" "page: $command" bash -c "${command/#cc /$compiler }"
    count=$((count + 1))
done < <(sed -n 's/^    //p' "$IPM_SOURCE/docs/adding-a-mechanism.md")
[[ $count -ge 6 ]] || { echo "FAILED: only $count commands on the page"; failures=$((failures + 1)); }
expect 0 "" "the page's run measured it" grep -q '"mechanism":"mine".*"status":"ok"' mine-run/records.jsonl

# --- the example, out of the tree ----------------------------------------------------------
expect 0 "" "configure the example" cmake -S "$IPM_SOURCE/examples/plugin" -B "$work/example" -DCMAKE_C_COMPILER="$compiler"
expect 0 "" "build the example" cmake --build "$work/example"
so=$work/example/mailbox.so
expect 0 "mailbox" "list it" ipcmeter list mechanisms --plugin "$so"
expect 0 "mailbox" "plan with it" ipcmeter plan --points --plugin "$so" --set mechanisms=mailbox --set mailbox.layout=together,apart
expect 0 "" "run it" ipcmeter run --plugin "$so" --set mechanisms=mailbox --set workloads=pingpong --set size=64 \
    --set placement=same_cpu --set wait=block --set mailbox.layout=together,apart --set repeat.invocations=1 --set repeat.window=5ms \
    --set repeat.warmup=1ms --progress none --out "$work/run"
# shellcheck disable=SC2317 # expect calls it
measured() { grep '"status":"ok"' "$work/run/records.jsonl" | grep -c "$1"; }
expect 0 "" "the default layout was measured" measured '"options":{}'
expect 0 "" "the other layout was measured" measured '"mailbox.layout":"together"'
if grep -qF "$work" "$work"/run/*.json*; then
    echo "FAILED: a result names a path of this machine" && failures=$((failures + 1))
fi

# --- plug-ins at fault are refused, by all that load them -----------------------------------
source=$IPM_SOURCE/tests/support/broken_plugin.c
build fine.so "$source"
build foreign.so "$source" -DABI=999 -DFAULT_GARBAGE
build nameless.so "$source" -DNAME=NULL
build clash.so "$source" '-DNAME="pipe"'
build no_hook.so "$source" -DFAULT_NO_HOOK
build promises.so "$source" -DFAULT_CAPABILITIES
echo 'int nothing; int nothing;' >library.c
build library.so library.c
echo "no object" >text.so
suite=(conform)
[[ -x $IPM_BIN/ipcmeter-conform ]] || suite=()
for command in list plan "run --out $work/refused" "${suite[@]}"; do
    # shellcheck disable=SC2086 # a verb and its arguments
    refused() { expect 2 "$1" "$command: $2" ipcmeter $command "${@:3}"; }
    refused "loaded already" "the same twice" --plugin fine.so --plugin ./fine.so
    refused "No such file" "a missing file" --plugin "$work/missing.so"
    refused "ipm_plugin_mechanisms" "a library, but no plug-in" --plugin library.so
    refused "text.so" "no shared object" --plugin text.so
    refused "ABI 999, this worker has $abi" "another ABI, garbage behind it" --plugin foreign.so
    refused "the name must match" "no name" --plugin nameless.so
    refused "'pipe' exists already" "the name of a built-in" --plugin clash.so
    refused "a mandatory hook is missing" "no recv_n" --plugin no_hook.so
    refused "wait_fd and the pollfd capability" "a promise without a hook" --plugin promises.so
done
[[ ! -e $work/refused ]] || { echo "FAILED: a refused plug-in left a result" && failures=$((failures + 1)); }

# --- the suite's verdicts --------------------------------------------------------------------
if [[ ! -x $IPM_BIN/ipcmeter-conform ]]; then
    expect 12 "built without cmocka" "no suite" ipcmeter conform
else
    expect 0 "mailbox conforms" "the example conforms" ipcmeter conform --plugin "$so"
    expect 0 '"conforms":true' "and says so as JSON" ipcmeter conform mailbox --plugin "$so" --option layout=apart --json
    expect 0 "stream" "the properties" ipcmeter conform --list
    expect 2 "no option 'colour'" "an option that is not" ipcmeter conform mailbox --plugin "$so" --option colour=red
    expect 2 "there is no mechanism" "a mechanism that is not" ipcmeter conform nothing
    build crashes.so "$source" -DFAULT_CRASHES
    build hangs.so "$source" -DFAULT_HANGS
    build absent.so "$source" -DFAULT_NOT_HERE
    expect 3 "fail  lengths" "one that loses everything" ipcmeter conform --plugin fine.so
    expect 3 "pass  description" "which costs no other case" ipcmeter conform --plugin fine.so
    expect 3 "SIGABRT" "one that crashes" ipcmeter conform --plugin crashes.so
    expect 3 "did not end within 2 s" "one that hangs" ipcmeter conform --plugin hangs.so --limit 2
    expect 12 "this kernel has no such thing" "one that cannot be here" ipcmeter conform --plugin absent.so
    rm "$work/usr/bin/ipcmeter-conform"
    expect 12 "built without cmocka" "no suite" ipcmeter conform
fi
echo "$failures failures"
exit $((failures > 0))
