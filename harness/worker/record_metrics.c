/* SPDX-License-Identifier: MIT */
#include "harness/worker/record_metrics.h"

#include "harness/worker/copies_check.h"
#include "harness/worker/counts.h"
#include "harness/worker/role.h"

#include <math.h>
#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *metrics_json(const struct ipm_metric *metrics, size_t n)
{
    json_t *json = json_object();
    for (size_t i = 0; i < n; i++)
        set(json, metrics[i].name, ipm_metric_json(&metrics[i]));
    return json;
}

/* Its index, or @n. */
static size_t find(const struct ipm_metric *metrics, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcmp(metrics[i].name, name) != 0)
        i++;
    return i;
}

/* What was read of one process. */
struct part {
    const struct ipm_metric *metrics;
    size_t n;
    const char *kind, *name; /* "role", "server" */
};

static size_t role_parts(const struct ipm_point *point, const struct ipm_board *board,
                         struct part *parts)
{
    for (int at = 0; at < board->n_seats; at++)
        parts[at] =
            (struct part){board->seats[at].metrics, board->seats[at].n_metrics, "role",
                          point->workload->roles[ipm_point_row(point, at)].name};
    return (size_t)board->n_seats;
}

static size_t helper_parts(const struct ipm_outcome *outcome, struct part *parts)
{
    for (int i = 0; i < outcome->n_helpers; i++)
        parts[i] =
            (struct part){outcome->helpers[i].metrics, outcome->helpers[i].n_metrics,
                          "helper", outcome->helpers[i].name};
    return (size_t)outcome->n_helpers;
}

/* What a process does not list is 0 only where it is a call by name that it never made.
 * Else nothing says how much the whole would be: a sum without it would be a false one. */
static void add_unlisted(struct ipm_metric *sum, const struct part *part)
{
    bool call = ipm_counts_is_call(sum->name);
    if (sum->status != IPM_METRIC_OK ||
        (call && ipm_counts_lists_all_calls(part->metrics, part->n)))
        return;
    *sum = ipm_metric_missing(sum->name, sum->unit, sum->source, "absent: %s %s %s",
                              call ? "not among the calls listed for" : "not read for",
                              part->kind, part->name);
}

/* Part by part, so that one that is missing makes the sum missing.  Return: how many. */
static size_t add_up(const struct part *parts, size_t n_parts, struct ipm_metric *sums)
{
    size_t n = 0;
    for (size_t at = 0; at < n_parts; at++) {
        for (size_t i = 0; i < parts[at].n; i++) {
            size_t sum = find(sums, n, parts[at].metrics[i].name);
            if (sum < n)
                ipm_metric_add(&sums[sum], &parts[at].metrics[i]);
            else if (n < IPM_METRICS_MAX)
                sums[n++] = parts[at].metrics[i];
        }
    }
    for (size_t at = 0; at < n_parts; at++) {
        for (size_t i = 0; i < n; i++) {
            if (find(parts[at].metrics, parts[at].n, sums[i].name) == parts[at].n)
                add_unlisted(&sums[i], &parts[at]);
        }
    }
    return n;
}

static json_t *divided(const struct ipm_metric *metrics, size_t n, double by)
{
    json_t *json = json_object();
    for (size_t i = 0; i < n; i++) {
        bool there = metrics[i].status == IPM_METRIC_OK && by > 0;
        set(json, metrics[i].name,
            there ? ipm_json_number(metrics[i].value / by) : json_null());
    }
    return json;
}

/* The workload's own metrics: one row of its table over all roles that report it, or as
 * the one in seat @only says it. */
static void set_own_metrics(json_t *json, const struct ipm_point *point,
                            const struct ipm_board *board, int only)
{
    const struct ipm_metric_row *rows = point->workload->metrics;
    for (int i = 0; rows != NULL && rows[i].name != NULL; i++) {
        double merged = NAN;
        int n = 0;
        for (int seat = 0; seat < board->n_seats; seat++) {
            double value = board->seats[seat].values[i];
            if (isnan(value) || (only >= 0 && seat != only))
                continue;
            if (n++ == 0)
                merged = value;
            else if (rows[i].merge == IPM_MERGE_MIN || rows[i].merge == IPM_MERGE_MAX)
                merged = rows[i].merge == IPM_MERGE_MIN ? fmin(merged, value)
                                                        : fmax(merged, value);
            else
                merged += value;
        }
        if (n == 0 && only >= 0)
            continue;
        struct ipm_metric metric =
            n > 0 ? ipm_metric_value(rows[i].name, rows[i].unit, "workload",
                                     rows[i].merge == IPM_MERGE_MEAN ? merged / n
                                                                     : merged)
                  : ipm_metric_missing(rows[i].name, rows[i].unit, "workload",
                                       "not_applicable: no role has it here");
        set(json, rows[i].name, ipm_metric_json(&metric));
    }
}

/* Of mechanisms without stats() nothing is known, which is not 0. */
static json_t *count_or_null(const struct ipm_board_role *seat, uint64_t count)
{
    return seat->counted ? json_integer((json_int_t)count) : json_null();
}

static void append_helper(json_t *roles, int i, const struct ipm_helper_share *helper)
{
    json_t *entry = json_object();
    set(entry, "role", json_string("helper"));
    set(entry, "index", json_integer(i));
    set(entry, "program", ipm_json_text(helper->name));
    set(entry, "cpu", json_null()); /* any of the point's */
    set(entry, "metrics", metrics_json(helper->metrics, helper->n_metrics));
    (void)json_array_append_new(roles, entry);
}

/* What is divided by: messages, operations and payload of all that the roles did. */
struct work {
    uint64_t messages, operations, payload_bytes;
};

/* Roles count all they did in the window; so are the messages that they are divided by:
 * those of the roles that start every one of them, as a rule the pacer.  Without a pacer
 * each role has done its own. */
static struct work work_of(const struct ipm_point *point, const struct ipm_board *board)
{
    struct work work = {0};
    bool each = point->workload->latency == IPM_LATENCY_GAP;
    for (int seat = 0; seat < board->n_seats; seat++) {
        if (!each && ipm_point_row(point, seat) != point->workload->starting)
            continue;
        work.messages += board->seats[seat].messages;
        work.operations += board->seats[seat].operations;
        work.payload_bytes += board->seats[seat].payload_bytes;
    }
    return work;
}

static void set_brackets(json_t *metrics, const struct ipm_point *point,
                         const struct ipm_board *board)
{
    static const char *const names[] = {"cacheline_rtt_before_ns",
                                        "cacheline_rtt_after_ns"};
    const char *no_bracket = ipm_role_no_bracket(point);
    for (int i = 0; i < 2; i++) {
        struct ipm_metric metric =
            no_bracket != NULL
                ? ipm_metric_missing(names[i], "ns", "worker", "%s", no_bracket)
                : ipm_metric_value(names[i], "ns", "worker", board->bracket_ns[i]);
        set(metrics, names[i], ipm_metric_json(&metric));
    }
}

/* Of the slowest of the CPUs: a round trip waits for all of them. */
static void set_core_steps(json_t *metrics, const struct ipm_board *board)
{
    static const char *const names[] = {"core_step_before_ns", "core_step_after_ns"};
    for (int i = 0; i < 2; i++) {
        double slowest_ns = NAN; /* fmax() prefers a number to it */
        for (int seat = 0; seat < board->n_seats; seat++)
            slowest_ns = fmax(slowest_ns, board->seats[seat].core_step_ns[i]);
        struct ipm_metric metric =
            isnan(slowest_ns) ? ipm_metric_missing(names[i], "ns", "worker",
                                                   "absent: no role has taken it")
                              : ipm_metric_value(names[i], "ns", "worker", slowest_ns);
        set(metrics, names[i], ipm_metric_json(&metric));
    }
}

static void append_role(json_t *roles, const struct ipm_point *point,
                        const struct ipm_board *board, int at)
{
    const struct ipm_board_role *seat = &board->seats[at];
    int role = ipm_point_role(point, at);
    json_t *entry = json_object();
    set(entry, "role",
        json_string(point->workload->roles[ipm_point_row(point, at)].name));
    set(entry, "index", json_integer(role));
    if (point->traffic.pairs > 1)
        set(entry, "pair", json_integer(ipm_point_pair(point, at)));
    set(entry, "cpu", json_integer(ipm_point_cpu(point, at)));
    set(entry, "sleeps", count_or_null(seat, seat->stats.sleeps));
    set(entry, "wakes", count_or_null(seat, seat->stats.wakes));
    set(entry, "partial", count_or_null(seat, seat->stats.partial));
    set(entry, "missed", json_integer((json_int_t)seat->stats.missed));
    json_t *metrics = metrics_json(seat->metrics, seat->n_metrics);
    set_own_metrics(metrics, point, board, at);
    set(entry, "metrics", metrics);
    (void)json_array_append_new(roles, entry);
}

void ipm_record_metrics(json_t *record, const struct ipm_point *point,
                        const struct ipm_board *board,
                        const struct ipm_outcome *outcome)
{
    struct part parts[IPM_SEATS_MAX + IPM_HELPERS_MAX];
    struct ipm_metric own[IPM_METRICS_MAX];
    struct ipm_metric sums[IPM_METRICS_MAX];
    size_t n_roles = role_parts(point, board, parts);
    size_t n_helpers = helper_parts(outcome, &parts[n_roles]);
    size_t n_own = add_up(parts, n_roles, own);
    size_t n = add_up(parts, n_roles + n_helpers, sums);
    struct work work = work_of(point, board);
    double payload_bytes = (double)work.payload_bytes;
    if (n < IPM_METRICS_MAX)
        sums[n++] = ipm_copies_declared(point, payload_bytes);
    ipm_counts_set_checks(record, point, board, ipm_counts_traced(board, outcome), own,
                          n_own, sums, n, payload_bytes);
    set(record, "per_message", divided(sums, n, (double)work.messages));
    set(record, "per_operation", divided(sums, n, (double)work.operations));

    json_t *metrics = metrics_json(sums, n);
    for (size_t i = 0; i < outcome->n_metrics; i++)
        set(metrics, outcome->metrics[i].name, ipm_metric_json(&outcome->metrics[i]));
    set_brackets(metrics, point, board);
    set_core_steps(metrics, board);
    set_own_metrics(metrics, point, board, -1);
    set(record, "metrics", metrics);

    json_t *roles = json_array();
    for (int at = 0; at < board->n_seats; at++)
        append_role(roles, point, board, at);
    for (int i = 0; i < outcome->n_helpers; i++)
        append_helper(roles, i, &outcome->helpers[i]);
    set(record, "roles", roles);
}
