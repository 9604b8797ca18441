#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# docs/ipcmeter-config.5 is what `ipcmeter schema --man` prints, and troff takes it without a
# word.
#
# With --accept it is made anew; read the diff.
set -euo pipefail
page=${IPM_SOURCE:?}/docs/ipcmeter-config.5
ipcmeter=${IPM_BIN:?}/ipcmeter
unset IPCMETER_WORKER
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A module that was not built cannot say what its options are: they would be missing.
absent=$("$ipcmeter" list --json | jq -r '[.mechanisms[]
    | select((.available | not) and (.waits == [] or .waits == null) and (.options == [] or .options == null)) | .name]
    | join(" ")')
"$ipcmeter" schema --man >"$work/page"
if [[ ${1:-} == --accept ]]; then
    [[ -z $absent ]] || { echo "not built here: $absent"; exit 1; }
    cp "$work/page" "$page"
fi
if command -v groff >/dev/null; then
    groff -man -Tutf8 -ww -z "$work/page" 2>"$work/warnings"
    [[ ! -s $work/warnings ]] || { cat "$work/warnings"; exit 1; }
fi
if [[ -n $absent ]]; then
    echo "skipped: not built here, so that their options are not told: $absent"
    exit 77
fi
diff -u "$page" "$work/page"
