#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
#   ./run.sh        install what is missing, build, look at the machine, measure the default
#                   config and answer
#   ./run.sh test   install what is missing, build, run the tests
#   ./run.sh lab    the same for counters and joules, in emulated machines: fetches about
#                   260 MB of packages once, into a cache outside of the tree (tests/lab/)
#
# Needs no answer, changes no system setting, may be repeated, works from any directory.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

build=build/release
export DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "run.sh: $*" >&2; }

# What is wanted: how to see that it is there, then its package for apt, dnf and pacman ("-":
# that distribution has none).
# The first four are a must; without the others a part is absent and says so.
needs='
cmd:cc                gcc             gcc             gcc        must
cmd:cmake             cmake           cmake           cmake      must
cmd:pkg-config        pkg-config      pkgconf         pkgconf    must
lib:jansson           libjansson-dev  jansson-devel   jansson    must
cmd:ninja|make        make            make            make       must
lib:gsl               libgsl-dev      gsl-devel       gsl        should
lib:hwloc             libhwloc-dev    hwloc-devel     hwloc      should
cmd:gnuplot           gnuplot-nox     gnuplot-minimal gnuplot    should
lib:liburing          liburing-dev    liburing-devel  liburing   should
lib:libzmq            libzmq3-dev     zeromq-devel    zeromq     should
hdr:nng/nng.h         libnng-dev      nng-devel       nng        should
lib:libsystemd        libsystemd-dev  systemd-devel   systemd-libs should
cmd:dbus-daemon       dbus            dbus-daemon     dbus       should
lib:papi              libpapi-dev     papi-devel      -          should
hdr:perfmon/pfmlib.h  libpfm4-dev     libpfm-devel    -          should
'
test_needs='
lib:cmocka            libcmocka-dev   libcmocka-devel cmocka     should
cmd:strace            strace          strace          strace     should
cmd:jq                jq              jq              jq         should
cmd:xmllint           libxml2-utils   libxml2         libxml2    should
cmd:xz                xz-utils        xz              xz         should
cmd:mandoc            mandoc          mandoc          mandoc     should
cmd:shellcheck        shellcheck      ShellCheck      shellcheck should
cmd:clang-format      clang-format    clang-tools-extra clang    should
cmd:cmark-gfm         cmark-gfm       -               cmark-gfm  should
file:/usr/share/benchmark/compare.py libbenchmark-tools - - should
py:jsonschema         python3-jsonschema python3-jsonschema python-jsonschema should
py:yaml               python3-yaml    python3-pyyaml  python-yaml should
py:scipy              python3-scipy   python3-scipy   python-scipy should
'

there() {
    local kind=${1%%:*} name=${1#*:} one
    case $kind in
    cmd) for one in ${name//|/ }; do command -v "$one" >/dev/null && return 0; done; return 1 ;;
    lib) command -v pkg-config >/dev/null && pkg-config --exists "$name" ;;
    file) [[ -e $name ]] ;;
    py) for one in python3 /usr/bin/python3; do "$one" -c "import $name" 2>/dev/null && return 0; done; return 1 ;;
    hdr) command -v cc >/dev/null && cc -E -include "$name" -x c /dev/null >/dev/null 2>&1 ;;
    esac
}

# missing COLUMN [must]: packages of that column that are not there.
missing() {
    local probe apt dnf pacman weight list="$needs"
    [[ $mode != measure ]] && list+=$test_needs
    while read -r probe apt dnf pacman weight; do
        [[ -z $probe ]] && continue
        [[ ${2:-} == must && $weight != must ]] && continue
        there "$probe" || case $1 in apt) echo "$apt" ;; dnf) echo "$dnf" ;; pacman) echo "$pacman" ;; esac
    done <<<"$list" | sed '/^-$/d' | sort -u | tr '\n' ' '
}

install_missing() {
    local wanted
    wanted=$(missing apt)
    [[ -z $wanted ]] && return 0
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        say "installing $wanted"
        local log
        log=$(mktemp)
        # shellcheck disable=SC2086  # a list of package names
        if (apt-get update -q && apt-get install -y -q --no-install-recommends $wanted) >"$log" 2>&1; then
            rm -f "$log"
            return 0
        fi
        tail -n 5 "$log" >&2
        rm -f "$log"
        say "some packages could not be installed"
    fi
    say "missing; as root, one of:"
    printf '    apt-get install %s\n    dnf install %s\n    pacman -S %s\n' \
        "$(missing apt)" "$(missing dnf)" "$(missing pacman)" >&2
    wanted=$(missing apt must)
    if [[ -n $wanted ]]; then
        say "cannot build without: $wanted"
        exit 12
    fi
    say "going on with what is there"
}

build_all() {
    local generator=()
    if [[ ! -f $build/CMakeCache.txt ]] && command -v ninja >/dev/null; then
        generator=(-G Ninja)
    fi
    cmake -S . -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DBUILD_TESTING="$([[ $mode == test ]] && echo ON || echo OFF)" >&2
    cmake --build "$build" --parallel "$(nproc)" >&2
}

measure_and_answer() {
    local out status=0
    out=results/$(date -u +%Y%m%dT%H%M%SZ)-default
    "$build/bin/ipcmeter" doctor >&2 || true
    "$build/bin/ipcmeter" run configs/default.jsonc --out "$out" || status=$?
    # 3: some invocations failed; the rest is worth reading all the same.
    if [[ $status != 0 && $status != 3 ]]; then
        exit "$status"
    fi
    "$build/bin/ipcmeter" report "$out" --text
    exit "$status"
}

# Status 77: nothing of it could be had here, and each guest said why.
run_lab() {
    local guest status failed=0 ran=0
    export IPM_SOURCE=$PWD IPM_BUILD=$PWD/$build IPM_BIN=$PWD/$build/bin IPM_LAB_FETCH=1
    for guest in riscv energy arm; do
        printf '== %s\n' "$guest"
        status=0
        bash "tests/lab/$guest.sh" || status=$?
        case $status in
        0) ran=$((ran + 1)) ;;
        77) ;;
        *) failed=$((failed + 1)) ;;
        esac
    done
    ((failed == 0)) || exit 1
    ((ran > 0)) || exit 77
}

mode=${1:-measure}
case $mode in
measure | test | lab) ;;
*)
    say "usage: ./run.sh [test | lab]"
    exit 2
    ;;
esac
install_missing
build_all
case $mode in
test) exec ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure -LE lab ;;
lab)
    run_lab
    exit
    ;;
esac
measure_and_answer
