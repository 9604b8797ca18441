#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# format: every C file is as clang-format leaves it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=${IPM_SOURCE:-$here/../..}
# shellcheck source=tests/support/sources.bash
. "$here/../support/sources.bash"

if ! command -v clang-format >/dev/null; then
    echo "skipped: clang-format is not installed"
    exit 77
fi
mapfile -t files < <(ipm_sources "$source" '*.c' '*.h')
[ "${#files[@]}" -gt 0 ] || { echo "no C file found in $source" && exit 1; }
cd "$source"

# The check itself: a badly laid out file must fail under our settings.
if printf 'int  x( void ){return 1;}\n' |
    clang-format --dry-run --Werror --assume-filename=x.c >/dev/null 2>&1; then
    echo "clang-format finds no fault in a file that has some" && exit 1
fi
clang-format --dry-run --Werror "${files[@]}"
echo "${#files[@]} files are laid out well"
