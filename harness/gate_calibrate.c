/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate_calibrate.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/host.h"
#include "harness/signals.h"
#include "harness/worker_copy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FOLDER = IPM_SCRATCH + 32, BUILDS = 32 };

struct calibration {
    struct ipm_gate_setup *setup;
    char scratch[IPM_SCRATCH];
    struct ipm_gate_null *nulls; /* texts are the plan's, metrics constants */
    char (*builds)[BUILDS];      /* of each session */
    size_t n_nulls, room, used;  /* sessions used */
    bool interrupted;
};

void ipm_gate_fingerprint_of(const json_t *host, const char *version,
                             char text[IPM_HASH_TEXT])
{
    ipm_auto_json json_t *json =
        json_pack("[s, s, s]", ipm_describe_text(host, "class", ""),
                  ipm_describe_text(host, "kernel", ""), version);
    ipm_json_hash(json, text);
}

void ipm_gate_fingerprint(const char *sysroot, char text[IPM_HASH_TEXT])
{
    ipm_auto_json json_t *host = ipm_host_json(sysroot);
    ipm_gate_fingerprint_of(host, IPM_VERSION, text);
}

int ipm_gate_noise_load(const char *path, const char *fingerprint,
                        struct ipm_gate_noise *out_noise, struct ipm_why *why)
{
    json_error_t problem;
    ipm_auto_json json_t *json = json_load_file(path, 0, &problem);
    if (json == NULL)
        return ipm_why_set(why, -EINVAL, "%s:%d: %s", path, problem.line, problem.text);
    int error = ipm_gate_noise_read(json, out_noise, why);
    if (error != 0)
        return error;
    return ipm_gate_noise_holds(out_noise, fingerprint, time(NULL), why) == 0 ? 0 : 1;
}

static int add(struct calibration *calibration, const struct ipm_gate_outcome *outcome,
               const char *builds)
{
    const struct ipm_plan *plan = &calibration->setup->prepared.plan;
    for (size_t i = 0; i < outcome->result.n_findings; i++) {
        const struct ipm_gate_point *point = ipm_gate_point(outcome->gate, i);
        double effect = outcome->result.findings[i].effect.value;
        const char *mechanism = "";
        if (isnan(effect))
            continue;
        struct ipm_gate_null *nulls =
            ipm_array_grow(calibration->nulls, calibration->n_nulls, &calibration->room,
                           sizeof(*nulls));
        if (nulls == NULL)
            return -ENOMEM;
        calibration->nulls = nulls;
        /* The gate's own texts end with its outcome. */
        for (size_t k = 0; k < plan->n_points; k++) {
            if (strcmp(plan->points[k].hash, point->id) == 0)
                mechanism = plan->points[k].factors.mechanism;
        }
        calibration->nulls[calibration->n_nulls++] =
            (struct ipm_gate_null){.id = point->id,
                                   .metric = point->metric,
                                   .mechanism = mechanism,
                                   .builds = builds,
                                   .effect = effect};
    }
    return 0;
}

/* Fresh copies, where the arms are our own worker. */
static int make_copies(struct calibration *calibration, struct ipm_arm *arms,
                       struct ipm_why *why)
{
    static const char *const names[] = {"a", "b"};
    const struct ipm_gate_setup *setup = calibration->setup;
    int error = 0;
    for (size_t i = 0; error == 0 && i < 2; i++) {
        arms[i] = setup->arms[i];
        if (setup->b == NULL && arms[i].own)
            error =
                ipm_worker_copy(&arms[i].worker, calibration->scratch, names[i], why);
    }
    return error;
}

/* One null session.  Return: 0; -errno. */
static int run_session(struct calibration *calibration, int64_t session,
                       struct ipm_why *why)
{
    struct ipm_gate_setup *setup = calibration->setup;
    char folder[FOLDER];
    struct ipm_arm arms[2];
    struct ipm_gate_outcome outcome = {.gate = NULL};
    (void)snprintf(folder, sizeof(folder), "%s/run", calibration->scratch);
    ipm_scratch_remove(folder);
    int error = make_copies(calibration, arms, why);
    if (error != 0)
        return error;
    struct ipm_gate_request request = {
        .run = setup->words.run,
        .arms = {&arms[IPM_GATE_A], &arms[IPM_GATE_B]},
        .every_block = true,
    };
    request.run.out = folder;
    request.run.seed += (uint64_t)session;
    error = ipm_gate_run(&request, &setup->prepared, &outcome, why);
    if (error == 0) {
        enum ipm_gate_verdict verdict = outcome.result.verdict;
        char *builds = calibration->builds[session];
        bool copies = setup->b == NULL && arms[IPM_GATE_A].own;
        (void)snprintf(builds, BUILDS, "%lld", copies ? (long long)session + 1 : 1LL);
        calibration->interrupted = outcome.interrupted;
        bool use = outcome.result.complete && verdict != IPM_GATE_ENVIRONMENT &&
                   verdict != IPM_GATE_ERROR;
        if (use)
            error = add(calibration, &outcome, builds);
        calibration->used += use && error == 0;
        (void)fprintf(stderr, "session %lld: %s%s: %s\n", (long long)session + 1,
                      ipm_gate_verdict_names[verdict], use ? "" : " (left out)",
                      outcome.result.sentence);
    }
    ipm_gate_outcome_fini(&outcome);
    return error;
}

static int write_noise(struct calibration *calibration, struct ipm_why *why)
{
    const struct ipm_run_request *run = &calibration->setup->words.run;
    struct ipm_gate_noise noise = {.n_points = 0};
    int error =
        ipm_gate_noise_fit(calibration->nulls, calibration->n_nulls, &noise, why);
    if (error != 0)
        return error;
    char fingerprint[IPM_HASH_TEXT];
    ipm_gate_fingerprint(run->request.worker.sysroot ?: "", fingerprint);
    (void)strcpy(noise.fingerprint, fingerprint);
    noise.made_s = time(NULL);
    noise.expires_s = noise.made_s + INT64_C(86400) * IPM_CALIBRATION_DAYS;
    ipm_auto_json json_t *json = ipm_gate_noise_json(&noise);
    ipm_gate_noise_fini(&noise);
    return json == NULL ? ipm_why_set(why, -ENOMEM, "no memory")
                        : ipm_json_write_file(json, run->out, why);
}

static int calibrate(struct calibration *calibration, int64_t sessions,
                     struct ipm_why *why)
{
    calibration->builds = calloc((size_t)sessions, sizeof(*calibration->builds));
    if (calibration->builds == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    int error = ipm_scratch_make(calibration->scratch, why);
    for (int64_t i = 0; error == 0 && !calibration->interrupted && i < sessions; i++)
        error = run_session(calibration, i, why);
    if (error != 0 || calibration->interrupted)
        return error;
    return write_noise(calibration, why);
}

int ipm_gate_calibrate(struct ipm_gate_setup *setup, int64_t sessions)
{
    struct calibration calibration = {.setup = setup};
    struct ipm_why why = {0};
    if (sessions < 1)
        return ipm_run_words_complain(&setup->words, "--sessions: ", "1 or more");
    const char *b = setup->b;
    if (b == NULL)
        setup->b = setup->a; /* the same, for the set-up */
    int status = ipm_gate_setup(setup);
    setup->b = b;
    if (status != 0)
        return status;
    int error = calibrate(&calibration, sessions, &why);
    ipm_scratch_remove(calibration.scratch);
    if (error != 0) {
        (void)ipm_run_words_complain(&setup->words, "", why.text);
        status = error == -ENODATA   ? IPM_EXIT_NOTHING
                 : error == -EINVAL  ? IPM_EXIT_USAGE
                 : error == -ENOTSUP ? IPM_EXIT_ENVIRONMENT
                                     : IPM_EXIT_INTERNAL;
    } else if (calibration.interrupted) {
        status = ipm_signals_status();
    } else {
        if (sessions < IPM_GATE_NOISE_SESSIONS || calibration.used < (size_t)sessions)
            (void)fprintf(
                stderr,
                "ipcmeter gate: %zu of %d sessions that a calibration should have\n",
                calibration.used, IPM_GATE_NOISE_SESSIONS);
        (void)printf("%s\n", setup->words.run.out);
    }
    free(calibration.nulls);
    free(calibration.builds);
    return status;
}
