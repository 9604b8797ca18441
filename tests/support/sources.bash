# SPDX-License-Identifier: MIT
# sources: the files of a source tree, for the scripts in tests/lint.

# ipm_sources ROOT PATTERN...: paths below ROOT, one per line, of files whose path matches a
# pattern: tracked ones and new ones that git does not ignore; without git, all but build/.
ipm_sources() {
    local root=$1 path pattern
    shift
    if git -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -C "$root" ls-files --cached --others --exclude-standard
    else
        (cd "$root" && find . -path ./build -prune -o -path ./.git -prune -o -type f -print) |
            sed 's|^\./||'
    fi | sort -u | while IFS= read -r path; do
        [ -f "$root/$path" ] || continue # deleted, and not committed yet
        for pattern; do
            # shellcheck disable=SC2254 # the pattern is meant as one
            case $path in $pattern) printf '%s\n' "$path" && break ;; esac
        done
    done
}
