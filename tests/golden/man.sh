#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# docs/ipcmeter-config.5 is what `ipcmeter schema --man` prints, docs/ipcmeter.1 what `ipcmeter
# --man` does, docs/ipcmeter.bash what `ipcmeter completion bash` does; troff takes the pages
# without a word.
#
# With --accept they are made anew; read the diff.
set -euo pipefail
docs=${IPM_SOURCE:?}/docs
ipcmeter=${IPM_BIN:?}/ipcmeter
unset IPCMETER_WORKER
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A module that was not built cannot say what its options are: they would be missing.
absent=$("$ipcmeter" list --json | jq -r '[.mechanisms[]
    | select((.available | not) and (.waits == [] or .waits == null) and (.options == [] or .options == null)) | .name]
    | join(" ")')
"$ipcmeter" schema --man >"$work/ipcmeter-config.5"
"$ipcmeter" --man >"$work/ipcmeter.1"
"$ipcmeter" completion bash >"$work/ipcmeter.bash"
if [[ ${1:-} == --accept ]]; then
    [[ -z $absent ]] || { echo "not built here: $absent"; exit 1; }
    cp "$work"/ipcmeter* "$docs/"
fi
skipped=()
for page in "$work"/*.[15]; do
    if command -v groff >/dev/null; then
        groff -man -Tutf8 -ww -z "$page" 2>"$work/warnings"
        [[ ! -s $work/warnings ]] || { cat "$work/warnings"; exit 1; }
    fi
    # A date would make every build another page.
    if command -v mandoc >/dev/null; then
        ! mandoc -Tlint -Wwarning "$page" | grep -v 'missing date' || exit 1
    fi
done
command -v groff >/dev/null || command -v mandoc >/dev/null ||
    skipped+=("the form of the pages: neither groff nor mandoc is installed")
diff -u "$docs/ipcmeter.1" "$work/ipcmeter.1"
diff -u "$docs/ipcmeter.bash" "$work/ipcmeter.bash"
if [[ -n $absent ]]; then
    skipped+=("the page of the config: not built here, so that their options are not told: $absent")
else
    diff -u "$docs/ipcmeter-config.5" "$work/ipcmeter-config.5"
fi
for reason in "${skipped[@]}"; do echo "skipped: $reason"; done
[[ ${#skipped[@]} == 0 ]] || exit 77
