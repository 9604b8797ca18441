/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy: what a switch, a message and a byte draw, where the windows can tell them apart.
 *
 * A document for each cell of windows (energy_data.h): the finding, the coefficients or the
 * sum, what would have shown them wrong, and every block with its residual.  Beside them the
 * curves, which hold without any of this.
 */
#include "analysis/models/energy_checks.h"
#include "analysis/models/energy_curves.h"
#include "analysis/models/energy_judge.h"
#include "analysis/models/energy_text.h"
#include "analysis/models/model.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

/* Of the permutations: the same results give the same document. */
static const uint64_t seed = 20250607;

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *parameter_json(const struct ipm_energy_cell *cell, const char *name,
                              const char *unit)
{
    json_t *json = json_object();
    set(json, "name", json_string(name));
    set(json, "unit", json_string(unit));
    set(json, "provenance", json_string(cell->provenance));
    return json;
}

static void set_interval(json_t *json, bool stands, double value, double low,
                         double high)
{
    set(json, "value", stands ? ipm_json_number(value) : json_null());
    set(json, "low", stands ? ipm_json_number(low) : json_null());
    set(json, "high", stands ? ipm_json_number(high) : json_null());
    set(json, "level", ipm_json_number(IPM_SUMMARY_LEVEL));
}

static json_t *parameters_json(const struct ipm_energy_cell *cell,
                               const struct ipm_energy_judgement *judgement)
{
    const struct ipm_estimate *rest = &judgement->rest_w;
    json_t *list = json_array();
    json_t *row = parameter_json(cell, "P_idle", "W");
    set_interval(row, isfinite(rest->value) && rest->n > 0, rest->value, rest->low,
                 rest->high);
    set(row, "reason", text_or_null(rest->reason));
    (void)json_array_append_new(list, row);
    for (int i = 0; i < IPM_ENERGY_PARAMETERS; i++) {
        const struct ipm_energy_parameter *parameter = &judgement->parameters[i];
        json_t *fitted = json_null();
        row = parameter_json(cell, parameter->name, parameter->unit);
        set_interval(row, parameter->stands, parameter->value, parameter->low,
                     parameter->high);
        set(row, "reason", text_or_null(parameter->reason));
        /* What came out, for who wants to judge the judgement. */
        if (!isnan(parameter->value)) {
            fitted = json_object();
            set_interval(fitted, true, parameter->value, parameter->low,
                         parameter->high);
            set(fitted, "vif", ipm_json_number(judgement->fit.vif[i]));
            set(fitted, "vif_by_design", ipm_json_number(judgement->designed_vif[i]));
        }
        set(row, "fitted", fitted);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *sum_json(const struct ipm_energy_cell *cell,
                        const struct ipm_energy_judgement *judgement)
{
    bool known = isfinite(judgement->sum_uj);
    json_t *json = parameter_json(cell, "E_cs s/m + E_msg", "uJ");
    set_interval(json, known, judgement->sum_uj, judgement->sum_low,
                 judgement->sum_high);
    set(json, "switches_per_message", ipm_json_number(judgement->switches_per_message));
    set(json, "reason",
        known
            ? json_null()
            : json_string(strcmp(cell->provenance, "estimated") == 0
                              ? "estimated: from CPU time, no cost is made of it"
                              : "not_applicable: switches or bytes per message differ "
                                "between the windows; the curve has each point's"));
    return json;
}

static json_t *checks_json(const struct ipm_energy_cell *cell,
                           const struct ipm_energy_judgement *judgement)
{
    struct ipm_energy_check checks[IPM_ENERGY_CHECKS];
    json_t *list = json_array();
    if (judgement->finding != IPM_ENERGY_FITTED ||
        ipm_energy_check(cell, &judgement->fit, seed, checks) != 0)
        return list;
    for (int i = 0; i < IPM_ENERGY_CHECKS; i++) {
        json_t *row = json_object();
        set(row, "name", json_string(checks[i].name));
        set(row, "status", json_string(ipm_energy_verdict_names[checks[i].verdict]));
        set(row, "p", ipm_json_number(checks[i].p));
        set(row, "found", ipm_json_number(checks[i].found));
        set(row, "expected", ipm_json_number(checks[i].expected));
        set(row, "unit", text_or_null(checks[i].unit));
        set(row, "reason", text_or_null(checks[i].reason));
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *block_json(const struct ipm_energy_block *block)
{
    const struct ipm_factors *factors = &block->row->factors;
    const struct ipm_energy_observation *observed = &block->observed;
    json_t *json = json_object();
    set(json, "id", json_string(block->row->point));
    set(json, "block", json_integer(block->block));
    set(json, "workload", json_string(factors->workload));
    set(json, "size", json_integer(factors->size));
    set(json, "batch", json_integer(factors->batch));
    set(json, "rate", text_or_null(factors->rate));
    set(json, "placement", text_or_null(factors->placement));
    set(json, "rest_w", ipm_json_number(block->rest_w));
    set(json, "beyond_w", ipm_json_number(observed->beyond_w));
    set(json, "local_per_s", ipm_json_number(observed->rate[IPM_ENERGY_LOCAL] * 1e6));
    set(json, "wake_per_s", ipm_json_number(observed->rate[IPM_ENERGY_WAKE] * 1e6));
    set(json, "messages_per_s",
        ipm_json_number(observed->rate[IPM_ENERGY_MESSAGE] * 1e6));
    set(json, "bytes_per_s", ipm_json_number(observed->rate[IPM_ENERGY_BYTE] * 1e9));
    set(json, "weight", ipm_json_number(observed->weight));
    set(json, "predicted_w", ipm_json_number(observed->predicted_w));
    set(json, "residual_w",
        ipm_json_number(observed->beyond_w - observed->predicted_w));
    set(json, "used", json_boolean(observed->used));
    set(json, "reason", text_or_null(block->reason));
    return json;
}

static json_t *cell_json(struct ipm_energy_cell *cell, const json_t *manifest,
                         enum ipm_energy_finding *out_finding)
{
    struct ipm_energy_judgement judgement;
    if (ipm_energy_judge_cell(cell, manifest, &judgement) != 0)
        return NULL;
    const struct ipm_factors *factors = cell->factors;
    json_t *json = json_object();
    set(json, "mechanism", json_string(factors->mechanism));
    set(json, "copies", json_integer(factors->copies));
    set(json, "wait", text_or_null(factors->wait));
    set(json, "touch", text_or_null(factors->touch));
    set(json, "policy", text_or_null(factors->policy));
    set(json, "domain", json_string(cell->domain));
    set(json, "provenance", json_string(cell->provenance));
    set(json, "source", json_string(cell->source));
    set(json, "status", json_string(ipm_energy_finding_names[judgement.finding]));
    set(json, "reason", text_or_null(judgement.reason));
    set(json, "parameters", parameters_json(cell, &judgement));
    set(json, "sum", sum_json(cell, &judgement));
    set(json, "blocks", json_integer((json_int_t)judgement.used));
    set(json, "left_out", json_integer((json_int_t)(cell->n_blocks - judgement.used)));
    set(json, "correlation", ipm_json_number(judgement.correlation));
    set(json, "condition", ipm_json_number(judgement.fit.condition));
    set(json, "residual_w", ipm_json_number(sqrt(judgement.fit.variance)));
    json_t *lack = json_object();
    set(lack, "f", ipm_json_number(judgement.lack.f));
    set(lack, "freedom_fit", ipm_json_number(judgement.lack.freedom_fit));
    set(lack, "freedom_pure", ipm_json_number(judgement.lack.freedom_pure));
    set(lack, "p", ipm_json_number(judgement.lack.p));
    set(json, "lack_of_fit", lack);
    set(json, "checks", checks_json(cell, &judgement));
    json_t *blocks = json_array();
    for (size_t i = 0; i < cell->n_blocks; i++)
        (void)json_array_append_new(blocks, block_json(&cell->blocks[i]));
    set(json, "windows", blocks);
    *out_finding = judgement.finding;
    return json;
}

static json_t *frame(void)
{
    json_t *json = json_object();
    set(json, "name", json_string("energy"));
    set(json, "version", json_integer(1));
    set(json, "status", json_null()); /* their places in the document */
    set(json, "reason", json_null());
    json_t *equations = json_array();
    (void)json_array_append_new(
        equations,
        json_string("P = P_idle + E_cs.local s_l + E_cs.wake s_w + e0 m + e1 b"));
    (void)json_array_append_new(equations, json_string("E_msg = e0 + e1 size"));
    (void)json_array_append_new(equations,
                                json_string("hours = battery / (base power + P beyond "
                                            "rest)"));
    set(json, "equations", equations);
    set(json, "seed", json_integer((json_int_t)seed));
    return json;
}

/* One word for all cells: the first of these that any has. */
static void set_status(json_t *json, const size_t *found, size_t n)
{
    const char *status = "no_data";
    for (int i = IPM_ENERGY_FINDINGS - 1; i >= 0; i--) {
        if (found[i] > 0)
            status = ipm_energy_finding_names[i];
    }
    set(json, "status", json_string(status));
    if (n == 0)
        set(json, "reason", json_string("no windows of the pass energy with joules"));
    else
        set(json, "reason",
            json_sprintf("%zu of %zu cells fitted, %zu as a sum only; each says why",
                         found[IPM_ENERGY_FITTED], n, found[IPM_ENERGY_SUM_ONLY]));
}

static json_t *energy_fit(const struct ipm_model_input *input)
{
    struct ipm_energy_data ipm_auto_energy_data data = {0};
    size_t found[IPM_ENERGY_FINDINGS] = {0};
    if (ipm_energy_gather(input->table, &data) != 0)
        return NULL;
    ipm_auto_json json_t *json = frame();
    json_t *cells = json_array();
    set(json, "cells", cells);
    for (size_t i = 0; i < data.n_cells; i++) {
        enum ipm_energy_finding finding;
        json_t *cell = cell_json(&data.cells[i], input->manifest, &finding);
        if (cell == NULL || json_array_append_new(cells, cell) != 0)
            return NULL;
        found[finding]++;
    }
    set_status(json, found, data.n_cells);
    const struct ipm_battery battery = {
        .battery_wh = input->battery_wh > 0 ? input->battery_wh : NAN,
        .base_power_w = input->base_power_w > 0 ? input->base_power_w : NAN};
    if (ipm_energy_set_curves(json, &data, &battery) != 0)
        return NULL;
    return json_incref(json);
}

const struct ipm_model ipm_model_energy = {
    .name = "energy",
    .version = 1,
    .summary = "joules of a switch, a message and a byte; batteries",
    .fit = energy_fit,
    .text = ipm_energy_model_text,
};
