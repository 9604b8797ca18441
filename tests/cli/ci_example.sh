#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# docs/examples/{github-actions,gitlab-ci}.yml and docs/ci.md: the workflow and the pipeline are YAML
# of their shape, their scripts are shell, and every verb, option and config that they name is there.
set -u
ipcmeter=${IPM_BIN:?}/ipcmeter
cd "${IPM_SOURCE:?}" || exit 1
example=docs/examples/github-actions.yml
pipeline=docs/examples/gitlab-ci.yml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

# commands FILE: its commands of ipcmeter, continued lines joined, one a line
commands() {
    # shellcheck disable=SC2016 # a backquote of a page
    sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' "$1" |
        grep -oE '(^ *|run: |; do |/bin/|`)ipcmeter [a-z]+( [^`|;]*)?' | sed 's/.*ipcmeter /ipcmeter /'
}

# known FILE AT_LEAST: each verb has these options, each config is there, and so many commands are
known() {
    local verb word line count=0
    while read -r line; do
        read -ra words <<<"$line"
        verb=${words[1]}
        "$ipcmeter" "$verb" --help >"$work/help" 2>&1 || { fail "$1: no verb '$verb'" && continue; }
        count=$((count + 1))
        for word in "${words[@]:2}"; do
            case $word in
            --[a-z]*) grep -qE -- "^ +$word( |\$)" "$work/help" || fail "$1: '$verb' has no option '$word'" ;;
            configs/*) [[ -e $word ]] || fail "$1: no $word" ;;
            esac
        done
    done < <(commands "$1")
    [[ $count -ge $2 ]] || fail "$1: only $count commands found"
}

known "$example" 8
known docs/ci.md 5
# The check itself.
printf 'ipcmeter counts results --againts x\nipcmeter cuonts x\nipcmeter run configs/nowhere.jsonc\n' >"$work/slips"
found=$(known "$work/slips" 3 | grep -c FAILED)
[[ $found == 4 ]] || fail "slips are not seen: $found"

for python in python3 /usr/bin/python3 ""; do
    [[ -n $python ]] && "$python" -c 'import yaml' 2>/dev/null && break
done
if [[ -n $python ]]; then
    "$python" - "$example" "$work" <<'CHECK' || fail "$example is no workflow"
import sys
import yaml

path, folder = sys.argv[1:]
workflow = yaml.safe_load(open(path, encoding="utf-8"))
# YAML 1.1 reads the key "on" as true.
assert set(workflow) == {"name", True, "permissions", "jobs"}, workflow.keys()
assert workflow["permissions"] == {"contents": "read"}
n = 0
for name, job in workflow["jobs"].items():
    assert set(job) <= {"if", "runs-on", "timeout-minutes", "steps"}, (name, job.keys())
    assert job["steps"][0]["uses"].startswith("actions/checkout@"), name
    for step in job["steps"]:
        assert set(step) <= {"name", "if", "uses", "with", "run"}, step
        assert ("uses" in step) != ("run" in step), step
        if "run" in step:
            assert "${{" not in step["run"], "an expression in a script: %r" % step
            n += 1
            open("%s/%d.sh" % (folder, n), "w", encoding="utf-8").write(step["run"])
assert n >= 5, n
CHECK
    # The scripts of a pipeline are lists of lines, which YAML may fold: they are looked at as the
    # runner gets them.
    "$python" - "$pipeline" "$work" <<'CHECK' || fail "$pipeline is no pipeline"
import sys
import yaml

path, folder = sys.argv[1:]
pipeline = yaml.safe_load(open(path, encoding="utf-8"))
stages = pipeline.pop("stages")
assert set(pipeline.pop("default")) <= {"image", "interruptible"}
keys = {"stage", "extends", "script", "before_script", "artifacts", "rules", "allow_failure", "timeout"}
jobs = 0
for name, job in pipeline.items():
    assert set(job) <= keys, (name, job.keys())
    whole = {**pipeline.get(job.get("extends"), {}), **job}
    assert whole["stage"] in stages, name
    assert set(whole.get("artifacts", {})) <= {"when", "expire_in", "paths", "reports"}, name
    for rule in job.get("rules", []):
        assert set(rule) <= {"if", "when"}, rule
    if name.startswith("."):
        continue
    jobs += 1
    lines = whole.get("before_script", []) + whole["script"]
    assert all(isinstance(line, str) for line in lines), name
    open("%s/pipeline-%s.sh" % (folder, name), "w", encoding="utf-8").write("\n".join(lines) + "\n")
    # Without a file where it says, the runner has no report and says nothing.
    report = whole.get("artifacts", {}).get("reports", {}).get("junit")
    assert report is None or any(report in line for line in whole["script"]), name
assert jobs >= 3, jobs
assert pipeline["gate"]["allow_failure"] == {"exit_codes": [12, 13]}
CHECK
    cat "$work"/pipeline-*.sh >"$work/pipeline"
    known "$work/pipeline" 4
    for script in "$work"/*.sh; do
        bash -n "$script" || fail "$(head -n 3 "$script") is no shell"
    done
fi
[[ $failures == 0 ]] || exit 1
[[ -n $python ]] || { echo "skipped: the form of the workflow: python3 with yaml is not installed" && exit 77; }
