/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_lines.h"

#include "analysis/models/energy_judge.h"
#include "analysis/models/energy_power.h"
#include "analysis/rivals.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Blocks of one cell that differ in rate alone. */
struct series {
    const struct ipm_energy_cell *cell;
    const struct ipm_factors *factors;
    struct ipm_power_line line;
    bool stands;
};

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

json_t *ipm_energy_interval_json(double value, double low, double high,
                                 const char *unit)
{
    json_t *json = json_object();
    set(json, "value", ipm_json_number(value));
    set(json, "low", ipm_json_number(low));
    set(json, "high", ipm_json_number(high));
    set(json, "unit", json_string(unit));
    return json;
}

bool ipm_energy_is_estimated(const struct ipm_energy_cell *cell)
{
    return strcmp(cell->provenance, "estimated") == 0;
}

const char *ipm_energy_placement(const struct ipm_factors *factors)
{
    return factors->placement_class[0] != '\0' ? factors->placement_class
                                               : factors->placement;
}

json_t *ipm_energy_labelled(const struct ipm_energy_cell *cell,
                            const struct ipm_factors *factors)
{
    json_t *json = json_object();
    set(json, "workload", json_string(factors->workload));
    set(json, "mechanism", json_string(factors->mechanism));
    set(json, "copies", json_integer(factors->copies));
    set(json, "size", json_integer(factors->size));
    set(json, "wait", text_or_null(factors->wait));
    set(json, "placement", text_or_null(ipm_energy_placement(factors)));
    set(json, "domain", json_string(cell->domain));
    set(json, "provenance", json_string(cell->provenance));
    set(json, "source", json_string(cell->source));
    return json;
}

static bool has_rate(const struct ipm_factors *factors)
{
    return factors->rate[0] != '\0' && strcmp(factors->rate, "max") != 0;
}

static bool same_series(const struct ipm_factors *a, const struct ipm_factors *b)
{
    return strcmp(a->workload, b->workload) == 0 && a->size == b->size &&
           a->batch == b->batch &&
           strcmp(ipm_energy_placement(a), ipm_energy_placement(b)) == 0 &&
           strcmp(a->policy, b->policy) == 0 && strcmp(a->options, b->options) == 0;
}

/* @half: half the widths of the intervals of both coefficients */
static void fill_line(struct ipm_power_line *line, const struct ipm_energy_cell *cell,
                      const struct ipm_energy_fit *fit, double half[2])
{
    line->fixed_w = fit->value[IPM_ENERGY_CONSTANT] + cell->standing_w;
    line->message_uj = fit->value[IPM_ENERGY_MESSAGE];
    line->fixed_fixed = fit->covariance[IPM_ENERGY_CONSTANT][IPM_ENERGY_CONSTANT] +
                        cell->standing_variance;
    line->fixed_message = fit->covariance[IPM_ENERGY_CONSTANT][IPM_ENERGY_MESSAGE];
    line->message_message = fit->covariance[IPM_ENERGY_MESSAGE][IPM_ENERGY_MESSAGE];
    line->freedom = (double)(fit->n - fit->p);
    half[1] = ipm_energy_half_width(fit, IPM_ENERGY_MESSAGE, IPM_SUMMARY_LEVEL);
    half[0] = half[1] / sqrt(line->message_message) * sqrt(line->fixed_fixed);
}

/* Fits the series of the block at @first into its row. */
static void fit_line(struct series *series, size_t first,
                     struct ipm_energy_observation *all, json_t *row)
{
    const struct ipm_energy_cell *cell = series->cell;
    const unsigned terms = 1u << IPM_ENERGY_MESSAGE | 1u << IPM_ENERGY_CONSTANT;
    struct ipm_power_line *line = &series->line;
    struct ipm_energy_fit fit;
    size_t rates = 0;
    line->low_per_s = INFINITY;
    for (size_t i = 0; i < cell->n_blocks; i++) {
        const struct ipm_factors *factors = &cell->blocks[i].row->factors;
        all[i] = cell->blocks[i].observed;
        all[i].used = i >= first && all[i].used && has_rate(factors) &&
                      same_series(factors, series->factors);
        double rate = all[i].rate[IPM_ENERGY_MESSAGE] * 1e6;
        rates += all[i].used && ipm_energy_is_first(cell, i);
        if (all[i].used) {
            line->low_per_s = fmin(line->low_per_s, rate);
            line->high_per_s = fmax(line->high_per_s, rate);
        }
    }
    int result = ipm_energy_solve(all, cell->n_blocks, terms, &fit);
    struct ipm_energy_lack lack = {NAN, NAN, NAN, NAN};
    const char *reason = NULL;
    if (result == IPM_ENERGY_NO_GSL)
        reason = "absent: built without GSL";
    else if (result != 0 || rates < 3)
        reason = "too_few: a line needs three rates and five blocks";
    else if (!isfinite(cell->standing_w) || !isfinite(cell->standing_variance))
        reason =
            "absent: no windows of roles that sleep to compare these roles' rest with";
    if (reason == NULL) {
        lack = ipm_energy_lack(all, cell->n_blocks, &fit);
        if (lack.p < IPM_ENERGY_LACK_P)
            reason = "rejected: power against rate bends here; the curve is what holds";
    }
    series->stands = reason == NULL;
    double half[2] = {NAN, NAN};
    if (series->stands)
        fill_line(line, cell, &fit, half);
    else
        line->fixed_w = line->message_uj = NAN;
    set(row, "status", json_string(series->stands ? "fitted" : "refused"));
    set(row, "reason", reason == NULL ? json_null() : json_string(reason));
    set(row, "fixed_w",
        ipm_energy_interval_json(line->fixed_w, line->fixed_w - half[0],
                                 line->fixed_w + half[0], "W"));
    set(row, "message_uj",
        ipm_energy_interval_json(line->message_uj, line->message_uj - half[1],
                                 line->message_uj + half[1], "uJ"));
    set(row, "rates", json_integer((json_int_t)rates));
    set(row, "low_per_s", ipm_json_number(line->low_per_s));
    set(row, "high_per_s", ipm_json_number(line->high_per_s));
    set(row, "lack_of_fit_p", ipm_json_number(lack.p));
}

/* All lines; @series has room for one of each block of each cell. */
static int set_lines(json_t *json, const struct ipm_energy_data *data,
                     struct series *series, size_t *out_n)
{
    json_t *rows = json_array();
    set(json, "lines", rows);
    size_t n = 0;
    for (size_t i = 0; i < data->n_cells; i++) {
        const struct ipm_energy_cell *cell = &data->cells[i];
        ipm_auto_free struct ipm_energy_observation *all =
            calloc(cell->n_blocks + 1, sizeof(*all));
        size_t first_of_cell = n;
        if (all == NULL)
            return -ENOMEM;
        for (size_t k = 0; k < cell->n_blocks && !ipm_energy_is_estimated(cell); k++) {
            const struct ipm_factors *factors = &cell->blocks[k].row->factors;
            bool known = !has_rate(factors) || !cell->blocks[k].observed.used;
            for (size_t j = first_of_cell; j < n && !known; j++)
                known = same_series(series[j].factors, factors);
            if (known)
                continue;
            series[n] = (struct series){.cell = cell, .factors = factors};
            json_t *row = ipm_energy_labelled(cell, factors);
            fit_line(&series[n++], k, all, row);
            if (json_array_append_new(rows, row) != 0)
                return -ENOMEM;
        }
    }
    *out_n = n;
    return 0;
}

/* May the two be chosen between? */
static bool same_choice(const struct series *a, const struct series *b)
{
    const struct ipm_factors *one = a->factors;
    const struct ipm_factors *other = b->factors;
    return strcmp(a->cell->domain, b->cell->domain) == 0 &&
           strcmp(a->cell->provenance, b->cell->provenance) == 0 &&
           strcmp(a->cell->source, b->cell->source) == 0 &&
           strcmp(one->workload, other->workload) == 0 && one->size == other->size &&
           one->batch == other->batch && strcmp(one->touch, other->touch) == 0 &&
           strcmp(one->policy, other->policy) == 0 &&
           ipm_traffic_compare(one->options, other->options) == 0 &&
           strcmp(ipm_energy_placement(one), ipm_energy_placement(other)) == 0;
}

static json_t *group_json(const struct series *const *group,
                          const struct ipm_power_line *const *lines, size_t n,
                          struct ipm_power_step *steps)
{
    double low = 0;
    double high = INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fmax(low, lines[i]->low_per_s);
        high = fmin(high, lines[i]->high_per_s);
    }
    json_t *json = ipm_energy_labelled(group[0]->cell, group[0]->factors);
    json_t *rows = json_array();
    static const char *const theirs[] = {"mechanism", "copies", "wait"};
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
        (void)json_object_del(json, theirs[i]);
    size_t n_steps = ipm_power_cheapest(lines, n, low, high, steps);
    for (size_t i = 0; i < n_steps; i++) {
        const struct ipm_factors *factors = group[steps[i].line]->factors;
        struct ipm_crossover meet = {steps[i].from_per_s, NAN, NAN};
        if (i > 0)
            (void)ipm_power_crossover(lines[steps[i - 1].line], lines[steps[i].line],
                                      IPM_SUMMARY_LEVEL, &meet);
        json_t *row = json_object();
        set(row, "mechanism", json_string(factors->mechanism));
        set(row, "copies", json_integer(factors->copies));
        set(row, "wait", text_or_null(factors->wait));
        set(row, "from",
            ipm_energy_interval_json(meet.value, meet.low, meet.high, "1/s"));
        set(row, "crossover", json_boolean(i > 0));
        (void)json_array_append_new(rows, row);
    }
    set(json, "low_per_s", ipm_json_number(low));
    set(json, "high_per_s", isfinite(high) ? ipm_json_number(high) : json_null());
    set(json, "lines", json_integer((json_int_t)n));
    set(json, "cheapest", rows);
    set(json, "reason",
        n_steps > 0 ? json_null()
                    : json_string("absent: no rate that all of them have"));
    return json;
}

static int set_crossovers(json_t *json, const struct series *series, size_t n)
{
    ipm_auto_free const struct series **group = calloc(n + 1, sizeof(*group));
    ipm_auto_free const struct ipm_power_line **lines = calloc(n + 1, sizeof(*lines));
    ipm_auto_free struct ipm_power_step *steps = calloc(n + 1, sizeof(*steps));
    ipm_auto_free bool *done = calloc(n + 1, sizeof(*done));
    json_t *rows = json_array();
    set(json, "crossovers", rows);
    if (group == NULL || lines == NULL || steps == NULL || done == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t members = 0;
        for (size_t k = i; k < n; k++) {
            if (done[k] || !series[k].stands || !same_choice(&series[i], &series[k]))
                continue;
            done[k] = true;
            group[members] = &series[k];
            lines[members++] = &series[k].line;
        }
        if (members >= 2 &&
            json_array_append_new(rows, group_json(group, lines, members, steps)) != 0)
            return -ENOMEM;
    }
    return 0;
}

int ipm_energy_set_lines(json_t *json, const struct ipm_energy_data *data)
{
    size_t room = 1;
    size_t n = 0;
    for (size_t i = 0; i < data->n_cells; i++)
        room += data->cells[i].n_blocks;
    ipm_auto_free struct series *series = calloc(room, sizeof(*series));
    if (series == NULL)
        return -ENOMEM;
    int error = set_lines(json, data, series, &n);
    return error != 0 ? error : set_crossovers(json, series, n);
}
