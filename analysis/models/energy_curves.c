/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_curves.h"

#include "analysis/models/energy_lines.h"
#include "analysis/models/energy_power.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

/* Mean over the used blocks of the point that begins at @from. */
static int mean_of(const struct ipm_energy_cell *cell, size_t from,
                   double (*take)(const struct ipm_energy_block *block),
                   struct ipm_estimate *out)
{
    ipm_auto_free double *values = calloc(cell->n_blocks + 1, sizeof(*values));
    size_t group = cell->blocks[from].observed.group;
    size_t n = 0;
    if (values == NULL)
        return -ENOMEM;
    for (size_t i = from; i < cell->n_blocks; i++) {
        const struct ipm_energy_block *block = &cell->blocks[i];
        if (block->observed.group == group && block->observed.used)
            values[n++] = take(block);
    }
    (void)ipm_estimate_mean(values, n, IPM_SUMMARY_LEVEL, out);
    if (n == 0)
        out->value = out->low = out->high = NAN;
    return 0;
}

static double take_rate(const struct ipm_energy_block *block)
{
    return block->observed.rate[IPM_ENERGY_MESSAGE] * 1e6;
}

static double take_rest(const struct ipm_energy_block *block)
{
    return block->rest_w;
}

static double take_beyond(const struct ipm_energy_block *block)
{
    return block->observed.beyond_w;
}

static double take_switches(const struct ipm_energy_block *block)
{
    return block->switches_per_message;
}

static double take_message(const struct ipm_energy_block *block)
{
    return block->observed.beyond_w / block->observed.rate[IPM_ENERGY_MESSAGE];
}

static json_t *estimate_json(const struct ipm_estimate *estimate, const char *unit)
{
    return ipm_energy_interval_json(estimate->value, estimate->low, estimate->high,
                                    unit);
}

static json_t *hours_json(const struct ipm_battery *battery,
                          const struct ipm_energy_cell *cell,
                          const struct ipm_factors *factors,
                          const struct ipm_estimate *rest,
                          const struct ipm_estimate *beyond)
{
    bool given = !isnan(battery->base_power_w);
    bool waits = strcmp(factors->workload, "self_loop") != 0;
    /* What the meter showed at rest has the spinning of these roles in it already. */
    double base_w =
        given ? battery->base_power_w + (waits ? cell->standing_w : 0) : rest->value;
    double wh = battery->battery_wh;
    /* More power, fewer hours. */
    return ipm_energy_interval_json(ipm_battery_hours(wh, base_w, beyond->value),
                                    ipm_battery_hours(wh, base_w, beyond->high),
                                    ipm_battery_hours(wh, base_w, beyond->low), "h");
}

static int add_point(json_t *rows, const struct ipm_energy_cell *cell, size_t from,
                     const struct ipm_battery *battery)
{
    static double (*const takes[])(const struct ipm_energy_block *) = {
        take_rate, take_rest, take_beyond, take_switches, take_message};
    const struct ipm_factors *factors = &cell->blocks[from].row->factors;
    struct ipm_estimate means[5];
    for (size_t i = 0; i < 5; i++) {
        if (mean_of(cell, from, takes[i], &means[i]) != 0)
            return -ENOMEM;
    }
    if (means[0].n == 0)
        return 0;
    bool cost = !ipm_energy_is_estimated(cell);
    json_t *row = ipm_energy_labelled(cell, factors);
    set(row, "id", json_string(cell->blocks[from].row->point));
    set(row, "rate", text_or_null(factors->rate));
    set(row, "blocks", json_integer((json_int_t)means[0].n));
    set(row, "messages_per_s", estimate_json(&means[0], "1/s"));
    set(row, "rest_w", estimate_json(&means[1], "W"));
    set(row, "beyond_w", estimate_json(&means[2], "W"));
    set(row, "standing_w", ipm_json_number(cell->standing_w));
    set(row, "switches_per_message", estimate_json(&means[3], "1"));
    set(row, "message_uj", cost ? estimate_json(&means[4], "uJ") : json_null());
    set(row, "hours",
        cost && !isnan(battery->battery_wh)
            ? hours_json(battery, cell, factors, &means[1], &means[2])
            : json_null());
    set(row, "reason",
        cost ? json_null()
             : json_string("estimated: from CPU time, no cost is made of "
                           "it"));
    return json_array_append_new(rows, row) == 0 ? 0 : -ENOMEM;
}

static int set_curve(json_t *json, const struct ipm_energy_data *data,
                     const struct ipm_battery *battery)
{
    ipm_auto_json json_t *seen = json_object();
    json_t *rows = json_array();
    set(json, "curve", rows);
    for (size_t i = 0; i < data->n_cells; i++) {
        const struct ipm_energy_cell *cell = &data->cells[i];
        for (size_t k = 0; k < cell->n_blocks; k++) {
            char name[128];
            if (!ipm_energy_is_first(cell, k))
                continue;
            /* A self-loop is in the cells of several waits. */
            (void)snprintf(name, sizeof(name), "%s %s", cell->blocks[k].row->point,
                           cell->domain);
            if (json_object_get(seen, name) != NULL)
                continue;
            if (json_object_set_new(seen, name, json_true()) != 0 ||
                add_point(rows, cell, k, battery) != 0)
                return -ENOMEM;
        }
    }
    return 0;
}

int ipm_energy_set_curves(json_t *json, const struct ipm_energy_data *data,
                          const struct ipm_battery *battery)
{
    bool asked = !isnan(battery->battery_wh);
    json_t *what = asked ? json_object() : json_null();
    if (asked) {
        bool given = !isnan(battery->base_power_w);
        set(what, "battery_wh", ipm_json_number(battery->battery_wh));
        set(what, "base_power_w", ipm_json_number(battery->base_power_w));
        set(what, "base_power",
            json_string(given ? "given" : "the power of the meter's domain at rest"));
    }
    set(json, "battery", what);
    int error = set_curve(json, data, battery);
    return error != 0 ? error : ipm_energy_set_lines(json, data);
}
