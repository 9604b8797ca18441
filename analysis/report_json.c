/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/report_json.h"

#include "analysis/manifest.h"
#include "analysis/stops.h"

#include <math.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void set_count(json_t *object, const char *key, size_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *integer_or_null(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

/* A copy of a member of the manifest, or null. */
static json_t *of_manifest(const json_t *manifest, const char *key)
{
    json_t *member = json_object_get(manifest, key);
    return member == NULL ? json_null() : json_deep_copy(member);
}

static json_t *list_of_manifest(const json_t *manifest, const char *key)
{
    json_t *member = json_object_get(manifest, key);
    return json_is_array(member) ? json_deep_copy(member) : json_array();
}

static void set_factors(json_t *object, const struct ipm_factors *factors)
{
    set(object, "workload", json_string(factors->workload));
    set(object, "mechanism", json_string(factors->mechanism));
    set(object, "size", integer_or_null(factors->size));
    set(object, "copies", integer_or_null(factors->copies));
    set(object, "wait", text_or_null(factors->wait));
    set(object, "placement", text_or_null(factors->placement));
    set(object, "placement_class", text_or_null(factors->placement_class));
    set(object, "touch", text_or_null(factors->touch));
    set(object, "depth", integer_or_null(factors->depth));
    set(object, "batch", integer_or_null(factors->batch));
    set(object, "reply_size", json_integer(factors->reply_size));
    set(object, "policy", text_or_null(factors->policy));
    set(object, "rate", text_or_null(factors->rate));
    set(object, "options", json_string(factors->options));
}

json_t *ipm_figure_json(const struct ipm_figure *figure)
{
    const struct ipm_estimate *estimate = &figure->estimate;
    const char *reason = figure->reason[0] != '\0' ? figure->reason : estimate->reason;
    json_t *json = json_object();
    set(json, "value", ipm_json_number(estimate->value));
    set(json, "low", ipm_json_number(estimate->low));
    set(json, "high", ipm_json_number(estimate->high));
    /* Rounded: its last digits are the numeric library's, not ours. */
    set(json, "level", ipm_json_number(round(estimate->level * 1e9) / 1e9));
    set_count(json, "n", estimate->n);
    set(json, "unit", json_string(figure->unit));
    set(json, "pass", text_or_null(figure->pass));
    if (figure->provenance[0] != '\0')
        set(json, "provenance", json_string(figure->provenance));
    set(json, "reason", text_or_null(reason));
    return json;
}

/* What the whole run lacks is said once, under "unavailable". */
static bool lacked_by_all(const struct ipm_summary *summary,
                          const struct ipm_figure *figure)
{
    for (size_t i = 0; i < summary->n_absent; i++) {
        if (strcmp(summary->absent[i].name, figure->name) == 0)
            return true;
    }
    return false;
}

static json_t *samples_json(const struct ipm_sampling *sampling)
{
    json_t *json = json_object();
    set(json, "count", json_integer((json_int_t)sampling->samples));
    set(json, "effective", json_integer((json_int_t)sampling->effective));
    set(json, "by", json_string(sampling->by_batch_means ? "batch_means" : "count"));
    return json;
}

static json_t *point_json(const struct ipm_summary *summary,
                          const struct ipm_point *point)
{
    json_t *json = json_object();
    set(json, "id", json_string(point->id));
    set_factors(json, &point->factors);
    json_t *passes = json_object();
    for (size_t i = 0; i < point->n_passes; i++) {
        json_t *counts = json_object();
        for (int status = 0; status < IPM_ROW_STATUSES; status++)
            set_count(counts, ipm_row_status_names[status],
                      point->passes[i].rows[status]);
        set(passes, point->passes[i].pass, counts);
    }
    set(json, "passes", passes);
    set_count(json, "regime_changed", point->regime_changed);
    set_count(json, "slow_core", point->slow_core);
    set_count(json, "set_aside", point->set_aside);
    set(json, "sample", text_or_null(point->sample));
    set(json, "timing_batch", json_integer(point->timing_batch));
    set(json, "samples", samples_json(&point->sampling));
    json_t *steady = json_object();
    for (int state = 0; state < IPM_STEADY_STATES; state++)
        set_count(steady, ipm_steady_names[state], point->steady[state]);
    set(json, "steady", steady);
    json_t *overhead = json_object();
    set(overhead, "clock_ns", ipm_json_number(point->overhead.clock_ns));
    set(overhead, "loop_ns", ipm_json_number(point->overhead.loop_ns));
    set(overhead, "bound", json_boolean(point->overhead.bound));
    set(json, "overhead", overhead);
    json_t *figures = json_object();
    for (size_t i = 0; i < point->n_figures; i++) {
        if (!lacked_by_all(summary, &point->figures[i]))
            set(figures, point->figures[i].name, ipm_figure_json(&point->figures[i]));
    }
    set(json, "figures", figures);
    return json;
}

static json_t *points_json(const struct ipm_summary *summary, bool floors)
{
    json_t *json = json_array();
    for (size_t i = 0; i < summary->n_points; i++) {
        if (summary->points[i].floor == floors)
            (void)json_array_append_new(json, point_json(summary, &summary->points[i]));
    }
    return json;
}

static json_t *ids_json(const struct ipm_rung *rungs, size_t n)
{
    json_t *json = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(json, json_string(rungs[i].point->id));
    return json;
}

static json_t *ladder_json(const struct ipm_ladder *ladder)
{
    json_t *json = json_object();
    set(json, "size", integer_or_null(ladder->size));
    set(json, "touch", text_or_null(ladder->touch));
    set(json, "away", text_or_null(ladder->away));
    set(json, "away_class", text_or_null(ladder->away_class));
    set(json, "points", ids_json(ladder->rungs, ladder->n_rungs));
    set_count(json, "unmeasured", ladder->n_unmeasured);
    set(json, "floors", ids_json(ladder->floors, ladder->n_floors));
    return json;
}

/* Adds the rows of one status, in the order of the file. */
static json_t *add_rows(json_t *list, const struct ipm_table *table,
                        enum ipm_row_status status)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (row->status != status)
            continue;
        json_t *json = json_object();
        set_count(json, "line", row->line);
        set(json, "point", json_string(row->point));
        set(json, "pass", json_string(row->pass));
        set(json, "invocation", json_integer(row->invocation));
        set_factors(json, &row->factors);
        set(json, "phase", text_or_null(row->phase));
        set(json, "reason", json_string(row->reason));
        (void)json_array_append_new(list, json);
    }
    return list;
}

static json_t *health_json(const struct ipm_report *report)
{
    const struct ipm_health *health = &report->summary.health;
    json_t *json = json_object();
    set_count(json, "records", report->table.n_rows);
    for (int status = 0; status < IPM_ROW_STATUSES; status++)
        set_count(json, ipm_row_status_names[status], health->rows[status]);
    set_count(json, "repeated", health->repeated);
    set_count(json, "regime_changed", health->regime_changed);
    set_count(json, "slow_core", health->slow_core);
    set_count(json, "set_aside", health->set_aside);
    set_count(json, "not_steady", health->not_steady);
    set_count(json, "builds", health->builds);
    set_count(json, "skips",
              json_array_size(json_object_get(report->manifest, "skips")));
    set_count(json, "dropped",
              json_array_size(json_object_get(report->manifest, "dropped")));
    set_count(json, "bad_lines", report->table.n_bad);
    set(json, "torn", json_boolean(report->table.torn));
    set(json, "manifest",
        text_or_null(report->manifest_problem == NULL ? "" : report->manifest_problem));
    set(json, "interrupted", of_manifest(report->manifest, "interrupted"));
    set(json, "quick", of_manifest(report->manifest, "quick"));
    return json;
}

static json_t *bad_lines_json(const struct ipm_table *table)
{
    json_t *json = json_array();
    for (size_t i = 0; i < table->n_bad; i++) {
        json_t *line = json_object();
        set_count(line, "line", table->bad[i].line);
        set(line, "reason", json_string(table->bad[i].reason));
        (void)json_array_append_new(json, line);
    }
    return json;
}

static json_t *unavailable_json(const struct ipm_summary *summary)
{
    json_t *json = json_object();
    for (size_t i = 0; i < summary->n_absent; i++) {
        json_t *absence = json_object();
        set(absence, "unit", json_string(summary->absent[i].unit));
        set(absence, "reason", json_string(summary->absent[i].reason));
        set(json, summary->absent[i].name, absence);
    }
    return json;
}

/* Checks of the environment that came out otherwise after the run. */
static json_t *changes_json(const json_t *before, const json_t *after)
{
    json_t *json = json_array();
    size_t i;
    size_t k;
    json_t *first;
    json_t *last;
    json_array_foreach(before, i, first)
    {
        json_array_foreach(after, k, last)
        {
            if (!json_equal(json_object_get(first, "name"),
                            json_object_get(last, "name")) ||
                json_equal(json_object_get(first, "status"),
                           json_object_get(last, "status")))
                continue;
            json_t *change = json_object();
            set(change, "name", of_manifest(first, "name"));
            set(change, "before", of_manifest(first, "status"));
            set(change, "after", of_manifest(last, "status"));
            set(change, "text", of_manifest(last, "text"));
            (void)json_array_append_new(json, change);
        }
    }
    return json;
}

/* What happened to the machine during the run; manifests of old have no such list. */
static json_t *drift_json(const json_t *drift)
{
    static const char *const keys[] = {"name", "before", "after", "status", "text"};
    json_t *json = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(drift, i, entry)
    {
        json_t *copy = json_object();
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            set(copy, keys[k], of_manifest(entry, keys[k]));
        (void)json_array_append_new(json, copy);
    }
    return json;
}

static json_t *environment_json(const json_t *manifest)
{
    const json_t *before = json_object_get(manifest, "environment_before");
    const json_t *after = json_object_get(manifest, "environment_after");
    const json_t *warning = ipm_manifest_top_warning(manifest);
    json_t *json = json_object();
    set(json, "grade",
        text_or_null(ipm_manifest_text(manifest, "environment_before.grade", "")));
    set(json, "top_warning", warning == NULL ? json_null() : json_deep_copy(warning));
    set(json, "checks", list_of_manifest(before, "checks"));
    set(json, "changed",
        changes_json(json_object_get(before, "checks"),
                     json_object_get(after, "checks")));
    set(json, "drift", drift_json(json_object_get(manifest, "drift")));
    return json;
}

/* What to type to measure it again; empty when the run does not say what it was. */
static json_t *commands_json(const json_t *manifest)
{
    const json_t *seed = json_object_get(manifest, "seed");
    json_t *json = json_array();
    if (!json_is_integer(seed) || json_object_get(manifest, "config") == NULL)
        return json;
    (void)json_array_append_new(
        json, json_sprintf("ipcmeter run config.json --seed %lld --out again",
                           (long long)json_integer_value(seed)));
    (void)json_array_append_new(json, json_string("ipcmeter report again"));
    return json;
}

/* How much slower operations are in a pass; null: nothing to compare. */
static json_t *cost_json(const struct ipm_pass_costs *costs, const char *pass)
{
    for (size_t i = 0; i < costs->n; i++) {
        const struct ipm_estimate *ratio = &costs->list[i].ratio;
        if (strcmp(costs->list[i].pass, pass) != 0)
            continue;
        json_t *json = json_object();
        set(json, "ratio", ipm_json_number(ratio->value));
        set(json, "low", ipm_json_number(ratio->low));
        set(json, "high", ipm_json_number(ratio->high));
        set_count(json, "points", ratio->n);
        return json;
    }
    return json_null();
}

/* What the worker could measure, what that costs, and why not the rest. */
static json_t *passes_json(const json_t *describe, const struct ipm_pass_costs *costs)
{
    json_t *json = json_array();
    size_t i;
    json_t *pass;
    json_array_foreach(json_object_get(describe, "passes"), i, pass)
    {
        json_t *copy = json_object();
        set(copy, "name", of_manifest(pass, "name"));
        set(copy, "available", of_manifest(pass, "available"));
        set(copy, "reason", of_manifest(pass, "reason"));
        set(copy, "cost", cost_json(costs, ipm_manifest_text(pass, "name", "")));
        (void)json_array_append_new(json, copy);
    }
    return json;
}

/* The workloads that the run's points and floors have, as the worker describes them. */
static json_t *workloads_json(const json_t *describe, const struct ipm_summary *summary)
{
    static const char *const keys[] = {"name", "family", "summary", "metrics"};
    json_t *json = json_array();
    size_t i;
    json_t *workload;
    json_array_foreach(json_object_get(describe, "workloads"), i, workload)
    {
        const char *name = ipm_manifest_text(workload, "name", "");
        bool used = false;
        for (size_t k = 0; k < summary->n_points && !used; k++)
            used = strcmp(summary->points[k].factors.workload, name) == 0;
        if (!used)
            continue;
        json_t *copy = json_object();
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            set(copy, keys[k], of_manifest(workload, keys[k]));
        (void)json_array_append_new(json, copy);
    }
    return json;
}

json_t *ipm_report_json(const struct ipm_report *report, json_t *plots)
{
    static const char *const copied[] = {"name",  "started", "finished", "version",
                                         "build", "seed",    "config",   "host"};
    const json_t *manifest = report->manifest;
    json_t *json = json_object();
    set(json, "schema", json_integer(IPM_REPORT_SCHEMA));
    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
        set(json, copied[i], of_manifest(manifest, copied[i]));

    const json_t *describe = json_object_get(manifest, "describe");
    set(json, "commands", commands_json(manifest));
    set(json, "sandbox", of_manifest(describe, "sandbox"));
    set(json, "passes", passes_json(describe, &report->costs));
    set(json, "workloads", workloads_json(describe, &report->summary));
    set(json, "environment", environment_json(manifest));
    set(json, "health", health_json(report));

    json_t *answer = json_object();
    set(answer, "fastest", json_string(report->answer.fastest));
    set(answer, "effect", json_string(report->answer.effect));
    set(answer, "limits", json_string(report->answer.limits));
    set(answer, "rate",
        report->rate_words == NULL ? json_null() : json_string(report->rate_words));
    set(json, "answer", answer);

    set(json, "ladder", ladder_json(&report->ladder));
    set(json, "percentiles", json_incref(report->percentiles));
    set(json, "run_order", json_incref(report->run_order));
    set(json, "rates", ipm_rate_set_json(&report->rates));
    set(json, "energy", ipm_energy_json(&report->energy));
    set(json, "winners", ipm_winners_json(&report->winners));
    set(json, "models", json_incref(report->models));
    set(json, "core_to_core", json_incref(report->core_to_core));
    set(json, "floors", points_json(&report->summary, true));
    set(json, "points", points_json(&report->summary, false));
    set(json, "failures", add_rows(json_array(), &report->table, IPM_ROW_FAILED));
    set(json, "invalid", add_rows(json_array(), &report->table, IPM_ROW_INVALID));
    set(json, "skips",
        add_rows(list_of_manifest(manifest, "skips"), &report->table, IPM_ROW_SKIPPED));
    set(json, "dropped", list_of_manifest(manifest, "dropped"));
    set(json, "stops", ipm_stops_json(manifest));
    set(json, "bad_lines", bad_lines_json(&report->table));
    set(json, "unavailable", unavailable_json(&report->summary));
    set(json, "plots", plots);
    return json;
}
