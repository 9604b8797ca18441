/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seed: pipe against shared memory, two copies against one, with the same synchronisation.
 *
 * Both wake the other side by a byte in a pipe, so that c_sync means the same in both, and
 * on one CPU with one message at a time nothing overlaps.
 *
 * R(s) is measured apart from the fit: the median over invocations of T_pipe / T_shm, each
 * pair from one block of the run, so that a slow drift of the machine falls on both.
 */
#include "analysis/models/model.h"
#include "analysis/models/seed_data.h"
#include "analysis/models/seed_text.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *ratio_json(const struct ipm_seed_point *shm)
{
    json_t *json = json_object();
    set(json, "size", json_integer((json_int_t)shm->size));
    set(json, "value", ipm_json_number(shm->ratio.value));
    set(json, "low", ipm_json_number(shm->ratio.low));
    set(json, "high", ipm_json_number(shm->ratio.high));
    return json;
}

static void set_points(json_t *json, const struct ipm_seed_data *data,
                       const struct ipm_seed_fit *fit)
{
    json_t *points = json_array();
    json_t *ratios = json_array();
    for (size_t i = 0; i < IPM_SEED_KINDS * data->n_sizes; i++) {
        const struct ipm_seed_point *point = &data->points[i];
        const struct ipm_estimate *estimate = &data->series[i].estimate;
        double residual = point->time_ns / point->predicted_ns - 1;
        json_t *row = json_object();
        set(row, "mechanism", json_string(ipm_seed_pair[i % IPM_SEED_KINDS].mechanism));
        set(row, "copies", json_integer(ipm_seed_pair[i % IPM_SEED_KINDS].copies));
        set(row, "size", json_integer(data->sizes[i / IPM_SEED_KINDS]));
        set(row, "time_ns", ipm_json_number(estimate->value));
        set(row, "low", ipm_json_number(estimate->low));
        set(row, "high", ipm_json_number(estimate->high));
        set(row, "n", json_integer((json_int_t)estimate->n));
        set(row, "predicted_ns", ipm_json_number(point->predicted_ns));
        set(row, "residual", ipm_json_number(residual));
        set(row, "used", json_boolean(point->used));
        set(row, "reason",
            point->used       ? json_null()
            : fit->high > 0.0 ? json_string("beyond the accepted range")
                              : json_string("no range was accepted"));
        (void)json_array_append_new(points, row);
    }
    for (size_t i = 0; i < data->n_sizes; i++) {
        const struct ipm_seed_point *both = &data->points[IPM_SEED_KINDS * i];
        json_t *row = ratio_json(&both[IPM_SEED_SHM]);
        set(row, "predicted",
            ipm_json_number(both[0].predicted_ns / both[1].predicted_ns));
        set(row, "used", json_boolean(both[0].used && both[1].used));
        (void)json_array_append_new(ratios, row);
    }
    set(json, "points", points);
    set(json, "ratio", ratios);
}

static void set_fit(json_t *json, const struct ipm_seed_fit *fit, bool parameters)
{
    static const struct ipm_interval none = {NAN, NAN, NAN};
    json_t *list = json_array();
    ipm_model_add_parameter(list, "c_copy", "ns/B", parameters ? &fit->c_copy : &none);
    ipm_model_add_parameter(list, "c_sync", "ns", parameters ? &fit->c_sync : &none);
    ipm_model_add_parameter(list, "s_half", "B", parameters ? &fit->s_half : &none);
    set(json, "parameters", list);

    json_t *range = json_object();
    bool accepted = fit->high > 0;
    set(range, "low", accepted ? ipm_json_number(fit->low) : json_null());
    set(range, "high", accepted ? ipm_json_number(fit->high) : json_null());
    set(range, "rejected_above",
        accepted && fit->rejected_above > 0 ? ipm_json_number(fit->high) : json_null());
    set(range, "reason",
        isfinite(fit->rejected_residual)
            ? json_sprintf(
                  "with the next size a time is %.0f %% and an R %.0f %% off, and "
                  "repeating does not explain it",
                  100 * fit->rejected_residual, 100 * fit->rejected_ratio)
            : json_null());
    set(json, "range", range);

    json_t *lack = json_object();
    set(lack, "f", ipm_json_number(fit->f));
    set(lack, "dof_fit", ipm_json_number(fit->dof_fit));
    set(lack, "dof_pure", ipm_json_number(fit->dof_pure));
    set(lack, "p", ipm_json_number(fit->p));
    set(lack, "worst_residual", ipm_json_number(fit->worst_residual));
    set(lack, "worst_ratio", ipm_json_number(fit->worst_ratio));
    set(json, "lack_of_fit", lack);
}

/* Constants from the pipe alone, asked for the other mechanism over the accepted range. */
static json_t *out_of_sample(const struct ipm_seed_data *data, double chunk_bytes,
                             const struct ipm_seed_fit *joint)
{
    size_t n = IPM_SEED_KINDS * data->n_sizes;
    ipm_auto_free struct ipm_seed_point *points = calloc(n + 1, sizeof(*points));
    ipm_auto_free double *errors = calloc(n + 1, sizeof(*errors));
    struct ipm_seed_fit fit;
    if (points == NULL || errors == NULL)
        return json_null();
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (data->points[i].used)
            points[kept++] = data->points[i];
    }
    int result = ipm_seed_fit(points, kept, chunk_bytes, 1u << IPM_SEED_PIPE, &fit);
    if (result != 0 && result != IPM_SEED_UNIDENTIFIED)
        return json_null();
    size_t n_errors = 0;
    for (size_t i = 0; i < kept; i++) {
        if (points[i].kind == IPM_SEED_SHM && points[i].size <= joint->high)
            errors[n_errors++] =
                fabs(ipm_seed_predict(IPM_SEED_SHM, points[i].size, chunk_bytes,
                                      fit.c_copy.value, fit.c_sync.value) /
                         points[i].time_ns -
                     1);
    }
    if (n_errors == 0)
        return json_null();
    ipm_sort(errors, n_errors);
    json_t *json = json_object();
    set(json, "from", json_string(ipm_seed_pair[0].mechanism));
    set(json, "to", json_string(ipm_seed_pair[1].mechanism));
    set(json, "median_error", ipm_json_number(ipm_quantile(errors, n_errors, 0.5)));
    set(json, "worst_error", ipm_json_number(errors[n_errors - 1]));
    set(json, "points", json_integer((json_int_t)n_errors));
    return json;
}

/* Time per byte of a floor at the largest size within @limit; NaN: not measured. */
static double floor_per_byte(const struct ipm_summary *summary, const char *name,
                             double limit)
{
    double per_byte = NAN;
    int64_t largest = 1023; /* below, the calls outweigh the bytes */
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        double time_ns = ipm_point_value(point, "p50_ns");
        if (!point->floor || strcmp(point->factors.mechanism, name) != 0 ||
            point->factors.size <= largest || (double)point->factors.size > limit ||
            !isfinite(time_ns))
            continue;
        largest = point->factors.size;
        per_byte = time_ns / (double)largest;
    }
    return per_byte;
}

static void set_touched(json_t *json, const struct ipm_model_input *input,
                        const struct ipm_seed_fit *fit, bool parameters)
{
    json_t *rows = json_array();
    struct ipm_seed_data ipm_auto_seed_data touched = {0};
    if (ipm_seed_gather(input->table, "full", &touched) == 0) {
        for (size_t i = 0; i < touched.n_sizes; i++)
            (void)json_array_append_new(
                rows, ratio_json(&touched.points[IPM_SEED_KINDS * i + IPM_SEED_SHM]));
    }
    set(json, "ratio_touched", rows);

    double produce = floor_per_byte(input->summary, "floor_produce", fit->high);
    double consume = floor_per_byte(input->summary, "floor_consume", fit->high);
    double c_touch = produce + consume;
    double c_copy = fit->c_copy.value;
    bool known = parameters && isfinite(c_touch);
    json_t *limit = json_object();
    set(limit, "value",
        ipm_json_number(known ? (2 * c_copy + c_touch) / (c_copy + c_touch) : NAN));
    set(limit, "c_touch", ipm_json_number(c_touch));
    set(limit, "reason",
        known ? json_null()
              : json_string(!parameters ? "the model has no parameters here"
                                        : "floor_produce and floor_consume were not "
                                          "measured within the range"));
    set(json, "ratio_touched_limit", limit);
}

/* In cycles, where a counter pass gives the clock of the roles: cycles / CPU time. */
static void set_cycles(json_t *json, const struct ipm_summary *summary,
                       const struct ipm_seed_fit *fit, bool parameters)
{
    const char *reason = "not measured";
    double frequency = NAN; /* cycles per ns */
    for (size_t i = 0; i < summary->n_absent; i++) {
        if (strcmp(summary->absent[i].name, "cycles") == 0)
            reason = summary->absent[i].reason;
    }
    for (size_t i = 0; i < summary->n_points && isnan(frequency); i++) {
        const struct ipm_point *point = &summary->points[i];
        if (strcmp(point->factors.mechanism, ipm_seed_pair[0].mechanism) == 0)
            frequency = ipm_point_value(point, "cycles_per_message") /
                        ipm_point_value(point, "cpu_ns_per_message");
    }
    bool known = parameters && isfinite(frequency);
    json_t *cycles = known ? json_object() : json_null();
    if (known) {
        set(cycles, "c_copy", ipm_json_number(fit->c_copy.value * frequency));
        set(cycles, "c_sync", ipm_json_number(fit->c_sync.value * frequency));
    }
    set(json, "cycles", cycles);
    set(json, "cycles_reason", known ? json_null() : json_string(reason));
}

static json_t *frame(void)
{
    json_t *equations = json_array();
    (void)json_array_append_new(
        equations, json_string("tau_pipe = s f / (2 (s c_copy + c_sync))"));
    (void)json_array_append_new(equations,
                                json_string("tau_shm = s f / (s c_copy + 2 c_sync)"));
    (void)json_array_append_new(equations, json_string("R = tau_shm / tau_pipe"));
    json_t *names = json_array();
    for (size_t i = 0; i < IPM_SEED_KINDS; i++)
        (void)json_array_append_new(names, json_string(ipm_seed_pair[i].mechanism));
    json_t *json = json_object();
    set(json, "name", json_string("seed"));
    set(json, "version", json_integer(1));
    set(json, "status", json_null()); /* their places in the document */
    set(json, "reason", json_null());
    set(json, "equations", equations);
    set(json, "pair", names);
    set(json, "workload", json_string("pingpong"));
    set(json, "placement", json_string(IPM_SEED_PLACEMENT));
    set(json, "wait", json_string(IPM_SEED_WAIT));
    set(json, "touch", json_string("none"));
    return json;
}

static void set_status(json_t *json, int result, const struct ipm_seed_fit *fit)
{
    static const char *const statuses[] = {"fitted", "no_data", "rejected",
                                           "not_identifiable", "not_identifiable"};
    json_t *reason = json_null();
    if (result == IPM_SEED_TOO_FEW)
        reason =
            json_sprintf("needs ping-pongs over pipe (2 copies) and shm_pipe_token "
                         "(1 copy) at %d sizes and more, placement same_cpu, wait "
                         "block, touch none",
                         IPM_SEED_SIZES);
    else if (result == IPM_SEED_REJECTED)
        reason = json_sprintf(
            "even over the %d smallest sizes a time is %.0f %% and an R "
            "%.0f %% off",
            IPM_SEED_SIZES, 100 * fit->rejected_residual, 100 * fit->rejected_ratio);
    else if (result == IPM_SEED_UNIDENTIFIED)
        reason =
            json_string("the interval of c_copy or c_sync reaches 0: the sizes that "
                        "fit say too little about it");
    else if (result == IPM_SEED_NO_GSL)
        reason = json_string("built without GSL");
    set(json, "status", json_string(statuses[result]));
    set(json, "reason", reason);
}

static json_t *seed_fit(const struct ipm_model_input *input)
{
    struct ipm_seed_data ipm_auto_seed_data data = {0};
    struct ipm_seed_fit fit;
    if (ipm_seed_gather(input->table, "none", &data) != 0)
        return NULL;
    double chunk_bytes = ipm_seed_chunk(input->manifest);
    int result = ipm_seed_fit(data.points, IPM_SEED_KINDS * data.n_sizes, chunk_bytes,
                              1u << IPM_SEED_PIPE | 1u << IPM_SEED_SHM, &fit);
    if (result < 0)
        return NULL;
    bool parameters = result == 0;
    json_t *json = frame();
    set_status(json, result, &fit);
    set_fit(json, &fit, parameters);
    set(json, "chunk_bytes", ipm_json_number(chunk_bytes));
    set(json, "out_of_sample",
        parameters ? out_of_sample(&data, chunk_bytes, &fit) : json_null());
    set_cycles(json, input->summary, &fit, parameters);
    set_points(json, &data, &fit);
    set_touched(json, input, &fit, parameters);
    return json;
}

const struct ipm_model ipm_model_seed = {
    .name = "seed",
    .version = 1,
    .summary = "two copies against one: c_copy, c_sync, R(s)",
    .fit = seed_fit,
    .text = ipm_seed_text,
};
