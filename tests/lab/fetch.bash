# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the guests are made of: Debian packages, fetched and checked by apt under a
# configuration of its own, and unpacked into the cache.  The system's own package state is
# only read; nothing is installed and nothing needs root.
#
# Whatever is not to be had ends in lab_skip, with the reason.

cache=${IPM_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ipcmeter-lab}

lab_skip() {
    echo "skipped: $*"
    exit 77
}

# The mirror and the key ring are those that this system's own packages come from.
lab_mirror() {
    [[ -z ${IPM_LAB_MIRROR:-} ]] || { echo "$IPM_LAB_MIRROR" && return 0; }
    local codename uri
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016  # apt expands it
    uri=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        awk -v codename="$codename" '$1 == codename { print $2; exit }')
    [[ -n $uri ]] && echo "$uri"
}

lab_keyring() {
    local ring=${IPM_LAB_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
    [[ -r $ring ]] && echo "$ring"
}

# lab_apt WORLD: the option that makes apt live in that world.
lab_apt() { echo "--config-file=$cache/apt/$1/apt.conf"; }

# lab_world WORLD ARCHITECTURE STATUS SUITE...: a package world of its own, with its indexes.
# STATUS is what counts as installed there: the system's, read only, or nothing.
lab_world() {
    local world=$1 architecture=$2 status=$3 suite
    local home=$cache/apt/$world mirror ring
    shift 3
    [[ ! -e $home/ready ]] || return 0
    mirror=$(lab_mirror) || lab_skip "apt knows no Debian mirror here (IPM_LAB_MIRROR names one)"
    ring=$(lab_keyring) || lab_skip "no Debian key ring here (IPM_LAB_KEYRING names one)"
    mkdir -p "$home"/{lists/partial,cache/archives/partial,none}
    : >"$home/nothing"
    # Read after the system's configuration, whose hooks must not run for us.
    cat >"$home/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
APT::Architecture "$architecture";
#clear APT::Architectures;
APT::Architectures { "$architecture"; };
APT::Get::List-Cleanup "false";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "2";
Debug::NoLocking "true";
Dir::Etc::SourceList "$home/sources.list";
Dir::Etc::SourceParts "$home/none";
Dir::Etc::PreferencesParts "$home/none";
Dir::State::lists "$home/lists";
Dir::State::status "${status:-$home/nothing}";
Dir::State::extended_states "$home/extended_states";
Dir::Cache "$home/cache";
CONF
    : >"$home/sources.list"
    for suite; do
        echo "deb [arch=$architecture signed-by=$ring] $mirror $suite main" >>"$home/sources.list"
    done
    apt-get "$(lab_apt "$world")" update -q >"$home/update.log" 2>&1 ||
        lab_skip "the package index of $world cannot be fetched: $(grep -m1 '^[EW]:' "$home/update.log")"
    # A failed index is only a warning to apt.
    if grep -q '^W: Failed' "$home/update.log"; then
        lab_skip "the package index of $world cannot be fetched: $(grep -m1 '^W: Failed' "$home/update.log")"
    fi
    : >"$home/ready"
}

# lab_unpack WORLD FOLDER PACKAGE[=VERSION]...: into the cache's FOLDER, once each.
lab_unpack() {
    local world=$1 folder=$cache/$2 package name pool missing=()
    shift 2
    pool=$cache/packages/$world
    mkdir -p "$pool" "$folder/.unpacked"
    for package; do
        name=${package%%=*}
        [[ -e $folder/.unpacked/$name ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    # apt checks each file against the signed index and keeps what is there already.
    (cd "$pool" && apt-get "$(lab_apt "$world")" download -q "${missing[@]}") >"$pool/download.log" 2>&1 ||
        lab_skip "cannot fetch ${missing[*]}: $(grep -m1 '^E:' "$pool/download.log")"
    for package in "${missing[@]}"; do
        name=${package%%=*}
        for file in "$pool/$name"_*.deb; do
            dpkg -x "$file" "$folder" || lab_skip "$file cannot be unpacked"
            rm -f "$file"
        done
        : >"$folder/.unpacked/$name"
    done
}

# lab_closure WORLD [OPTION] PACKAGE...: they and what they need that is not installed.
lab_closure() {
    local world=$1
    shift
    apt-get "$(lab_apt "$world")" -s install "$@" 2>/dev/null |
        awk '$1 == "Inst" { sub(/\(/, "", $3); print $2 "=" ($3 ~ /^\[/ ? substr($4, 2) : $3) }'
}

# lab_depends WORLD META PATTERN: the package that a meta package stands for.
lab_depends() {
    apt-cache "$(lab_apt "$1")" depends "$2" | awk -v pattern="$3" '$1 == "Depends:" && $2 ~ pattern { print $2; exit }'
}

# Index of this system's own architecture, where the tools are from.
lab_fetch_host() {
    { command -v dpkg && command -v apt-get; } >/dev/null ||
        lab_skip "the guests are made of Debian packages, and there is no apt here"
    # guest.bash knows where the libraries of these tools are.
    [[ $(dpkg --print-architecture) == amd64 ]] ||
        lab_skip "the emulators and cross compilers are taken for amd64 alone"
    lab_world host "$(dpkg --print-architecture)" /var/lib/dpkg/status bookworm bookworm-backports
}

# lab_fetch_qemu PACKAGE: an emulator, and what it needs beyond this system.
lab_fetch_qemu() {
    local list
    [[ ! -e $cache/host/.unpacked/closure-$1 ]] || return 0
    lab_fetch_host
    list=$(lab_closure host -t bookworm-backports "$1" cpio)
    [[ -n $list ]] ||
        lab_skip "apt finds no way to have $1 here"
    # shellcheck disable=SC2086  # a list of packages
    lab_unpack host host $list
    : >"$cache/host/.unpacked/closure-$1"
}

# lab_fetch_cross DEBIAN-ARCHITECTURE GNU-NAME: gcc for C, with its C library.
lab_fetch_cross() {
    lab_fetch_host
    lab_unpack host host "gcc-12-$2-linux-gnu" "cpp-12-$2-linux-gnu" "binutils-$2-linux-gnu" \
        "libgcc-12-dev-$1-cross" "libgcc-s1-$1-cross" "libc6-$1-cross" "libc6-dev-$1-cross" \
        "linux-libc-dev-$1-cross"
    # A linker script names its parts by the place they are installed at.
    sed -i "s#/usr/$2-linux-gnu/lib/##g" "$cache/host/usr/$2-linux-gnu/lib/libc.so"
}

# What each guest takes.  One at a time: tests may run side by side.
lab_fetch() { # riscv64 | aarch64 | x86_64
    [[ ! -e $cache/complete-$1 ]] || return 0
    [[ -n ${IPM_LAB_FETCH:-} ]] ||
        lab_skip "the packages of the $1 guest are not in the cache: ./run.sh lab fetches them"
    mkdir -p "$cache" || lab_skip "$cache cannot be made"
    exec {lab_fetching}>"$cache/lock"
    flock "$lab_fetching"
    local kernel headers
    case $1 in
    riscv64)
        lab_fetch_qemu qemu-system-riscv
        lab_fetch_cross riscv64 riscv64
        lab_world riscv64 riscv64 '' trixie
        kernel=$(lab_depends riscv64 linux-image-riscv64 '^linux-image-')
        lab_unpack riscv64 riscv64 "$kernel" libjansson4 libjansson-dev libpfm4 libpfm4-dev libc6 libgcc-s1
        ;;
    aarch64)
        lab_fetch_qemu qemu-system-arm
        lab_fetch_cross arm64 aarch64
        lab_world arm64 arm64 '' bookworm
        kernel=$(lab_depends arm64 linux-image-cloud-arm64 '^linux-image-')
        lab_unpack arm64 arm64 "$kernel" libjansson4 libjansson-dev libpfm4 libpfm4-dev libc6 libgcc-s1 \
            libpapi7.0 libpapi-dev libsde1
        ;;
    x86_64)
        lab_fetch_qemu qemu-system-x86
        kernel=$(lab_depends host linux-image-cloud-amd64 '^linux-image-')
        headers=${kernel/image/headers}
        lab_unpack host amd64 "$kernel" "$headers" "${headers/cloud-amd64/common}" linux-kbuild-6.1
        ;;
    esac
    : >"$cache/complete-$1"
    flock -u "$lab_fetching"
    exec {lab_fetching}>&-
}
