# SPDX-License-Identifier: GPL-3.0-or-later
# Made by `ipcmeter completion bash`: do not edit.

# words WORDS: those that begin as what is typed
_ipcmeter_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_ipcmeter_paths()
{
    mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
    compopt -o filenames 2>/dev/null || true
}

# The first column of `ipcmeter list KIND`; names alone, whatever else it prints.
_ipcmeter_listed()
{
    "${COMP_WORDS[0]}" list "$1" 2>/dev/null | grep -oE '^ *[a-z0-9_]+ ' | tr -d ' '
}

# The last of a list with commas.
_ipcmeter_list()
{
    local before=
    [[ $current != *,* ]] || before=${current%,*},
    current=${current##*,}
    _ipcmeter_words "$1"
    COMPREPLY=("${COMPREPLY[@]/#/$before}")
}

_ipcmeter_key()
{
    _ipcmeter_words 'mechanisms workloads size rate placement wait copies touch depth batch reply_size policy compute arrivals pairs fan working_set working_set_stride background size_mix memory_node name repeat.budget repeat.between_runs repeat.invocations repeat.counters repeat.energy repeat.window repeat.warmup repeat.precision sensors.counters sensors.events sensors.energy sensors.syscalls gate.points gate.smallest_effect gate.margin gate.screen_limit gate.alpha gate.screen_blocks gate.confirm_blocks gate.looks max_points oversubscribe'
    COMPREPLY=("${COMPREPLY[@]/%/=}")
    compopt -o nospace 2>/dev/null || true
}

# value KEY: what --set KEY= may be
_ipcmeter_value()
{
    case $1 in
    mechanisms) _ipcmeter_list "all floors $(_ipcmeter_listed mechanisms)" ;;
    workloads) _ipcmeter_list "all $(_ipcmeter_listed workloads)" ;;
    placement) _ipcmeter_list 'same_cpu smt_sibling same_llc cross_llc cross_numa cross_socket nearest_core all_pairs' ;;
    wait) _ipcmeter_list 'spin yield block spin_then_block' ;;
    touch) _ipcmeter_list 'none sample full' ;;
    policy) _ipcmeter_list 'other batch fifo' ;;
    arrivals) _ipcmeter_list 'constant poisson' ;;
    background) _ipcmeter_list 'none cpu memory switches' ;;
    size_mix) _ipcmeter_list 'fixed bimodal imix spread' ;;
    memory_node) _ipcmeter_list 'local remote' ;;
    sensors.counters) _ipcmeter_list 'auto off perf papi' ;;
    sensors.energy) _ipcmeter_list 'auto off power powercap hwmon' ;;
    sensors.syscalls) _ipcmeter_list 'auto tracepoint twin' ;;
    oversubscribe) _ipcmeter_list 'refuse allow' ;;
    esac
}

_ipcmeter()
{
    local current=${COMP_WORDS[COMP_CWORD]} options='' at=$COMP_CWORD
    COMPREPLY=()
    if [[ $current == = ]]; then
        current=''
        at=$((COMP_CWORD + 1))
    fi
    local previous=${COMP_WORDS[at - 1]}
    if [[ $previous == = ]]; then
        previous=${COMP_WORDS[at - 2]}
        if ((at > 3)) && [[ ${COMP_WORDS[at - 3]} == --set ]]; then
            _ipcmeter_value "$previous"
            return
        fi
    fi
    if ((COMP_CWORD == 1)); then
        _ipcmeter_words 'doctor list plan run report advise compare gate counts export import schema conform selftest completion --help --version --man'
        return
    fi
    case ${COMP_WORDS[1]} in
    doctor)
        case $previous in
        --sysroot) _ipcmeter_paths -d; return ;;
        esac
        options='--help --json --strict --sysroot'
        ;;
    list)
        case $previous in
        --counters) _ipcmeter_words 'perf papi none'; return ;;
        --events) :; return ;;
        --energy) _ipcmeter_words 'auto off power powercap hwmon'; return ;;
        --plugin) _ipcmeter_paths -f; return ;;
        --sysroot) _ipcmeter_paths -d; return ;;
        esac
        options='--help --json --counters --events --energy --plugin --sysroot'
        [[ $current == -* ]] || _ipcmeter_words 'mechanisms workloads floors sensors models'
        ;;
    plan)
        case $previous in
        --set) _ipcmeter_key; return ;;
        --counters) _ipcmeter_words 'perf papi none'; return ;;
        --events) :; return ;;
        --energy) _ipcmeter_words 'auto off power powercap hwmon'; return ;;
        --plugin) _ipcmeter_paths -f; return ;;
        --sysroot) _ipcmeter_paths -d; return ;;
        esac
        options='--help --set --quick --json --points --no-rehearsal --counters --events --energy --plugin --sysroot'
        [[ $current == -* ]] || _ipcmeter_paths -f
        ;;
    run)
        case $previous in
        --out) _ipcmeter_paths -d; return ;;
        --set) _ipcmeter_key; return ;;
        --only) :; return ;;
        --skip) :; return ;;
        --seed) :; return ;;
        --progress) _ipcmeter_words 'auto plain jsonl none'; return ;;
        --counters) _ipcmeter_words 'perf papi none'; return ;;
        --events) :; return ;;
        --energy) _ipcmeter_words 'auto off power powercap hwmon'; return ;;
        --plugin) _ipcmeter_paths -f; return ;;
        --sysroot) _ipcmeter_paths -d; return ;;
        --retries) :; return ;;
        --max-failures) :; return ;;
        esac
        options='--help --out --quick --resume --set --only --skip --seed --progress --no-sandbox --counters --events --energy --plugin --sysroot --retries --max-failures'
        [[ $current == -* ]] || _ipcmeter_paths -f
        ;;
    report)
        case $previous in
        --layout) :; return ;;
        --battery) :; return ;;
        --base-power) :; return ;;
        esac
        options='--help --text --methods --layout --battery --base-power'
        [[ $current == -* ]] || _ipcmeter_paths -d
        ;;
    advise)
        case $previous in
        --size) :; return ;;
        --rate) :; return ;;
        --p99) :; return ;;
        --placement) :; return ;;
        --wait) _ipcmeter_words 'spin yield block spin_then_block any'; return ;;
        --by) _ipcmeter_words 'latency p99 throughput cpu joules'; return ;;
        esac
        options='--help --size --rate --p99 --placement --wait --by --json'
        [[ $current == -* ]] || _ipcmeter_paths -d
        ;;
    compare)
        case $previous in
        --out) _ipcmeter_paths -d; return ;;
        esac
        options='--help --json --out'
        [[ $current == -* ]] || _ipcmeter_paths -d
        ;;
    gate)
        case $previous in
        --a) :; return ;;
        --b) :; return ;;
        --inconclusive) _ipcmeter_words 'pass fail'; return ;;
        --noise) _ipcmeter_paths -f; return ;;
        --junit) _ipcmeter_paths -f; return ;;
        --markdown) _ipcmeter_paths -f; return ;;
        --sessions) :; return ;;
        --out) _ipcmeter_paths -d; return ;;
        --set) _ipcmeter_key; return ;;
        --only) :; return ;;
        --skip) :; return ;;
        --seed) :; return ;;
        --progress) _ipcmeter_words 'auto plain jsonl none'; return ;;
        --plugin) _ipcmeter_paths -f; return ;;
        --sysroot) _ipcmeter_paths -d; return ;;
        esac
        options='--help --a --b --inconclusive --bisect --noise --all --json --junit --markdown --annotations --sessions --out --set --only --skip --seed --progress --no-sandbox --plugin --sysroot'
        [[ $current == -* ]] || _ipcmeter_paths -f
        ;;
    counts)
        case $previous in
        --against) _ipcmeter_paths -f; return ;;
        --write) _ipcmeter_paths -f; return ;;
        --junit) _ipcmeter_paths -f; return ;;
        --markdown) _ipcmeter_paths -f; return ;;
        esac
        options='--help --against --write --json --junit --markdown --annotations'
        [[ $current == -* ]] || _ipcmeter_paths -d
        ;;
    export)
        case $previous in
        --format) _ipcmeter_words 'csv gbench bmf junit markdown'; return ;;
        --out) _ipcmeter_paths -f; return ;;
        esac
        options='--help --format --out'
        [[ $current == -* ]] || _ipcmeter_paths -d
        ;;
    import)
        case $previous in
        esac
        options='--help --emulated'
        [[ $current == -* ]] || _ipcmeter_paths -f
        ;;
    schema)
        case $previous in
        --key) :; return ;;
        --plugin) _ipcmeter_paths -f; return ;;
        esac
        options='--help --key --man --plugin'
        ;;
    conform)
        case $previous in
        --plugin) _ipcmeter_paths -f; return ;;
        --option) :; return ;;
        --limit) :; return ;;
        esac
        options='--help --plugin --full --option --json --limit --list'
        [[ $current == -* ]] || :
        ;;
    selftest)
        case $previous in
        --suites) :; return ;;
        --seed) :; return ;;
        --class) :; return ;;
        esac
        options='--help --suites --seed --class --json'
        [[ $current == -* ]] || _ipcmeter_words 'gate stats'
        ;;
    completion)
        case $previous in
        esac
        options='--help'
        [[ $current == -* ]] || _ipcmeter_words 'bash'
        ;;
    esac
    [[ $current != -* ]] || _ipcmeter_words "$options"
}

complete -F _ipcmeter ipcmeter
