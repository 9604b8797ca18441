/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate.h"

#include "analysis/gate_json.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "harness/capacity.h"
#include "harness/gate_parts.h"
#include "harness/invoke.h"
#include "harness/tally.h"
#include "harness/ticks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)IPM_GATING_BLOCKS == (int)IPM_GATE_BLOCKS_MOST, "of a config");

struct ipm_gate_params ipm_gate_params_of(const struct ipm_gating *asked, uint64_t seed)
{
    struct ipm_gate_params params = ipm_gate_defaults;
    const struct {
        double asked, *value;
    } shares[] = {{asked->smallest_effect, &params.smallest_effect},
                  {asked->margin, &params.margin},
                  {asked->screen_limit, &params.screen_limit},
                  {asked->alpha, &params.alpha}};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        if (shares[i].asked > 0)
            *shares[i].value = shares[i].asked;
    }
    params.screen_blocks = (size_t)asked->screen_blocks;
    params.confirm_blocks = (size_t)asked->confirm_blocks;
    params.looks = (size_t)asked->looks;
    params.seed = seed;
    return params;
}

/* Which of the paces a point goes by. */
static size_t pace_of(struct driver *driver, const struct ipm_factors *factors)
{
    char key[IPM_HASH_TEXT];
    ipm_auto_json json_t *json = json_object();
    ipm_factors_json(factors, json);
    ipm_json_hash(json_object_get(json, "cpus"), key);
    size_t at = 0;
    while (at < driver->n_paces && strcmp(driver->cpus[at], key) != 0)
        at++;
    if (at == driver->n_paces)
        (void)strcpy(driver->cpus[driver->n_paces++], key);
    return at;
}

/* What of the plan can be asked of both arms. */
static int look_at_points(struct driver *driver, struct ipm_why *why)
{
    const struct ipm_plan *plan = &driver->session.prepared->plan;
    const json_t *a = driver->request->arms[IPM_GATE_A]->describe;
    const json_t *b = driver->request->arms[IPM_GATE_B]->describe;
    size_t n = plan->n_points;
    size_t tested = 0;
    driver->entries = calloc(n + 1, sizeof(*driver->entries));
    driver->gated = calloc(n + 1, sizeof(*driver->gated));
    driver->paces = calloc(n + 1, sizeof(*driver->paces));
    driver->cpus = calloc(n + 1, sizeof(*driver->cpus));
    driver->labels = calloc(n + 1, sizeof(*driver->labels));
    if (driver->entries == NULL || driver->gated == NULL || driver->paces == NULL ||
        driver->cpus == NULL || driver->labels == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    driver->n_entries = n;
    for (size_t i = 0; i < n; i++) {
        struct entry *entry = &driver->entries[i];
        const struct ipm_factors *factors = &plan->points[i].factors;
        const json_t *mechanism =
            ipm_describe_find(a, "mechanisms", factors->mechanism);
        struct ipm_why flaw = {0};
        *entry = (struct entry){.point = &plan->points[i],
                                .label = driver->labels[i],
                                .mechanism = factors->mechanism,
                                .control = ipm_describe_is_floor(mechanism),
                                .pace = pace_of(driver, factors),
                                .metric = IPM_GATE_METRICS};
        (void)ipm_factors_label(factors, entry->label);
        tested += !entry->control;
        if (ipm_arm_has(a, b, factors, &flaw) != 0)
            (void)snprintf(entry->failure, sizeof(entry->failure), "%s", flaw.text);
    }
    if (tested == 0)
        return ipm_why_set(why, -ENODATA,
                           "there is no point under test: nothing is compared");
    return 0;
}

static int make_gate(struct driver *driver, struct ipm_why *why)
{
    const struct ipm_gate_noise *noise = driver->request->noise;
    const json_t *seed = json_object_get(driver->session.manifest, "seed");
    struct ipm_gate_params params = ipm_gate_params_of(
        &driver->session.prepared->spec.gate, (uint64_t)json_integer_value(seed));
    if (driver->request->every_block) {
        params.screen_blocks = params.confirm_blocks;
        params.looks = 1;
    }
    ipm_auto_free struct ipm_gate_point *points =
        calloc(driver->n_entries + 1, sizeof(*points));
    if (points == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    for (size_t i = 0; i < driver->n_entries; i++) {
        const struct entry *entry = &driver->entries[i];
        if (entry->left_out)
            continue;
        const char *metric =
            ipm_gate_metric_names[entry->metric == IPM_GATE_METRICS ? IPM_GATE_OPERATION
                                                                    : entry->metric];
        points[driver->n_gated] = (struct ipm_gate_point){
            .id = entry->point->hash,
            .label = entry->label,
            .metric = metric,
            .unit = "ns",
            .control = entry->control,
            .noise = noise == NULL ? NAN
                                   : ipm_gate_noise_of(noise, entry->point->hash,
                                                       metric, entry->mechanism),
            .smallest_effect = NAN,
        };
        driver->gated[driver->n_gated++] = i;
    }
    int error = ipm_gate_new(&params, points, driver->n_gated, &driver->gate, why);
    for (size_t i = 0; error == 0 && i < driver->n_gated; i++) {
        const struct entry *entry = &driver->entries[driver->gated[i]];
        if (entry->failure[0] != '\0')
            ipm_gate_fail(driver->gate, i, entry->failure);
    }
    return error;
}

/* What no number of values could decide is said before a folder is made and any is measured. */
static int check_gate(struct driver *driver, struct ipm_why *why)
{
    int error = make_gate(driver, why);
    ipm_gate_free(driver->gate);
    driver->gate = NULL;
    driver->n_gated = 0;
    return error;
}

static int measure_capacity(void *context, const struct ipm_point *point,
                            json_t **out_record, struct ipm_why *why)
{
    struct driver *driver = context;
    const struct ipm_arm *arm = driver->request->arms[IPM_GATE_A];
    const struct ipm_job job = {.point = point,
                                .pass = &driver->session.prepared->plan.passes[0]};
    ipm_auto_json json_t *json = ipm_session_point(&driver->session, &job);
    return ipm_invoke(&arm->worker,
                      ipm_describe_text(arm->describe, "build", "unknown"), json,
                      driver->request->run.request.interrupted, out_record, why);
}

/* Shares of a rate are of what arm A can do, for both arms alike. */
static int measure_capacities(struct driver *driver, struct ipm_why *why)
{
    json_t *capacities = json_object();
    (void)json_object_set_new(driver->session.manifest, "capacities", capacities);
    return ipm_capacity_measure(&driver->session.prepared->plan, capacities,
                                measure_capacity, driver, why);
}

/* Was the machine fit while it went on? */
static void judge_machine(struct driver *driver, const struct ipm_ticks *before)
{
    struct ipm_gate_counts *counts = &driver->counts;
    struct ipm_ticks after =
        ipm_ticks_read(driver->request->run.request.worker.sysroot ?: "");
    char reason[IPM_GATE_REASON];
    bool known = before->known && after.known && after.all > before->all;
    counts->steal =
        known ? (after.steal - before->steal) / (after.all - before->all) : NAN;
    if (counts->steal > IPM_GATE_STEAL_MOST) {
        (void)snprintf(reason, sizeof(reason),
                       "the hypervisor gave %.1f %% of the time of our CPUs to others "
                       "(at most %.0f %%)",
                       100 * counts->steal, 100 * IPM_GATE_STEAL_MOST);
        ipm_gate_disturbed(driver->gate, reason);
    }
}

static json_t *arm_json(const struct ipm_arm *arm)
{
    json_t *json = json_object();
    static const char *const keys[] = {"build", "version", "protocol",
                                       "protocol_lowest", "machine"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        (void)json_object_set(json, keys[i], json_object_get(arm->describe, keys[i]));
    (void)json_object_set_new(json, "hash", json_string(arm->hash));
    return json;
}

static json_t *measured_json(const struct driver *driver)
{
    const struct ipm_gate_counts *counts = &driver->counts;
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:b}", "a",
                     arm_json(driver->request->arms[IPM_GATE_A]), "b",
                     arm_json(driver->request->arms[IPM_GATE_B]), "warmups",
                     (json_int_t)counts->warmups, "values", (json_int_t)counts->values,
                     "again", (json_int_t)counts->again, "slow",
                     (json_int_t)counts->slow, "retried", (json_int_t)counts->retried,
                     "steal", ipm_json_number(counts->steal), "calibrated",
                     driver->request->noise != NULL);
}

static int write_verdict(struct driver *driver, const struct ipm_gate_outcome *outcome,
                         struct ipm_why *why)
{
    char path[IPM_SESSION_PATH];
    ipm_auto_json json_t *json = ipm_gate_json(outcome->gate, &outcome->result);
    if (json == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    size_t i;
    json_t *point;
    json_array_foreach(json_object_get(json, "points"), i, point)
    {
        const struct entry *entry = &driver->entries[driver->gated[i]];
        (void)json_object_set_new(point, "elapsed_ns", json_integer(entry->elapsed_ns));
    }
    (void)json_object_set_new(json, "run", json_string(driver->session.run));
    (void)json_object_set_new(json, "interrupted", json_boolean(outcome->interrupted));
    (void)json_object_set_new(json, "measured", measured_json(driver));
    int needed = snprintf(path, sizeof(path), "%s/gate.json", driver->request->run.out);
    if (needed < 0 || needed >= (int)sizeof(path))
        return ipm_why_set(why, -ENAMETOOLONG, "gate.json: path is too long");
    return ipm_json_write_file(json, path, why);
}

/* The last words, whatever ended it.  Return: the first error. */
static int finish(struct driver *driver, int error, struct ipm_why *why)
{
    bool early = driver->interrupted || error != 0;
    (void)json_object_set_new(driver->session.manifest, "gate", measured_json(driver));
    ipm_auto_json json_t *left_out =
        ipm_tally_left_out(&driver->session.prepared->plan);
    int unwritten =
        ipm_session_finish(&driver->session, early, error == 0 ? why : NULL);
    error = error != 0 ? error : unwritten;
    ipm_session_say(&driver->session,
                    &(struct ipm_ticker_end){
                        .how = driver->interrupted ? "interrupted"
                               : error != 0        ? "stopped"
                                                   : "done",
                        .reason = error != 0 && why != NULL ? why->text : NULL,
                        .failures = driver->session.failures,
                        .left_out = left_out,
                    });
    return error;
}

/* Measures.  Without a gate there is no verdict, not even of what was interrupted. */
static int work(struct driver *driver, struct ipm_why *why)
{
    struct ipm_ticks before =
        ipm_ticks_read(driver->request->run.request.worker.sysroot ?: "");
    driver->begun_ns = ipm_now_ns();
    ipm_ticker_start(&driver->session.ticker, IPM_GATE_WARMUPS, 0);
    int error = measure_capacities(driver, why);
    if (error == 0)
        error = ipm_gate_warm_up(driver, why);
    int made = error < 0 ? 0 : make_gate(driver, why);
    if (error == 0 && made == 0)
        error = ipm_gate_measure(driver, why);
    driver->interrupted = error == 1;
    error = error < 0 ? error : made;
    if (error == 0 && !driver->interrupted && driver->counts.values > 0)
        judge_machine(driver, &before);
    return error;
}

static void close_driver(struct driver *driver)
{
    for (size_t i = 0; driver->paces != NULL && i < driver->n_paces; i++)
        ipm_pace_fini(&driver->paces[i]);
    free(driver->paces);
    free(driver->cpus);
    free(driver->gated);
    free(driver->entries);
    ipm_session_close(&driver->session);
}

static int no_record(void *context, const json_t *record, size_t line)
{
    (void)context;
    (void)record;
    (void)line;
    return 0;
}

int ipm_gate_run(const struct ipm_gate_request *request,
                 const struct ipm_prepared *prepared,
                 struct ipm_gate_outcome *out_outcome, struct ipm_why *why)
{
    struct driver driver = {.request = request, .counts = {.steal = NAN}};
    struct ipm_gate_outcome outcome = {
        .same = strcmp(request->arms[IPM_GATE_A]->hash,
                       request->arms[IPM_GATE_B]->hash) == 0};
    int error = ipm_session_begin(&driver.session, &request->run, prepared, why);
    if (error == 0)
        error = look_at_points(&driver, why);
    if (error == 0)
        error = check_gate(&driver, why);
    if (error == 0)
        error = ipm_session_open(&driver.session, why);
    if (error == 0)
        error = ipm_session_records(&driver.session, no_record, NULL, why);
    if (error == 0)
        error = finish(&driver, work(&driver, why), why);
    outcome.gate = driver.gate;
    outcome.labels = driver.labels;
    outcome.interrupted = driver.interrupted;
    outcome.counts = driver.counts;
    if (error == 0 && ipm_gate_judge(driver.gate, &outcome.result) != 0)
        error = ipm_why_set(why, -ENOMEM, "no memory");
    if (error == 0)
        error = write_verdict(&driver, &outcome, why);
    if (error == 0)
        outcome.drift = json_incref(json_object_get(driver.session.manifest, "drift"));
    close_driver(&driver);
    if (error == 0)
        *out_outcome = outcome;
    else
        ipm_gate_outcome_fini(&outcome);
    return error;
}

void ipm_gate_outcome_fini(struct ipm_gate_outcome *outcome)
{
    ipm_gate_result_fini(&outcome->result);
    ipm_gate_free(outcome->gate);
    free(outcome->labels);
    json_decref(outcome->drift);
    *outcome = (struct ipm_gate_outcome){0};
}
