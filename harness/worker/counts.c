/* SPDX-License-Identifier: MIT */
#include "harness/worker/counts.h"

#include "harness/worker/copies_check.h"
#include "harness/worker/sensors/system_calls.h"

#include <stdio.h>
#include <string.h>

static const char spoiled[] =
    "not_in_this_pass: tracing makes times and switches of its own";

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : ipm_json_text(text);
}

static json_t *agreement_json(enum ipm_agreement agreement)
{
    return agreement == IPM_UNTESTED ? json_null()
                                     : json_boolean(agreement == IPM_AGREE);
}

static void add_flag(json_t *record, const char *flag)
{
    json_t *flags = json_object_get(record, "flags");
    if (flags == NULL)
        set(record, "flags", flags = json_array());
    (void)json_array_append_new(flags, json_string(flag));
}

static bool is_traced(const struct ipm_metric *metrics, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(metrics[i].source, IPM_SOURCE_TWIN) == 0)
            return true;
    }
    return false;
}

bool ipm_counts_traced(const struct ipm_board *board, const struct ipm_outcome *outcome)
{
    for (int i = 0; i < board->n_seats; i++) {
        if (is_traced(board->seats[i].metrics, board->seats[i].n_metrics))
            return true;
    }
    for (int i = 0; i < outcome->n_helpers; i++) {
        if (is_traced(outcome->helpers[i].metrics, outcome->helpers[i].n_metrics))
            return true;
    }
    return false;
}

bool ipm_counts_is_call(const char *name)
{
    static const char prefix[] = "syscalls_";
    return strncmp(name, prefix, strlen(prefix)) == 0 &&
           strcmp(name, "syscalls_retried") != 0;
}

bool ipm_counts_lists_all_calls(const struct ipm_metric *metrics, size_t n)
{
    double all = -1; /* not counted */
    double listed = 0;
    for (size_t i = 0; i < n; i++) {
        if (metrics[i].status != IPM_METRIC_OK)
            continue;
        if (strcmp(metrics[i].name, "syscalls") == 0)
            all = metrics[i].value;
        else if (ipm_counts_is_call(metrics[i].name))
            listed += metrics[i].value;
    }
    return listed == all;
}

/* The first role whose sources differ; else what the sums say. */
static json_t *switches_json(const struct ipm_board *board,
                             const struct ipm_metric *sums, size_t n_sums,
                             enum ipm_agreement *out_agreement)
{
    struct ipm_switches_verdict verdict;
    int where = 0;
    int n_seats = board->n_seats;
    for (; where < n_seats; where++) {
        const struct ipm_board_role *seat = &board->seats[where];
        ipm_switches_check(seat->metrics, seat->n_metrics, 1, &verdict);
        if (verdict.agreement == IPM_DISAGREE)
            break;
    }
    if (where == n_seats)
        ipm_switches_check(sums, n_sums, n_seats, &verdict);
    json_t *json = json_object();
    set(json, "agree", agreement_json(verdict.agreement));
    set(json, "odd", text_or_null(verdict.odd));
    set(json, "difference",
        verdict.agreement == IPM_DISAGREE ? ipm_json_number(verdict.difference)
                                          : json_null());
    set(json, "role", where == n_seats ? json_null() : json_integer(where));
    set(json, "reason", text_or_null(verdict.reason));
    *out_agreement = verdict.agreement;
    return json;
}

void ipm_counts_set_checks(json_t *record, const struct ipm_point *point,
                           const struct ipm_board *board, bool traced,
                           const struct ipm_metric *sums, size_t n_sums,
                           const struct ipm_metric *totals, size_t n_totals,
                           double payload_bytes)
{
    json_t *checks = json_object();
    enum ipm_agreement agreement = IPM_UNTESTED;
    if (traced)
        set(checks, "switches",
            json_pack("{s:n,s:n,s:n,s:n,s:s}", "agree", "odd", "difference", "role",
                      "reason", spoiled));
    else
        set(checks, "switches", switches_json(board, sums, n_sums, &agreement));
    if (agreement == IPM_DISAGREE)
        add_flag(record, "switches_disagree");

    struct ipm_copies_verdict verdict;
    ipm_copies_check(point, payload_bytes, totals, n_totals, &verdict);
    json_t *copies = json_object();
    set(copies, "agree", agreement_json(verdict.agreement));
    set(copies, "declared",
        verdict.declared == IPM_VARIES ? json_null() : json_integer(verdict.declared));
    set(copies, "seen", verdict.seen < 0 ? json_null() : json_integer(verdict.seen));
    set(copies, "reason", text_or_null(verdict.reason));
    set(checks, "copies", copies);
    if (verdict.agreement == IPM_DISAGREE)
        add_flag(record, "copies_disagree");
    set(record, "checks", checks);
}

/* Counts of calls and bytes do not depend on time, and the cache line's round trip is taken
 * without a call. */
static bool survives(const char *name)
{
    static const char *const prefixes[] = {"syscalls", "bytes_", "cacheline_",
                                           "page_faults"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

static void amend_metrics(json_t *metrics)
{
    const char *name;
    json_t *metric;
    json_object_foreach(metrics, name, metric)
    {
        if (survives(name) || json_is_null(json_object_get(metric, "value")))
            continue;
        set(metric, "value", json_null());
        set(metric, "status", json_string("unavailable"));
        set(metric, "reason", json_string(spoiled));
    }
}

void ipm_counts_amend_traced(json_t *record)
{
    static const char *const times[] = {"latency_ns", "latency_kind", "interval_ns"};
    static const char *const shares[] = {"per_message", "per_operation"};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        set(record, times[i], json_null());
    set(record, "throughput", json_pack("{s:n,s:n}", "messages_per_s", "bytes_per_s"));
    amend_metrics(json_object_get(record, "metrics"));
    size_t index;
    json_t *role;
    json_array_foreach(json_object_get(record, "roles"), index, role)
    {
        amend_metrics(json_object_get(role, "metrics"));
    }
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        json_t *divided = json_object_get(record, shares[i]);
        const char *name;
        json_t *value;
        json_object_foreach(divided, name, value)
        {
            if (!survives(name) && !json_is_null(value))
                set(divided, name, json_null());
        }
    }
    add_flag(record, "traced");
}
