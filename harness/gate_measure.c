/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of gate.h that makes invocations. */
#include "base/clock.h"
#include "base/random.h"
#include "harness/gate_parts.h"
#include "harness/invoke.h"
#include "harness/precision.h"
#include "harness/tally.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* What an invocation is for.  trial NULL: the warm-up. */
struct purpose {
    struct entry *entry;
    enum ipm_gate_arm arm;
    const struct ipm_gate_trial *trial;
};

enum { INTERRUPTED = 1, POINT_FAILED = 2 }; /* beside 0 and -errno */

/* Both arms of a block see the same traffic: what is drawn from the seed does not differ. */
static uint64_t seed_of(const struct driver *driver, const struct purpose *purpose)
{
    const json_t *seed = json_object_get(driver->session.manifest, "seed");
    const struct ipm_gate_trial *trial = purpose->trial;
    uint64_t state = (uint64_t)json_integer_value(seed);
    state += (uint64_t)(purpose->entry - driver->entries) * 1000003;
    state = ipm_random_next(&state);
    if (trial != NULL)
        state += trial->block * IPM_GATE_STAGES + (uint64_t)trial->stage + 1;
    return ipm_random_next(&state) >> 11;
}

/* Says in a record what it was made for; one that is about to be replaced is invalid. */
static json_t *line_of(const struct purpose *purpose, const json_t *record, bool slow,
                       bool replaced)
{
    const struct ipm_gate_trial *trial = purpose->trial;
    json_t *line = json_copy((json_t *)(uintptr_t)record);
    json_t *more = trial == NULL ? json_pack("{s:s}", "stage", "warmup")
                                 : json_pack("{s:s, s:I, s:I, s:I}", "stage",
                                             ipm_gate_stage_names[trial->stage],
                                             "gate_block", (json_int_t)trial->block,
                                             "place", (json_int_t)trial->place,
                                             "sequence", (json_int_t)trial->sequence);
    (void)json_object_set_new(line, "arm",
                              json_string(ipm_gate_arm_names[purpose->arm]));
    (void)json_object_update(line, more);
    (void)json_object_set_new(line, "slow_core", json_boolean(slow));
    if (replaced && strcmp(ipm_describe_text(record, "status", ""), "ok") == 0)
        (void)json_object_set_new(line, "status", json_string("invalid"));
    json_decref(more);
    return line;
}

static void tell(struct driver *driver, const struct entry *entry, const json_t *line,
                 bool again)
{
    const struct ipm_pass *timing = &driver->session.prepared->plan.passes[0];
    uint64_t made = 0;
    uint64_t left = IPM_GATE_WARMUPS;
    int64_t each_ns = (ipm_now_ns() - driver->begun_ns) / (int64_t)++driver->made;
    if (driver->gate != NULL)
        ipm_gate_progress(driver->gate, &made, &left);
    ipm_ticker_record(&driver->session.ticker, entry->label, line,
                      ipm_plan_invocation_ns(timing, entry->point), again);
    ipm_ticker_expect(&driver->session.ticker, (size_t)left, (int64_t)left * each_ns);
}

/* What became of one invocation. */
struct attempt {
    json_t *record;
    int usable; /* as ipm_gate_usable() says */
    struct ipm_why flaw;
    double value, step_ns;
    bool slow;
};

/* One invocation; the record is the caller's.  Return: 0; INTERRUPTED; -errno. */
static int attempt(struct driver *driver, const struct purpose *purpose, int try,
                   struct attempt *out, struct ipm_why *why)
{
    struct entry *entry = purpose->entry;
    const struct ipm_arm *arm = driver->request->arms[purpose->arm];
    const char *build = ipm_describe_text(arm->describe, "build", "unknown");
    const struct ipm_job job = {
        .point = entry->point,
        .pass = &driver->session.prepared->plan.passes[0],
        .invocation = entry->invocations[purpose->arm]++,
        .block = purpose->trial != NULL ? (int64_t)purpose->trial->block : 0,
        .try = try,
        .seed = seed_of(driver, purpose),
    };
    ipm_auto_json json_t *point = ipm_session_point(&driver->session, &job);
    *out = (struct attempt){.record = NULL};
    int error = ipm_invoke(&arm->worker, build, point,
                           driver->request->run.request.interrupted, &out->record, why);
    if (error != 0)
        return error;
    out->usable = ipm_gate_usable(out->record, point, build, &out->flaw);
    if (out->usable == 0 && entry->metric == IPM_GATE_METRICS)
        entry->metric = ipm_gate_metric_of(out->record);
    out->value = ipm_gate_value(out->record, entry->metric);
    out->step_ns = ipm_precision_sample(out->record).step_ns;
    if (out->usable == 0 && isnan(out->value))
        out->usable = ipm_why_set(&out->flaw, -ENODATA, "%s was not measured",
                                  ipm_gate_metric_names[entry->metric]);
    out->slow =
        out->usable == 0 &&
        (ipm_pace_is_slow(&driver->paces[entry->pace], out->step_ns) ||
         ipm_describe_lists(json_object_get(out->record, "flags"), "regime_changed"));
    return 0;
}

static void fail(struct driver *driver, const struct purpose *purpose,
                 const struct attempt *last)
{
    struct entry *entry = purpose->entry;
    (void)snprintf(entry->failure, sizeof(entry->failure), "arm %s: %s",
                   ipm_gate_arm_names[purpose->arm], last->flaw.text);
    entry->left_out = entry->control && last->usable == -ENODATA &&
                      purpose->arm == IPM_GATE_A && purpose->trial == NULL;
    if (!entry->left_out)
        ipm_tally_add(driver->session.failures, entry->failure, entry->mechanism);
}

/* Is it made again, which its value has no say in?  What measured nothing would do so again,
 * and what hung would cost another minute. */
static bool wants_another(const struct driver *driver, const struct attempt *last,
                          const struct purpose *purpose, int failures, int slow_tries)
{
    const struct ipm_gate_counts *counts = &driver->counts;
    if (last->usable != 0)
        return last->usable < 0 && last->usable != -ENODATA &&
               !ipm_invoke_killed(last->record) && failures < IPM_GATE_RETRIES;
    return last->slow && purpose->trial != NULL && slow_tries == 0 &&
           (double)counts->again <
               IPM_GATE_AGAIN_FREE + IPM_GATE_AGAIN * (double)counts->values;
}

/* Into the folder and, where it is of use, into the pace. */
static int keep(struct driver *driver, const struct purpose *purpose,
                const struct attempt *last, bool again, struct ipm_why *why)
{
    ipm_auto_json json_t *line = line_of(purpose, last->record, last->slow, again);
    int error = ipm_session_write(&driver->session, line, why);
    if (error != 0)
        return error;
    tell(driver, purpose->entry, line, again);
    purpose->entry->elapsed_ns +=
        json_integer_value(json_object_get(line, "elapsed_ns"));
    driver->counts.retried += again && last->usable < 0;
    driver->counts.again += again && last->usable == 0;
    if (last->usable == 0 &&
        ipm_pace_take(&driver->paces[purpose->entry->pace], last->step_ns) != 0)
        return ipm_why_set(why, -ENOMEM, "no memory");
    return 0;
}

/* Invocations until there is a value.  Return: 0; INTERRUPTED; POINT_FAILED; -errno. */
static int measure(struct driver *driver, const struct purpose *purpose,
                   double *out_value, struct ipm_why *why)
{
    int failures = 0;
    int slow_tries = 0;
    for (int try = 0;; try++) {
        struct attempt last;
        int state = attempt(driver, purpose, try, &last, why);
        bool again =
            state == 0 && wants_another(driver, &last, purpose, failures, slow_tries);
        if (state == 0)
            state = keep(driver, purpose, &last, again, why);
        if (state == 0 && !again && last.usable != 0) {
            fail(driver, purpose, &last);
            state = POINT_FAILED;
        }
        json_decref(last.record);
        if (state != 0)
            return state;
        failures += last.usable != 0;
        slow_tries += last.slow;
        if (!again) {
            driver->counts.slow += last.slow && purpose->trial != NULL;
            *out_value = last.value;
            return 0;
        }
    }
}

/* Before the first block.  Return: 0; INTERRUPTED; -errno. */
static int warm_one(struct driver *driver, struct entry *entry, enum ipm_gate_arm arm,
                    struct ipm_why *why)
{
    double value;
    int state = entry->failure[0] != '\0'
                    ? POINT_FAILED
                    : measure(driver, &(struct purpose){entry, arm, NULL}, &value, why);
    driver->counts.warmups += state == 0;
    return state == POINT_FAILED ? 0 : state;
}

int ipm_gate_warm_up(struct driver *driver, struct ipm_why *why)
{
    int error = 0;
    size_t controls = 0;
    for (size_t i = 0; error == 0 && i < driver->n_entries; i++) {
        for (int arm = IPM_GATE_A; error == 0 && arm <= IPM_GATE_B; arm++)
            error = warm_one(driver, &driver->entries[i], (enum ipm_gate_arm)arm, why);
        controls += driver->entries[i].control;
    }
    /* Points that all fail must not keep it here. */
    for (size_t n = 0; error == 0 && n < IPM_GATE_WARMUPS &&
                       driver->counts.warmups < IPM_GATE_WARMUPS;) {
        for (size_t i = 0; error == 0 && i < driver->n_entries; i++) {
            if (controls == 0 || driver->entries[i].control) {
                error = warm_one(driver, &driver->entries[i],
                                 (enum ipm_gate_arm)(n % 2), why);
                n++;
            }
        }
    }
    return error;
}

int ipm_gate_measure(struct driver *driver, struct ipm_why *why)
{
    struct ipm_gate_trial trial;
    int error = 0;
    while (error == 0 && ipm_gate_next(driver->gate, &trial) == 0) {
        struct entry *entry = &driver->entries[driver->gated[trial.point]];
        const struct purpose purpose = {entry, trial.arm, &trial};
        double value = NAN;
        error = measure(driver, &purpose, &value, why);
        if (error == 0) {
            driver->counts.values++;
            error = ipm_gate_record(driver->gate, value, why);
        } else if (error == POINT_FAILED) {
            ipm_gate_fail(driver->gate, trial.point, entry->failure);
            error = 0;
        }
    }
    return error;
}
