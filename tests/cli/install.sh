#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `cmake --install` leaves: programs that run from where they are, the pages man finds,
# the completion bash finds, configs, documents, the rule that lets a group read energy.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset IPCMETER_WORKER
cmake --install "${IPM_BUILD:?}" --prefix "$work/usr" >/dev/null
failures=0

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# has PATTERN [ORIGINAL]: one such file below the prefix, equal to the committed one.
has() {
    local found
    found=$(find "$work/usr" -path "$work/usr/$1")
    [[ -n $found && $(wc -l <<<"$found") == 1 && -s $found ]] || { fail "$1 is not installed"; return; }
    [[ -z ${2:-} ]] || cmp "$found" "${IPM_SOURCE:?}/$2" || fail "$1 is another one"
}

for program in ipcmeter ipcmeter-worker ipcmeter-meter; do
    has "*bin/$program"
done
has "share/man/man1/ipcmeter.1" docs/ipcmeter.1
has "share/man/man5/ipcmeter-config.5" docs/ipcmeter-config.5
has "share/bash-completion/completions/ipcmeter" docs/ipcmeter.bash
has "share/doc/*/99-ipcmeter-energy.rules" docs/99-ipcmeter-energy.rules
has "share/doc/*/report.schema.json" docs/report.schema.json
has "share/doc/*/README.md" README.md
has "share/doc/*/CITATION.cff" CITATION.cff
for path in "$IPM_SOURCE"/docs/*.md; do
    has "share/doc/*/$(basename "$path")" "docs/$(basename "$path")"
done
for path in "$IPM_SOURCE"/configs/*.jsonc; do
    has "share/ipcmeter/configs/$(basename "$path")" "configs/$(basename "$path")"
done
[[ -z $(find "$work/usr/share/doc" -name '*.bash' -o -name '*.[15]') ]] || fail "a page stands among the documents"
[[ -z $(find "$work/usr/share" -name '*.jsonl') ]] || fail "records are installed"

ipcmeter=$(find "$work/usr" -name ipcmeter -path '*bin/*')
"$ipcmeter" list mechanisms --json | jq -e '.mechanisms | length > 10' >/dev/null || fail "the installed program lists nothing"
"$ipcmeter" plan "$work/usr/share/ipcmeter/configs/default.jsonc" --no-rehearsal >/dev/null || fail "the installed config has no plan"
if command -v man >/dev/null; then
    MANPATH=$work/usr/share/man man -w 1 ipcmeter >/dev/null || fail "man does not find ipcmeter(1)"
    MANPATH=$work/usr/share/man man -w 5 ipcmeter-config >/dev/null || fail "man does not find ipcmeter-config(5)"
fi
((failures == 0))
