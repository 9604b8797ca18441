/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/run.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "harness/capacity.h"
#include "harness/invoke.h"
#include "harness/schedule.h"
#include "harness/session.h"
#include "harness/simulation.h"
#include "harness/tally.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct session {
    struct ipm_session base;
    struct ipm_schedule *schedule;
    struct ipm_simulation simulation;
    bool simulated;
    struct ipm_why replay_why; /* of a visitor, which has no other place for it */
};

static int mark_done(void *context, const json_t *record, size_t line)
{
    struct session *session = context;
    (void)line;
    (void)ipm_schedule_mark(session->schedule, record, session->base.build);
    if (!session->simulated)
        return 0;
    return ipm_simulation_replay(&session->simulation, record, &session->replay_why);
}

static int open_records(struct session *session, struct ipm_why *why)
{
    int error = ipm_session_records(&session->base, mark_done, session, why);
    if (error != 0 && session->replay_why.error != 0)
        return ipm_why_set(why, error, "%s", session->replay_why.text);
    return error;
}

static int invoke(struct session *session, const json_t *point, json_t **out_record,
                  struct ipm_why *why)
{
    const struct ipm_request *request = &session->base.request->request;
    return ipm_invoke(&request->worker, session->base.build, point,
                      request->interrupted, out_record, why);
}

/* Writes the record; one that is about to be replaced is marked as what it is. */
static int keep(struct session *session, const struct ipm_job *job,
                const json_t *record, struct ipm_run_result *result,
                struct ipm_why *why)
{
    bool ok = strcmp(ipm_describe_text(record, "status", ""), "ok") == 0;
    bool failed = strcmp(ipm_describe_text(record, "status", ""), "failed") == 0;
    bool again = ipm_schedule_again(session->schedule, record);
    ipm_auto_json json_t *line = json_copy((json_t *)(uintptr_t)record);
    if (ok && again)
        (void)json_object_set_new(line, "status", json_string("invalid"));
    int error = ipm_session_write(&session->base, line, why);
    if (error != 0)
        return error;
    result->measured++;
    if (failed && !again) {
        result->failed++;
        ipm_tally_failure(session->base.failures, record);
    }
    if (failed || !again) {
        char label[IPM_LABEL];
        struct ipm_progress progress;
        ipm_ticker_record(&session->base.ticker,
                          ipm_factors_label(&job->point->factors, label), line,
                          ipm_plan_invocation_ns(job->pass, job->point), again);
        ipm_schedule_progress(session->schedule, &progress);
        ipm_ticker_expect(&session->base.ticker, (size_t)progress.left + again,
                          progress.left_ns);
    }
    return 0;
}

/* One invocation and its record.  Return: 0; 1 interrupted; -errno. */
static int measure(struct session *session, const struct ipm_job *job,
                   json_t **out_record, struct ipm_run_result *result,
                   struct ipm_why *why)
{
    int64_t begun_ns = ipm_now_ns();
    ipm_auto_json json_t *point = ipm_session_point(&session->base, job);
    ipm_auto_json json_t *record = NULL;
    int error = invoke(session, point, &record, why);
    if (error == 0 && session->simulated)
        error = ipm_simulation_measure(&session->simulation, record, why);
    if (error == 0)
        error = keep(session, job, record, result, why);
    if (error != 0)
        return error;
    ipm_schedule_spent(session->schedule, ipm_now_ns() - begun_ns);
    *out_record = ipm_steal(&record);
    return 0;
}

static int measure_all(struct session *session, struct ipm_run_result *result,
                       struct ipm_why *why)
{
    const volatile sig_atomic_t *interrupted =
        session->base.request->request.interrupted;
    size_t most = session->base.request->max_failures;
    json_t *last = NULL;
    struct ipm_job job;
    int error = 0;
    while (error == 0 && ipm_schedule_next(session->schedule, last, &job) == 0) {
        json_decref(last);
        last = NULL;
        result->too_many = most > 0 && result->failed >= most;
        result->interrupted = interrupted != NULL && *interrupted != 0;
        if (result->too_many || result->interrupted)
            break;
        error = measure(session, &job, &last, result, why);
        result->interrupted = error == 1;
    }
    json_decref(last);
    return error < 0 ? error : 0;
}

/* Points that the clock dropped stand with those that the plan had dropped. */
static void tell_dropped(struct session *session, json_t *left_out)
{
    const struct ipm_plan *plan = &session->base.prepared->plan;
    json_t *list = json_object_get(session->base.manifest, "dropped");
    for (size_t i = 0; i < plan->n_points; i++) {
        const struct ipm_point *point = &plan->points[i];
        char budget[IPM_UNITS_TEXT];
        if (!ipm_schedule_dropped(session->schedule, point))
            continue;
        struct ipm_skip skip = {.factors = point->factors, .sweep = point->sweep};
        (void)snprintf(skip.reason, sizeof(skip.reason),
                       "the budget of %s ran out: invocations took longer than planned",
                       ipm_format_ns(budget, (double)plan->budget_ns));
        ipm_auto_json json_t *one =
            ipm_plan_skips_json(&session->base.prepared->spec, &skip, 1);
        (void)json_array_extend(list, one);
        ipm_tally_add(left_out, skip.reason, skip.factors.mechanism);
    }
}

/* The manifest and the last word.  Return: the first error. */
static int finish(struct session *session, const struct ipm_run_result *result,
                  int error, struct ipm_why *why)
{
    bool early = result->interrupted || result->too_many || error != 0;
    char reason[64];
    (void)snprintf(reason, sizeof(reason), "%zu failed invocations", result->failed);
    (void)json_object_set_new(session->base.manifest, "stops",
                              ipm_schedule_stops(session->schedule));
    ipm_auto_json json_t *left_out = ipm_tally_left_out(&session->base.prepared->plan);
    tell_dropped(session, left_out);
    /* The records stand whatever becomes of the manifest: the first error counts. */
    int unwritten = ipm_session_finish(&session->base, early, error == 0 ? why : NULL);
    error = error != 0 ? error : unwritten;
    struct ipm_ticker_end end = {
        .how = result->interrupted   ? "interrupted"
               : error != 0 || early ? "stopped"
                                     : "done",
        .reason = error != 0 && why != NULL ? why->text
                  : result->too_many        ? reason
                                            : NULL,
        .failures = session->base.failures,
        .left_out = left_out,
        .resume = early || error != 0 ? session->base.request->resume_line : NULL,
    };
    ipm_session_say(&session->base, &end);
    return error;
}

/* A window that only says what 100 % is; its record goes no further. */
static int measure_capacity(void *context, const struct ipm_point *point,
                            json_t **out_record, struct ipm_why *why)
{
    struct session *session = context;
    const struct ipm_job job = {.point = point,
                                .pass = &session->base.prepared->plan.passes[0]};
    int64_t begun_ns = ipm_now_ns();
    int64_t budget_ns = session->base.prepared->plan.budget_ns;
    if (budget_ns != 0 && begun_ns - session->base.ticker.begun_ns > budget_ns / 2) {
        *out_record = json_pack("{s:s}", "reason",
                                "half of the budget went by before this was measured");
        return 0;
    }
    ipm_auto_json json_t *json = ipm_session_point(&session->base, &job);
    int error = invoke(session, json, out_record, why);
    ipm_schedule_charge(session->schedule, ipm_now_ns() - begun_ns);
    return error;
}

/* Before the first window: shares need to know of what. */
static int measure_capacities(struct session *session, struct ipm_run_result *result,
                              struct ipm_why *why)
{
    json_t *capacities = json_object_get(session->base.manifest, "capacities");
    if (capacities == NULL) {
        capacities = json_object();
        (void)json_object_set_new(session->base.manifest, "capacities", capacities);
    }
    size_t before = json_object_size(capacities);
    int error = ipm_capacity_measure(&session->base.prepared->plan, capacities,
                                     measure_capacity, session, why);
    result->interrupted = error == 1;
    if (error == 1)
        error = 0;
    if (error == 0 && json_object_size(capacities) > before)
        error = ipm_json_write_file(session->base.manifest, session->base.manifest_path,
                                    why);
    return error;
}

static int start_meter(struct session *session, struct ipm_why *why)
{
    const json_t *parameters = ipm_spec_simulated(&session->base.prepared->spec);
    if (parameters == NULL)
        return 0;
    int error = ipm_simulation_start(&session->simulation, parameters, why);
    session->simulated = error == 0;
    return error;
}

static void close_session(struct session *session)
{
    if (session->simulated)
        ipm_simulation_stop(&session->simulation);
    ipm_schedule_free(session->schedule);
    ipm_session_close(&session->base);
}

int ipm_run(const struct ipm_run_request *request, const struct ipm_prepared *prepared,
            struct ipm_run_result *out_result, struct ipm_why *why)
{
    struct session session = {.schedule = NULL};
    struct ipm_run_result result = {0};
    int error = ipm_session_begin(&session.base, request, prepared, why);
    (void)json_object_set(session.base.manifest, "energy", prepared->energy);
    if (error == 0)
        error = start_meter(&session, why);
    if (error == 0 && session.simulated)
        (void)json_object_set(json_object_get(session.base.manifest, "energy"),
                              "parameters", session.simulation.parameters);
    if (error == 0)
        error = ipm_session_open(&session.base, why);
    if (error == 0) {
        const json_t *seed = json_object_get(session.base.manifest, "seed");
        error =
            ipm_schedule_precision(&prepared->plan, (uint64_t)json_integer_value(seed),
                                   &session.schedule, why);
    }
    if (error == 0)
        error = open_records(&session, why);
    if (error == 0) {
        struct ipm_progress progress;
        ipm_schedule_retries(session.schedule, request->retries);
        ipm_schedule_progress(session.schedule, &progress);
        ipm_ticker_start(&session.base.ticker, (size_t)progress.left, progress.left_ns);
        error = measure_capacities(&session, &result, why);
        if (error == 0 && !result.interrupted)
            error = measure_all(&session, &result, why);
        error = finish(&session, &result, error, why);
        if (error == 0)
            result.drift = json_incref(json_object_get(session.base.manifest, "drift"));
    }
    close_session(&session);
    if (error == 0)
        *out_result = result;
    return error;
}
