/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_json.h"

#include "base/json.h"

#include <math.h>

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *count(size_t n)
{
    return json_integer((json_int_t)n);
}

json_t *ipm_gate_params_json(const struct ipm_gate_params *params)
{
    json_t *json = json_object();
    set(json, "margin", ipm_json_number(params->margin));
    set(json, "smallest_effect", ipm_json_number(params->smallest_effect));
    set(json, "noise_factor", ipm_json_number(params->noise_factor));
    set(json, "alpha", ipm_json_number(params->alpha));
    set(json, "q", ipm_json_number(params->q));
    set(json, "level", ipm_json_number(params->level));
    set(json, "superiority", ipm_json_number(params->superiority));
    return json;
}

static json_t *params_json(const struct ipm_gate_params *params)
{
    json_t *json = ipm_gate_params_json(params);
    set(json, "screen_blocks", count(params->screen_blocks));
    set(json, "confirm_blocks", count(params->confirm_blocks));
    set(json, "looks", count(params->looks));
    set(json, "screen_limit", ipm_json_number(params->screen_limit));
    set(json, "seed", json_integer((json_int_t)params->seed));
    return json;
}

static json_t *effect_json(const struct ipm_estimate *effect)
{
    json_t *json = json_object();
    set(json, "log", ipm_json_number(effect->value));
    set(json, "log_low", ipm_json_number(effect->low));
    set(json, "log_high", ipm_json_number(effect->high));
    set(json, "share", ipm_json_number(expm1(effect->value)));
    set(json, "level", ipm_json_number(effect->level));
    set(json, "blocks", count(effect->n));
    set(json, "reason",
        effect->reason[0] == '\0' ? json_null() : ipm_json_text(effect->reason));
    return json;
}

static void add_blocks(json_t *list, const struct ipm_gate *gate, size_t point,
                       enum ipm_gate_stage stage)
{
    size_t n = 0;
    const struct ipm_gate_block *blocks = ipm_gate_blocks(gate, point, stage, &n);
    for (size_t i = 0; i < n; i++) {
        json_t *values = json_array();
        for (size_t place = 0; place < IPM_GATE_BLOCK; place++)
            (void)json_array_append_new(values,
                                        ipm_json_number(blocks[i].values[place]));
        json_t *block = json_object();
        set(block, "stage", json_string(ipm_gate_stage_names[stage]));
        set(block, "order", json_string(blocks[i].b_first ? "baab" : "abba"));
        set(block, "sequence", json_integer((json_int_t)blocks[i].sequence));
        set(block, "values", values);
        set(block, "d", ipm_json_number(blocks[i].d));
        (void)json_array_append_new(list, block);
    }
}

json_t *ipm_gate_point_json(const struct ipm_gate_point *point,
                            const struct ipm_gate_finding *finding)
{
    json_t *json = json_object();
    set(json, "point", ipm_json_text(point->id));
    set(json, "label", ipm_json_text(point->label));
    set(json, "metric", ipm_json_text(point->metric));
    set(json, "unit", ipm_json_text(point->unit));
    set(json, "better", json_string(point->more_is_better ? "higher" : "lower"));
    set(json, "control", json_boolean(point->control));
    set(json, "noise", ipm_json_number(point->noise));
    set(json, "smallest_effect", ipm_json_number(point->smallest_effect));
    set(json, "verdict", json_string(ipm_gate_verdict_names[finding->verdict]));
    set(json, "reason", ipm_json_text(finding->reason));
    set(json, "stage", json_string(ipm_gate_stage_names[finding->stage]));
    set(json, "suspect", json_boolean(finding->suspect));
    set(json, "effect", effect_json(&finding->effect));
    set(json, "upper", ipm_json_number(finding->upper));
    set(json, "margin", ipm_json_number(finding->margin));
    set(json, "beyond", count(finding->n_beyond));
    set(json, "p", ipm_json_number(finding->p));
    set(json, "p_holm", ipm_json_number(finding->p_holm));
    set(json, "p_change", ipm_json_number(finding->p_change));
    set(json, "p_listed", ipm_json_number(finding->p_listed));
    set(json, "change", json_string(ipm_gate_change_names[finding->change]));
    set(json, "superiority", ipm_json_number(finding->superiority));
    set(json, "unstable", json_boolean(finding->unstable));
    return json;
}

static json_t *point_json(const struct ipm_gate *gate,
                          const struct ipm_gate_result *result, size_t index)
{
    json_t *json =
        ipm_gate_point_json(ipm_gate_point(gate, index), &result->findings[index]);
    json_t *blocks = json_array();
    for (int stage = 0; stage < IPM_GATE_STAGES; stage++)
        add_blocks(blocks, gate, index, (enum ipm_gate_stage)stage);
    set(json, "blocks", blocks);
    return json;
}

static json_t *counts_json(const size_t *counts, const char *const *names, size_t n)
{
    json_t *json = json_object();
    for (size_t i = 0; i < n; i++)
        set(json, names[i], count(counts[i]));
    return json;
}

json_t *ipm_gate_result_json(const struct ipm_gate_result *result)
{
    json_t *json = json_object();
    if (json == NULL)
        return NULL;
    set(json, "schema", json_integer(1));
    set(json, "kind", json_string("gate"));
    set(json, "verdict", json_string(ipm_gate_verdict_names[result->verdict]));
    set(json, "sentence", ipm_json_text(result->sentence));
    set(json, "complete", json_boolean(result->complete));
    set(json, "verdicts",
        counts_json(result->n_verdicts, ipm_gate_verdict_names, IPM_GATE_VERDICTS));
    set(json, "changes",
        counts_json(result->n_changes, ipm_gate_change_names, IPM_GATE_CHANGES));
    set(json, "family", count(result->n_family));
    set(json, "shift", effect_json(&result->shift));
    json_t *warnings = json_array();
    for (size_t i = 0; i < result->n_warnings; i++)
        (void)json_array_append_new(warnings, ipm_json_text(result->warnings[i]));
    set(json, "warnings", warnings);
    return json;
}

json_t *ipm_gate_json(const struct ipm_gate *gate, const struct ipm_gate_result *result)
{
    json_t *json = ipm_gate_result_json(result);
    if (json == NULL)
        return NULL;
    set(json, "params", params_json(ipm_gate_params(gate)));
    json_t *points = json_array();
    for (size_t i = 0; i < result->n_findings; i++)
        (void)json_array_append_new(points, point_json(gate, result, i));
    if (json_object_set_new(json, "points", points) == 0)
        return json;
    json_decref(json);
    return NULL;
}
