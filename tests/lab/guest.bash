# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# From packages to a guest's records: build the worker for it, put it into an initramfs with
# our init, boot it, take the records home.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_tree=${IPM_SOURCE:-$(cd "$here/../.." && pwd)}
build_tree=${IPM_BUILD:-$source_tree/build/release}
# shellcheck source=tests/lab/fetch.bash
. "$here/fetch.bash"
export IPM_LAB_CACHE=$cache

work=$(mktemp -d)
# IPM_LAB_KEEP names a folder to be made, for what was built, said and measured.
trap '[[ -z ${IPM_LAB_KEEP:-} ]] || cp -r "$work" "$IPM_LAB_KEEP"; rm -rf "$work"' EXIT

lab_fail() {
    echo "FAILED: $*"
    exit 1
}

# The cache's own tools find their libraries there, behind the system's.
lab_host() {
    LD_LIBRARY_PATH=$cache/host/usr/lib/x86_64-linux-gnu:$cache/host/lib/x86_64-linux-gnu \
        PATH=$cache/host/usr/bin:$cache/host/bin:$PATH "$@"
}

# lab_worker MACHINE: cross-builds ipcmeter-worker and its modules; prints the build folder.
lab_worker() {
    local machine=$1 build=$build_tree/lab-$1 launcher=() generator=()
    mkdir -p "$build"
    exec {lab_building}>"$build/.lock"
    flock "$lab_building"
    ! command -v ccache >/dev/null || launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    [[ -f $build/CMakeCache.txt ]] || ! command -v ninja >/dev/null || generator=(-G Ninja)
    if ! { lab_host cmake -S "$source_tree" -B "$build" "${generator[@]}" "${launcher[@]}" \
        -DCMAKE_TOOLCHAIN_FILE="$here/$machine.cmake" -DCMAKE_INSTALL_LIBDIR=lib -DIPM_WORKER_ONLY=ON &&
        lab_host cmake --build "$build" --parallel "$(nproc)"; } >"$work/build.log" 2>&1; then
        tail -n 30 "$work/build.log"
        echo "FAILED: the worker cannot be built for $machine"
        exit 1
    fi
    flock -u "$lab_building"
    exec {lab_building}>&-
}

# lab_libraries ROOT WORLD FILE...: the shared objects that they want, from that world.
lab_libraries() {
    local root=$1 world=$2 name found
    shift 2
    local queue=("$@")
    while ((${#queue[@]})); do
        for name in $(lab_host readelf -d "${queue[0]}" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
            [[ ! -e $root/lib/$name ]] || continue
            found=$(find "$cache/$world" -name "$name" -print -quit)
            [[ -n $found ]] || { echo "FAILED: $name is in no package of $world" && exit 1; }
            cp -L "$found" "$root/lib/$name"
            queue+=("$found")
        done
        queue=("${queue[@]:1}")
    done
    found=$(find "$cache/$world" -name 'ld-linux-*.so.*' -print -quit)
    cp -L "$found" "$root/lib/"
}

# lab_module: builds the energy meter for the x86 guest.
lab_module() {
    local headers common
    headers=$(find "$cache/amd64/usr/src" -maxdepth 1 -name 'linux-headers-*-cloud-amd64' -print -quit)
    common=$(basename "${headers/cloud-amd64/common}")
    # The headers name their other half by the place that it is installed at.
    echo "include $cache/amd64/usr/src/$common/Makefile" >"$headers/Makefile"
    command -v gcc-12 >/dev/null || lab_skip "the kernel's headers want gcc-12, which is not installed"
    mkdir -p "$work/module"
    cp "$here"/rapl_module/* "$work/module/"
    if ! make -C "$headers" M="$work/module" KCFLAGS=-Werror modules >"$work/module.log" 2>&1; then
        tail -n 20 "$work/module.log"
        echo "FAILED: the kernel module cannot be built"
        exit 1
    fi
}

# lab_native_root: an initramfs with this machine's own worker, libraries and C compiler.
lab_native_root() {
    local root=$work/root
    mkdir -p "$root"/{bin,lib,lib64,proc,sys,dev,tmp}
    chmod 755 "$root"
    cc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror "$here/init.c" -o "$root/init"
    cp "$IPM_BIN/ipcmeter-worker" "$root/bin/"
    ldd "$root/bin/ipcmeter-worker" "$root/init" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u |
        xargs -I{} cp -L {} "$root/lib/"
    cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
}

# lab_root MACHINE WORLD: an initramfs to be, with a worker and its modules.
lab_root() {
    local machine=$1 world=$2 root=$work/root build=$build_tree/lab-$1 modules
    rm -rf "$root"
    mkdir -p "$root"/{bin,lib,proc,sys,dev,tmp}
    chmod 755 "$root"
    lab_host "$machine-linux-gnu-gcc-12" -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static \
        "$here/init.c" -o "$root/init"
    cp "$build/bin/ipcmeter-worker" "$root/bin/"
    modules=$(find "$build" -path '*/ipcmeter/*.so')
    if [[ -n $modules ]]; then
        mkdir -p "$root/lib/ipcmeter"
        # shellcheck disable=SC2086  # a list of files
        cp $modules "$root/lib/ipcmeter/"
    fi
    # shellcheck disable=SC2086
    lab_libraries "$root" "$world" "$root/bin/ipcmeter-worker" $modules
}

# lab_boot MACHINE LOG QEMU-ARGUMENTS...: runs the jobs of $work/root/jobs; the log is what
# the guest said.  The guest's times are its own: only a guest that hangs is cut off.
lab_boot() {
    local machine=$1 log=$2 kernel console=ttyS0 arguments status=0 begun=$SECONDS
    shift 2
    case $machine in
    riscv64)
        kernel=$(lab_kernel riscv64 vmlinux)
        arguments=(-M virt -icount shift=0
            -bios "$cache/host/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin")
        ;;
    aarch64)
        kernel=$(lab_kernel arm64 vmlinuz)
        console=ttyAMA0
        arguments=(-M virt -cpu cortex-a57 -icount shift=0)
        ;;
    x86_64)
        kernel=$(lab_kernel amd64 vmlinuz)
        # Of AMD parts the worker does not take the zone core for that of all cores.
        arguments=(-M pc -accel tcg -cpu "max,vendor=GenuineIntel" -L "$cache/host/usr/share/seabios")
        ;;
    esac
    (cd "$work/root" && find . | lab_host cpio -o -H newc -R 0:0 --quiet | gzip -1 >"$work/init.gz")
    lab_host nice -n 19 timeout "${IPM_LAB_TIMEOUT:-600}" "qemu-system-$machine" "${arguments[@]}" -smp 1 "$@" -m 512M \
        -nodefaults -display none -serial stdio -no-reboot -L "$cache/host/usr/share/qemu" \
        -kernel "$kernel" -initrd "$work/init.gz" -append "console=$console quiet panic=-1" \
        </dev/null >"$log" 2>"$log.errors" || status=$?
    tr -d '\r' <"$log" >"$log.text" && mv "$log.text" "$log"
    if ! grep -q '^lab: done$' "$log"; then
        tail -n 20 "$log" "$log.errors"
        echo "FAILED: the guest did not end its jobs (exit status $status after $((SECONDS - begun)) s)"
        exit 1
    fi
    echo "booted $machine, $(grep -c '^>>> ' "$log") jobs, $((SECONDS - begun)) s"
    if grep '^!!!' "$log"; then
        echo "FAILED: a job of the guest failed"
        exit 1
    fi
}

lab_kernel() { find "$cache/$1/boot" -name "$2-*" -print -quit; }

# lab_point NAME KEY=VALUE...: a job; the name is the record's `point`.
lab_point() {
    local name=$1 argument filter='.'
    shift
    for argument; do filter+=" | .${argument%%=*} = ${argument#*=}"; done
    jq -cn --arg name "$name" '{schema: 1, point: $name, workload: "pingpong", mechanism: "pipe", size: 64,
        cpus: [0, 0], placement: "same_cpu", wait: "block", window_ns: 20000000, warmup_ns: 5000000} | '"${filter#. | }" |
        sed 's/^/point /'
}

# lab_import NAME LOG: the records come home, marked as what they are.
lab_import() {
    "$IPM_BIN/ipcmeter" import "$work/$1" "$2" --emulated 2>"$work/import.said" || {
        cat "$work/import.said"
        echo "FAILED: the records cannot be imported"
        exit 1
    }
    records=$work/$1/records.jsonl
    jq -es 'length > 0 and all(.flags | index("emulated"))' "$records" >/dev/null || {
        echo "FAILED: records without the flag"
        exit 1
    }
}

failed=0
# lab_check TEXT FILTER: one line; FILTER is of jq, over all records as an array, or their
# point's name by `of`.  A check that does not hold prints what it saw.
lab_check() {
    local text=$1 filter=$2
    # shellcheck disable=SC2016  # jq's variables
    local prelude='def of($name): map(select(.point == $name))[0]; def m($name): .metrics[$name];
        def per($name): .metrics[$name].value / .messages; def ok($name): .metrics[$name].status == "ok";
        def says($name; $words): .metrics[$name] | .value == null and (.reason | test($words));'
    if jq -es "$prelude $filter" "$records" >/dev/null 2>"$work/jq.errors"; then
        echo "ok      $text"
    else
        echo "NOT OK  $text"
        cat "$work/jq.errors"
        failed=$((failed + 1))
    fi
}

# lab_show TEXT FILTER: a figure, for people.
lab_show() { echo "        $1: $(jq -rs "def of(\$name): map(select(.point == \$name))[0]; $2" "$records")"; }

lab_end() {
    ((failed == 0)) || { echo "FAILED: $failed checks" && exit 1; }
    echo "all checks hold"
    exit 0
}
