/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_baseline_json.h"

#include "analysis/gate_json.h"
#include "base/json.h"

#include <stdio.h>

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *count(size_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *values_json(const double *values, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, ipm_json_number(values[i]));
    return list;
}

static json_t *sessions_json(const struct ipm_baseline_series *series, size_t n,
                             size_t m, const struct ipm_baseline_finding *own)
{
    json_t *json = json_object();
    set(json, "baseline", values_json(series->baseline, n));
    set(json, "candidate", values_json(series->candidate, m));
    set(json, "scatter", ipm_json_number(own->scatter));
    set(json, "error", ipm_json_number(own->error));
    set(json, "freedom", ipm_json_number(own->freedom));
    set(json, "least_effect", ipm_json_number(own->least_effect));
    set(json, "needs",
        own->needs_m == 0 ? json_null()
                          : json_pack("{s:o, s:o}", "baseline", count(own->needs_n),
                                      "candidate", count(own->needs_m)));
    set(json, "would_be", json_string(ipm_gate_verdict_names[own->would_be]));
    set(json, "advisory", json_boolean(own->advisory));
    set(json, "drift", ipm_json_number(own->drift));
    set(json, "p_drift", ipm_json_number(own->p_drift));
    return json;
}

static json_t *params_json(const struct ipm_gate_params *params)
{
    json_t *json = ipm_gate_params_json(params);
    set(json, "sessions", count(IPM_BASELINE_SESSIONS));
    return json;
}

json_t *ipm_baseline_json(const struct ipm_gate_params *params,
                          const struct ipm_gate_point *points,
                          const struct ipm_baseline_series *series, size_t n, size_t m,
                          const struct ipm_baseline_result *result)
{
    json_t *json = ipm_gate_result_json(&result->gate);
    if (json == NULL)
        return NULL;
    set(json, "method", json_string("baseline"));
    set(json, "advisory", json_boolean(result->advisory));
    set(json, "drift",
        json_pack("{s:o, s:o}", "log", ipm_json_number(result->drift), "p",
                  ipm_json_number(result->p_drift)));
    set(json, "params", params_json(params));
    json_t *list = json_array();
    for (size_t i = 0; i < result->gate.n_findings; i++) {
        json_t *point = ipm_gate_point_json(&points[i], &result->gate.findings[i]);
        set(point, "stage", json_null());
        set(point, "blocks", json_array());
        set(point, "sessions", sessions_json(&series[i], n, m, &result->findings[i]));
        (void)json_array_append_new(list, point);
    }
    if (json_object_set_new(json, "points", list) == 0)
        return json;
    json_decref(json);
    return NULL;
}

json_t *ipm_baseline_error_json(const char *sentence)
{
    struct ipm_gate_result result = {.verdict = IPM_GATE_ERROR};
    (void)snprintf(result.sentence, sizeof(result.sentence), "%s", sentence);
    ipm_estimate_median(NULL, 0, ipm_gate_defaults.level, &result.shift);
    json_t *json = ipm_gate_result_json(&result);
    set(json, "method", json_string("baseline"));
    set(json, "points", json_array());
    return json;
}
