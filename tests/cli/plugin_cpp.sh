#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The public headers are C++17, alone and together, and a plug-in in C++ keeps its promises.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for compiler in ${CXX:-g++ clang++}; do
    command -v "$compiler" >/dev/null && break
done
if ! command -v "$compiler" >/dev/null; then
    echo "skipped: no C++ compiler" && exit 77
fi
cmake --install "$IPM_BUILD" --prefix "$work/usr" >/dev/null
headers=$work/usr/include/ipcmeter
strict=(-std=c++17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -I "$headers")
count=0
while IFS= read -r header; do
    echo "#include \"$header\"" >"$work/alone.cpp"
    "$compiler" "${strict[@]}" -fsyntax-only "$work/alone.cpp"
    count=$((count + 1))
done < <(cd "$headers" && find . -name '*.h')
[[ $count -ge 6 ]] || { echo "only $count headers installed"; exit 1; }
echo "$count headers are C++17 to $compiler"

# The check itself: what is C alone must be seen.
echo '#include <time.h>
struct timespec now() { return (struct timespec){.tv_sec = 1}; }' >"$work/alone.cpp"
if "$compiler" "${strict[@]}" -fsyntax-only "$work/alone.cpp" 2>/dev/null; then
    echo "$compiler lets C alone pass" && exit 1
fi

"$compiler" "${strict[@]}" -O2 -shared -fPIC -o "$work/cpp_box.so" "$IPM_SOURCE/tests/support/plugin.cpp"
"$work/usr/bin/ipcmeter" list mechanisms --plugin "$work/cpp_box.so" | grep cpp_box
if [[ -x $work/usr/bin/ipcmeter-conform ]]; then
    "$work/usr/bin/ipcmeter" conform --plugin "$work/cpp_box.so"
fi
