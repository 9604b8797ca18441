/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * time: T(s) = k s c_copy(s) + m c_sync ceil(s / C) + p c_page ceil(s / 4096), mechanism by
 * mechanism: in which pieces times grow with the size, and whether the declared copies are
 * there.  What was found, what it rests on and what was left out stand in the document.
 */
#include "analysis/models/model.h"
#include "analysis/models/time_data.h"
#include "analysis/models/time_fit.h"
#include "analysis/models/time_text.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

/* Ten digits: the last ones belong to the numeric library, not to the model. */
static json_t *number(double value)
{
    char text[40];
    if (!isfinite(value))
        return json_null();
    (void)snprintf(text, sizeof(text), "%.10g", value);
    return ipm_json_number(strtod(text, NULL));
}

static json_t *interval_json(const struct ipm_interval *interval, const char *unit)
{
    json_t *json = json_object();
    set(json, "value", number(interval->value));
    set(json, "low", number(interval->low));
    set(json, "high", number(interval->high));
    set(json, "unit", json_string(unit));
    return json;
}

static json_t *breaks_json(const struct ipm_time_series *series,
                           const struct ipm_segments_shape *shape,
                           const double *frequency)
{
    json_t *list = json_array();
    for (size_t i = 0; i < shape->n_breaks; i++) {
        const struct ipm_segments_break *at = &shape->breaks[i];
        json_t *json = json_object();
        set(json, "from", number(series->sizes[at->gap - 1].size));
        set(json, "to", number(series->sizes[at->gap].size));
        set(json, "at", number(at->knot));
        set(json, "name", text_or_null(at->name));
        set(json, "kind", json_string(at->jump ? "jump" : "hinge"));
        if (frequency != NULL)
            set(json, "frequency", number(frequency[i]));
        (void)json_array_append_new(list, json);
    }
    return list;
}

static json_t *lack_json(const struct ipm_time_lack *lack)
{
    json_t *json = json_object();
    set(json, "f", number(lack->f));
    set(json, "dof_fit", number(lack->dof_fit));
    set(json, "dof_pure", number(lack->dof_pure));
    set(json, "p", number(lack->p));
    set(json, "widening", number(lack->widening));
    return json;
}

static json_t *pieces_json(const struct ipm_time_line *line)
{
    json_t *list = json_array();
    for (size_t i = 0; i < line->n_pieces; i++) {
        const struct ipm_time_piece *piece = &line->pieces[i];
        json_t *json = json_object();
        set(json, "from", number(piece->from));
        set(json, "to", number(piece->to));
        set(json, "level", interval_json(&piece->level, "ns"));
        set(json, "slope", interval_json(&piece->slope, "ns/B"));
        set(json, "least_squares_level", number(piece->plain_level));
        set(json, "least_squares_slope", number(piece->plain_slope));
        (void)json_array_append_new(list, json);
    }
    return list;
}

static json_t *score_json(const struct ipm_segments_score *score)
{
    json_t *json = json_object();
    set(json, "aicc", number(score->aicc));
    set(json, "left_out", number(score->left_out));
    return json;
}

static void set_selection(json_t *json, const struct ipm_time_series *series,
                          const struct ipm_time_line *line)
{
    json_t *selection = score_json(&line->score);
    set(selection, "straight", score_json(&line->straight));
    json_t *second = score_json(&line->second);
    set(second, "breaks", breaks_json(series, &line->runner_up, NULL));
    set(selection, "runner_up", second);
    set(selection, "refused",
        breaks_json(series, &line->refused.shape, line->refused.frequency));
    set(json, "selection", selection);
}

static double predict(const struct ipm_time_line *line, double size)
{
    double row[IPM_REGRESS_MOST];
    size_t p = ipm_segments_columns(&line->chosen.shape);
    double value = 0;
    ipm_segments_row(&line->chosen.shape, size, row);
    for (size_t k = 0; k < p; k++)
        value += line->robust.c[k] * row[k];
    return value;
}

/* By size what is left, and every invocation that weighs nothing. */
static void set_rows(json_t *json, const struct ipm_time_series *series,
                     const struct ipm_time_line *line)
{
    json_t *points = json_array();
    json_t *rejected = json_array();
    size_t row = 0;
    for (size_t i = 0; i < series->n_sizes; i++) {
        const struct ipm_time_size *size = &series->sizes[i];
        double predicted = predict(line, size->size);
        size_t n = 0;
        for (size_t k = 0; k < size->n; k++, row++) {
            if (line->weights[row] > 0)
                continue;
            json_t *one = json_object();
            n++;
            set(one, "size", number(size->size));
            set(one, "invocation", json_integer(size->invocations[k]));
            set(one, "time_ns", number(size->times[k]));
            set(one, "residual", number(size->times[k] / predicted - 1));
            (void)json_array_append_new(rejected, one);
        }
        json_t *point = json_object();
        set(point, "size", number(size->size));
        set(point, "time_ns", number(size->median));
        set(point, "error_ns", number(size->error / sqrt((double)size->n)));
        set(point, "n", json_integer((json_int_t)size->n));
        set(point, "rejected", json_integer((json_int_t)n));
        set(point, "predicted_ns", number(predicted));
        set(point, "residual", number(size->median / predicted - 1));
        (void)json_array_append_new(points, point);
    }
    set(json, "points", points);
    set(json, "rejected", rejected);
}

static json_t *test_json(const struct ipm_time_test *test)
{
    json_t *json = json_object();
    set(json, "from", number(test->from));
    set(json, "to", number(test->to));
    set(json, "sizes", json_integer((json_int_t)test->n_sizes));
    set(json, "verdict", json_string(ipm_time_verdicts[test->verdict]));
    set(json, "reason", text_or_null(test->reason));
    set(json, "copies", interval_json(&test->copies, ""));
    set(json, "nearest",
        isfinite(test->copies.value) ? number(round(test->copies.value)) : json_null());
    set(json, "least_squares", number(test->plain_copies));
    set(json, "constant", interval_json(&test->constant, "ns"));
    set(json, "further_chunk", interval_json(&test->chunk, ""));
    set(json, "vif", number(test->vif));
    set(json, "lack_of_fit", lack_json(&test->lack));
    return json;
}

static json_t *fact_json(double value)
{
    return value < 0 ? json_null() : number(value);
}

static void set_copies(json_t *json, const struct ipm_time_series *series,
                       const struct ipm_time_copies *copies)
{
    const struct ipm_time_facts *facts = &series->facts;
    json_t *declared = json_object();
    set(declared, "copies", fact_json(facts->copies));
    set(declared, "syncs", fact_json(facts->syncs));
    set(declared, "pages", fact_json(facts->pages));
    set(declared, "chunk_bytes", fact_json(facts->chunk_bytes));
    set(json, "declared", declared);
    json_t *tests = json_array();
    for (size_t i = 0; i < copies->n_tests; i++)
        (void)json_array_append_new(tests, test_json(&copies->tests[i]));
    set(json, "verdict", json_string(ipm_time_verdicts[copies->verdict]));
    set(json, "verdict_reason", text_or_null(copies->reason));
    set(json, "tests", tests);
}

static void set_factors(json_t *json, const struct ipm_factors *factors)
{
    const struct {
        const char *key, *text;
    } texts[] = {{"workload", factors->workload},   {"mechanism", factors->mechanism},
                 {"placement", factors->placement}, {"wait", factors->wait},
                 {"touch", factors->touch},         {"policy", factors->policy},
                 {"options", factors->options}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        set(json, texts[i].key,
            json_string(texts[i].text == NULL ? "" : texts[i].text));
    set(json, "copies",
        factors->copies < 0 ? json_null() : json_integer(factors->copies));
    set(json, "depth", factors->depth < 0 ? json_null() : json_integer(factors->depth));
    set(json, "batch", factors->batch < 0 ? json_null() : json_integer(factors->batch));
}

/* NULL: no memory. */
static json_t *series_json(const struct ipm_time_data *data,
                           const struct ipm_time_series *series, uint64_t seed)
{
    struct ipm_time_line line;
    struct ipm_time_copies copies;
    json_t *json = json_object();
    set_factors(json, series->factors);
    int result = ipm_time_fit(series, seed, &line);
    set(json, "status", json_string(result == 0 ? "fitted" : "not_identifiable"));
    set(json, "reason",
        result == 0 ? json_null()
                    : json_string(result == IPM_REGRESS_NO_GSL
                                      ? "built without GSL"
                                      : "the sizes do not determine a line"));
    set(json, "short_sizes", json_integer((json_int_t)series->n_short));
    if (result == 0) {
        result = ipm_time_copies(data, series, &line, seed + 1000, &copies);
        if (result == 0) {
            set(json, "breaks",
                breaks_json(series, &line.chosen.shape, line.chosen.frequency));
            set(json, "pieces", pieces_json(&line));
            set(json, "constant", interval_json(&line.constant, "ns"));
            set(json, "least_squares_constant", number(line.plain_constant));
            set_selection(json, series, &line);
            set(json, "lack_of_fit", lack_json(&line.lack));
            set(json, "robust", json_boolean(line.robust.converged));
            set(json, "scale", number(line.robust.sigma));
            set_copies(json, series, &copies);
            set_rows(json, series, &line);
        }
        free(line.weights);
    }
    if (result >= 0)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *floor_json(const struct ipm_time_data *data)
{
    json_t *list = json_array();
    for (size_t i = 0; i < data->copy.n_sizes; i++) {
        const struct ipm_time_size *size = &data->copy.sizes[i];
        json_t *json = json_object();
        set(json, "size", number(size->size));
        set(json, "time_ns", number(size->median));
        set(json, "n", json_integer((json_int_t)size->n));
        (void)json_array_append_new(list, json);
    }
    return list;
}

static json_t *time_fit(const struct ipm_model_input *input)
{
    static const char equation[] = "T(s) = k s c_copy(s) + m c_sync ceil(s / C) + "
                                   "p c_page ceil(s / 4096)";
    struct ipm_time_data ipm_auto_time_data data = {0};
    if (ipm_time_gather(input, &data) != 0)
        return NULL;
    const json_t *given = json_object_get(input->manifest, "seed");
    uint64_t seed = json_is_integer(given) ? (uint64_t)json_integer_value(given) : 1;
    ipm_auto_json json_t *json = json_object();
    json_t *list = json_array();
    set(json, "name", json_string("time"));
    set(json, "version", json_integer(2));
    set(json, "status", json_string(data.n_series > 0 ? "fitted" : "no_data"));
    set(json, "reason",
        data.n_series > 0
            ? json_null()
            : json_sprintf("needs ping-pongs of one mechanism at %d sizes and more, %d "
                           "invocations each",
                           IPM_TIME_SIZES, IPM_TIME_INVOCATIONS));
    set(json, "equations", json_pack("[s]", equation));
    set(json, "seed", json_integer((json_int_t)seed));
    set(json, "draws", json_integer(IPM_TIME_DRAWS));
    set(json, "level", number(IPM_TIME_LEVEL));
    set(json, "copy_floor", floor_json(&data));
    set(json, "series", list);
    for (size_t i = 0; i < data.n_series; i++) {
        /* Apart by so much that the draws of no two series are the same. */
        json_t *made =
            series_json(&data, &data.series[i], seed + UINT64_C(1000003) * (i + 1));
        if (made == NULL || json_array_append_new(list, made) != 0)
            return NULL;
    }
    return json_incref(json);
}

const struct ipm_model ipm_model_time = {
    .name = "time",
    .version = 2,
    .summary = "times over sizes: pieces, and how many copies",
    .fit = time_fit,
    .text = ipm_time_text,
};
