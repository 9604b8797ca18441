/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/energy.h"

#include "analysis/energy_windows.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_energy_status_names[IPM_ENERGY_STATUSES] = {
    "ok", "below_noise", "too_few", "too_short", "estimated", "mixed"};

/* Sums over the windows of one block, [0] at rest and [1] under load. */
struct block {
    int64_t block;
    size_t windows[2];
    double energy_uj[2], time_s[2];
    double messages, operations;
};

/* What forbids to average these windows; "" when nothing does. */
static void find_mixture(const struct ipm_row *const *rows, size_t n,
                         const char *metric, char reason[IPM_ENERGY_WHY])
{
    const struct ipm_reading *first = ipm_row_reading(rows[0], metric);
    for (size_t i = 1; i < n; i++) {
        const struct ipm_reading *other = ipm_row_reading(rows[i], metric);
        if (!ipm_energy_same_domains(rows[0], rows[i])) {
            (void)snprintf(reason, IPM_ENERGY_WHY,
                           "mixed: the windows have different sets of domains");
            return;
        }
        if (strcmp(first->provenance, other->provenance) != 0 ||
            strcmp(first->source, other->source) != 0) {
            (void)snprintf(
                reason, IPM_ENERGY_WHY, "mixed: %s by %s and %s by %s are not averaged",
                first->provenance, first->source, other->provenance, other->source);
            return;
        }
    }
}

/* Sums up the windows by block; they are sorted by it. */
static size_t sum_up(const struct ipm_row *const *rows, size_t n, const char *metric,
                     struct block *blocks)
{
    size_t n_blocks = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || rows[i]->block != rows[i - 1]->block)
            blocks[n_blocks++] = (struct block){.block = rows[i]->block};
        struct block *block = &blocks[n_blocks - 1];
        size_t load = ipm_energy_is_load(rows[i]);
        block->windows[load]++;
        block->energy_uj[load] += ipm_row_reading(rows[i], metric)->value;
        block->time_s[load] += (double)rows[i]->elapsed_ns / 1e9;
        block->messages += load ? (double)rows[i]->messages : 0;
        block->operations += load ? (double)rows[i]->operations : 0;
    }
    return n_blocks;
}

/* Blocks of four windows, whose drift cancels; the windows of the others are counted. */
static size_t keep_whole(struct block *blocks, size_t n, struct ipm_energy_row *row)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const struct block *block = &blocks[i];
        size_t windows = block->windows[0] + block->windows[1];
        bool whole =
            block->windows[0] == 2 && block->windows[1] == 2 && block->messages > 0;
        if (!whole) {
            row->left_out += windows;
            continue;
        }
        row->windows += windows;
        blocks[kept++] = *block;
    }
    return kept;
}

static double beyond_uj(const struct block *block)
{
    return block->energy_uj[1] -
           block->energy_uj[0] / block->time_s[0] * block->time_s[1];
}

static double load_w(const struct block *block)
{
    return block->energy_uj[1] / block->time_s[1] / 1e6;
}

static double rest_w(const struct block *block)
{
    return block->energy_uj[0] / block->time_s[0] / 1e6;
}

static double beyond_w(const struct block *block)
{
    return load_w(block) - rest_w(block);
}

static double message_uj(const struct block *block)
{
    return beyond_uj(block) / block->messages;
}

static double operation_uj(const struct block *block)
{
    return block->operations > 0 ? beyond_uj(block) / block->operations : NAN;
}

/* Mean over blocks; returns the standard error. */
static double estimate(const struct block *blocks, size_t n, double *values,
                       double (*take)(const struct block *block),
                       struct ipm_estimate *out)
{
    for (size_t i = 0; i < n; i++)
        values[i] = take(&blocks[i]);
    return ipm_estimate_mean(values, n, IPM_SUMMARY_LEVEL, out);
}

static struct ipm_estimate none(void)
{
    return (struct ipm_estimate){.value = NAN, .low = NAN, .high = NAN, .level = NAN};
}

static double shortest_s(const struct ipm_row *const *rows, size_t n)
{
    double least = INFINITY;
    for (size_t i = 0; i < n; i++)
        least = fmin(least, (double)rows[i]->elapsed_ns / 1e9);
    return least;
}

/* May the energy beyond rest become a cost?  Judged by the cost itself: power varies with
 * the rate of messages, too, which is no noise. */
static void judge(struct ipm_energy_row *row, double error_uj, double window_s)
{
    const struct ipm_estimate *cost = &row->message_uj;
    static const char mend[] = "more windows, or more pairs at once";
    if (row->blocks < 2) {
        row->status = IPM_ENERGY_TOO_FEW;
        (void)snprintf(row->reason, sizeof(row->reason),
                       "too_few: %zu whole block%s; the noise shows from two on",
                       row->blocks, row->blocks == 1 ? "" : "s");
    } else if (strcmp(row->provenance, "estimated") == 0) {
        row->status = IPM_ENERGY_ESTIMATED;
        (void)snprintf(row->reason, sizeof(row->reason),
                       "estimated: from CPU time, so that a cost would be CPU time in "
                       "other units: see cpu_ns_per_message");
    } else if (window_s < (double)IPM_ENERGY_LEAST_COST_NS / 1e9) {
        row->status = IPM_ENERGY_SHORT;
        (void)snprintf(row->reason, sizeof(row->reason),
                       "too_short: windows of %.2g s; a cost needs 1 s", window_s);
    } else if (!(cost->value >= IPM_ENERGY_SIGMAS * error_uj) || cost->value <= 0) {
        row->status = IPM_ENERGY_BELOW_NOISE;
        (void)snprintf(row->reason, sizeof(row->reason),
                       "below_noise: %.3g uJ a message, %.0f standard errors are %.3g "
                       "uJ; %s",
                       cost->value, IPM_ENERGY_SIGMAS, IPM_ENERGY_SIGMAS * error_uj,
                       mend);
    } else if (cost->low <= 0) {
        /* With few blocks Student's interval is wider than the three errors. */
        row->status = IPM_ENERGY_BELOW_NOISE;
        (void)snprintf(row->reason, sizeof(row->reason),
                       "below_noise: %.3g uJ a message, between %.3g and %.3g uJ, "
                       "which holds 0; %s",
                       cost->value, cost->low, cost->high, mend);
    }
}

/* @rows: the windows of one point that have the metric. */
static int make_row(const struct ipm_row *const *rows, size_t n, const char *metric,
                    struct ipm_energy_row *row)
{
    ipm_auto_free struct block *blocks = calloc(n, sizeof(*blocks));
    ipm_auto_free double *values = calloc(n, sizeof(*values));
    if (blocks == NULL || values == NULL)
        return -ENOMEM;
    ipm_energy_domain(metric, row->domain);
    row->load_w = row->rest_w = row->beyond_w = none();
    row->message_uj = row->operation_uj = none();
    row->provenance = row->source = "";
    find_mixture(rows, n, metric, row->reason);
    if (row->reason[0] != '\0') {
        row->status = IPM_ENERGY_MIXED;
        row->left_out = n;
        return 0;
    }
    row->provenance = ipm_row_reading(rows[0], metric)->provenance;
    row->source = ipm_row_reading(rows[0], metric)->source;
    row->blocks = keep_whole(blocks, sum_up(rows, n, metric, blocks), row);
    (void)estimate(blocks, row->blocks, values, load_w, &row->load_w);
    (void)estimate(blocks, row->blocks, values, rest_w, &row->rest_w);
    (void)estimate(blocks, row->blocks, values, beyond_w, &row->beyond_w);
    (void)estimate(blocks, row->blocks, values, operation_uj, &row->operation_uj);
    double error_uj =
        estimate(blocks, row->blocks, values, message_uj, &row->message_uj);
    judge(row, error_uj, shortest_s(rows, n));
    if (row->status != IPM_ENERGY_COST)
        row->message_uj = row->operation_uj = none();
    return 0;
}

static int add_row(struct ipm_energy *energy, const struct ipm_point *point,
                   const struct ipm_row *const *rows, size_t n, const char *metric)
{
    ipm_auto_free const struct ipm_row **having = calloc(n, sizeof(*having));
    if (having == NULL)
        return -ENOMEM;
    size_t n_having = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ipm_reading *reading = ipm_row_reading(rows[i], metric);
        if (reading != NULL && ipm_energy_is_reading(reading))
            having[n_having++] = rows[i];
    }
    struct ipm_energy_row *larger =
        reallocarray(energy->rows, energy->n_rows + 1, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    energy->rows = larger;
    struct ipm_energy_row *row = &larger[energy->n_rows++];
    *row = (struct ipm_energy_row){.point = point};
    int error = make_row(having, n_having, metric, row);
    row->left_out += n - n_having;
    return error;
}

/* One row for each domain that any window of the point has. */
static int add_point(struct ipm_energy *energy, const struct ipm_point *point,
                     const struct ipm_row *const *rows, size_t n)
{
    ipm_auto_json json_t *seen = json_object();
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rows[i]->n_readings; k++) {
            const struct ipm_reading *reading = &rows[i]->readings[k];
            if (!ipm_energy_is_reading(reading) ||
                json_object_get(seen, reading->name) != NULL)
                continue;
            if (json_object_set_new(seen, reading->name, json_true()) != 0)
                return -ENOMEM;
            int error = add_row(energy, point, rows, n, reading->name);
            if (error != 0)
                return error;
        }
    }
    return 0;
}

/* One word for all rows, where they agree. */
static const char *common(const char *so_far, const char *word)
{
    if (so_far[0] == '\0')
        return word;
    return strcmp(so_far, word) == 0 ? so_far : "mixed";
}

int ipm_energy_make(const struct ipm_table *table, const struct ipm_summary *summary,
                    struct ipm_energy *out_energy, struct ipm_why *why)
{
    struct ipm_energy energy = {.provenance = "", .source = ""};
    ipm_auto_free const struct ipm_row **rows = NULL;
    size_t n = 0;
    int error = ipm_energy_windows(table, &rows, &n);
    for (size_t i = 0; error == 0 && i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        size_t from = 0;
        while (from < n && strcmp(rows[from]->point, point->id) != 0)
            from++;
        size_t to = from;
        while (to < n && strcmp(rows[to]->point, point->id) == 0)
            to++;
        error = add_point(&energy, point, rows + from, to - from);
    }
    for (size_t i = 0; i < energy.n_rows; i++) {
        bool mixed = energy.rows[i].status == IPM_ENERGY_MIXED;
        energy.provenance =
            common(energy.provenance, mixed ? "mixed" : energy.rows[i].provenance);
        energy.source = common(energy.source, mixed ? "mixed" : energy.rows[i].source);
    }
    if (error != 0) {
        ipm_energy_fini(&energy);
        return ipm_why_set(why, error, "work out the energy: ");
    }
    *out_energy = energy;
    return 0;
}

void ipm_energy_fini(struct ipm_energy *energy)
{
    free(energy->rows);
    *energy = (struct ipm_energy){.provenance = "", .source = ""};
}
