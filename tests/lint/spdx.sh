#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# spdx: every source file names the licence of its folder, and the licence texts are there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=${IPM_SOURCE:-$here/../..}
# shellcheck source=tests/support/sources.bash
. "$here/../support/sources.bash"

# licences FILE: those it may carry, as a regular expression
licences() {
    case $1 in
    base/* | mechanisms/* | workloads/* | harness/worker/*) echo 'MIT' ;;
    harness/* | analysis/*) echo 'GPL-3\.0-or-later' ;;
    *) echo '(MIT|GPL-3\.0-or-later)' ;; # tests, and what builds and runs all of it
    esac
}

# check TREE: prints each file at fault; fails when there is one, or nothing to look at.
check() {
    local file line second n=0 bad=0
    for file in MIT GPL-3.0-or-later; do
        [ -s "$1/LICENSES/$file.txt" ] || { echo "LICENSES/$file.txt is missing" && bad=1; }
    done
    while IFS= read -r file; do
        n=$((n + 1))
        # The first line, or the second behind a #! line; nothing else may stand on it.
        { read -r line || true; read -r second || true; } <"$1/$file"
        if [[ $line == '#!'* ]]; then line=$second; fi
        if ! [[ $line =~ ^("/* "|"# "|"// ")"SPDX-License-Identifier: "$(licences "$file")(" */")?$ ]]; then
            echo "$file: no SPDX line with licence $(licences "$file") at its top"
            bad=1
        fi
    done < <(ipm_sources "$1" '*.c' '*.h' '*.def' '*.sh' '*.bash' '*.cmake' \
        'CMakeLists.txt' '*/CMakeLists.txt' 'run.sh' '.ci/run')
    [ "$n" -gt 0 ] || echo "no source file found in $1"
    [ "$n" -gt 0 ] && [ "$bad" -eq 0 ]
}

# The check itself, on a tree where each file in turn is wrong.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{LICENSES,base,analysis,harness/worker,tests}
echo text | tee "$tree/LICENSES/MIT.txt" >"$tree/LICENSES/GPL-3.0-or-later.txt"
mit='SPDX-License-Identifier: MIT'
gpl='SPDX-License-Identifier: GPL-3.0-or-later'
echo "/* $mit */" | tee "$tree/base/x.c" "$tree/tests/x.c" >"$tree/harness/worker/x.h"
echo "/* $gpl */" | tee "$tree/analysis/x.h" "$tree/tests/y.c" >"$tree/harness/x.c"
printf '#!/bin/sh\n# %s\n' "$mit" >"$tree/tests/x.sh"
check "$tree" || { echo "spdx.sh: refuses a tree that is right" && exit 1; }
must_fail() {
    if check "$tree" >/dev/null; then echo "spdx.sh: does not see $1" && exit 1; fi
}
plant() { # FILE TEXT
    printf '%b\n' "$2" >"$tree/$1" && must_fail "'$2' in $1" && rm "$tree/$1"
}
plant base/bad.c 'int x;'
plant base/bad.c "/* $gpl */"
plant base/bad.c "/* ${mit}0 */"
plant base/bad.c "int x;\\n/* $mit */"
plant base/CMakeLists.txt "# $gpl"
plant harness/worker/bad.c "/* $gpl */"
plant harness/bad.c "/* $mit */"
plant analysis/bad.h "/* $mit */"
plant tests/bad.sh "#!/bin/sh\\necho"
plant tests/bad.c '/* SPDX-License-Identifier: Apache-2.0 */'
rm "$tree/LICENSES/MIT.txt" && must_fail "that a licence text is missing"

check "$source"
