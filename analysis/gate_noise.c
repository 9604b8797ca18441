/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_noise.h"

#include "analysis/significance.h"
#include "analysis/stats.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_points(const void *a, const void *b)
{
    const struct ipm_gate_noise_point *left = a;
    const struct ipm_gate_noise_point *right = b;
    int order = strcmp(left->mechanism, right->mechanism);
    if (order == 0)
        order = strcmp(left->metric, right->metric);
    return order != 0 ? order : strcmp(left->id, right->id);
}

static int put(char text[IPM_GATE_NOISE_TEXT], const char *source, struct ipm_why *why)
{
    size_t length = strlen(source);
    if (length >= IPM_GATE_NOISE_TEXT)
        return ipm_why_set(why, -EINVAL, "'%.80s...' is longer than %d characters",
                           source, IPM_GATE_NOISE_TEXT - 1);
    memcpy(text, source, length + 1);
    return 0;
}

/* One session of one point. */
struct session {
    struct ipm_gate_noise_point point;
    const char *builds;
    double effect;
};

static int compare_sessions(const void *a, const void *b)
{
    const struct session *left = a;
    const struct session *right = b;
    int order = compare_points(&left->point, &right->point);
    return order != 0 ? order : strcmp(left->builds, right->builds);
}

/* Sorted so that the sessions of a point stand together, and in them those of a pair. */
static int load(const struct ipm_gate_null *nulls, size_t n, struct session *sessions,
                struct ipm_why *why)
{
    for (size_t i = 0; i < n; i++) {
        struct ipm_gate_noise_point *row = &sessions[i].point;
        sessions[i].builds = nulls[i].builds;
        int error = put(row->id, nulls[i].id, why);
        if (error == 0)
            error = put(row->metric, nulls[i].metric, why);
        if (error == 0)
            error = put(row->mechanism, nulls[i].mechanism, why);
        if (error == 0 && !isfinite(nulls[i].effect))
            error = ipm_why_set(why, -EINVAL, "%s: an effect of %g", nulls[i].id,
                                nulls[i].effect);
        if (error != 0)
            return error;
        sessions[i].effect = nulls[i].effect;
    }
    qsort(sessions, n, sizeof(*sessions), compare_sessions);
    return 0;
}

/* Takes in the sessions of one pair of builds; the squares are roots later. */
static void add_pair(struct ipm_gate_noise_point *point, const struct session *sessions,
                     size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += sessions[i].effect;
    double mean = sum / (double)n;
    point->between += mean * mean;
    for (size_t i = 0; i < n; i++)
        point->within += (sessions[i].effect - mean) * (sessions[i].effect - mean);
    point->sessions += n;
    point->pairs++;
}

static size_t merge(const struct session *sessions, size_t n,
                    struct ipm_gate_noise_point *points)
{
    size_t merged = 0;
    for (size_t from = 0; from < n;) {
        size_t end = from;
        while (end < n && compare_sessions(&sessions[from], &sessions[end]) == 0)
            end++;
        if (merged == 0 ||
            compare_points(&points[merged - 1], &sessions[from].point) != 0)
            points[merged++] = sessions[from].point;
        add_pair(&points[merged - 1], &sessions[from], end - from);
        from = end;
    }
    for (size_t i = 0; i < merged; i++) {
        struct ipm_gate_noise_point *point = &points[i];
        size_t freedom = point->sessions - point->pairs;
        point->between = sqrt(point->between / (double)point->pairs);
        point->within = freedom > 0 ? sqrt(point->within / (double)freedom) : 0;
    }
    return merged;
}

static bool same_family(const struct ipm_gate_noise_point *a,
                        const struct ipm_gate_noise_point *b)
{
    return strcmp(a->mechanism, b->mechanism) == 0 && strcmp(a->metric, b->metric) == 0;
}

static size_t pairs_of(const struct ipm_gate_noise_point *point, double *out_root)
{
    *out_root = point->between;
    return point->pairs;
}

static size_t repeats_of(const struct ipm_gate_noise_point *point, double *out_root)
{
    *out_root = point->within;
    return point->sessions - point->pairs;
}

double ipm_gate_noise_moderated(double root, double freedom, double typical)
{
    return (freedom * root * root + IPM_GATE_NOISE_PRIOR * typical * typical) /
           (freedom + IPM_GATE_NOISE_PRIOR);
}

/* Adds one of the two parts, shrunk, to the squares in noise.  The points are of one
 * mechanism; @part gives the root mean square and its degrees of freedom. */
static void add_part(struct ipm_gate_noise_point *points, size_t n,
                     size_t (*part)(const struct ipm_gate_noise_point *point,
                                    double *out_root),
                     double *room)
{
    double root = 0;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        size_t freedom = part(&points[i], &root);
        if (freedom > 0)
            room[used++] = root / ipm_root_mean_square_median(freedom);
    }
    ipm_sort(room, used);
    double median = ipm_quantile(room, used, 0.5);
    for (size_t i = 0; i < n; i++) {
        double freedom = (double)part(&points[i], &root);
        if (freedom > 0)
            points[i].noise += ipm_gate_noise_moderated(root, freedom, median);
    }
}

static void shrink(struct ipm_gate_noise_point *points, size_t n, double *room)
{
    for (size_t from = 0; from < n;) {
        size_t end = from;
        while (end < n && same_family(&points[from], &points[end]))
            end++;
        add_part(points + from, end - from, pairs_of, room);
        add_part(points + from, end - from, repeats_of, room);
        for (; from < end; from++)
            points[from].noise = sqrt(points[from].noise);
    }
}

static int check_mechanisms(const struct ipm_gate_noise_point *points, size_t n,
                            struct ipm_why *why)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++) {
            if (strcmp(points[i].id, points[k].id) == 0 &&
                strcmp(points[i].mechanism, points[k].mechanism) != 0)
                return ipm_why_set(why, -EINVAL, "%s is of %s and of %s", points[i].id,
                                   points[i].mechanism, points[k].mechanism);
        }
    }
    return 0;
}

int ipm_gate_noise_fit(const struct ipm_gate_null *nulls, size_t n_nulls,
                       struct ipm_gate_noise *out_noise, struct ipm_why *why)
{
    if (n_nulls == 0)
        return ipm_why_set(why, -ENODATA, "no null session");
    if (isnan(ipm_root_mean_square_median(1)))
        return ipm_why_set(why, -ENOTSUP, "built without GSL");
    ipm_auto_free struct ipm_gate_noise_point *points =
        calloc(n_nulls, sizeof(*points));
    ipm_auto_free struct session *sessions = calloc(n_nulls, sizeof(*sessions));
    ipm_auto_free double *room = malloc(n_nulls * sizeof(*room));
    if (points == NULL || sessions == NULL || room == NULL)
        return ipm_why_set(why, -ENOMEM, "noise: ");
    int error = load(nulls, n_nulls, sessions, why);
    if (error != 0)
        return error;
    size_t n = merge(sessions, n_nulls, points);
    error = check_mechanisms(points, n, why);
    if (error != 0)
        return error;
    shrink(points, n, room);
    *out_noise = (struct ipm_gate_noise){.n_points = n};
    out_noise->points = ipm_steal(&points);
    return 0;
}

double ipm_gate_noise_of(const struct ipm_gate_noise *noise, const char *id,
                         const char *metric, const char *mechanism)
{
    double largest = NAN;
    for (size_t i = 0; i < noise->n_points; i++) {
        const struct ipm_gate_noise_point *point = &noise->points[i];
        if (strcmp(point->metric, metric) != 0 ||
            strcmp(point->mechanism, mechanism) != 0)
            continue;
        if (strcmp(point->id, id) == 0)
            return point->noise;
        largest = fmax(largest, point->noise); /* of a NaN and a number, the number */
    }
    return largest;
}

int ipm_gate_noise_holds(const struct ipm_gate_noise *noise, const char *fingerprint,
                         int64_t now_s, struct ipm_why *why)
{
    if (strcmp(noise->fingerprint, fingerprint) != 0)
        return ipm_why_set(why, -EXDEV,
                           "calibrated on another class of machine (%s, this is %s)",
                           noise->fingerprint, fingerprint);
    if (now_s >= noise->expires_s)
        return ipm_why_set(why, -ESTALE, "the calibration has expired %lld days ago",
                           (long long)((now_s - noise->expires_s) / 86400));
    return 0;
}

void ipm_gate_noise_fini(struct ipm_gate_noise *noise)
{
    free(noise->points);
    *noise = (struct ipm_gate_noise){0};
}

json_t *ipm_gate_noise_json(const struct ipm_gate_noise *noise)
{
    json_t *points = json_array();
    for (size_t i = 0; i < noise->n_points; i++) {
        const struct ipm_gate_noise_point *point = &noise->points[i];
        json_t *row = json_object();
        (void)json_object_set_new(row, "point", json_string(point->id));
        (void)json_object_set_new(row, "metric", json_string(point->metric));
        (void)json_object_set_new(row, "mechanism", json_string(point->mechanism));
        (void)json_object_set_new(row, "sessions",
                                  json_integer((json_int_t)point->sessions));
        (void)json_object_set_new(row, "pairs", json_integer((json_int_t)point->pairs));
        (void)json_object_set_new(row, "between", ipm_json_number(point->between));
        (void)json_object_set_new(row, "within", ipm_json_number(point->within));
        (void)json_object_set_new(row, "noise", ipm_json_number(point->noise));
        if (json_array_append_new(points, row) != 0) {
            json_decref(points);
            return NULL;
        }
    }
    return json_pack("{s:i, s:s, s:s, s:I, s:I, s:o}", "schema", 1, "kind",
                     "gate_noise", "class", noise->fingerprint, "made_s",
                     (json_int_t)noise->made_s, "expires_s",
                     (json_int_t)noise->expires_s, "points", points);
}

/* A number above or equal 0. */
static int get_noise(const json_t *row, const char *key, double *out,
                     struct ipm_why *why)
{
    double value = NAN;
    int error = ipm_json_get_number(row, key, &value, why);
    if (error == 0 && value >= 0) {
        *out = value;
        return 0;
    }
    return error < 0 ? error
                     : ipm_why_set(why, -EINVAL, "%s is missing or below 0", key);
}

static int get_text(const json_t *row, const char *key, char text[IPM_GATE_NOISE_TEXT],
                    struct ipm_why *why)
{
    const char *value = NULL;
    int error = ipm_json_get_text(row, key, &value, why);
    if (error != 0)
        return error < 0 ? error : ipm_why_set(why, -EINVAL, "%s is missing", key);
    return put(text, value, why);
}

static int get_integer(const json_t *object, const char *key, int64_t *out,
                       struct ipm_why *why)
{
    int error = ipm_json_get_integer(object, key, out, why);
    return error > 0 ? ipm_why_set(why, -EINVAL, "%s is missing", key) : error;
}

static int read_point(const json_t *row, struct ipm_gate_noise_point *point,
                      struct ipm_why *why)
{
    int64_t sessions = 0;
    int64_t pairs = 0;
    int error = get_text(row, "point", point->id, why);
    if (error == 0)
        error = get_text(row, "metric", point->metric, why);
    if (error == 0)
        error = get_text(row, "mechanism", point->mechanism, why);
    if (error == 0)
        error = get_integer(row, "sessions", &sessions, why);
    if (error == 0)
        error = get_integer(row, "pairs", &pairs, why);
    if (error == 0 && !(pairs >= 1 && sessions >= pairs))
        error = ipm_why_set(why, -EINVAL, "pairs are 1 or more, sessions no fewer");
    if (error == 0)
        error = get_noise(row, "between", &point->between, why);
    if (error == 0)
        error = get_noise(row, "within", &point->within, why);
    if (error == 0)
        error = get_noise(row, "noise", &point->noise, why);
    point->sessions = (size_t)sessions;
    point->pairs = (size_t)pairs;
    return error;
}

static int read_head(const json_t *json, struct ipm_gate_noise *noise,
                     struct ipm_why *why)
{
    int64_t schema = 0;
    char kind[IPM_GATE_NOISE_TEXT] = "";
    int error = get_integer(json, "schema", &schema, why);
    if (error == 0)
        error = get_text(json, "kind", kind, why);
    if (error == 0 && (schema != 1 || strcmp(kind, "gate_noise") != 0))
        error = ipm_why_set(why, -EINVAL, "no calibration of schema 1");
    if (error == 0)
        error = get_text(json, "class", noise->fingerprint, why);
    if (error == 0)
        error = get_integer(json, "made_s", &noise->made_s, why);
    if (error == 0)
        error = get_integer(json, "expires_s", &noise->expires_s, why);
    if (error == 0 && !json_is_array(json_object_get(json, "points")))
        error = ipm_why_set(why, -EINVAL, "points are missing");
    return error;
}

int ipm_gate_noise_read(const json_t *json, struct ipm_gate_noise *out_noise,
                        struct ipm_why *why)
{
    struct ipm_gate_noise noise = {0};
    int error = read_head(json, &noise, why);
    if (error != 0)
        return error;
    const json_t *rows = json_object_get(json, "points");
    noise.points = calloc(json_array_size(rows) + 1, sizeof(*noise.points));
    if (noise.points == NULL)
        return ipm_why_set(why, -ENOMEM, "noise: ");
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        error = read_point(row, &noise.points[index], why);
        if (error != 0) {
            ipm_why_prefix(why, "points[%zu]: ", index);
            ipm_gate_noise_fini(&noise);
            return error;
        }
    }
    noise.n_points = json_array_size(rows);
    *out_noise = noise;
    return 0;
}
