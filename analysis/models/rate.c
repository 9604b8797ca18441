/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rate: mean response against offered rate, and what a mechanism can carry.
 *
 * Each series of open-loop points that differ in the rate alone has a fit of its own
 * (rate_fit.h).  Rates that were not achieved are no part of it, since a queue that grows as
 * long as the window lasts has no mean; what came through there is the capacity measured, apart
 * from the one that the rise of the response tells.
 */
#include "analysis/models/model.h"
#include "analysis/models/rate_fit.h"
#include "analysis/models/rate_text.h"
#include "analysis/rate_series.h"
#include "analysis/stats.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

/* Of the messages of one invocation, in ns; NaN without any. */
static double mean_response(const struct ipm_row *row)
{
    const struct ipm_tally *tally =
        row->open_loop == NULL ? NULL : &row->open_loop->times[IPM_OPEN_LOOP_RESPONSE];
    if (tally == NULL || tally->count == 0)
        return NAN;
    return tally->mean;
}

static double achieved(const struct ipm_row *row)
{
    return row->messages_per_s;
}

/* What @value takes from each invocation of a point that counts.  Returns how many. */
static size_t values_of(const struct ipm_table *table, const struct ipm_point *point,
                        double (*value)(const struct ipm_row *row), double *out_values)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (row->status != IPM_ROW_OK || row->set_aside ||
            strcmp(row->pass, "timing") != 0 || strcmp(row->point, point->id) != 0)
            continue;
        double taken = value(row);
        if (isfinite(taken))
            out_values[n++] = taken;
    }
    return n;
}

/* One rate: the median of the invocations' means, and its standard error by the median
 * deviation from it, so that one pause does not make a rate count for nothing. */
struct rate {
    const struct ipm_point *point;
    struct ipm_estimate response;
    struct ipm_estimate achieved;
    double spread; /* relative; NaN: unknown */
    bool kept;     /* in most invocations */
};

static double spread_of(double *values, size_t n, double median)
{
    /* 1.4826 of the median deviation is sigma, 1.2533 sigma / sqrt(n) the error of a
     * median, of normal values (Huber, Robust Statistics, 1981, sections 1.1 and 3.2). */
    if (n < 2)
        return NAN;
    for (size_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - median);
    ipm_sort(values, n);
    return 1.2533 * 1.4826 * ipm_quantile(values, n, 0.5) / sqrt((double)n) / median;
}

static void measure(const struct ipm_table *table, const struct ipm_point *point,
                    double *values, struct rate *out_rate)
{
    struct rate rate = {.point = point, .spread = NAN, .kept = ipm_rate_kept(point)};
    size_t n = values_of(table, point, achieved, values);
    ipm_estimate_median(values, n, IPM_SUMMARY_LEVEL, &rate.achieved);
    n = values_of(table, point, mean_response, values);
    ipm_estimate_median(values, n, IPM_SUMMARY_LEVEL, &rate.response);
    rate.spread = spread_of(values, n, rate.response.value);
    *out_rate = rate;
}

static json_t *estimate_json(const struct ipm_estimate *estimate)
{
    json_t *json = json_object();
    set(json, "value", ipm_json_number(estimate->value));
    set(json, "low", ipm_json_number(estimate->low));
    set(json, "high", ipm_json_number(estimate->high));
    set(json, "n", json_integer((json_int_t)estimate->n));
    set(json, "reason",
        estimate->reason[0] == '\0' ? json_null() : json_string(estimate->reason));
    return json;
}

static const char *reason_of(const struct rate *rate, const struct ipm_rate_point *fit)
{
    if (!(rate->response.value > 0))
        return "no response times in the records";
    if (!rate->kept)
        return "the rate was not achieved";
    if (fit == NULL || isnan(fit->predicted_ns))
        return "no range was accepted";
    return fit->used ? NULL : "below the accepted range";
}

static json_t *points_json(const struct rate *rates, size_t n,
                           const struct ipm_rate_point *points)
{
    json_t *list = json_array();
    size_t fitted = 0;
    for (size_t i = 0; i < n; i++) {
        const struct rate *rate = &rates[i];
        bool part = rate->kept && rate->response.value > 0;
        const struct ipm_rate_point *fit = part ? &points[fitted++] : NULL;
        const char *reason = reason_of(rate, fit);
        double predicted = fit == NULL ? NAN : fit->predicted_ns;
        json_t *json = json_object();
        set(json, "id", json_string(rate->point->id));
        set(json, "offered_per_s",
            ipm_json_number(rate->point->open_loop.offered_per_s));
        set(json, "response_mean_ns", estimate_json(&rate->response));
        set(json, "achieved_per_s", estimate_json(&rate->achieved));
        set(json, "predicted_ns", ipm_json_number(predicted));
        set(json, "residual", ipm_json_number(rate->response.value / predicted - 1));
        set(json, "used", json_boolean(reason == NULL));
        set(json, "reason", reason == NULL ? json_null() : json_string(reason));
        (void)json_array_append_new(list, json);
    }
    return list;
}

static void set_fit(json_t *json, const struct ipm_rate_fit *fit)
{
    json_t *list = json_array();
    ipm_model_add_parameter(list, "base", "ns", &fit->base_ns);
    ipm_model_add_parameter(list, "residual_service", "ns", &fit->residual_ns);
    ipm_model_add_parameter(list, "capacity", "1/s", &fit->capacity_per_s);
    ipm_model_add_parameter(list, "knee", "1/s", &fit->knee_per_s);
    set(json, "parameters", list);
    bool accepted = fit->high > 0;
    json_t *range = json_object();
    set(range, "low", accepted ? ipm_json_number(fit->low) : json_null());
    set(range, "high", accepted ? ipm_json_number(fit->high) : json_null());
    set(range, "rejected_below",
        fit->rejected_below > 0 ? ipm_json_number(fit->rejected_below) : json_null());
    set(json, "range", range);
    json_t *lack = json_object();
    set(lack, "f", ipm_json_number(fit->f));
    set(lack, "dof_fit", ipm_json_number(fit->dof_fit));
    set(lack, "dof_pure", ipm_json_number(fit->dof_pure));
    set(lack, "p", ipm_json_number(fit->p));
    set(lack, "worst_residual", ipm_json_number(fit->worst_residual));
    set(lack, "out_of_line", json_integer((json_int_t)fit->out_of_line));
    set(json, "lack_of_fit", lack);
}

/* What somebody must know who reads a fit that was accepted. */
static json_t *notes_json(int result, const struct ipm_rate_fit *fit)
{
    char text[IPM_UNITS_TEXT];
    json_t *list = json_array();
    if (result != 0)
        return list;
    if (isnan(fit->knee_per_s.value))
        (void)json_array_append_new(
            list,
            json_sprintf("knee not located: these rates only tell that it is below "
                         "%s/s, the upper end of the capacity",
                         ipm_format_count(text, fit->knee_per_s.high)));
    if (fit->out_of_line > 0)
        (void)json_array_append_new(
            list, json_sprintf("out of line by more than %.0f %%: %zu of %zu rates; "
                               "repeating one varies as much (p = %.2g)",
                               100 * IPM_RATE_TOLERANCE, fit->out_of_line, fit->n_used,
                               fit->p));
    return list;
}

static void set_status(json_t *json, int result, const struct ipm_rate_fit *fit)
{
    static const char *const statuses[] = {"fitted",           "no_data",
                                           "rejected",         "not_identifiable",
                                           "not_identifiable", "not_identifiable"};
    json_t *reason = json_null();
    if (result == IPM_RATE_TOO_FEW)
        reason =
            json_sprintf("needs %d rates and more that were achieved", IPM_RATE_POINTS);
    else if (result == IPM_RATE_REJECTED)
        reason = json_sprintf("even over the %d highest rates a mean response is "
                              "%.0f %% off, and repeating does not explain it",
                              IPM_RATE_POINTS, 100 * fit->worst_residual);
    else if (result == IPM_RATE_UNIDENTIFIED)
        reason = json_string("the response does not rise enough with the rate to tell "
                             "where it would end: no rate came near the capacity");
    else if (result == IPM_RATE_NOISY)
        reason =
            json_sprintf("even over the %d highest rates a mean response is "
                         "%.0f %% off, and repeating a rate is as far off: so noisy "
                         "that any curve would do",
                         IPM_RATE_POINTS, 100 * fit->worst_residual);
    else if (result == IPM_RATE_NO_GSL)
        reason = json_string("built without GSL");
    set(json, "status", json_string(statuses[result]));
    set(json, "reason", reason);
}

/* What came through where more was offered than could: at the highest such rate. */
static json_t *saturation_json(const struct rate *rates, size_t n)
{
    json_t *json = json_object();
    const struct rate *last = n > 0 && !rates[n - 1].kept ? &rates[n - 1] : NULL;
    if (last == NULL || isnan(last->achieved.value)) {
        static const struct ipm_estimate none = {.value = NAN, .low = NAN, .high = NAN};
        json_decref(json);
        json = estimate_json(&none);
        set(json, "reason", json_string("every rate was achieved"));
        return json;
    }
    json_decref(json);
    return estimate_json(&last->achieved);
}

/* NULL: no memory. */
static json_t *series_json(const struct ipm_table *table,
                           const struct ipm_rate_series *series, int *out_result)
{
    size_t n = series->n_points;
    ipm_auto_free double *values = calloc(table->n_rows + 1, sizeof(*values));
    ipm_auto_free struct rate *rates = calloc(n + 1, sizeof(*rates));
    ipm_auto_free struct ipm_rate_point *points = calloc(n + 1, sizeof(*points));
    if (values == NULL || rates == NULL || points == NULL)
        return NULL;
    size_t fitted = 0;
    for (size_t i = 0; i < n; i++) {
        measure(table, series->points[i], values, &rates[i]);
        if (!rates[i].kept || !(rates[i].response.value > 0))
            continue;
        points[fitted++] = (struct ipm_rate_point){
            .offered_per_s = series->points[i]->open_loop.offered_per_s,
            .mean_ns = rates[i].response.value,
            .spread = rates[i].spread,
            .n = rates[i].response.n,
        };
    }
    struct ipm_rate_fit fit;
    *out_result = ipm_rate_fit(points, fitted, &fit);
    if (*out_result < 0)
        return NULL;
    json_t *json = json_object();
    set(json, "label", json_string(series->label));
    set(json, "detail", json_string(series->detail));
    set_status(json, *out_result, &fit);
    set_fit(json, &fit);
    set(json, "notes", notes_json(*out_result, &fit));
    set(json, "saturation_per_s", saturation_json(rates, n));
    set(json, "points", points_json(rates, n, points));
    return json;
}

static json_t *rate_fit(const struct ipm_model_input *input)
{
    ipm_auto_rate_set struct ipm_rate_set rate_set = {0};
    if (ipm_rate_set_make(input->summary, &rate_set, NULL) != 0)
        return NULL;
    ipm_auto_json json_t *json = json_object();
    ipm_auto_json json_t *list = json_array();
    set(json, "name", json_string("rate"));
    set(json, "version", json_integer(2));
    bool fitted = false;
    for (size_t i = 0; i < rate_set.n_series; i++) {
        int result = 0;
        json_t *series = series_json(input->table, &rate_set.series[i], &result);
        if (series == NULL || json_array_append_new(list, series) != 0)
            return NULL;
        fitted = fitted || result == 0;
    }
    const json_t *first = json_array_get(list, 0);
    set(json, "status",
        fitted          ? json_string("fitted")
        : first == NULL ? json_string("no_data")
                        : json_incref(json_object_get(first, "status")));
    set(json, "reason",
        fitted          ? json_null()
        : first == NULL ? json_string("needs the workload open_loop at several rates")
                        : json_incref(json_object_get(first, "reason")));
    set(json, "equations",
        json_pack("[s]", "R(lambda) = R_0 + a rho / (1 - rho), rho "
                         "= lambda / mu"));
    (void)json_object_set(json, "series", list);
    return ipm_steal(&json);
}

const struct ipm_model ipm_model_rate = {
    .name = "rate",
    .version = 2,
    .summary = "response against rate: base, capacity, knee",
    .fit = rate_fit,
    .text = ipm_rate_model_text,
};
