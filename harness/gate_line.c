/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate_line.h"

#include "harness/commands.h"

#include <stdlib.h>
#include <string.h>

enum code {
    ARM_A = IPM_RUN_WORDS_END,
    ARM_B,
    INCONCLUSIVE,
    BISECT,
    NOISE,
    ALL,
    JSON,
    SESSIONS,
    JUNIT,
    MARKDOWN,
    ANNOTATIONS,
    BASELINE,
};

static const struct ipm_command_operand gate_operands[] = {
    {.name = "calibrate", .kind = IPM_OPERAND_WORDS, .optional = true},
    {.name = "CONFIG|RESULT", .kind = IPM_OPERAND_FILE, .optional = true, .many = true},
    {.name = NULL},
};

static const struct ipm_command_option gate_options[] = {
    {.name = "a",
     .code = ARM_A,
     .value = "ARM",
     .help = "command of a worker, or plugin=SO (default: our own worker)"},
    {.name = "b", .code = ARM_B, .value = "ARM", .help = "the same, against A"},
    {.name = "baseline",
     .code = BASELINE,
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .many = true,
     .help = "measure nothing: RESULT, folders of `ipcmeter run`, against this one, or "
             "all those in it"},
    {.name = "inconclusive",
     .code = INCONCLUSIVE,
     .value = "pass|fail",
     .kind = IPM_OPERAND_WORDS,
     .help = "exit status of a gate that could show neither (default: fail)"},
    {.name = "bisect", .code = BISECT, .help = "exit statuses for `git bisect run`"},
    {.name = "noise",
     .code = NOISE,
     .value = "FILE",
     .kind = IPM_OPERAND_FILE,
     .help = "how far apart equal arms are, of `gate calibrate`"},
    {.name = "all", .code = ALL, .help = "print points that pass, too"},
    {.name = "json", .code = JSON, .help = "the verdict as JSON, as in DIR/gate.json"},
    IPM_LEAVE_OPTIONS(JUNIT, MARKDOWN, ANNOTATIONS),
    {.name = "sessions",
     .code = SESSIONS,
     .value = "N",
     .help = "of calibrate: gates between equal arms (default: 20)"},
    {.name = "out",
     .code = IPM_RUN_OUT,
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .help = "result folder (default: results/gate-TIME-NAME); of calibrate and "
             "--baseline, the file that it writes"},
    IPM_RUN_OPTIONS,
    {.name = "plugin",
     .code = 'l',
     .value = "SO",
     .kind = IPM_OPERAND_FILE,
     .many = true,
     .help = "mechanisms of a shared object, in both arms"},
    {.name = "sysroot",
     .code = 'r',
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .help = "read sys/ and proc/ below DIR"},
    {.name = NULL},
};

const struct ipm_command ipm_command_gate = {
    .name = "gate",
    .run = ipm_cmd_gate,
    .summary = "does B cost more than A? exit status 10 when it does",
    .operands = gate_operands,
    .options = gate_options,
    .about = "Measures two arms turn by turn and says whether B costs more than A "
             "(docs/gate.md).  calibrate: gates between equal arms, for how far apart "
             "those come out.  --baseline: judges sessions that were measured by those "
             "that were kept of the same class of machine.",
    .note =
        "Exit status: 0 pass, 10 regression, 11 nothing comparable, 12 environment, 13 "
        "inconclusive, 1 or 2 error, 130 and 143 interrupted; with --bisect 0 pass, 1 "
        "regression, 125 all others.",
};

static int add_baseline(struct ipm_gate_line *line, const char *directory)
{
    const char **list =
        reallocarray(line->baselines, line->n_baselines + 1, sizeof(*list));
    if (list == NULL)
        return IPM_EXIT_INTERNAL;
    line->baselines = list;
    list[line->n_baselines++] = directory;
    return 0;
}

/* Options that a gate between results takes. */
static bool measures(int code)
{
    static const int others[] = {BASELINE, INCONCLUSIVE, NOISE, BISECT,   ALL,
                                 JSON,     IPM_RUN_OUT,  JUNIT, MARKDOWN, ANNOTATIONS};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i] == code)
            return false;
    }
    return true;
}

static const char *name_of(int code)
{
    const struct ipm_command_option *option = gate_options;
    while (option->name != NULL && option->code != code)
        option++;
    return option->name;
}

static int take(int code, const char *value, struct ipm_gate_line *line)
{
    struct ipm_run_words *run = &line->setup.words;
    switch (code) {
    case ARM_A:
        line->setup.a = value;
        return 0;
    case ARM_B:
        line->setup.b = value;
        return 0;
    case INCONCLUSIVE:
        line->inconclusive_passes = strcmp(value, "pass") == 0;
        return strcmp(value, "pass") == 0 || strcmp(value, "fail") == 0
                   ? 0
                   : ipm_run_words_complain(run, "--inconclusive: pass or fail, not ",
                                            value);
    case NOISE:
        line->noise = value;
        return 0;
    case SESSIONS:
        return ipm_run_words_count(run, "--sessions: ", value, &line->sessions);
    case BASELINE:
        return add_baseline(line, value);
    case BISECT:
        line->bisect = true;
        return 0;
    case ALL:
        line->all = true;
        return 0;
    case JSON:
        line->json = true;
        return 0;
    case JUNIT:
        line->leave.junit = value;
        return 0;
    case MARKDOWN:
        line->leave.markdown = value;
        return 0;
    case ANNOTATIONS:
        line->leave.annotations = true;
        return 0;
    default:
        break;
    }
    int taken = ipm_run_words_take(run, code, value);
    if (taken != 1)
        return taken;
    ipm_command_usage(&ipm_command_gate, stderr);
    return IPM_EXIT_USAGE;
}

/* What is to be left for a pipeline, before anything is measured. */
static int check_leave(const struct ipm_gate_line *line)
{
    const struct ipm_run_words *run = &line->setup.words;
    struct ipm_why why = {0};
    if (line->json && line->leave.annotations)
        return ipm_run_words_complain(
            run, "--json and --annotations would both be on stdout", "");
    if (line->calibrate && ipm_leave_asked(&line->leave))
        return ipm_run_words_complain(
            run, "calibrate has no verdict for --junit, --markdown, --annotations", "");
    return ipm_leave_check(&line->leave, &why) == 0
               ? 0
               : ipm_run_words_complain(run, "--junit, --markdown: ", why.text);
}

static int parse_baseline(struct ipm_gate_line *line, const struct ipm_arguments *walk)
{
    struct ipm_run_words *run = &line->setup.words;
    line->results = walk->operands;
    line->n_results = walk->n_operands;
    if (line->measures != NULL)
        return ipm_run_words_complain(
            run, "--baseline measures nothing and takes no --", line->measures);
    if (line->calibrate)
        return ipm_run_words_complain(run, "calibrate takes no --baseline", "");
    if (line->n_results == 0)
        return ipm_run_words_complain(
            run, "a RESULT is missing: what is to be gated against the baseline?", "");
    return check_leave(line);
}

int ipm_gate_line_parse(int argc, char **argv, struct ipm_gate_line *line)
{
    struct ipm_run_words *run = &line->setup.words;
    struct ipm_arguments walk;
    ipm_arguments_init(&walk, &ipm_command_gate, argc, argv);
    for (int code; (code = ipm_arguments_next(&walk)) != IPM_ARGUMENTS_END;) {
        line->help = code == IPM_ARGUMENTS_HELP;
        int status = line->help ? 0 : take(code, walk.value, line);
        if (line->measures == NULL && measures(code))
            line->measures = name_of(code);
        if (status != 0 || line->help)
            return status;
    }
    line->calibrate = walk.n_operands > 0 && strcmp(walk.operands[0], "calibrate") == 0;
    if (line->n_baselines > 0)
        return parse_baseline(line, &walk);
    char **operands = walk.operands + line->calibrate;
    if (walk.n_operands - line->calibrate > 1)
        return ipm_run_words_complain(run, "one CONFIG, not also ", operands[1]);
    run->run.request.config = operands[0];
    if (!line->calibrate && line->setup.b == NULL)
        return ipm_run_words_complain(
            run, "--b is missing: against what is to be gated?", "");
    if (line->calibrate && run->run.out == NULL)
        return ipm_run_words_complain(run, "calibrate needs --out FILE", "");
    return check_leave(line);
}
