#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every broken config ends in exit status 2, nothing on stdout, and exactly the errors that
# stand beside it in NAME.errors: line:column, message, source line, caret, mend.
#
#     bash tests/cli/config_errors.sh --accept     writes NAME.errors anew: read the diff
set -u
accept=${1:-}
folder=$IPM_SOURCE/tests/cli/broken
ipcmeter=$IPM_BIN/ipcmeter
export IPCMETER_WORKER=$IPM_SOURCE/tests/support/fake_worker.sh
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0

# check NAME EXPECTED-FILE ARGUMENT...
check() {
    local name=$1 expected=$2 status
    shift 2
    "$ipcmeter" plan "$@" >"$scratch/out" 2>"$scratch/err"
    status=$?
    if [ $status -ne 2 ]; then
        echo "$name: exit status $status, expected 2"
        failed=1
    fi
    if [ -s "$scratch/out" ]; then
        echo "$name: stdout is not empty"
        failed=1
    fi
    if LC_ALL=C grep -q '[[:cntrl:]]' "$scratch/err"; then
        echo "$name: control characters on stderr"
        failed=1
    fi
    if [ "$accept" = --accept ] && [ -f "$folder/$expected" ]; then
        cp "$scratch/err" "$folder/$expected"
    fi
    if ! diff -u "$expected" "$scratch/err"; then
        echo "$name: other errors than expected"
        failed=1
    fi
}

cd "$folder" || exit 1
count=0
for config in *.jsonc; do
    check "$config" "${config%.jsonc}.errors" "$config"
    count=$((count + 1))
done
if [ $count -lt 40 ]; then
    echo "only $count broken configs found"
    failed=1
fi

printf '%s\n' 'nowhere.jsonc:1:1: error: cannot read this file: No such file or directory' \
    >"$scratch/expected"
check "missing file" "$scratch/expected" nowhere.jsonc

printf '%s\n' '.:1:1: error: cannot read this file: Is a directory' >"$scratch/expected"
check "directory" "$scratch/expected" .

cat >"$scratch/expected" <<'END'
--set size: error: '4KB' is not a size (a number of bytes, or with B, KiB, MiB, GiB)
      = allowed: 0 .. 4294967296 bytes
--set mechanism: error: unknown key 'mechanism'
      = did you mean 'mechanisms'?
--set wait: error: 'wait' cannot be 'blok'
      = did you mean 'block'?
END
"$ipcmeter" plan --set size=4KB --set mechanism=pipe --set wait=blok \
    >/dev/null 2>"$scratch/sets"
sort -o "$scratch/expected" "$scratch/expected"
sort "$scratch/sets" | diff -u "$scratch/expected" - || failed=1

# The command line itself.
echo 'plan: one CONFIG at most' >"$scratch/expected"
check "two configs" "$scratch/expected" a b
echo "plan: unrecognized option '--nonsense'" >"$scratch/expected"
check "unknown option" "$scratch/expected" --nonsense
exit $failed
