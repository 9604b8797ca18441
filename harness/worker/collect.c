/* SPDX-License-Identifier: MIT */
#include "harness/worker/collect.h"

#include "base/clock.h"
#include "base/process.h"
#include "base/record.h"
#include "harness/worker/build_id.h"
#include "harness/worker/copies_check.h"
#include "harness/worker/counts.h"
#include "harness/worker/role.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *integer_or_null(int64_t value)
{
    return value == IPM_VARIES ? json_null() : json_integer(value);
}

json_t *ipm_record_begin(const json_t *point, const struct ipm_times *times)
{
    static const char *const defaults[][2] = {
        {"run", ""}, {"point", ""}, {"pass", "timing"}, {"host", NULL}};
    static const char *const private_members[] = {"timeout_ns", "sandbox", "sysroot",
                                                  "unavailable"};
    json_t *record = json_deep_copy(point);
    for (size_t i = 0; i < sizeof(private_members) / sizeof(private_members[0]); i++)
        (void)json_object_del(record, private_members[i]);
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        const char *text = defaults[i][1];
        if (json_object_get(record, defaults[i][0]) == NULL)
            set(record, defaults[i][0], text == NULL ? json_null() : json_string(text));
    }
    if (json_object_get(record, "invocation") == NULL)
        set(record, "invocation", json_integer(0));
    char build[IPM_BUILD_ID_TEXT];
    set(record, "build", json_string(ipm_build_id(build)));
    set(record, "protocol", json_integer(1));
    set(record, "started", json_string(times->started));
    return record;
}

void ipm_record_end(json_t *record, const char *status, const char *phase,
                    const char *reason)
{
    set(record, "status", json_string(status));
    set(record, "phase", phase == NULL ? json_null() : json_string(phase));
    set(record, "reason", reason == NULL ? json_null() : json_string(reason));
}

/* The factors as the worker took them, defaults filled in. */
static void set_factors(json_t *record, const struct ipm_point *point)
{
    const struct ipm_traffic *traffic = &point->traffic;
    set(record, "size", json_integer(traffic->size));
    set(record, "reply_size", json_integer(traffic->reply_size));
    set(record, "depth", json_integer(traffic->depth));
    set(record, "batch", json_integer(point->batch_asked));
    set(record, "batch_granted", json_integer(traffic->batch));
    set(record, "pairs", json_integer(traffic->pairs));
    set(record, "working_set", json_integer(traffic->working_set));
    set(record, "working_set_stride", json_integer(traffic->working_set_stride));
    set(record, "touch", json_string(ipm_touch_names[traffic->touch]));
    set(record, "wait", json_string(ipm_wait_names[point->wait]));
    set(record, "copies", json_integer(point->copies));
    set(record, "policy", json_string(ipm_policy_names[point->policy]));
    set(record, "rate", json_string("max"));
    set(record, "rate_resolved", json_null());
    set(record, "window_ns", json_integer(point->window_ns));
    set(record, "warmup_ns", json_integer(point->warmup_ns));
    set(record, "mechanism_version", json_integer(point->mechanism->version));
    set(record, "workload_version", json_integer(point->workload->version));
    set(record, "dispatch", json_null());
}

/* What the roles whose clock counts did, all pairs together: from the first that began to
 * the last that ended. */
struct total {
    uint64_t operations, messages, bytes;
    int64_t elapsed_ns;
};

static void add_pairs(const struct ipm_point *point, const struct ipm_board *board,
                      struct total *out_total)
{
    int recording = ipm_role_recording(point->workload);
    int64_t first_ns = INT64_MAX;
    int64_t last_ns = INT64_MIN;
    *out_total = (struct total){0};
    for (int at = recording; at < board->n_seats; at += point->workload->n_roles) {
        const struct ipm_board_role *seat = &board->seats[at];
        out_total->operations += seat->operations;
        out_total->messages += seat->messages;
        out_total->bytes += seat->payload_bytes;
        first_ns = seat->first_ns < first_ns ? seat->first_ns : first_ns;
        last_ns = seat->last_ns > last_ns ? seat->last_ns : last_ns;
    }
    out_total->elapsed_ns = last_ns - first_ns;
}

static void set_timing(json_t *record, const struct ipm_point *point,
                       const struct ipm_board *board)
{
    const struct ipm_workload *workload = point->workload;
    struct total total;
    add_pairs(point, board, &total);
    double seconds = (double)total.elapsed_ns / 1e9;
    set(record, "operations", json_integer((json_int_t)total.operations));
    set(record, "messages", json_integer((json_int_t)total.messages));
    set(record, "bytes", json_integer((json_int_t)total.bytes));
    set(record, "elapsed_ns", json_integer(total.elapsed_ns));
    set(record, "timing_batch", json_integer((json_int_t)board->window_batch));
    bool interval = workload->latency != IPM_LATENCY_ROUND_TRIP;
    if (point->idle) {
        set(record, "latency_ns", json_null());
        set(record, "interval_ns", json_null());
        set(record, "latency_kind", json_null());
        set(record, "blocks", json_null());
        set(record, "throughput", json_null());
        return;
    }
    json_t *distribution = ipm_distribution_json(
        &board->histogram,
        workload->latency == IPM_LATENCY_GAP ? 1 : board->window_batch);
    set(record, "latency_ns", interval ? json_null() : json_incref(distribution));
    set(record, "interval_ns", interval ? json_incref(distribution) : json_null());
    json_decref(distribution);
    set(record, "blocks", ipm_blocks_json(&board->blocks, board->window_batch));
    set(record, "latency_kind",
        interval ? json_null()
                 : json_string(board->window_batch > 1 ? "batch" : "round_trip"));
    json_t *throughput = json_object();
    set(throughput, "messages_per_s",
        ipm_json_number((double)total.messages / seconds));
    set(throughput, "bytes_per_s", ipm_json_number((double)total.bytes / seconds));
    set(record, "throughput", throughput);
}

/* One CPU has one clock; one role has nobody to compare it with. */
static struct ipm_offset clock_offset(const struct ipm_point *point,
                                      const struct ipm_board *board)
{
    if (ipm_role_no_bracket(point) == NULL)
        return board->offset;
    double known = point->workload->n_roles < 2 ? NAN : 0;
    return (struct ipm_offset){known, known};
}

static void set_setup(json_t *record, const struct ipm_point *point,
                      const struct ipm_board *board, const struct ipm_outcome *outcome)
{
    struct ipm_offset offset = clock_offset(point, board);
    int64_t attach_ns = 0;
    int64_t detach_ns = 0;
    for (int i = 0; i < board->n_seats; i++) {
        const struct ipm_board_role *seat = &board->seats[i];
        attach_ns = seat->attach_ns > attach_ns ? seat->attach_ns : attach_ns;
        detach_ns = seat->detach_ns > detach_ns ? seat->detach_ns : detach_ns;
    }
    json_t *setup = json_object();
    set(setup, "create", json_integer(outcome->create_ns));
    set(setup, "attach", json_integer(attach_ns));
    set(setup, "detach", json_integer(detach_ns));
    set(setup, "destroy", json_integer(outcome->destroy_ns));
    set(record, "setup_ns", setup);

    json_t *capacity = json_array();
    for (int i = 0; i < outcome->n_channels; i++) {
        json_t *entry = json_object();
        set(entry, "bytes", integer_or_null(outcome->capacities[i].bytes));
        set(entry, "messages", integer_or_null(outcome->capacities[i].messages));
        (void)json_array_append_new(capacity, entry);
    }
    set(record, "capacity", capacity);

    char source[32];
    struct timespec resolution;
    (void)clock_getres(CLOCK_MONOTONIC, &resolution);
    if (ipm_read_file(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
            sizeof(source)) != 0)
        (void)strcpy(source, "unknown");
    json_t *clock = json_object();
    set(clock, "cost_ns", ipm_json_number(board->clock_cost_ns));
    set(clock, "resolution_ns", json_integer(resolution.tv_nsec));
    set(clock, "source", json_string(source));
    set(clock, "offset_low_ns", ipm_json_number(offset.low_ns));
    set(clock, "offset_high_ns", ipm_json_number(offset.high_ns));
    set(clock, "offset_bound_ns", ipm_json_number(ipm_offset_bound(&offset)));
    set(record, "clock", clock);
}

static json_t *metrics_json(const struct ipm_metric *metrics, size_t n)
{
    json_t *json = json_object();
    for (size_t i = 0; i < n; i++)
        set(json, metrics[i].name, ipm_metric_json(&metrics[i]));
    return json;
}

static struct ipm_metric *find_metric(struct ipm_metric *metrics, size_t n,
                                      const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    }
    return NULL;
}

/* A helper's part of the sums.  Of what it is not billed for, nothing says how much the
 * whole would be: a sum without the broker would be a false one. */
static void add_helper(struct ipm_metric *sums, size_t n,
                       const struct ipm_helper_share *helper)
{
    for (size_t i = 0; i < n; i++) {
        /* Calls by name: those of a process that makes none are not listed. */
        bool billed = strncmp(sums[i].name, "syscalls_", strlen("syscalls_")) == 0 &&
                      ipm_counts_traced(helper->metrics, helper->n_metrics);
        for (size_t row = 0; row < helper->n_metrics; row++) {
            if (strcmp(helper->metrics[row].name, sums[i].name) != 0)
                continue;
            ipm_metric_add(&sums[i], &helper->metrics[row]);
            billed = true;
        }
        if (!billed && sums[i].status == IPM_METRIC_OK)
            sums[i] =
                ipm_metric_missing(sums[i].name, sums[i].unit, sums[i].source,
                                   "absent: not read for helper %s", helper->name);
    }
}

/* Sum over the roles; role by role, so that one missing part makes the sum missing. */
static size_t sum_roles(const struct ipm_board *board, struct ipm_metric *sums)
{
    size_t n = 0;
    for (int at = 0; at < board->n_seats; at++) {
        const struct ipm_board_role *seat = &board->seats[at];
        for (size_t i = 0; i < seat->n_metrics; i++) {
            struct ipm_metric *sum = find_metric(sums, n, seat->metrics[i].name);
            if (sum != NULL)
                ipm_metric_add(sum, &seat->metrics[i]);
            else if (n < IPM_METRICS_MAX)
                sums[n++] = seat->metrics[i];
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
    set(entry, "program", json_string(helper->name));
    set(entry, "cpu", json_null()); /* any of the point's */
    set(entry, "metrics", metrics_json(helper->metrics, helper->n_metrics));
    (void)json_array_append_new(roles, entry);
}

static void set_metrics(json_t *record, const struct ipm_point *point,
                        const struct ipm_board *board,
                        const struct ipm_outcome *outcome)
{
    static const char *const names[] = {"cacheline_rtt_before_ns",
                                        "cacheline_rtt_after_ns"};
    struct ipm_metric sums[IPM_METRICS_MAX] = {0};
    struct ipm_metric own[IPM_METRICS_MAX];
    size_t n = sum_roles(board, sums);
    memcpy(own, sums, sizeof(own));
    size_t n_own = n;
    for (int i = 0; i < outcome->n_helpers; i++)
        add_helper(sums, n, &outcome->helpers[i]);
    /* Roles count all they did in the window; so are the messages that they are divided
     * by: those of the pacer, which starts and ends every one of them. */
    uint64_t messages = 0;
    uint64_t operations = 0;
    uint64_t payload_bytes = 0;
    /* Without a pacer each role has done its own. */
    bool each = point->workload->latency == IPM_LATENCY_GAP;
    for (int seat = 0; seat < board->n_seats;
         seat += each ? 1 : point->workload->n_roles) {
        messages += board->seats[seat].messages;
        operations += board->seats[seat].operations;
        payload_bytes += board->seats[seat].payload_bytes;
    }
    if (n < IPM_METRICS_MAX)
        sums[n++] = ipm_copies_declared(point, (double)payload_bytes);
    ipm_counts_set_checks(record, point, board, own, n_own, sums, n,
                          (double)payload_bytes);
    set(record, "per_message", divided(sums, n, (double)messages));
    set(record, "per_operation", divided(sums, n, (double)operations));

    json_t *metrics = metrics_json(sums, n);
    for (size_t i = 0; i < outcome->n_metrics; i++)
        set(metrics, outcome->metrics[i].name, ipm_metric_json(&outcome->metrics[i]));
    const char *no_bracket = ipm_role_no_bracket(point);
    for (int i = 0; i < 2; i++) {
        struct ipm_metric metric =
            no_bracket != NULL
                ? ipm_metric_missing(names[i], "ns", "worker", "%s", no_bracket)
                : ipm_metric_value(names[i], "ns", "worker", board->bracket_ns[i]);
        set(metrics, names[i], ipm_metric_json(&metric));
    }
    set_own_metrics(metrics, point, board, -1);
    set(record, "metrics", metrics);

    json_t *roles = json_array();
    for (int at = 0; at < board->n_seats; at++) {
        const struct ipm_board_role *seat = &board->seats[at];
        int role = ipm_point_role(point, at);
        json_t *entry = json_object();
        set(entry, "role", json_string(point->workload->roles[role].name));
        set(entry, "index", json_integer(role));
        if (point->traffic.pairs > 1)
            set(entry, "pair", json_integer(ipm_point_pair(point, at)));
        set(entry, "cpu", json_integer(ipm_point_cpu(point, at)));
        set(entry, "sleeps", count_or_null(seat, seat->stats.sleeps));
        set(entry, "wakes", count_or_null(seat, seat->stats.wakes));
        set(entry, "partial", count_or_null(seat, seat->stats.partial));
        if (seat->stats.dispatch[0] != '\0' &&
            json_is_null(json_object_get(record, "dispatch")))
            set(record, "dispatch", json_string(seat->stats.dispatch));
        set(entry, "missed", json_integer((json_int_t)seat->stats.missed));
        json_t *mine = metrics_json(seat->metrics, seat->n_metrics);
        set_own_metrics(mine, point, board, at);
        set(entry, "metrics", mine);
        (void)json_array_append_new(roles, entry);
    }
    for (int i = 0; i < outcome->n_helpers; i++)
        append_helper(roles, i, &outcome->helpers[i]);
    set(record, "roles", roles);
}

static void set_flags(json_t *record, const struct ipm_point *point,
                      const struct ipm_sandbox *sandbox, const struct ipm_board *board)
{
    json_t *flags = json_array();
    double before_ns = board->bracket_ns[0];
    double after_ns = board->bracket_ns[1];
    if (ipm_role_no_bracket(point) == NULL &&
        (before_ns > IPM_BRACKET_SAME * after_ns ||
         after_ns > IPM_BRACKET_SAME * before_ns))
        (void)json_array_append_new(flags, json_string("regime_changed"));
    if (!point->sandbox)
        (void)json_array_append_new(flags, json_string("no_sandbox"));
    else if (sandbox->n_losses > 0)
        (void)json_array_append_new(flags, json_string("sandbox_losses"));
    set(record, "flags", flags);
}

/* The mechanism said that this machine or these options cannot have it, or the workload in
 * its first round that they cannot have such messages: no failure. */
static bool cannot_be(const struct ipm_outcome *outcome)
{
    return outcome->error == -EOPNOTSUPP && outcome->phase <= IPM_PHASE_VERIFY;
}

json_t *ipm_collect(const struct ipm_point *point, const struct ipm_sandbox *sandbox,
                    const struct ipm_board *board, const struct ipm_outcome *outcome,
                    const struct ipm_times *times)
{
    json_t *record = ipm_record_begin(point->json, times);
    set_factors(record, point);
    set(record, "sandbox", ipm_sandbox_json(sandbox));
    if (outcome->error != 0) {
        set(record, "flags", json_array());
        ipm_record_end(record, cannot_be(outcome) ? "skipped" : "failed",
                       ipm_phase_names[outcome->phase], outcome->why.text);
        return record;
    }
    ipm_record_end(record, "ok", NULL, NULL);
    set_flags(record, point, sandbox, board);
    set_timing(record, point, board);
    set_setup(record, point, board, outcome);
    set_metrics(record, point, board, outcome);
    json_t *overhead = json_object();
    int64_t window_ns = board->seats[0].last_ns - board->seats[0].first_ns;
    set(overhead, "sandbox", json_integer(times->sandbox_ns));
    set(overhead, "total",
        json_integer(ipm_now_ns() - times->begun_ns - window_ns -
                     board->warmup_spent_ns));
    set(record, "overhead_ns", overhead);
    if (ipm_counts_traced(board->seats[0].metrics, board->seats[0].n_metrics))
        ipm_counts_amend_traced(record);
    return record;
}
