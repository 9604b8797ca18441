/* SPDX-License-Identifier: MIT */
#include "harness/worker/collect.h"

#include "base/clock.h"
#include "base/process.h"
#include "base/record.h"
#include "harness/worker/build_id.h"
#include "harness/worker/counts.h"
#include "harness/worker/record_metrics.h"
#include "harness/worker/role.h"
#include "mechanisms/delay.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Of the planned messages; below, the rate was not what the point says. */
#define ACHIEVED_LEAST 0.99

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
    set(record, "reason", reason == NULL ? json_null() : ipm_json_text(reason));
}

/* The factors as the worker took them, defaults filled in. */
static void set_factors(json_t *record, const struct ipm_point *point)
{
    const struct ipm_traffic *traffic = &point->traffic;
    set(record, "size", json_integer(traffic->size));
    set(record, "reply_size", json_integer(traffic->reply_size));
    char mix[IPM_MIX_TEXT];
    set(record, "size_mix",
        json_string(point->mix.n > 0 ? ipm_mix_format(&point->mix, mix)
                                     : ipm_mix_words[0]));
    set(record, "size_mean",
        ipm_json_number(point->mix.n > 0 ? ipm_mix_mean(&point->mix)
                                         : (double)traffic->size));
    set(record, "background", json_string(ipm_background_names[traffic->background]));
    set(record, "depth", json_integer(traffic->depth));
    set(record, "batch", json_integer(point->batch_asked));
    set(record, "batch_granted", json_integer(traffic->batch));
    set(record, "pairs", json_integer(traffic->pairs));
    set(record, "fan", json_integer(traffic->fan));
    set(record, "working_set", json_integer(traffic->working_set));
    set(record, "working_set_stride", json_integer(traffic->working_set_stride));
    set(record, "touch", json_string(ipm_touch_names[traffic->touch]));
    set(record, "wait", json_string(ipm_wait_names[point->wait]));
    set(record, "copies", json_integer(point->copies));
    set(record, "policy", json_string(ipm_policy_names[point->policy]));
    if (json_object_get(record, "rate") == NULL)
        set(record, "rate", json_string("max"));
    set(record, "rate_resolved",
        traffic->rate > 0 ? json_integer(traffic->rate) : json_null());
    if (json_is_integer(json_object_get(record, "memory_node")))
        set(record, "memory_node", json_sprintf("%d", point->memory_node));
    else if (!json_is_string(json_object_get(record, "memory_node")))
        set(record, "memory_node", json_string("local"));
    set(record, "memory_node_resolved",
        point->memory_node == IPM_NODE_LOCAL ? json_null()
                                             : json_integer(point->memory_node));
    set(record, "compute", json_integer(traffic->compute_ns));
    set(record, "arrivals", json_string(ipm_arrivals_names[traffic->arrivals]));
    set(record, "window_ns", json_integer(point->window_ns));
    set(record, "warmup_ns", json_integer(point->warmup_ns));
    set(record, "mechanism_version", json_integer(point->mechanism->version));
    set(record, "workload_version", json_integer(point->workload->version));
    set(record, "dispatch", json_null());
}

static json_t *background_json(const struct ipm_background_share *share)
{
    json_t *cpus = json_array();
    for (int i = 0; i < share->n; i++)
        (void)json_array_append_new(cpus,
                                    json_pack("{s:i, s:I}", "cpu", share->cpus[i],
                                              "cpu_ns", (json_int_t)share->cpu_ns[i]));
    return json_pack("{s:i, s:I, s:I, s:o}", "processes", share->processes,
                     "memory_bytes", (json_int_t)share->bytes, "read_over_ns",
                     (json_int_t)share->over_ns, "cpus", cpus);
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
    for (int at = 0; at < board->n_seats; at++) {
        const struct ipm_board_role *seat = &board->seats[at];
        if (ipm_point_row(point, at) != recording)
            continue;
        out_total->operations += seat->operations;
        out_total->messages += seat->messages;
        out_total->bytes += seat->payload_bytes;
        first_ns = seat->first_ns < first_ns ? seat->first_ns : first_ns;
        last_ns = seat->last_ns > last_ns ? seat->last_ns : last_ns;
    }
    out_total->elapsed_ns = last_ns - first_ns;
}

/* One CPU has one clock; one role has nobody to compare it with.  Of several pairs the CPUs
 * of the first alone were compared, which says nothing of the others'. */
static struct ipm_offset clock_offset(const struct ipm_point *point,
                                      const struct ipm_board *board)
{
    bool alone = point->traffic.pairs == 1;
    if (alone && ipm_role_no_bracket(point) == NULL)
        return board->offset;
    bool one_clock = true;
    for (int64_t pair = 0; pair < point->traffic.pairs; pair++) {
        const int *cpus = &point->cpus[IPM_SIDES * pair];
        one_clock = one_clock && cpus[IPM_SIDE_A] == cpus[IPM_SIDE_B];
    }
    double known = point->workload->n_roles < 2 || !one_clock ? NAN : 0;
    return (struct ipm_offset){known, known};
}

/* What became of a plan of send times.  A time from one CPU to the other is refused where
 * their clocks may be too far apart for it; the sender's lag is one clock's. */
static void set_open_loop(json_t *record, const struct ipm_open_times *open,
                          double bound_ns)
{
    static const char *const names[IPM_OPEN_TIMES] = {
        [IPM_OPEN_RESPONSE] = "response_ns",
        [IPM_OPEN_SERVICE] = "service_ns",
        [IPM_OPEN_LAG] = "send_lag_ns",
    };
    const struct ipm_open_counts *counts = &open->counts;
    json_t *refused = NULL;
    for (int kind = 0; kind < IPM_OPEN_TIMES; kind++) {
        double median_ns = ipm_histogram_quantile(&open->histograms[kind], 0.5);
        bool told = kind == IPM_OPEN_LAG || ipm_one_way_ok(bound_ns, median_ns);
        set(record, names[kind],
            told ? ipm_distribution_json(&open->histograms[kind], 1) : json_null());
        if (!told && refused == NULL)
            refused = isnan(bound_ns)
                          ? json_string("how far the clocks of the CPUs are apart is "
                                        "not known for every pair")
                          : json_sprintf("the clocks of the two CPUs may be %.0f ns "
                                         "apart, more than a tenth of %s",
                                         bound_ns, names[kind]);
    }
    set(record, "open_loop",
        json_pack("{s:I,s:I,s:I,s:I,s:o}", "planned", (json_int_t)counts->planned,
                  "sent", (json_int_t)counts->sent, "completed",
                  (json_int_t)counts->received, "backlog",
                  (json_int_t)(counts->planned - counts->sent), "refused",
                  refused != NULL ? refused : json_null()));
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
    bool open = workload->latency == IPM_LATENCY_OPEN;
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
    set(record, "interval_ns",
        interval && !open ? json_incref(distribution) : json_null());
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

    struct ipm_memory_pages memory = {.n = 0};
    for (int i = 0; i < board->n_seats; i++)
        ipm_memory_add(&memory, &board->seats[i].memory);
    set(record, "memory_nodes", ipm_memory_json(&memory));
    if (memory.n == 0)
        set(record, "memory_nodes_reason",
            json_sprintf("%s: %s", ipm_why_class(memory.why.error), memory.why.text));

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

static void set_flags(json_t *record, const struct ipm_point *point,
                      const struct ipm_sandbox *sandbox, const struct ipm_board *board,
                      const struct ipm_open_times *open)
{
    json_t *flags = json_array();
    double before_ns = board->bracket_ns[0];
    double after_ns = board->bracket_ns[1];
    if (ipm_role_no_bracket(point) == NULL &&
        (before_ns > IPM_BRACKET_SAME * after_ns ||
         after_ns > IPM_BRACKET_SAME * before_ns))
        (void)json_array_append_new(flags, json_string("regime_changed"));
    if (open != NULL &&
        (double)open->counts.sent < ACHIEVED_LEAST * (double)open->counts.planned)
        (void)json_array_append_new(flags, json_string("rate_not_achieved"));
    if (ipm_delay_planted())
        (void)json_array_append_new(flags, json_string("planted_delay"));
    if (!point->sandbox)
        (void)json_array_append_new(flags, json_string("no_sandbox"));
    else if (sandbox->n_losses > 0)
        (void)json_array_append_new(flags, json_string("sandbox_losses"));
    set(record, "flags", flags);
}

/* The copy kernel that a mechanism chose: the first role's that has one. */
static void set_dispatch(json_t *record, const struct ipm_board *board)
{
    const char *dispatch = "";
    for (int at = 0; at < board->n_seats && dispatch[0] == '\0'; at++)
        dispatch = board->seats[at].stats.dispatch;
    if (dispatch[0] != '\0')
        set(record, "dispatch", ipm_json_text(dispatch));
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
    set_flags(record, point, sandbox, board, outcome->open);
    set_timing(record, point, board);
    struct ipm_offset offset = clock_offset(point, board);
    if (outcome->open != NULL && !point->idle)
        set_open_loop(record, outcome->open, ipm_offset_bound(&offset));
    set_setup(record, point, board, outcome);
    ipm_record_metrics(record, point, board, outcome);
    if (point->n_background > 0)
        set(record, "background_load", background_json(&outcome->background));
    set_dispatch(record, board);
    json_t *overhead = json_object();
    int64_t window_ns = board->seats[0].last_ns - board->seats[0].first_ns;
    set(overhead, "sandbox", json_integer(times->sandbox_ns));
    set(overhead, "total",
        json_integer(ipm_now_ns() - times->begun_ns - window_ns -
                     board->warmup_spent_ns));
    set(record, "overhead_ns", overhead);
    if (ipm_counts_traced(board, outcome))
        ipm_counts_amend_traced(record);
    return record;
}
