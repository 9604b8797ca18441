#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shell: shellcheck has nothing to say about our scripts.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=${IPM_SOURCE:-$here/../..}
# shellcheck source=tests/support/sources.bash
. "$here/../support/sources.bash"

if ! command -v shellcheck >/dev/null; then
    echo "skipped: shellcheck is not installed"
    exit 77
fi
mapfile -t files < <(ipm_sources "$source" '*.sh' '*.bash' '.ci/run')
[ "${#files[@]}" -gt 0 ] || { echo "no script found in $source" && exit 1; }
cd "$source"

# The check itself: an unquoted variable must be seen.
# shellcheck disable=SC2016 # it is meant for shellcheck, not to be expanded here
if printf '#!/bin/bash\nrm $1\n' | shellcheck - >/dev/null; then
    echo "shellcheck finds no fault in a script that has one" && exit 1
fi
shellcheck --shell=bash --external-sources "${files[@]}"
echo "${#files[@]} scripts are clean"
