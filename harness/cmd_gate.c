/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_text.h"
#include "base/json.h"
#include "harness/baseline.h"
#include "harness/commands.h"
#include "harness/gate_calibrate.h"
#include "harness/gate_line.h"
#include "harness/signals.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A calibration that may not be used is said and left out: margins are then the declared. */
static int read_noise(const struct ipm_gate_line *line, struct ipm_gate_noise *noise,
                      bool *out_held)
{
    struct ipm_why why = {0};
    char fingerprint[IPM_HASH_TEXT];
    *out_held = false;
    if (line->noise == NULL)
        return 0;
    ipm_gate_fingerprint(line->setup.words.run.request.worker.sysroot ?: "",
                         fingerprint);
    int error = ipm_gate_noise_load(line->noise, fingerprint, noise, &why);
    if (error < 0)
        return ipm_run_words_complain(&line->setup.words, "--noise: ", why.text);
    *out_held = error == 0;
    if (error == 1)
        (void)fprintf(stderr, "ipcmeter gate: not calibrated: %s\n", why.text);
    return 0;
}

static int verdict_status(const struct ipm_gate_line *line,
                          enum ipm_gate_verdict verdict)
{
    static const int plain[IPM_GATE_VERDICTS] = {
        [IPM_GATE_PASS] = IPM_EXIT_OK,
        [IPM_GATE_REGRESSION] = IPM_EXIT_REGRESSION,
        [IPM_GATE_INCONCLUSIVE] = IPM_EXIT_INCONCLUSIVE,
        [IPM_GATE_ENVIRONMENT] = IPM_EXIT_ENVIRONMENT,
        [IPM_GATE_ERROR] = IPM_EXIT_INTERNAL,
    };
    if (verdict == IPM_GATE_INCONCLUSIVE && line->inconclusive_passes)
        return IPM_EXIT_OK;
    return plain[verdict];
}

static int exit_status(const struct ipm_gate_line *line,
                       const struct ipm_gate_outcome *outcome)
{
    return outcome->interrupted ? ipm_signals_status()
                                : verdict_status(line, outcome->result.verdict);
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
static int leave(const struct ipm_gate_line *line, const json_t *document,
                 const char *sentence)
{
    struct ipm_why why = {0};
    int error = document != NULL
                    ? ipm_leave(&line->leave, &ipm_leave_gate, document, &why)
                    : ipm_leave_failed(&line->leave, &ipm_leave_gate, sentence, &why);
    if (error == 0)
        return 0;
    (void)ipm_run_words_complain(&line->setup.words, "", why.text);
    return IPM_EXIT_INTERNAL;
}

static int print(const struct ipm_gate_line *line,
                 const struct ipm_gate_outcome *outcome, bool calibrated)
{
    struct ipm_why why = {0};
    ipm_auto_json json_t *document = NULL;
    if (ipm_leave_read_gate(line->setup.words.run.out, &document, &why) != 0) {
        (void)ipm_run_words_complain(
            &line->setup.words, "the verdict cannot be read back: ",
            why.text[0] != '\0' ? why.text : "gate.json is gone");
        return IPM_EXIT_INTERNAL;
    }
    if (line->json) {
        if (json_dumpf(document, stdout, JSON_INDENT(2)) != 0)
            return IPM_EXIT_INTERNAL;
        (void)putchar('\n');
    } else {
        ipm_gate_text(outcome->gate, &outcome->result, line->all, stdout);
        put_counts(&outcome->counts);
        if (!calibrated)
            (void)puts("  not calibrated: margins are the declared ones "
                       "(`ipcmeter gate calibrate`)");
        if (outcome->same)
            (void)puts("  both arms are the same program: this is an A/A gate");
        (void)printf("\n%s\n", line->setup.words.run.out);
    }
    if (fflush(stdout) != 0)
        return IPM_EXIT_INTERNAL;
    return leave(line, document, "");
}

static int measure(struct ipm_gate_line *line, const struct ipm_gate_noise *noise)
{
    struct ipm_gate_setup *setup = &line->setup;
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
        status = print(line, &outcome, noise != NULL);
        status = status == 0 ? exit_status(line, &outcome) : status;
    } else {
        (void)ipm_run_words_complain(&setup->words, "", why.text);
        (void)leave(line, NULL, why.text);
        status = error == -ENODATA                      ? IPM_EXIT_NOTHING
                 : error == -EEXIST || error == -EINVAL ? IPM_EXIT_USAGE
                 : error == -ENOTSUP                    ? IPM_EXIT_ENVIRONMENT
                                                        : IPM_EXIT_INTERNAL;
    }
    ipm_gate_outcome_fini(&outcome);
    return status;
}

static int gate(struct ipm_gate_line *line)
{
    struct ipm_gate_noise noise = {.n_points = 0};
    bool calibrated = false;
    int status = ipm_gate_setup(&line->setup);
    if (status == 0)
        status = read_noise(line, &noise, &calibrated);
    if (status == 0)
        status = measure(line, calibrated ? &noise : NULL);
    else
        (void)leave(line, NULL, "nothing was measured: stderr says why");
    ipm_gate_noise_fini(&noise);
    return status;
}

/* Against what was kept: nothing is measured. */
static int judge_results(const struct ipm_gate_line *line)
{
    const struct ipm_baseline_request request = {
        .baselines = line->baselines,
        .n_baselines = line->n_baselines,
        .results = (const char *const *)line->results,
        .n_results = (size_t)line->n_results,
        .noise = line->noise,
        .out = line->setup.words.run.out,
        .leave = line->leave,
        .json = line->json,
        .all = line->all,
    };
    enum ipm_gate_verdict verdict = IPM_GATE_ERROR;
    int status = ipm_baseline_gate(&request, &verdict);
    return status == 0 ? verdict_status(line, verdict) : status;
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
    struct ipm_gate_line line = {
        .setup = {.words = {.command = "gate", .run = {.ticker = IPM_TICKER_AUTO}}},
        .sessions = IPM_GATE_NOISE_SESSIONS,
    };
    int status = ipm_gate_line_parse(argc, argv, &line);
    if (status == 0 && line.help)
        ipm_command_usage(&ipm_command_gate, stdout);
    else if (status == 0 && line.n_baselines > 0)
        status = judge_results(&line);
    else if (status == 0 && line.calibrate)
        status = ipm_gate_calibrate(&line.setup, line.sessions);
    else if (status == 0)
        status = gate(&line);
    ipm_gate_setup_fini(&line.setup);
    free(line.baselines);
    return line.bisect && !line.help ? bisect_status(status) : status;
}
