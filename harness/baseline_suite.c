/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/baseline_suite.h"

#include "analysis/member.h"
#include "base/cleanup.h"
#include "harness/baseline_session.h"
#include "harness/gate_value.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 300 };

static int by_start(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a;
    const json_t *right = *(json_t *const *)b;
    int order =
        strcmp(ipm_member_text(left, "started"), ipm_member_text(right, "started"));
    return order != 0 ? order
                      : strcmp(ipm_member_text(left, "directory"),
                               ipm_member_text(right, "directory"));
}

/* In the order of time, which a drift is looked for in. */
static int sort(json_t **list)
{
    size_t n = json_array_size(*list);
    ipm_auto_free json_t **sessions = malloc((n + 1) * sizeof(json_t *));
    json_t *sorted = json_array();
    if (sessions == NULL || sorted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        sessions[i] = json_array_get(*list, i);
    qsort(sessions, n, sizeof(json_t *), by_start);
    for (size_t i = 0; i < n; i++)
        (void)json_array_append(sorted, sessions[i]);
    json_decref(*list);
    *list = sorted;
    return 0;
}

/* Two folders of one run are one session, which would look as if sessions did not scatter. */
static int add(json_t *list, json_t *runs, const char *folder, json_t *warnings,
               struct ipm_why *why)
{
    json_t *session = NULL;
    int error = ipm_baseline_session(folder, &session, why);
    if (error != 0)
        return error;
    (void)json_array_append_new(list, session);
    const char *run = ipm_member_text(session, "run");
    const json_t *other = json_object_get(runs, run);
    if (other != NULL)
        return ipm_why_set(why, -EEXIST, "%.80s and %.80s are one session (run %.40s)",
                           json_string_value(other), folder, run);
    if (run[0] != '\0')
        (void)json_object_set_new(runs, run, ipm_json_text(folder));
    size_t i;
    const json_t *note;
    json_array_foreach(json_object_get(session, "notes"), i, note)
    {
        char text[TEXT];
        (void)snprintf(text, sizeof(text), "%.120s: %.160s", folder,
                       json_string_value(note));
        (void)json_array_append_new(warnings, ipm_json_text(text));
    }
    return 0;
}

static int add_below(json_t *list, json_t *runs, const char *directory,
                     json_t *warnings, struct ipm_why *why)
{
    ipm_auto_json json_t *folders = NULL;
    size_t i;
    const json_t *folder;
    int error = ipm_baseline_folders(directory, &folders, why);
    if (error != 0)
        return error;
    json_array_foreach(folders, i, folder)
    {
        error = add(list, runs, json_string_value(folder), warnings, why);
        if (error != 0)
            return error;
    }
    return 0;
}

int ipm_baseline_gather(const char *const *baselines, size_t n_baselines,
                        const char *const *candidates, size_t n_candidates,
                        struct ipm_baseline_suite *out_suite, struct ipm_why *why)
{
    ipm_auto_json json_t *runs = json_object();
    *out_suite = (struct ipm_baseline_suite){.params = ipm_gate_defaults,
                                             .baseline = json_array(),
                                             .candidate = json_array(),
                                             .fresh = json_array(),
                                             .warnings = json_array(),
                                             .pool = json_array()};
    int error = 0;
    for (size_t i = 0; error == 0 && i < n_baselines; i++)
        error = add_below(out_suite->baseline, runs, baselines[i], out_suite->warnings,
                          why);
    for (size_t i = 0; error == 0 && i < n_candidates; i++)
        error =
            add(out_suite->candidate, runs, candidates[i], out_suite->warnings, why);
    if (error == 0 && sort(&out_suite->baseline) + sort(&out_suite->candidate) != 0)
        error = ipm_why_set(why, -ENOMEM, "no memory");
    return error;
}

static const json_t *point_of(const json_t *sessions, size_t i, const char *name)
{
    return json_object_get(json_object_get(json_array_get(sessions, i), "points"),
                           name);
}

static bool usable(const json_t *point)
{
    return point != NULL && json_is_null(json_object_get(point, "failure"));
}

/* The newest session of the baseline that measured it; NULL: none did. */
static const json_t *reference_of(const json_t *baseline, const char *name)
{
    for (size_t i = json_array_size(baseline); i-- > 0;) {
        const json_t *point = point_of(baseline, i, name);
        if (usable(point))
            return point;
    }
    return NULL;
}

static const char *metric_of(const json_t *point)
{
    const json_t *values = json_object_get(point, "values");
    int metric = 0;
    while (metric + 1 < IPM_GATE_METRICS &&
           json_object_get(values, ipm_gate_metric_names[metric]) == NULL)
        metric++;
    return ipm_gate_metric_names[metric];
}

/* Do two sessions' points mean the same?  Return: 0; 1 and @text says why not. */
static int unlike(const json_t *point, const json_t *reference, const char *metric,
                  char text[TEXT])
{
    static const char *const kinds[] = {"mechanism", "workload"};
    const char *class = ipm_member_text(point, "class");
    const char *other = ipm_member_text(reference, "class");
    if (strcmp(class, other) != 0) {
        (void)snprintf(text, TEXT,
                       "its placement was resolved to %.40s, in the baseline to %.40s",
                       class, other);
        return 1;
    }
    for (size_t i = 0; i < 2; i++) {
        const json_t *mine = json_array_get(json_object_get(point, "versions"), i);
        const json_t *its = json_array_get(json_object_get(reference, "versions"), i);
        if (!json_is_integer(mine) || !json_is_integer(its) || json_equal(mine, its))
            continue;
        (void)snprintf(text, TEXT,
                       "%s %.60s is of version %lld, in the baseline of %lld: it does "
                       "not mean the same",
                       kinds[i], ipm_member_text(point, kinds[i]),
                       (long long)json_integer_value(mine),
                       (long long)json_integer_value(its));
        return 1;
    }
    if (json_object_get(json_object_get(point, "values"), metric) == NULL) {
        (void)snprintf(text, TEXT, "it has no %s, which the baseline has", metric);
        return 1;
    }
    return 0;
}

static double value_of(const json_t *point, const char *metric)
{
    return ipm_member_number(json_object_get(point, "values"), metric);
}

/* Fills a point's values.  Return: how many of the baseline were left out. */
static size_t fill(struct ipm_baseline_suite *suite, const char *name,
                   const json_t *reference, double *baseline, double *candidate,
                   struct ipm_baseline_series *series)
{
    const char *metric = metric_of(reference);
    size_t left_out = 0;
    char text[TEXT];
    char reason[TEXT + 128];
    for (size_t i = 0; i < json_array_size(suite->baseline); i++) {
        const json_t *point = point_of(suite->baseline, i, name);
        bool counts = usable(point) && unlike(point, reference, metric, text) == 0;
        baseline[i] = counts ? value_of(point, metric) : NAN;
        left_out += point != NULL && !counts;
    }
    for (size_t i = 0; i < json_array_size(suite->candidate); i++) {
        const json_t *session = json_array_get(suite->candidate, i);
        const json_t *point = point_of(suite->candidate, i, name);
        bool counts = usable(point) && unlike(point, reference, metric, text) == 0;
        candidate[i] = counts ? value_of(point, metric) : NAN;
        if (point == NULL)
            (void)snprintf(text, sizeof(text),
                           "the baseline has it and it is not there: renamed, skipped "
                           "or dropped");
        else if (!usable(point))
            (void)snprintf(text, sizeof(text), "%.250s",
                           ipm_member_text(point, "failure"));
        if (counts || series->failure != NULL)
            continue;
        (void)snprintf(reason, sizeof(reason), "%.100s: %s",
                       ipm_member_text(session, "directory"), text);
        (void)json_array_append_new(suite->pool, ipm_json_text(reason));
        series->failure = json_string_value(
            json_array_get(suite->pool, json_array_size(suite->pool) - 1));
    }
    *series = (struct ipm_baseline_series){.mechanism =
                                               ipm_member_text(reference, "mechanism"),
                                           .baseline = baseline,
                                           .candidate = candidate,
                                           .failure = series->failure};
    return left_out;
}

static int read_params(struct ipm_baseline_suite *suite, regex_t *points,
                       bool *out_filtered, struct ipm_why *why)
{
    const json_t *manifest =
        json_object_get(json_array_get(suite->candidate, 0), "manifest");
    const json_t *gate = json_object_get(json_object_get(manifest, "config"), "gate");
    struct ipm_gate_params *params = &suite->params;
    const struct {
        const char *key;
        double *value;
    } shares[] = {{"smallest_effect", &params->smallest_effect},
                  {"margin", &params->margin},
                  {"alpha", &params->alpha}};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        double asked = ipm_member_number(gate, shares[i].key);
        if (asked > 0 && asked < 1)
            *shares[i].value = asked;
    }
    if (params->smallest_effect < params->margin)
        return ipm_why_set(why, -EINVAL,
                           "gate.smallest_effect (%g) is below gate.margin (%g)",
                           params->smallest_effect, params->margin);
    const char *pattern = ipm_member_text(gate, "points");
    *out_filtered = pattern[0] != '\0';
    if (*out_filtered && regcomp(points, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return ipm_why_set(why, -EINVAL, "gate.points '%.100s' is no pattern", pattern);
    return 0;
}

/* Names of all points of some sessions, of the newest session first: {name: true}. */
static json_t *names_of(const json_t *sessions)
{
    json_t *names = json_object();
    for (size_t i = json_array_size(sessions); i-- > 0;) {
        const char *name;
        json_t *ignored;
        json_object_foreach(json_object_get(json_array_get(sessions, i), "points"),
                            name, ignored)(void)
            json_object_set_new(names, name, json_true());
    }
    return names;
}

static bool is_chosen(const char *name, const json_t *point, const regex_t *pattern)
{
    return pattern == NULL || json_is_true(json_object_get(point, "control")) ||
           regexec(pattern, name, 0, NULL, 0) == 0;
}

static int make_points(struct ipm_baseline_suite *suite, const regex_t *pattern,
                       const struct ipm_gate_noise *noise, size_t *out_left_out)
{
    size_t n = json_array_size(suite->baseline);
    size_t m = json_array_size(suite->candidate);
    json_t *names = names_of(suite->baseline);
    (void)json_array_append_new(suite->pool, names); /* labels are its keys */
    size_t most = json_object_size(names) + 1;
    suite->points = calloc(most, sizeof(*suite->points));
    suite->series = calloc(most, sizeof(*suite->series));
    suite->values = calloc(most, (n + m) * sizeof(*suite->values));
    if (suite->points == NULL || suite->series == NULL || suite->values == NULL)
        return -ENOMEM;
    const char *name;
    json_t *ignored;
    json_object_foreach(names, name, ignored)
    {
        const json_t *reference = reference_of(suite->baseline, name);
        if (reference == NULL || !is_chosen(name, reference, pattern))
            continue;
        size_t at = suite->n_points++;
        double *values = suite->values + at * (n + m);
        *out_left_out +=
            fill(suite, name, reference, values, values + n, &suite->series[at]);
        const char *metric = metric_of(reference);
        const char *id = ipm_member_text(reference, "id");
        suite->points[at] = (struct ipm_gate_point){
            .id = id,
            .label = name,
            .metric = metric,
            .unit = "ns",
            .control = json_is_true(json_object_get(reference, "control")),
            .noise = noise == NULL ? NAN
                                   : ipm_gate_noise_of(noise, id, metric,
                                                       suite->series[at].mechanism),
            .smallest_effect = NAN};
    }
    return 0;
}

/* Points of the candidate that nothing can be said of yet. */
static void find_fresh(struct ipm_baseline_suite *suite, const regex_t *pattern)
{
    ipm_auto_json json_t *names = names_of(suite->candidate);
    const char *name;
    json_t *ignored;
    json_object_foreach(names, name, ignored)
    {
        const json_t *point = point_of(suite->candidate, 0, name);
        if (is_chosen(name, point, pattern) &&
            reference_of(suite->baseline, name) == NULL)
            (void)json_array_append_new(suite->fresh, json_string(name));
    }
}

int ipm_baseline_match(struct ipm_baseline_suite *suite,
                       const struct ipm_gate_noise *noise, struct ipm_why *why)
{
    regex_t points;
    bool filtered = false;
    size_t left_out = 0;
    char text[TEXT];
    int error = read_params(suite, &points, &filtered, why);
    if (error != 0)
        return error;
    if (make_points(suite, filtered ? &points : NULL, noise, &left_out) != 0)
        error = ipm_why_set(why, -ENOMEM, "no memory");
    find_fresh(suite, filtered ? &points : NULL);
    if (filtered)
        regfree(&points);
    (void)snprintf(
        text, sizeof(text),
        "%zu figures of the baseline's sessions are left out: failed, skipped, "
        "or of another version or placement than the newest",
        left_out);
    if (left_out > 0)
        (void)json_array_append_new(suite->warnings, json_string(text));
    return error;
}

void ipm_baseline_suite_fini(struct ipm_baseline_suite *suite)
{
    free(suite->points);
    free(suite->series);
    free(suite->values);
    json_decref(suite->baseline);
    json_decref(suite->candidate);
    json_decref(suite->fresh);
    json_decref(suite->warnings);
    json_decref(suite->pool);
    *suite = (struct ipm_baseline_suite){0};
}
