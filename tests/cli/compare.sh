#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ipcmeter compare: a run against itself, a planted slowdown, what is refused, exit statuses,
# bad directories among good ones, words that want to be more than words, the same bytes twice.
set -u
golden=${IPM_SOURCE:?}/tests/golden/small-run
ipcmeter=${IPM_BIN:?}/ipcmeter
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
skipped=()

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# status WANTED WHAT ARGUMENTS...: exit status of ipcmeter compare, its output in stdout, stderr.
status() {
    local wanted=$1 what=$2 got
    shift 2
    "$ipcmeter" compare "$@" >stdout 2>stderr
    got=$?
    [[ $got == "$wanted" ]] || fail "$what: exit status $got instead of $wanted: $(tail -n 2 stderr)"
}

# says WHAT TEXT: on stderr
says() {
    grep -qF -- "$2" stderr || fail "$1: '$2' is not said, but: $(cat stderr)"
}

# document WHAT FILTER [ARGUMENTS...]: true of the document on stdout
document() {
    local what=$1 filter=$2
    shift 2
    jq -e "$@" "$filter" stdout >/dev/null || fail "$what: $(head -c 300 stdout)"
}

cp -r "$golden" one
cp -r "$golden" two
gsl=yes
"$ipcmeter" report two >/dev/null 2>&1 # leaves a digest
if grep -q 'built without GSL' two/report.json; then
    gsl=no && skipped+=("means: built without GSL, so there are no intervals")
fi

status 0 "itself" one two --json
document "one side is read from its digest, one from its records" \
    '[.sides[].sessions[0].read] == ["records", "digest"]'
document "the machine is the same" '.environment.unlike == [] and .environment.alike > 3'
document "every ratio is 1, but where the rate was missed" \
    '[.points[].by[].ratios[] | select(. != null and .standing != "none") | .value] | length > 0 and all(. == 1)'
document "nothing is worse or better" \
    '[.comparisons[].by[].classes[] | .worse, .better] | length > 0 and all(. == 0)'
if [[ $gsl == yes ]]; then
    document "a mean of 1 within an interval" \
        '[.comparisons[0].by.latency.classes[] | .mean | select(.value != null)] | length > 0 and
         all(.value == 1 and .low <= 1 and .high >= 1)'
fi
cp stdout first.json
status 0 "itself again" one two --json
cmp first.json stdout || fail "the same results give other bytes"

# All that is written, twice.
status 0 "files" one two --out out
cp stdout first.txt
cp -r out before
status 0 "files again" one two --out out
cmp first.txt stdout || fail "the text differs"
diff -r -x '*.svg' before out >/dev/null || fail "the files differ: $(diff -rq before out)"
for name in compare.json compare.html plots/ratios.dat plots/ratios.gp plots/classes.gp; do
    [[ -s out/$name ]] || fail "there is no $name"
done
diff <(jq 'del(.plots)' first.json) <(jq 'del(.plots)' out/compare.json) >/dev/null ||
    fail "compare.json is not what --json prints"
if command -v xmllint >/dev/null; then
    xmllint --noout --nonet out/compare.html || fail "compare.html is not well-formed"
    ! command -v gnuplot >/dev/null || xmllint --noout out/plots/*.svg || fail "a picture is no XML"
else
    skipped+=("the form of page and pictures: xmllint is not installed")
fi
python=$(command -v python3)
if [[ -n $python ]] && "$python" -c 'import jsonschema' 2>/dev/null; then
    "$python" - "$IPM_SOURCE/docs/compare.schema.json" out/compare.json first.json <<'CHECK' || fail "not as the schema says"
import json, sys
import jsonschema
with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as file:
        jsonschema.Draft202012Validator(schema).validate(json.load(file))
CHECK
else
    skipped+=("the schema: python3-jsonschema is not installed")
fi

# Three sides have places; sessions stand between colons.
status 0 "three sides" one two one --json
document "places" '.ranks.latency | has("points") and has("sides")'
status 0 "sessions" one two : two one --json
document "two sides of two sessions" \
    '[.sides[].sessions | length] == [2, 2] and .comparisons[0].by.latency.scope == "between sessions"'

# A digest of other records is none: its records are read.
sed '1d' two/records.jsonl >shorter && cp shorter two/records.jsonl
status 0 "a digest that is old" one two --json
document "its records are read" '.sides[1].sessions[0].read == "records"'

# What is no result, and what is half of one.
mkdir empty renamed broken
cp -r "$golden" unknown && rm unknown/manifest.json
cp one/manifest.json broken/ && printf '{"schema": 1,\0 nothing\n\n\xff\n' >broken/records.jsonl
cp one/manifest.json renamed/ && cp one/records.jsonl renamed/results.jsonl
cp -r "$golden" torn && truncate -s -150 torn/records.jsonl
status 2 "no arguments"
status 2 "one directory" one
status 2 "an unknown option" one two --nonsense
status 2 "two directories that are not there" nowhere nothere
says "which" "nowhere is left out"
status 11 "nothing beside one" one empty
says "why" "empty is left out"
says "nothing" "nothing to compare"
status 11 "renamed records" one renamed
status 11 "broken records" one broken
says "broken" "holds no record"
status 11 "no manifest" one unknown
says "which machine" "which machine it was is not known"
status 0 "a torn line is dropped" one torn
status 0 "one bad among many" one broken two --json
says "it is named" "broken is left out"
document "and left out" '(.left_out | length) == 1 and (.sides | length) == 2'

# Points that are not the same: another mechanism, another class of placement.
for name in other elsewhere; do
    cp -r "$golden" "$name"
done
jq -c '.mechanism |= (if . then "x_" + . else . end)' <(grep '^{.*}$' one/records.jsonl) >other/records.jsonl
jq -c '.placement_class = "cross_socket"' <(grep '^{.*}$' one/records.jsonl) >elsewhere/records.jsonl
status 11 "renamed points" one other --json
says "no point" "nothing to compare"
document "absent points have reasons" '.matching.common == 0 and (.matching.examples | all(.reason != ""))'
status 11 "another class of placement" one elsewhere --json
document "the class is the reason" '.matching.examples[0].reason | test("class of placement")'

# An emulated machine against a real one: the difference is shown, no figure is.
cp -r "$golden" guest
jq '.host = {class: "guest", emulated: true, architecture: "riscv64"}' one/manifest.json >guest/manifest.json
status 11 "emulated against real" one guest --json
says "why" "no figure of the points that are alike may be compared"
document "points are matched" '.matching.common > 0'
document "the environment is told apart" \
    '[.environment.unlike[] | select(.hard) | .key] | index("emulated") and index("architecture")'
document "each figure is refused with a sentence" \
    '[.comparisons[0].by[] | select(.classes == []) | .refusal] | length > 0 and all(test("emulated"))'
document "no ratio" '[.points[].by[].ratios[] | select(. != null) | .value] | all(. == null)'
status 11 "the same in words" one guest
grep -q 'emulated machine' stdout || fail "the words do not say it"

# The same of a guest's records that came home, and a run of this machine.
cat >run.jsonc <<'CONFIG'
{ "name": "host", "repeat": { "invocations": 3, "window": "10ms", "warmup": "2ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [ { "name": "host", "workloads": ["pingpong"], "mechanisms": ["pipe"],
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
jq -cn '{schema: 1, point: "timing", workload: "pingpong", mechanism: "pipe", size: 64, cpus: [0, 0],
    placement: "same_cpu", wait: "block", window_ns: 10000000, warmup_ns: 2000000}' |
    "$IPM_BIN/ipcmeter-worker" >guest.log 2>ran || fail "worker: $(tail -n 3 ran)"
"$ipcmeter" import imported guest.log --emulated >ran 2>&1 || fail "import: $(tail -n 3 ran)"
"$ipcmeter" run run.jsonc --out home --progress none >ran 2>&1 || fail "run: $(tail -n 3 ran)"
status 11 "a guest's records" home imported --json
document "its point is matched by class" '.matching.common == 1'
document "and the processor named as a difference" \
    '[.environment.unlike[] | select(.hard) | .key] | contains(["architecture", "emulated"])'
document "and nothing compared" '[.points[].by[].ratios[] | select(. != null) | .value] | all(. == null)'

# Joules of two kinds, planted in digests of the records as they are.
cp -r "$golden" measured && cp -r "$golden" simulated
for name in measured simulated; do
    "$ipcmeter" report $name >/dev/null 2>&1
    jq -c --arg word $name 'if type == "object" then .provenance = $word | .joules |= map([2.5, 2.4, 2.6, 8]) else . end' \
        $name/digest.jsonl >"$name/changed"
    mv "$name/changed" $name/digest.jsonl
done
status 0 "joules of two kinds" measured simulated --json
document "are refused" '.comparisons[0].by.joules | .classes == [] and (.refusal | test("measured.*simulated"))'
document "and the rest is compared" '.comparisons[0].by.latency.classes | length > 0'
cp -r measured again
status 0 "joules of one kind" measured again --json
if [[ $gsl == yes ]]; then
    document "are compared" '.comparisons[0].by.joules.classes[0] | .points > 0 and .mean.value == 1'
fi

# Words that want to be more than words.
# shellcheck disable=SC2016 # it is meant for others, not to be expanded here
hostile='\"><script>alert(1)</script>'\''`touch PWNED1`$(touch PWNED2)\n\u0001system(\"touch PWNED3\")@macro\u202eabc&lt;{/*50'
mkdir hostile
for name in manifest.json records.jsonl; do
    text=$(<"$golden/$name")
    text=${text//'"unix_stream"'/"\"$hostile\""}
    text=${text//'"small run"'/"\"$hostile\""}
    text=${text//'Example CPU'/"$hostile"}
    printf '%s' "$text" >"hostile/$name"
done
# shellcheck disable=SC2016
directory='hostile"<b>$(touch PWNED4)'
cp -r hostile "$directory"
status 0 "hostile words" hostile "$directory" one --out page
if find . / -maxdepth 1 -name 'PWNED*' 2>/dev/null | grep -q .; then
    fail "something was executed"
fi
[[ $(grep -o '<script' page/compare.html | wc -l) == 1 ]] || fail "the page has another script than ours"
if grep -lP '\xe2\x80\xae|\x01' page/compare.html || grep -qP '\x01|\x1b' stdout; then
    fail "a character that hides or turns text got through"
fi
! command -v xmllint >/dev/null || xmllint --noout --nonet page/compare.html || fail "the hostile page is not well-formed"

# A planted slowdown comes back: delays 1.3 times as long.
plugin=${IPM_BUILD:?}/tests/scripted.so
cat >planted.jsonc <<'CONFIG'
{ "name": "planted", "repeat": { "invocations": 8, "window": "40ms", "warmup": "5ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [ { "name": "planted", "workloads": ["self_loop"], "mechanisms": ["scripted", "floor_null"],
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
mkdir delays
for percent in 100 130; do
    IPM_SCRIPTED=$PWD/delays IPM_SCRIPTED_PERCENT=$percent "$ipcmeter" run planted.jsonc --plugin "$plugin" \
        --out p$percent --progress none >ran 2>&1 || fail "run: $(tail -n 3 ran)"
done
status 0 "planted" p100 p130 --json
if [[ $gsl == yes ]]; then
    # Three times its interval, and a clock read: how often the interval itself holds is unit.compare's to say.
    # shellcheck disable=SC2016 # jq's own variable
    document "1.3 comes back" '.points[] | select(.mechanism == "scripted") | .by.latency.ratios[0]
        | . as $r | (($r.value - 1.3) | fabs) <= 3 * ($r.high - $r.low) + 0.03 and $r.standing == "worse"'
    jq -c '.points[] | select(.mechanism == "scripted") | .by.latency.ratios[0]' stdout
fi

((${#skipped[@]} == 0)) || printf 'not looked at: %s\n' "${skipped[@]}"
exit $((failures > 0))
