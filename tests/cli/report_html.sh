#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# report.html against words that want to be more than words: a run whose name, machine,
# mechanism, workload, factors, sweeps, metrics and reasons hold markup, shell, gnuplot and
# text that turns around, in 150 bytes and in 10 KB.  Nothing of it may run, the page and every picture must be well-formed, nothing may be fetched, and a
# second report must give the same bytes.
set -u
golden=${IPM_SOURCE:?}/tests/golden
ipcmeter=${IPM_BIN:?}/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# holds FILE WHAT TEXT
holds() {
    grep -qF -- "$3" "$1" || fail "$2: '$3' is not in $(basename "$1")"
}

# As it stands in JSON.  What it would make if anything ran it is looked for below.
# shellcheck disable=SC2016 # it is meant for others, not to be expanded here
hostile='\"><script>alert(1)</script>'\''`touch PWNED1`$(touch PWNED2)\n\u0001system(\"touch PWNED3\")@macro\u202eabc\u2066\u200b&lt;{/*50'

run=$work/run
mkdir "$run"
for name in manifest.json records.jsonl; do
    text=$(<"$golden/small-run/$name")
    text=${text//'"unix_stream"'/"\"$hostile\""}
    text=${text//'"small run"'/"\"$hostile\""}
    text=${text//'Example CPU'/"$hostile"}
    text=${text//'this is a guest'/"$hostile"}
    text=${text//'Too many open files'/"$hostile"}
    text=${text//'no powercap zone'/"$hostile"}
    text=${text//'"config": {}'/"\"config\": { \"name\": \"$hostile\" }"}
    printf '%s' "$text" >"$run/$name"
done
# What a config, a plug-in or another build of the worker may say beside: a workload with words
# of its own, points that were measured in it, and what was not.
jq --argjson h "\"$hostile\"" '($h * 80) as $long |
    .describe.workloads = [{name: $h, family: $h, summary: $long,
        metrics: [{name: $h, unit: $h, better: $h}, {name: $long, unit: $long, better: "lower"}]}] |
    .describe.passes += [{name: $h, available: false, reason: $long}] |
    .skips += [{sweep: $h, mechanism: $long, workload: $h, wait: $h, placement: $h, size: 64, reason: $long}] |
    .drift = [{name: $h, before: $h, after: $h, status: "warn", text: $long}] |
    .host += {($h): $h, vendor: $long, caches: [{level: $h, type: $h, bytes: 1}], libraries: {($h): $h}}' \
    "$run/manifest.json" >"$work/manifest.json" || fail "no hostile manifest"
jq -cR --argjson h "\"$hostile\"" 'fromjson? | objects |
    select(.mechanism == "pipe" and .wait == "block" and .status == "ok") |
    .point = "hostile" + .placement + .workload | .workload = $h | .placement = ($h * 80) |
    .placement_class = $h | .wait = $h | .touch = $h | .policy = $h | .options = {($h): ($h * 80)} |
    .metrics[$h] = {value: 1, unit: $h, status: "ok", source: $h, reason: null}' \
    "$run/records.jsonl" >"$work/more.jsonl" || fail "no hostile records"
[[ $(wc -l <"$work/more.jsonl") -gt 3 ]] || fail "too few hostile records"
cat "$run/records.jsonl" >>"$work/more.jsonl"
mv "$work/more.jsonl" "$run/records.jsonl"
mv "$work/manifest.json" "$run/manifest.json"

jq -e '.config.name | contains("PWNED1")' "$run/manifest.json" >/dev/null || fail "the config is not hostile"
grep -q '"mechanism": *".*PWNED1' "$run/records.jsonl" || fail "no mechanism is hostile"

(cd "$work" && "$ipcmeter" report "$run" --layout=dir --text >"$work/answer.txt" 2>&1) ||
    fail "report: exit status $?"
page=$run/report.html
[[ -s $page ]] || fail "there is no report.html"

# shellcheck disable=SC2016
holds "$page" "markup is text" '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;`touch PWNED1`$(touch PWNED2)'
holds "$page" "controls are shown" '\u000A\u0001system(&quot;touch PWNED3&quot;)@macro\u202Eabc\u2066\u200B&amp;lt;'
for title in '<h1>&quot;&gt;&lt;script' '<th scope="row">&quot;&gt;&lt;script' '<dd>&quot;&gt;&lt;script' \
    '&quot;name&quot;: &quot;\&quot;&gt;&lt;script'; do
    holds "$page" "name, mechanism, machine, config" "$title"
done
[[ $(grep -o '<script' "$page" | wc -l) == 1 ]] || fail "the page has another script than ours"
# A turned-around or hidden character as it is, anywhere.
if grep -rlP '\xe2\x80[\x8b\xae]|\xe2\x81\xa6|\x01' "$page"; then
    fail "a character that hides or turns text is in the page"
fi
if find "$work" / -maxdepth 1 -name 'PWNED*' | grep -q . || find "$run" -name 'PWNED*' | grep -q .; then
    fail "something was executed"
fi

# The policy names our script and no other.
if command -v openssl >/dev/null; then
    hash=$(sed -n '/^<script>/,/^<\/script>/p' "$page" |
        sed -e '1s/^<script>//' -e '/^<\/script>$/d' | openssl dgst -sha256 -binary | base64)
    holds "$page" "hash of the script" "script-src 'sha256-$hash'"
else
    skipped+=("the hash of the script: openssl is not installed")
fi
holds "$page" "policy" "default-src 'none'"

# What a browser would fetch or go to: nothing but the names of namespaces is an address.
if sed 's/xmlns="[^"]*"//g' "$page" | grep -nEi '(https?|ftp|wss?|file)://'; then
    fail "an address is in the page"
fi
if grep -nEi '<(link|iframe|object|embed|img|base|form)|@import|[^a-z]src=|url\([^#]' "$page"; then
    fail "the page wants something from outside"
fi
if sed 's/href="#[^"]*"//g; s/href='\''#[^'\'']*'\''//g' "$page" | grep -n 'href='; then
    fail "a link leaves the page"
fi

# Ids are unique, though every picture of gnuplot has the same ones.
grep -oE " id=[\"'][^\"']*[\"']" "$page" | tr -d "'\"" | sort | uniq -d >"$work/twice"
[[ ! -s $work/twice ]] || fail "ids that are not unique: $(tr '\n' ' ' <"$work/twice")"

pictures=("$run"/plots/*.svg)
if ! command -v gnuplot >/dev/null; then
    holds "$page" "no gnuplot" "No picture: absent: gnuplot is not installed"
    skipped+=("the pictures: gnuplot is not installed")
else
    [[ -s ${pictures[0]} ]] || fail "there is no picture"
    [[ $(grep -o '<svg' "$page" | wc -l) == "${#pictures[@]}" ]] ||
        fail "not every picture is in the page"
fi
if command -v xmllint >/dev/null; then
    xmllint --noout --nonet "$page" || fail "report.html is not well-formed"
    for picture in "${pictures[@]}"; do
        [[ ! -e $picture ]] || xmllint --noout --nonet "$picture" || fail "$picture is no XML"
    done
else
    skipped+=("the form of the page: xmllint is not installed")
fi

cp -r "$run" "$work/first"
"$ipcmeter" report "$run" --layout=dir >"$work/paths" || fail "second report: exit status $?"
diff -r "$work/first" "$run" >/dev/null || fail "a second report differs from the first"
grep -qx "$run/report.html" "$work/paths" || fail "report.html is not named on stdout"

grep -qx "$run/html/index.html" "$work/paths" || fail "html/index.html is not named on stdout"

# The same page of several files: it holds neither style nor script, and nothing from outside.
folder=$run/html
[[ $(grep -o '<script' "$folder/index.html" | wc -l) == 1 ]] || fail "the folder has another script than ours"
holds "$folder/index.html" "our script" '<script src="script.js" defer="defer"></script>'
holds "$folder/index.html" "policy" "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'"
if grep -nE '<style|<svg| style=| on[a-z]+=' <(sed 's/&quot;[^<]*//g' "$folder/index.html"); then
    fail "the folder's page holds style or script"
fi
# shellcheck disable=SC2016
holds "$folder/index.html" "markup is text" '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;`touch PWNED1`$(touch PWNED2)'
diff <(grep -o '<img src="[^"]*"' "$folder/index.html" | sed 's/.*src="//; s/"//' | sort) \
    <(cd "$folder" && ls -- *.svg 2>/dev/null) >/dev/null || fail "the folder's pictures are not those of its page"
if grep -rlE '<script|javascript:|@import' "$folder"/*.svg "$folder/style.css" 2>/dev/null; then
    fail "a picture of the folder holds more than a picture"
fi
if command -v xmllint >/dev/null; then
    for file in "$folder"/index.html "$folder"/*.svg; do
        [[ ! -e $file ]] || xmllint --noout --nonet "$file" || fail "$file is not well-formed"
    done
fi
rm -rf "$folder"
"$ipcmeter" report "$run" --layout=file >"$work/paths" || fail "--layout=file: exit status $?"
if [[ -e $folder ]] || grep -q html/index "$work/paths"; then fail "--layout=file makes a folder"; fi
"$ipcmeter" report "$run" --layout=page >/dev/null 2>"$work/stderr"
[[ $? == 2 && $(<"$work/stderr") == *"--layout is file or dir"* ]] || fail "an unknown layout is no usage error"

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
