#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The table of mechanisms in README.md has the names that the sources have, and each once.
#
# With --accept the table is made anew from what `ipcmeter list` says here; what is not built
# here keeps the line it has.
set -euo pipefail
source=${IPM_SOURCE:?}
readme=$source/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
begin='<!-- mechanisms: made by tests/golden/readme.sh --accept -->'
end='<!-- /mechanisms -->'

# rows FILE: the lines of the table
rows() {
    sed -n "\\|^$begin\$|,\\|^$end\$|p" "$1" | grep -E '^\| `' || true
}

# The name stands first, between backquotes.
names() {
    rows "$1" | cut -d'`' -f2 | sort
}

# defined FILE MACRO POSITION: a name of each line of a .def
defined() {
    tr '\n' ' ' <"$source/mechanisms/$1" | grep -oE "\<$2\([^)]*" | sed 's/.*(//' | tr -d ' ' | cut -d, -f"$3"
}

if [[ ${1:-} == --accept ]]; then
    {
        echo '| mechanism | family | copies | waits | what it is |'
        echo '|---|---|---|---|---|'
        "${IPM_BIN:?}/ipcmeter" list mechanisms --json | jq -r '
            .mechanisms | . as $all | reduce .[].family as $f ([]; if index($f) then . else . + [$f] end) | .[] as $family |
            $all[] | select(.family == $family) |
            (.waits | length > 0) as $known |
            ([.default_copies] + ([.modes[].copies] - [.default_copies]) | map(tostring) | join(", ")) as $copies |
            "| `\(.name)` | \(.family) | \(if $known then $copies else "" end) | \(.waits | join(", ")) | \(.summary) |"' |
            while IFS= read -r row; do
                name=$(cut -d'`' -f2 <<<"$row")
                old=$(rows "$readme" | grep "^| \`$name\`" || true)
                if [[ $row == *'|  |  |'* && -n $old ]]; then echo "$old"; else echo "$row"; fi
            done
    } >"$work/table"
    [[ $(wc -l <"$work/table") -gt 10 ]] || { echo "no table made" && exit 1; }
    sed -i -e "\\|^$begin\$|,\\|^$end\$|{\\|^$begin\$|{p;r $work/table
d};\\|^$end\$|p;d}" "$readme"
fi

{
    defined list.def IPM_MECHANISM 1 | grep -v '^floor_'
    defined modules.def IPM_MODULE 2 | grep -v '^name$' # the comment that explains the lines
} | sort >"$work/wanted"
[[ $(wc -l <"$work/wanted") -ge 30 ]] || { echo "FAILED: only $(wc -l <"$work/wanted") names found in the sources" && exit 1; }
names "$readme" >"$work/found"
if ! diff "$work/wanted" "$work/found"; then
    echo "FAILED: README.md has other mechanisms (right) than the sources (left); tests/golden/readme.sh --accept"
    exit 1
fi

# The check itself: a name too many, one too few.
sed "s|^$end\$|\\| \`surplus\` \\|\n&|" "$readme" >"$work/surplus"
! diff "$work/wanted" <(names "$work/surplus") >/dev/null || { echo "FAILED: a name too many is not seen" && exit 1; }
grep -v '^| .pipe. ' "$readme" >"$work/missing"
! diff "$work/wanted" <(names "$work/missing") >/dev/null || { echo "FAILED: a missing name is not seen" && exit 1; }
