/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/open_loop.h"

#include "analysis/summary.h"
#include "analysis/tails.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const members[IPM_OPEN_LOOP_TIMES] = {"response_ns", "service_ns",
                                                         "send_lag_ns"};
static const char *const names[IPM_OPEN_LOOP_TIMES] = {"response", "service",
                                                       "send_lag"};

/* Which of the figures of analysis/tails.h are taken over, under which names. */
static const struct {
    const char *name, *suffix;
} taken[] = {{"p50_pooled_ns", "p50_ns"}, {"p99_ns", "p99_ns"}};

enum { TAKEN = sizeof(taken) / sizeof(taken[0]) };

static double number_of(const json_t *object, const char *key)
{
    double value = NAN;
    (void)ipm_json_get_number(object, key, &value, NULL);
    return value;
}

static double count_of(const json_t *object, const char *key)
{
    double value = number_of(object, key);
    return value > 0 ? value : 0;
}

static bool is_flagged(const json_t *record)
{
    size_t i;
    const json_t *flag;
    json_array_foreach(json_object_get(record, "flags"), i, flag)
    {
        const char *text = json_string_value(flag);
        if (text != NULL && strcmp(text, "rate_not_achieved") == 0)
            return true;
    }
    return false;
}

int ipm_open_loop_read(const json_t *record, const char *refused,
                       struct ipm_open_loop *out_loop)
{
    const json_t *counts = json_object_get(record, "open_loop");
    if (!json_is_object(counts))
        return 1;
    struct ipm_open_loop loop = {
        .rate_per_s = number_of(record, "rate_resolved"),
        .pairs = fmax(1, count_of(record, "pairs")),
        .planned = count_of(counts, "planned"),
        .sent = count_of(counts, "sent"),
        .completed = count_of(counts, "completed"),
        .backlog = count_of(counts, "backlog"),
        .not_achieved = is_flagged(record),
        .refused = refused,
    };
    int error = 0;
    for (size_t i = 0; i < IPM_OPEN_LOOP_TIMES && error == 0; i++)
        error = ipm_tally_read(json_object_get(record, members[i]), &loop.times[i]);
    if (error != 0) {
        ipm_open_loop_fini(&loop);
        return error;
    }
    *out_loop = loop;
    return 0;
}

void ipm_open_loop_fini(struct ipm_open_loop *loop)
{
    for (size_t i = 0; i < IPM_OPEN_LOOP_TIMES; i++)
        ipm_tally_fini(&loop->times[i]);
}

/* Why no invocation has a time: the clocks of two CPUs may be too far apart. */
static const char *refusal(const struct ipm_row *const *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->open_loop != NULL && rows[i]->open_loop->refused[0] != '\0')
            return rows[i]->open_loop->refused;
    }
    return "absent: the records have no such times";
}

/* The rows as if one of the open loop's times were their distribution. */
static int figures_of(const struct ipm_row *const *rows, size_t n,
                      enum ipm_open_loop_time time, struct ipm_figure out[TAKEN])
{
    ipm_auto_free struct ipm_row *copies = calloc(n + 1, sizeof(*copies));
    ipm_auto_free const struct ipm_row **list = calloc(n + 1, sizeof(*list));
    struct ipm_figure tails[IPM_TAILS];
    if (copies == NULL || list == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->open_loop == NULL)
            continue;
        copies[used] = (struct ipm_row){
            .tally = rows[i]->open_loop->times[time], .effective = NAN, .max_ns = NAN};
        list[used] = &copies[used];
        used++;
    }
    int error = ipm_tails_make(list, used, tails);
    for (size_t k = 0; k < TAKEN && error == 0; k++) {
        for (size_t i = 0; i < IPM_TAILS; i++) {
            if (strcmp(tails[i].name, taken[k].name) == 0)
                out[k] = tails[i];
        }
        (void)snprintf(out[k].name, sizeof(out[k].name), "%s_%s", names[time],
                       taken[k].suffix);
        if (out[k].reason[0] != '\0')
            out[k].reason = refusal(rows, n);
    }
    return error;
}

int ipm_open_loop_figures(const struct ipm_row *const *rows, size_t n,
                          struct ipm_figure *out_figures, size_t *out_n)
{
    bool any = false;
    int error = 0;
    for (size_t i = 0; i < n; i++)
        any = any || rows[i]->open_loop != NULL;
    *out_n = any ? IPM_OPEN_LOOP_FIGURES : 0;
    for (int time = 0; any && time < IPM_OPEN_LOOP_TIMES && error == 0; time++)
        error = figures_of(rows, n, (enum ipm_open_loop_time)time,
                           out_figures + (size_t)time * TAKEN);
    return error;
}

int ipm_open_loop_sum(const struct ipm_row *const *rows, size_t n,
                      struct ipm_open_loop_sums *out_sums)
{
    struct ipm_open_loop_sums sums = {.offered_per_s = NAN};
    ipm_auto_free double *rates = calloc(n + 1, sizeof(*rates));
    if (rates == NULL)
        return -ENOMEM;
    size_t n_rates = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ipm_open_loop *loop = rows[i]->open_loop;
        if (loop == NULL)
            continue;
        sums.invocations++;
        sums.not_achieved += loop->not_achieved;
        sums.planned += loop->planned;
        sums.sent += loop->sent;
        sums.completed += loop->completed;
        sums.backlog += loop->backlog;
        if (isfinite(loop->rate_per_s))
            rates[n_rates++] = loop->rate_per_s * loop->pairs;
    }
    if (n_rates > 0) {
        ipm_sort(rates, n_rates);
        sums.offered_per_s = ipm_quantile(rates, n_rates, 0.5);
    }
    *out_sums = sums;
    return 0;
}
