/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/rivals.h"

#include "analysis/manifest.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_by_names[IPM_BYS] = {"latency", "p99", "throughput", "cpu",
                                           "joules"};
const char *const ipm_by_units[IPM_BYS] = {"ns", "ns", "1/s", "ns", "uJ"};

const char *const ipm_unfit_words[IPM_UNFITS] = {
    [IPM_FIT] = "",
    [IPM_UNFIT_FLOOR] = "no IPC but a floor",
    [IPM_UNFIT_TOKEN] = "carries no payload",
    [IPM_UNFIT_WORKLOAD] = "of a workload in which nothing is compared",
    [IPM_UNFIT_SHARE] =
        "its rate is a share of its own capacity, so that others had another",
    [IPM_UNFIT_LOSSY] = "may lose messages",
    [IPM_UNFIT_RATE] = "did not keep up with the rate",
};

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

bool ipm_by_fits(enum ipm_by by, const char *workload)
{
    bool trip = is(workload, "pingpong") || is(workload, "rpc");
    bool open = is(workload, "open_loop");
    bool stream = is(workload, "stream");
    switch (by) {
    case IPM_BY_LATENCY:
    case IPM_BY_TAIL:
        return trip || open;
    case IPM_BY_THROUGHPUT:
        return stream;
    default:
        return trip || open || stream;
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    int order = strcmp(left->point, right->point);
    if (order == 0)
        order = (left->invocation > right->invocation) -
                (left->invocation < right->invocation);
    if (order == 0)
        order = strcmp(left->build, right->build);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

int ipm_invocations_make(const struct ipm_table *table,
                         struct ipm_invocations *out_invocations)
{
    const struct ipm_row **rows = calloc(table->n_rows + 1, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (row->status == IPM_ROW_OK && is(row->pass, "timing"))
            rows[n++] = row;
    }
    qsort(rows, n, sizeof(*rows), compare_rows);
    size_t kept = 0;
    const struct ipm_row *last = NULL;
    for (size_t i = 0; i < n; i++) {
        bool repeated = last != NULL && is(rows[i]->point, last->point) &&
                        rows[i]->invocation == last->invocation &&
                        is(rows[i]->build, last->build);
        last = rows[i];
        if (!repeated && !rows[i]->set_aside)
            rows[kept++] = rows[i];
    }
    *out_invocations = (struct ipm_invocations){.rows = rows, .n = kept};
    return 0;
}

void ipm_invocations_fini(struct ipm_invocations *invocations)
{
    free(invocations->rows);
    *invocations = (struct ipm_invocations){0};
}

const struct ipm_row *const *
ipm_invocations_of(const struct ipm_invocations *invocations, const char *point,
                   size_t *out_n)
{
    size_t low = 0;
    size_t high = invocations->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(invocations->rows[middle]->point, point) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t to = low;
    while (to < invocations->n && is(invocations->rows[to]->point, point))
        to++;
    *out_n = to - low;
    return invocations->rows + low;
}

/* More often than not: one window that a neighbour held up says nothing of the mechanism. */
static bool missed_rate(const struct ipm_point *point,
                        const struct ipm_invocations *invocations)
{
    size_t n;
    size_t missed = 0;
    const struct ipm_row *const *rows = ipm_invocations_of(invocations, point->id, &n);
    for (size_t i = 0; i < n; i++)
        missed += rows[i]->rate_missed;
    return 2 * missed > n;
}

enum ipm_unfit ipm_point_unfit(const struct ipm_point *point, const json_t *manifest,
                               const struct ipm_invocations *invocations)
{
    const struct ipm_factors *factors = &point->factors;
    bool compared = false;
    for (int by = 0; by < IPM_BYS; by++)
        compared = compared || ipm_by_fits((enum ipm_by)by, factors->workload);
    if (point->floor)
        return IPM_UNFIT_FLOOR;
    if (!compared)
        return IPM_UNFIT_WORKLOAD;
    if (point->token)
        return IPM_UNFIT_TOKEN;
    if (strchr(factors->rate, '%') != NULL)
        return IPM_UNFIT_SHARE;
    if (ipm_manifest_has_capability(manifest, factors->mechanism, "lossy"))
        return IPM_UNFIT_LOSSY;
    return missed_rate(point, invocations) ? IPM_UNFIT_RATE : IPM_FIT;
}

/* The next option that is an axis of the traffic: those of a mechanism have a dot in their
 * name.  Its length, 0 at the end; moves @at to it. */
static size_t next_traffic(const char **at)
{
    for (;;) {
        *at += strspn(*at, " ");
        size_t length = strcspn(*at, " ");
        size_t name = strcspn(*at, "= ");
        if (length == 0 || memchr(*at, '.', name) == NULL)
            return length;
        *at += length;
    }
}

int ipm_traffic_compare(const char *left, const char *right)
{
    for (;;) {
        size_t n_left = next_traffic(&left);
        size_t n_right = next_traffic(&right);
        size_t n = n_left < n_right ? n_left : n_right;
        int order = memcmp(left, right, n);
        if (order == 0)
            order = (n_left > n_right) - (n_left < n_right);
        if (order != 0 || n_left == 0)
            return order;
        left += n_left;
        right += n_right;
    }
}

const char *ipm_traffic_text(const struct ipm_point *point, char *text, size_t room)
{
    const char *at = point->factors.options;
    size_t used = 0;
    text[0] = '\0';
    for (size_t n; (n = next_traffic(&at)) > 0 && used + n + 2 <= room; at += n) {
        if (used > 0)
            text[used++] = ' ';
        memcpy(text + used, at, n);
        used += n;
        text[used] = '\0';
    }
    return text;
}

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int ipm_rivals_compare_but_size(const struct ipm_point *a, const struct ipm_point *b)
{
    const struct ipm_factors *left = &a->factors;
    const struct ipm_factors *right = &b->factors;
    const int orders[] = {
        strcmp(left->workload, right->workload),
        strcmp(left->placement, right->placement),
        strcmp(left->touch, right->touch),
        strcmp(left->rate, right->rate),
        compare_integers(left->reply_size, right->reply_size),
        compare_integers(left->batch, right->batch),
        strcmp(left->policy, right->policy),
        ipm_traffic_compare(left->options, right->options),
    };
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (orders[i] != 0)
            return orders[i];
    }
    return 0;
}

int ipm_rivals_compare(const struct ipm_point *a, const struct ipm_point *b)
{
    int order = ipm_rivals_compare_but_size(a, b);
    return order != 0 ? order : compare_integers(a->factors.size, b->factors.size);
}

bool ipm_same_answer(const struct ipm_point *a, const struct ipm_point *b)
{
    return is(a->factors.mechanism, b->factors.mechanism) &&
           a->factors.copies == b->factors.copies &&
           is(a->factors.wait, b->factors.wait) &&
           a->factors.depth == b->factors.depth &&
           is(a->factors.options, b->factors.options);
}

bool ipm_wait_sleeps(const char *wait)
{
    return is(wait, "block") || is(wait, "spin_then_block");
}

double ipm_invocation_value(const struct ipm_row *row, enum ipm_by by)
{
    bool open = is(row->factors.workload, "open_loop");
    double needs = (double)ipm_rank_interval_needs(0.99, IPM_SUMMARY_LEVEL);
    const struct ipm_reading *cpu;
    switch (by) {
    case IPM_BY_LATENCY:
        return open ? row->response_p50_ns : row->p50_ns;
    case IPM_BY_TAIL:
        if (open)
            return row->responses >= needs ? row->response_p99_ns : NAN;
        if (row->tally.per != 1)
            return NAN;
        return (isnan(row->effective) ? (double)row->tally.count : row->effective) >=
                       needs
                   ? row->p99_ns
                   : NAN;
    case IPM_BY_THROUGHPUT:
        return row->messages_per_s;
    case IPM_BY_CPU:
        cpu = ipm_row_reading(row, "cpu_ns");
        return cpu == NULL ? NAN : cpu->per_message;
    default:
        return NAN;
    }
}

static int lacks(char reason[IPM_ENTRY_REASON], const char *text)
{
    (void)snprintf(reason, IPM_ENTRY_REASON, "%.119s", text);
    return 1;
}

static int joules_of(const struct ipm_point *point, const struct ipm_energy *energy,
                     struct ipm_entrant *out_entrant, char reason[IPM_ENTRY_REASON])
{
    for (size_t i = 0; i < energy->n_rows; i++) {
        const struct ipm_energy_row *row = &energy->rows[i];
        if (row->point != point || !is(row->domain, "package"))
            continue;
        if (row->status != IPM_ENERGY_COST)
            return lacks(reason, row->reason);
        if (is(energy->provenance, "mixed"))
            return lacks(reason, "mixed: joules of different provenance in one run");
        out_entrant->figure = row->message_uj;
        return 0;
    }
    return lacks(reason, "absent: no energy of the package was measured");
}

int ipm_entrant_make(const struct ipm_point *point, enum ipm_by by,
                     const struct ipm_invocations *invocations,
                     const struct ipm_energy *energy, struct ipm_entrant *out_entrant,
                     char reason[IPM_ENTRY_REASON])
{
    struct ipm_entrant entrant = {.point = point};
    size_t n;
    if (by == IPM_BY_JOULES) {
        int result = joules_of(point, energy, &entrant, reason);
        if (result == 0)
            *out_entrant = entrant;
        return result;
    }
    const struct ipm_row *const *rows = ipm_invocations_of(invocations, point->id, &n);
    ipm_auto_free double *costs = calloc(n + 1, sizeof(*costs));
    ipm_auto_free double *values = calloc(n + 1, sizeof(*values));
    if (costs == NULL || values == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        double value = ipm_invocation_value(rows[i], by);
        if (!isfinite(value) || !(value > 0))
            continue;
        values[entrant.n_costs] = value;
        costs[entrant.n_costs++] = by == IPM_BY_THROUGHPUT ? -log(value) : log(value);
    }
    if (n == 0)
        return lacks(reason, "no good invocation of the timing pass");
    if (entrant.n_costs == 0)
        return lacks(reason, by == IPM_BY_TAIL
                                 ? "not_estimable: batches, or too few samples in "
                                   "each invocation"
                                 : "absent: the records do not have it");
    ipm_estimate_median(values, entrant.n_costs, IPM_SUMMARY_LEVEL, &entrant.figure);
    entrant.costs = entrant.owned = ipm_steal(&costs);
    *out_entrant = entrant;
    return 0;
}

int ipm_entrant_between(const struct ipm_entrant *lower,
                        const struct ipm_entrant *upper, enum ipm_by by, int64_t size,
                        struct ipm_entrant *out_entrant, char reason[IPM_ENTRY_REASON])
{
    size_t n = lower->n_costs < upper->n_costs ? lower->n_costs : upper->n_costs;
    double from = log((double)lower->point->factors.size);
    double to = log((double)upper->point->factors.size);
    double part = (log((double)size) - from) / (to - from);
    if (lower->costs == NULL || upper->costs == NULL)
        return lacks(reason, "means are not interpolated between sizes");
    if (!(part > 0) || !(part < 1))
        return lacks(reason, "nothing is said beyond the sizes that were measured");
    ipm_auto_free double *costs = calloc(n + 1, sizeof(*costs));
    ipm_auto_free double *values = calloc(n + 1, sizeof(*values));
    if (costs == NULL || values == NULL)
        return -ENOMEM;
    double sign = by == IPM_BY_THROUGHPUT ? -1 : 1; /* costs are those of 1 / value */
    for (size_t i = 0; i < n; i++) {
        costs[i] = (1 - part) * lower->costs[i] + part * upper->costs[i];
        values[i] = exp(sign * costs[i]);
    }
    struct ipm_entrant entrant = {
        .point = lower->point, .upper = upper->point, .n_costs = n};
    ipm_estimate_median(values, n, IPM_SUMMARY_LEVEL, &entrant.figure);
    entrant.costs = entrant.owned = ipm_steal(&costs);
    *out_entrant = entrant;
    return 0;
}
