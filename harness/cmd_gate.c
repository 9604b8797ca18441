/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_text.h"
#include "base/json.h"
#include "harness/commands.h"
#include "harness/gate_calibrate.h"
#include "harness/gate_setup.h"
#include "harness/leave.h"
#include "harness/signals.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
};

static const struct ipm_command_operand gate_operands[] = {
    {.name = "calibrate", .kind = IPM_OPERAND_WORDS, .optional = true},
    {.name = "CONFIG", .kind = IPM_OPERAND_FILE, .optional = true},
    {.name = NULL},
};

static const struct ipm_command_option gate_options[] = {
    {.name = "a",
     .code = ARM_A,
     .value = "ARM",
     .help = "command of a worker, or plugin=SO (default: our own worker)"},
    {.name = "b", .code = ARM_B, .value = "ARM", .help = "the same, against A"},
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
    {.name = "junit",
     .code = JUNIT,
     .value = "FILE",
     .kind = IPM_OPERAND_FILE,
     .help = "and the verdict as JUnit XML into FILE, a test case per point"},
    {.name = "markdown",
     .code = MARKDOWN,
     .value = "FILE",
     .kind = IPM_OPERAND_FILE,
     .help = "and as the summary of a job into FILE"},
    {.name = "annotations",
     .code = ANNOTATIONS,
     .help = "and lines for GitHub Actions, ::error and ::warning, ten at most, the "
             "worst first"},
    {.name = "sessions",
     .code = SESSIONS,
     .value = "N",
     .help = "of calibrate: gates between equal arms (default: 20)"},
    {.name = "out",
     .code = IPM_RUN_OUT,
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .help = "result folder (default: results/gate-TIME-NAME); of calibrate, the file "
             "that it writes"},
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
             "those come out.",
    .note =
        "Exit status: 0 pass, 10 regression, 11 nothing comparable, 12 environment, 13 "
        "inconclusive, 1 or 2 error, 130 and 143 interrupted; with --bisect 0 pass, 1 "
        "regression, 125 all others.",
};

enum policy { INCONCLUSIVE_FAIL, INCONCLUSIVE_PASS };

struct gate_words {
    struct ipm_gate_setup setup;
    struct ipm_leave leave;
    const char *noise;
    enum policy policy;
    bool bisect, all, json, help, calibrate;
    int64_t sessions;
};

static int take(int code, const char *value, struct gate_words *words)
{
    struct ipm_run_words *run = &words->setup.words;
    switch (code) {
    case ARM_A:
        words->setup.a = value;
        return 0;
    case ARM_B:
        words->setup.b = value;
        return 0;
    case INCONCLUSIVE:
        words->policy =
            strcmp(value, "pass") == 0 ? INCONCLUSIVE_PASS : INCONCLUSIVE_FAIL;
        return strcmp(value, "pass") == 0 || strcmp(value, "fail") == 0
                   ? 0
                   : ipm_run_words_complain(run, "--inconclusive: pass or fail, not ",
                                            value);
    case NOISE:
        words->noise = value;
        return 0;
    case SESSIONS:
        return ipm_run_words_count(run, "--sessions: ", value, &words->sessions);
    case BISECT:
        words->bisect = true;
        return 0;
    case ALL:
        words->all = true;
        return 0;
    case JSON:
        words->json = true;
        return 0;
    case JUNIT:
        words->leave.junit = value;
        return 0;
    case MARKDOWN:
        words->leave.markdown = value;
        return 0;
    case ANNOTATIONS:
        words->leave.annotations = true;
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

static int parse(int argc, char **argv, struct gate_words *words)
{
    struct ipm_run_words *run = &words->setup.words;
    struct ipm_arguments walk;
    ipm_arguments_init(&walk, &ipm_command_gate, argc, argv);
    for (int code; (code = ipm_arguments_next(&walk)) != IPM_ARGUMENTS_END;) {
        words->help = code == IPM_ARGUMENTS_HELP;
        int status = words->help ? 0 : take(code, walk.value, words);
        if (status != 0 || words->help)
            return status;
    }
    words->calibrate =
        walk.n_operands > 0 && strcmp(walk.operands[0], "calibrate") == 0;
    char **operands = walk.operands + words->calibrate;
    if (walk.n_operands - words->calibrate > 1)
        return ipm_run_words_complain(run, "one CONFIG, not also ", operands[1]);
    run->run.request.config = operands[0];
    if (!words->calibrate && words->setup.b == NULL)
        return ipm_run_words_complain(
            run, "--b is missing: against what is to be gated?", "");
    if (words->calibrate && run->run.out == NULL)
        return ipm_run_words_complain(run, "calibrate needs --out FILE", "");
    if (words->json && words->leave.annotations)
        return ipm_run_words_complain(
            run, "--json and --annotations would both be on stdout", "");
    if (words->calibrate && ipm_leave_asked(&words->leave))
        return ipm_run_words_complain(
            run, "calibrate has no verdict for --junit, --markdown, --annotations", "");
    struct ipm_why why = {0};
    return ipm_leave_check(&words->leave, &why) == 0
               ? 0
               : ipm_run_words_complain(run, "--junit, --markdown: ", why.text);
}

/* A calibration that may not be used is said and left out: margins are then the declared. */
static int read_noise(const struct gate_words *words, struct ipm_gate_noise *noise,
                      bool *out_held)
{
    struct ipm_why why = {0};
    json_error_t problem;
    *out_held = false;
    if (words->noise == NULL)
        return 0;
    ipm_auto_json json_t *json = json_load_file(words->noise, 0, &problem);
    if (json == NULL)
        (void)ipm_why_set(&why, -EINVAL, "%s:%d: %s", words->noise, problem.line,
                          problem.text);
    if (json == NULL || ipm_gate_noise_read(json, noise, &why) != 0)
        return ipm_run_words_complain(&words->setup.words, "--noise: ", why.text);
    char fingerprint[IPM_HASH_TEXT];
    ipm_gate_fingerprint(words->setup.words.run.request.worker.sysroot ?: "",
                         fingerprint);
    if (ipm_gate_noise_holds(noise, fingerprint, time(NULL), &why) == 0)
        *out_held = true;
    else
        (void)fprintf(stderr, "ipcmeter gate: not calibrated: %s\n", why.text);
    return 0;
}

static int exit_status(const struct gate_words *words,
                       const struct ipm_gate_outcome *outcome)
{
    static const int plain[IPM_GATE_VERDICTS] = {
        [IPM_GATE_PASS] = IPM_EXIT_OK,
        [IPM_GATE_REGRESSION] = IPM_EXIT_REGRESSION,
        [IPM_GATE_INCONCLUSIVE] = IPM_EXIT_INCONCLUSIVE,
        [IPM_GATE_ENVIRONMENT] = IPM_EXIT_ENVIRONMENT,
        [IPM_GATE_ERROR] = IPM_EXIT_INTERNAL,
    };
    enum ipm_gate_verdict verdict = outcome->result.verdict;
    if (outcome->interrupted)
        return ipm_signals_status();
    if (verdict == IPM_GATE_INCONCLUSIVE && words->policy == INCONCLUSIVE_PASS)
        return IPM_EXIT_OK;
    return plain[verdict];
}

static void put_counts(const struct ipm_gate_counts *counts)
{
    (void)printf("  %zu warm-ups; %zu invocations made again, since a core was slow or "
                 "the regime changed;\n  %zu of the %zu values come from such all the "
                 "same; %zu made again after a failure",
                 counts->warmups, counts->again, counts->slow, counts->values,
                 counts->retried);
    if (!isnan(counts->steal))
        (void)printf("; steal %.1f %%", 100 * counts->steal);
    (void)putchar('\n');
}

/* Files and annotations.  Without a document: @sentence, and an error. */
static int leave(const struct gate_words *words, const json_t *document,
                 const char *sentence)
{
    struct ipm_why why = {0};
    int error = document != NULL
                    ? ipm_leave(&words->leave, &ipm_leave_gate, document, &why)
                    : ipm_leave_failed(&words->leave, &ipm_leave_gate, sentence, &why);
    if (error == 0)
        return 0;
    (void)ipm_run_words_complain(&words->setup.words, "", why.text);
    return IPM_EXIT_INTERNAL;
}

static int print(const struct gate_words *words, const struct ipm_gate_outcome *outcome,
                 bool calibrated)
{
    struct ipm_why why = {0};
    ipm_auto_json json_t *document = NULL;
    if (ipm_leave_read_gate(words->setup.words.run.out, &document, &why) != 0)
        return IPM_EXIT_INTERNAL;
    if (words->json) {
        if (json_dumpf(document, stdout, JSON_INDENT(2)) != 0)
            return IPM_EXIT_INTERNAL;
        (void)putchar('\n');
    } else {
        ipm_gate_text(outcome->gate, &outcome->result, words->all, stdout);
        put_counts(&outcome->counts);
        if (!calibrated)
            (void)puts("  not calibrated: margins are the declared ones "
                       "(`ipcmeter gate calibrate`)");
        if (outcome->same)
            (void)puts("  both arms are the same program: this is an A/A gate");
        (void)printf("\n%s\n", words->setup.words.run.out);
    }
    if (fflush(stdout) != 0)
        return IPM_EXIT_INTERNAL;
    return leave(words, document, "");
}

static int measure(struct gate_words *words, const struct ipm_gate_noise *noise)
{
    struct ipm_gate_setup *setup = &words->setup;
    struct ipm_gate_outcome outcome = {.gate = NULL};
    struct ipm_why why = {0};
    int status;
    ipm_run_words_folder(&setup->words, "gate-", setup->prepared.spec.name);
    const struct ipm_gate_request request = {
        .run = setup->words.run,
        .arms = {&setup->arms[IPM_GATE_A], &setup->arms[IPM_GATE_B]},
        .noise = noise,
    };
    int error = ipm_gate_run(&request, &setup->prepared, &outcome, &why);
    if (error == 0) {
        status = print(words, &outcome, noise != NULL);
        status = status == 0 ? exit_status(words, &outcome) : status;
    } else {
        (void)ipm_run_words_complain(&setup->words, "", why.text);
        (void)leave(words, NULL, why.text);
        status = error == -ENODATA                      ? IPM_EXIT_NOTHING
                 : error == -EEXIST || error == -EINVAL ? IPM_EXIT_USAGE
                 : error == -ENOTSUP                    ? IPM_EXIT_ENVIRONMENT
                                                        : IPM_EXIT_INTERNAL;
    }
    ipm_gate_outcome_fini(&outcome);
    return status;
}

static int gate(struct gate_words *words)
{
    struct ipm_gate_noise noise = {.n_points = 0};
    bool calibrated = false;
    int status = ipm_gate_setup(&words->setup);
    if (status == 0)
        status = read_noise(words, &noise, &calibrated);
    if (status == 0)
        status = measure(words, calibrated ? &noise : NULL);
    else
        (void)leave(words, NULL, "nothing was measured: stderr says why");
    ipm_gate_noise_fini(&noise);
    return status;
}

/* What is no verdict tells a bisection nothing; a signal ends it. */
static int bisect_status(int status)
{
    if (status == IPM_EXIT_OK || status >= IPM_EXIT_BISECT_SKIP)
        return status;
    return status == IPM_EXIT_REGRESSION ? 1 : IPM_EXIT_BISECT_SKIP;
}

int ipm_cmd_gate(int argc, char **argv)
{
    struct gate_words words = {
        .setup = {.words = {.command = "gate", .run = {.ticker = IPM_TICKER_AUTO}}},
        .sessions = IPM_GATE_NOISE_SESSIONS,
    };
    int status = parse(argc, argv, &words);
    if (status == 0 && words.help)
        ipm_command_usage(&ipm_command_gate, stdout);
    else if (status == 0 && words.calibrate)
        status = ipm_gate_calibrate(&words.setup, words.sessions);
    else if (status == 0)
        status = gate(&words);
    ipm_gate_setup_fini(&words.setup);
    return words.bisect && !words.help ? bisect_status(status) : status;
}
