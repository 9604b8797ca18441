#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# layers: every #include "..." must be an arrow that the design draws between folders.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=${IPM_SOURCE:-$here/../..}

# allowed FILE INCLUDED
allowed() {
    case $1 in
    base/*) [[ $2 == base/* ]] ;;
    mechanisms/*) [[ $2 == mechanisms/* || $2 == base/* ]] ;;
    workloads/*) [[ $2 == workloads/* || $2 == mechanisms/mechanism.h || $2 == base/* ]] ;;
    harness/worker/*) [[ $2 =~ ^(harness/worker|workloads|mechanisms|base)/ ]] ;;
    analysis/*) [[ $2 == analysis/* || $2 == base/* ]] ;;
    harness/*) [[ $2 == harness/* && $2 != harness/worker/* || $2 =~ ^(analysis|base)/ ]] ;;
    *) false ;;
    esac
}

# check TREE: prints each wrong arrow; fails when there is one, or nothing to look at.
check() {
    local file line included bad=0 n=0
    while IFS=: read -r file line included; do
        n=$((n + 1))
        included=${included#*\"}
        included=${included%%\"*}
        if [[ /$included/ == */../* || ! -f $1/$included ]] || ! allowed "$file" "$included"; then
            echo "$file:$line: may not include \"$included\""
            bad=$((bad + 1))
        fi
    done < <(cd "$1" && grep -rnE --include='*.[ch]' --include='*.def' \
        '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' \
        base mechanisms workloads harness analysis)
    [ "$n" -gt 0 ] || echo "no include found in $1"
    [ "$n" -gt 0 ] && [ "$bad" -eq 0 ]
}

# The check itself: every arrow drawn passes, and each of these alone is seen.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{base,mechanisms,workloads,analysis,harness/worker/sensors}
touch "$tree"/{base/b.h,mechanisms/{mechanism,fdio}.h,workloads/w.h,analysis/a.h}
touch "$tree"/harness/{h.h,worker/r.h,worker/sensors/s.h}
plant() { printf '%s\n' "#include <stdio.h>" "  # include \"$2\"" >"$tree/$1"; }
good="base/x.c:base/b.h mechanisms/x.c:mechanisms/fdio.h mechanisms/y.c:base/b.h
    workloads/x.c:mechanisms/mechanism.h workloads/y.c:workloads/w.h workloads/z.c:base/b.h
    harness/worker/w.c:workloads/w.h harness/worker/x.c:mechanisms/fdio.h
    harness/worker/y.c:harness/worker/sensors/s.h harness/worker/sensors/z.c:base/b.h
    analysis/x.c:analysis/a.h analysis/y.c:base/b.h
    harness/x.c:harness/h.h harness/y.c:analysis/a.h harness/z.c:base/b.h"
for pair in $good; do plant "${pair%%:*}" "${pair#*:}"; done
check "$tree" || { echo "layers.sh: refuses an arrow that is drawn" && exit 1; }
for pair in base/bad.h:mechanisms/mechanism.h base/bad.c:b.h base/bad.c:base/absent.h \
    mechanisms/bad.c:workloads/w.h mechanisms/bad.c:analysis/a.h \
    workloads/bad.c:mechanisms/fdio.h workloads/bad.c:harness/worker/r.h \
    harness/worker/bad.c:harness/h.h harness/worker/sensors/bad.c:analysis/a.h \
    analysis/bad.c:harness/h.h analysis/bad.h:workloads/w.h \
    harness/bad.c:harness/worker/r.h harness/bad.c:mechanisms/mechanism.h \
    harness/bad.c:workloads/w.h harness/bad.c:base/../mechanisms/fdio.h; do
    plant "${pair%%:*}" "${pair#*:}"
    if check "$tree" >/dev/null; then
        echo "layers.sh: does not see ${pair%%:*} -> ${pair#*:}" && exit 1
    fi
    rm "$tree/${pair%%:*}"
done

check "$source"
