/* SPDX-License-Identifier: MIT */
/*
 * planted_times: rows of a run whose truth is known, for the time model - and what the model
 * makes of many such runs.  Rows of a table in, the document of report.json out.
 */
#ifndef IPM_TESTS_PLANTED_TIMES_H
#define IPM_TESTS_PLANTED_TIMES_H

#include "analysis/models/model.h"
#include "analysis/summary.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLANTED_SIZES = 19, /* 64 B to 16 MiB */
    PLANTED_INVOCATIONS = 10,
    PLANTED_ROWS = PLANTED_SIZES * PLANTED_INVOCATIONS,
};

static const double planted_l1 = 32768;
static const double planted_l2 = 1048576;

struct planted_truth {
    const char *name;
    double sync_ns;   /* of a message */
    double slopes[3]; /* ns per byte, up to L1, up to L2, beyond */
    bool jump;        /* at a break all bytes cost otherwise, not only those beyond */
    double noise;     /* relative sigma of an invocation of 64 B */
    double noise_factor; /* that of 16 MiB over that */
    double outliers;     /* share of invocations that take two to six times as long */
};

static const struct planted_truth planted_truths[] = {
    {"straight", 2500, {0.1, 0.1, 0.1}, false, 0.02, 1, 0},
    {"hinge at L1", 2500, {0.05, 0.15, 0.15}, false, 0.02, 1, 0},
    {"hinge at L2", 2500, {0.05, 0.05, 0.15}, false, 0.02, 1, 0},
    {"jump at L2", 2500, {0.05, 0.05, 0.12}, true, 0.02, 1, 0},
    {"hinges at both", 2500, {0.05, 0.12, 0.3}, false, 0.02, 1, 0},
    {"outliers", 2500, {0.1, 0.1, 0.1}, false, 0.02, 1, 0.1},
    {"uneven noise", 2500, {0.1, 0.1, 0.1}, false, 0.01, 8, 0},
    {"outliers, hinge at L1", 2500, {0.05, 0.15, 0.15}, false, 0.02, 1, 0.1},
};

enum { PLANTED_TRUTHS = sizeof(planted_truths) / sizeof(planted_truths[0]) };

static uint64_t planted_state;

static double planted_uniform(void)
{
    uint64_t z = planted_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ z >> 31) >> 11) + 0.5) / 9007199254740992.0;
}

static double planted_gaussian(void)
{
    return sqrt(-2 * log(planted_uniform())) * cos(2 * M_PI * planted_uniform());
}

static inline double planted_time(const struct planted_truth *truth, double size)
{
    if (truth->jump)
        return truth->sync_ns + size * truth->slopes[size > planted_l2   ? 2
                                                     : size > planted_l1 ? 1
                                                                         : 0];
    return truth->sync_ns + truth->slopes[0] * size +
           (truth->slopes[1] - truth->slopes[0]) * fmax(size - planted_l1, 0) +
           (truth->slopes[2] - truth->slopes[1]) * fmax(size - planted_l2, 0);
}

static inline int64_t planted_size(size_t index)
{
    return INT64_C(64) << index;
}

static inline struct ipm_row planted_row(const char *workload, const char *mechanism,
                                         int64_t copies, int64_t size,
                                         int64_t invocation, double message_ns)
{
    bool pingpong = strcmp(workload, "pingpong") == 0;
    return (struct ipm_row){
        .status = IPM_ROW_OK,
        .point = "planted",
        .pass = "timing",
        .build = "b",
        .invocation = invocation,
        .factors = {.workload = workload,
                    .mechanism = mechanism,
                    .placement = "same_cpu",
                    .placement_class = "same_cpu",
                    .wait = "block",
                    .touch = "none",
                    .policy = "other",
                    .rate = "max",
                    .options = "",
                    .size = size,
                    .copies = copies,
                    .reply_size = -1},
        .phase = "",
        .reason = "",
        .sample = "round_trip",
        .messages = pingpong ? 2 : 1,
        .operations = 1,
        .p50_ns = message_ns * (pingpong ? 2 : 1),
    };
}

static inline void planted_fill(const struct planted_truth *truth, uint64_t seed,
                                struct ipm_row *rows)
{
    planted_state = seed;
    for (size_t i = 0; i < PLANTED_ROWS; i++) {
        size_t index = i % PLANTED_SIZES;
        double size = (double)planted_size(index);
        double part = (double)index / (PLANTED_SIZES - 1);
        double noise = truth->noise * pow(truth->noise_factor, part);
        double time_ns = planted_time(truth, size) * (1 + noise * planted_gaussian());
        if (planted_uniform() < truth->outliers)
            time_ns *= 2 + 4 * planted_uniform();
        rows[i] = planted_row("pingpong", "planted", 2, planted_size(index),
                              (int64_t)(i / PLANTED_SIZES), time_ns);
    }
}

static inline json_t *planted_manifest(void)
{
    json_t *manifest = json_pack(
        "{s:i, s:{s:[{s:i, s:s, s:f}, {s:i, s:s, s:f}]}, s:{s:[{s:s, s:s, s:[{s:i, "
        "s:i, s:i, s:i, s:i}]}]}}",
        "seed", 7, "host", "caches", "level", 1, "type", "Data", "bytes", planted_l1,
        "level", 2, "type", "Unified", "bytes", planted_l2, "describe", "mechanisms",
        "name", "planted", "kind", "mechanism", "modes", "copies", 2, "copies_made", 2,
        "syncs", 2, "pages", 0, "chunk_bytes", 0);
    assert(manifest != NULL);
    return manifest;
}

/* What the model says of rows; the caller's reference. */
static inline json_t *planted_explain(struct ipm_row *rows, size_t n, json_t *manifest)
{
    struct ipm_table table = {.rows = rows, .n_rows = n};
    struct ipm_summary summary = {0};
    struct ipm_model_input input = {
        .table = &table, .summary = &summary, .manifest = manifest};
    json_t *list = ipm_models_json(&input);
    json_t *found = NULL;
    size_t i;
    json_t *document;
    json_array_foreach(list, i, document)
    {
        if (strcmp(json_string_value(json_object_get(document, "name")), "time") == 0)
            found = json_incref(document);
    }
    json_decref(list);
    return found;
}

/* Seeds by what came out. */
struct planted_tally {
    int seeds;
    int found;    /* every planted break within one size of one that was found */
    int spurious; /* found at least one that is within one size of none planted */
    int covered
        [4]; /* by the intervals of: first slope, the constant, last slope, the level
                     * that the last piece begins with */
    double robust_bias, plain_bias; /* mean relative error of the first slope */
};

static inline bool planted_covers(const json_t *interval, double truth)
{
    return json_number_value(json_object_get(interval, "low")) <= truth &&
           truth <= json_number_value(json_object_get(interval, "high"));
}

/* Whether a break between two neighbouring sizes is that at @capacity, or next to it. */
static inline bool planted_near(const json_t *at, double capacity)
{
    double from = json_number_value(json_object_get(at, "from"));
    return from >= capacity / 2 && from <= 2 * capacity;
}

static inline void planted_count(const struct planted_truth *truth,
                                 const json_t *series, struct planted_tally *tally)
{
    const double capacities[] = {planted_l1, planted_l2};
    const json_t *breaks = json_object_get(series, "breaks");
    const json_t *pieces = json_object_get(series, "pieces");
    bool all = true;
    bool spurious = false;
    bool planted[2];
    size_t i;
    json_t *at;
    for (size_t k = 0; k < 2; k++) {
        planted[k] = fabs(truth->slopes[k + 1] - truth->slopes[k]) > 0;
        bool found = !planted[k];
        json_array_foreach(breaks, i, at) found =
            found || planted_near(at, capacities[k]);
        all = all && found;
    }
    json_array_foreach(breaks, i, at) spurious =
        spurious || !((planted[0] && planted_near(at, planted_l1)) ||
                      (planted[1] && planted_near(at, planted_l2)));
    tally->seeds++;
    tally->found += all;
    tally->spurious += spurious;
    const json_t *first = json_array_get(pieces, 0);
    const json_t *last = json_array_get(pieces, json_array_size(pieces) - 1);
    /* On the last line, which a piece may begin one size before. */
    double level =
        planted_time(truth, (double)planted_size(18)) -
        truth->slopes[2] * ((double)planted_size(18) -
                            json_number_value(json_object_get(last, "from")));
    tally->covered[0] +=
        planted_covers(json_object_get(first, "slope"), truth->slopes[0]);
    tally->covered[1] +=
        planted_covers(json_object_get(series, "constant"), truth->sync_ns);
    tally->covered[2] +=
        planted_covers(json_object_get(last, "slope"), truth->slopes[2]);
    tally->covered[3] += planted_covers(json_object_get(last, "level"), level);
    double robust =
        json_number_value(json_object_get(json_object_get(first, "slope"), "value"));
    double plain = json_number_value(json_object_get(first, "least_squares_slope"));
    tally->robust_bias += robust / truth->slopes[0] - 1;
    tally->plain_bias += plain / truth->slopes[0] - 1;
}

/* Seeds from @first on; the biases are means then. */
static inline struct planted_tally planted_run(const struct planted_truth *truth,
                                               uint64_t first, int seeds)
{
    static struct ipm_row rows[PLANTED_ROWS];
    struct planted_tally tally = {0};
    json_t *manifest = planted_manifest();
    for (int i = 0; i < seeds; i++) {
        uint64_t seed = first + (uint64_t)i;
        planted_fill(truth, seed * 1000003, rows);
        (void)json_object_set_new(manifest, "seed", json_integer((json_int_t)seed));
        json_t *document = planted_explain(rows, PLANTED_ROWS, manifest);
        planted_count(truth, json_array_get(json_object_get(document, "series"), 0),
                      &tally);
        json_decref(document);
    }
    json_decref(manifest);
    tally.robust_bias /= seeds;
    tally.plain_bias /= seeds;
    return tally;
}

#endif
