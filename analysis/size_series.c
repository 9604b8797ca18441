/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/size_series.h"

#include "analysis/plot_canvas.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All factors but the size; the first ones are named in every label. */
enum { NAMED = 6 };
static const char *const factors[] = {
    "mechanism",       "copies", "wait",  "placement",
    "placement_class", "touch",  "depth", "batch",
    "reply_size",      "policy", "rate",  "options",
};
enum { FACTORS = sizeof(factors) / sizeof(factors[0]) };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

static bool same_factor(const json_t *a, const json_t *b, size_t i)
{
    const json_t *left = json_object_get(a, factors[i]);
    const json_t *right = json_object_get(b, factors[i]);
    return left == right || json_equal(left, right); /* absent from both: NULL */
}

/* The factors of a point as one text, equal where they are; NULL when out of memory. */
static char *series_key(const json_t *point)
{
    ipm_auto_json json_t *key = json_array();
    for (size_t i = 0; i < FACTORS; i++) {
        json_t *value = json_object_get(point, factors[i]);
        if ((value == NULL ? json_array_append_new(key, json_array())
                           : json_array_append(key, value)) != 0)
            return NULL;
    }
    return ipm_json_canonical(key);
}

static bool chosen(const json_t *point, const struct ipm_size_choice *choice)
{
    return strcmp(text_of(point, "workload"), choice->workload) == 0 &&
           (choice->mechanism == NULL ||
            strcmp(text_of(point, "mechanism"), choice->mechanism) == 0) &&
           (choice->touch == NULL ||
            strcmp(text_of(point, "touch"), choice->touch) == 0);
}

/* @places: the index of each series known, by its key. */
static struct ipm_size_series *series_of(struct ipm_size_set *set, json_t *places,
                                         const json_t *point)
{
    ipm_auto_free char *key = series_key(point);
    if (key == NULL)
        return NULL;
    const json_t *place = json_object_get(places, key);
    if (place != NULL)
        return &set->series[json_integer_value(place)];
    struct ipm_size_series *grown =
        reallocarray(set->series, set->n_series + 1, sizeof(*grown));
    if (grown == NULL)
        return NULL;
    set->series = grown;
    if (json_object_set_new(places, key, json_integer((json_int_t)set->n_series)) != 0)
        return NULL;
    grown += set->n_series++;
    *grown = (struct ipm_size_series){.factors = point};
    return grown;
}

static int add_point(struct ipm_size_set *set, json_t *places, const json_t *point,
                     const char *name)
{
    const json_t *figures = json_object_get(point, "figures");
    const json_t *figure = json_object_get(figures, name);
    struct ipm_size_point made = {
        .size = number_of(point, "size"),
        .value = number_of(figure, "value"),
        .low = number_of(figure, "low"),
        .high = number_of(figure, "high"),
        .p99 = number_of(json_object_get(figures, "p99_ns"), "value"),
        .p999 = number_of(json_object_get(figures, "p999_ns"), "value"),
        .batches = strcmp(text_of(point, "sample"), "batch") == 0,
    };
    if (!(made.size > 0) || !(made.value > 0))
        return 0;
    struct ipm_size_series *series = series_of(set, places, point);
    if (series == NULL)
        return -ENOMEM;
    struct ipm_size_point *grown =
        reallocarray(series->points, series->n_points + 1, sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    series->points = grown;
    grown[series->n_points++] = made;
    return 0;
}

static int compare_points(const void *a, const void *b)
{
    double left = ((const struct ipm_size_point *)a)->size;
    double right = ((const struct ipm_size_point *)b)->size;
    return (left > right) - (left < right);
}

/* Takes out the series that are too short to be a line. */
static void drop_short(struct ipm_size_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->n_series; i++) {
        struct ipm_size_series *series = &set->series[i];
        if (series->n_points < IPM_SERIES_POINTS) {
            free(series->points);
            set->n_short++;
            continue;
        }
        qsort(series->points, series->n_points, sizeof(*series->points),
              compare_points);
        set->series[kept++] = *series;
    }
    set->n_series = kept;
}

static bool told_apart_by(const struct ipm_size_set *set, size_t factor)
{
    for (size_t i = 1; i < set->n_series; i++) {
        if (!same_factor(set->series[0].factors, set->series[i].factors, factor))
            return true;
    }
    return false;
}

static void put_detail(const bool *apart, const json_t *point, FILE *out)
{
    const char *class = text_of(point, "placement_class");
    const char *placement = text_of(point, "placement");
    bool known = class[0] != '\0' && strcmp(class, placement) != 0;
    char cut[40];
    ipm_canvas_cut(cut, sizeof(cut), placement);
    (void)fprintf(out, "wait %s, %s%s%s%s, touch %s", text_of(point, "wait"), cut,
                  known ? " (" : "", known ? class : "", known ? ")" : "",
                  text_of(point, "touch"));
    for (size_t i = NAMED; i < FACTORS; i++) {
        const json_t *value = json_object_get(point, factors[i]);
        bool limited = strcmp(factors[i], "rate") == 0 && json_is_string(value) &&
                       strcmp(json_string_value(value), "max") != 0;
        if (!limited && !apart[i])
            continue;
        if (json_is_integer(value))
            (void)fprintf(out, ", %s %" JSON_INTEGER_FORMAT, factors[i],
                          json_integer_value(value));
        else if (json_string_length(value) > 0)
            (void)fprintf(out, ", %s %s", factors[i], json_string_value(value));
    }
}

/* @apart: whether the series differ in each factor. */
static int describe(const bool apart[FACTORS], struct ipm_size_series *series)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return -ENOMEM;
    put_detail(apart, series->factors, out);
    if (fclose(out) != 0) {
        free(text);
        return -ENOMEM;
    }
    ipm_canvas_cut(series->detail, sizeof(series->detail), text);
    free(text);

    char name[40];
    double copies = number_of(series->factors, "copies");
    ipm_canvas_cut(name, sizeof(name), text_of(series->factors, "mechanism"));
    if (isnan(copies))
        (void)snprintf(series->label, sizeof(series->label), "%s", name);
    else
        (void)snprintf(series->label, sizeof(series->label), "%s, %g cop%s", name,
                       copies, copies == 1 ? "y" : "ies");
    return 0;
}

int ipm_size_set_make(const json_t *document, const struct ipm_size_choice *choice,
                      struct ipm_size_set *out_set, struct ipm_why *why)
{
    ipm_auto_size_set struct ipm_size_set set = {0};
    ipm_auto_json json_t *places = json_object();
    int error = 0;
    size_t i;
    const json_t *point;
    json_array_foreach(json_object_get(document, choice->list), i, point)
    {
        if (error == 0 && chosen(point, choice))
            error = add_point(&set, places, point, choice->figure);
    }
    drop_short(&set);
    bool apart[FACTORS];
    for (i = 0; i < FACTORS; i++)
        apart[i] = told_apart_by(&set, i);
    for (i = 0; i < set.n_series && error == 0; i++)
        error = describe(apart, &set.series[i]);
    if (error != 0)
        return ipm_why_set(why, error, "collect the series: ");
    *out_set = set;
    memset(&set, 0, sizeof(set));
    return 0;
}

void ipm_size_set_fini(struct ipm_size_set *set)
{
    for (size_t i = 0; i < set->n_series; i++)
        free(set->series[i].points);
    free(set->series);
    *set = (struct ipm_size_set){0};
}
