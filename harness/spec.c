/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/spec.h"

#include "base/cleanup.h"
#include "harness/describe.h"
#include "harness/spec_axes.h"
#include "harness/spec_keys.h"
#include "harness/spec_rows.h"
#include "harness/spec_sensors.h"
#include "harness/spec_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct loading {
    const json_t *describe;
    struct ipm_diagnostics *diagnostics;
};

/* The names a list may hold: the words that stand for several, then the describe's own. */
static const char **allowed_names(const json_t *entries, const char *const *words)
{
    size_t n = 0;
    while (words[n] != NULL)
        n++;
    const char **names = calloc(n + json_array_size(entries) + 1, sizeof(const char *));
    if (names == NULL)
        return NULL;
    size_t index;
    const json_t *entry;
    json_array_foreach(entries, index, entry) names[index] =
        ipm_describe_text(entry, "name", "");
    memcpy(names + json_array_size(entries), words, n * sizeof(words[0]));
    return names;
}

static void append_once(json_t *names, const char *name)
{
    if (!ipm_describe_lists(names, name))
        (void)json_array_append_new(names, json_string(name));
}

/* "all" means what is measured, "floors" what bounds it; a workload has no kind. */
static bool stands_for(const char *word, const json_t *entry)
{
    if (strcmp(word, "all") == 0)
        return !ipm_describe_is_floor(entry);
    if (strcmp(word, "floors") == 0)
        return ipm_describe_is_floor(entry);
    return strcmp(word, ipm_describe_text(entry, "name", "")) == 0;
}

static void read_one_name(const struct loading *loading, const char *kind,
                          const char *const *words, const json_t *value,
                          const struct ipm_pointer *at, json_t *names)
{
    const json_t *entries = json_object_get(loading->describe, kind);
    const char *word = json_string_value(value);
    bool found = word == NULL;
    size_t index;
    const json_t *entry;
    for (size_t i = 0; word != NULL && words[i] != NULL; i++)
        found = found || strcmp(words[i], word) == 0;
    json_array_foreach(entries, index, entry)
    {
        if (word == NULL || !stands_for(word, entry))
            continue;
        found = true;
        append_once(names, ipm_describe_text(entry, "name", ""));
    }
    if (word == NULL)
        ipm_diagnostics_error(loading->diagnostics, at, false, NULL,
                              "'%s' takes names: a text or a list of texts", kind);
    if (found)
        return;
    char mend[IPM_MEND];
    ipm_auto_free const char **allowed = allowed_names(entries, words);
    ipm_diagnostics_error(loading->diagnostics, at, false,
                          ipm_mend_word(mend, word, allowed), "there is no %.*s '%s'",
                          (int)strlen(kind) - 1, kind, word);
}

/* "mechanisms" or "workloads" of a sweep, as a list of names. */
static json_t *read_names(const struct loading *loading, const char *kind,
                          const char *const *words, const json_t *sweep,
                          const struct ipm_pointer *sweep_at)
{
    const json_t *value = json_object_get(sweep, kind);
    struct ipm_pointer at = {.up = sweep_at, .key = kind};
    json_t *names = json_array();
    if (value == NULL) {
        ipm_diagnostics_error(loading->diagnostics, sweep_at, false, NULL,
                              "this sweep has no '%s'", kind);
        return names;
    }
    if (!json_is_array(value)) {
        read_one_name(loading, kind, words, value, &at, names);
        return names;
    }
    if (json_array_size(value) == 0)
        ipm_diagnostics_error(loading->diagnostics, &at, false, NULL, "'%s' is empty",
                              kind);
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct ipm_pointer element = {.up = &at, .index = i};
        read_one_name(loading, kind, words, json_array_get(value, i), &element, names);
    }
    return names;
}

static json_t *read_axes(const struct loading *loading, const json_t *value,
                         const struct ipm_pointer *at)
{
    json_t *axes = json_object();
    if (value != NULL && !json_is_object(value))
        ipm_diagnostics_error(loading->diagnostics, at, false, NULL,
                              "'axes' must be an object: { \"size\": 64 }");
    const char *name;
    json_t *asked;
    json_object_foreach((json_t *)value, name, asked)
    {
        struct ipm_pointer member = {.up = at, .key = name};
        struct ipm_axis axis;
        char mend[IPM_MEND];
        if (ipm_axis_find(loading->describe, name, &axis, mend) != 0) {
            ipm_diagnostics_error(loading->diagnostics, &member, true, mend,
                                  "there is no axis '%s'", name);
            continue;
        }
        json_t *values = ipm_axis_values(&axis, asked, &member, loading->diagnostics);
        if (values != NULL)
            (void)json_object_set_new(axes, name, values);
    }
    return axes;
}

/* A size beside nothing but mixes, which have their own. */
static void check_sizes(const struct loading *loading, const json_t *factors,
                        const struct ipm_pointer *at)
{
    if (json_object_get(factors, "size") == NULL ||
        !ipm_axis_gives_sizes(json_object_get(factors, "size_mix")))
        return;
    struct ipm_pointer member = {.up = at, .key = "size"};
    ipm_diagnostics_error(loading->diagnostics, &member, true,
                          "leave one of the two out, or add \"fixed\" to 'size_mix'",
                          "'size' means nothing here: 'size_mix' gives the sizes");
}

/* The combinations of a sweep, those added one by one too; an error when too many. */
static double check_product(const struct loading *loading,
                            const struct ipm_sweep *sweep, const struct ipm_pointer *at)
{
    double product = (double)json_array_size(sweep->workloads) *
                     (double)json_array_size(sweep->mechanisms);
    const char *name;
    json_t *values;
    json_object_foreach(sweep->axes, name, values) product *=
        (double)json_array_size(values);
    if (product > IPM_SWEEP_LIMIT)
        ipm_diagnostics_error(
            loading->diagnostics, at, false, NULL,
            "this sweep has %.3g combinations, at most %d are allowed", product,
            IPM_SWEEP_LIMIT);
    return product + (double)json_array_size(sweep->include);
}

static double read_sweep(const struct loading *loading, const json_t *value,
                         const struct ipm_pointer *at, struct ipm_sweep *sweep)
{
    static const char *const mechanism_words[] = {"all", "floors", NULL};
    static const char *const workload_words[] = {"all", NULL};
    struct ipm_pointer axes = {.up = at, .key = "axes"};
    struct ipm_pointer exclude = {.up = at, .key = "exclude"};
    struct ipm_pointer include = {.up = at, .key = "include"};
    (void)snprintf(sweep->name, sizeof(sweep->name), "sweep %zu", at->index + 1);
    ipm_keys_read(ipm_sweep_keys, value, at, sweep, loading->diagnostics);
    sweep->workloads = read_names(loading, "workloads", workload_words, value, at);
    sweep->mechanisms = read_names(loading, "mechanisms", mechanism_words, value, at);
    sweep->axes = read_axes(loading, json_object_get(value, "axes"), &axes);
    sweep->exclude =
        ipm_rows_read(loading->describe, false, json_object_get(value, "exclude"),
                      &exclude, loading->diagnostics);
    sweep->include =
        ipm_rows_read(loading->describe, true, json_object_get(value, "include"),
                      &include, loading->diagnostics);
    check_sizes(loading, sweep->axes, &axes);
    for (size_t i = 0; i < json_array_size(sweep->include); i++) {
        struct ipm_pointer row = {.up = &include, .index = i};
        check_sizes(loading, json_array_get(sweep->include, i), &row);
    }
    return check_product(loading, sweep, at);
}

static int read_sweeps(const struct loading *loading, const json_t *root,
                       struct ipm_spec *spec)
{
    const json_t *list = json_object_get(root, "sweeps");
    struct ipm_pointer at = {.key = "sweeps"};
    size_t n = json_array_size(list);
    if (n == 0) {
        ipm_diagnostics_error(
            loading->diagnostics, list != NULL ? &at : NULL, false,
            "\"sweeps\": [ { \"workloads\": ..., \"mechanisms\": ... } ]",
            list == NULL          ? "'sweeps' is missing"
            : json_is_array(list) ? "'sweeps' is empty"
                                  : "'sweeps' must be a list");
        return 0;
    }
    spec->sweeps = calloc(n, sizeof(*spec->sweeps));
    if (spec->sweeps == NULL)
        return -ENOMEM;
    spec->n_sweeps = n;
    double combinations = 0;
    for (size_t i = 0; i < n; i++) {
        struct ipm_pointer element = {.up = &at, .index = i};
        const json_t *value = json_array_get(list, i);
        spec->sweeps[i].repeat = spec->repeat;
        if (json_is_object(value))
            combinations += read_sweep(loading, value, &element, &spec->sweeps[i]);
        else
            ipm_diagnostics_error(loading->diagnostics, &element, false, NULL,
                                  "a sweep must be an object: { ... }");
    }
    if (combinations > IPM_COMBINATIONS_LIMIT)
        ipm_diagnostics_error(
            loading->diagnostics, &at, false, NULL,
            "the sweeps have %.3g combinations together, at most %d are allowed",
            combinations, IPM_COMBINATIONS_LIMIT);
    return 0;
}

/* The commonest mistakes. */
static const char *syntax_mend(const char *message)
{
    bool closing = strncmp(message, "'}' expected", 12) == 0 ||
                   strncmp(message, "']' expected", 12) == 0;
    if (strstr(message, "near end of file") != NULL)
        return "is a bracket or a brace not closed?";
    if (strstr(message, "near '''") != NULL)
        return "texts and keys stand in double quotes";
    return closing ? "is a comma missing in front of it?" : NULL;
}

const json_t *ipm_spec_simulated(const struct ipm_spec *spec)
{
    return json_object_get(json_object_get(spec->sensing, "energy"), "simulated");
}

int ipm_spec_load(const char *text, size_t length, const char *const *sets,
                  size_t n_sets, const json_t *describe,
                  struct ipm_diagnostics *diagnostics, struct ipm_spec *out_spec)
{
    struct loading loading = {.describe = describe, .diagnostics = diagnostics};
    struct ipm_position at = {.line = 1, .column = 1};
    struct ipm_why why = {0};
    ipm_auto_json json_t *root = NULL;
    int error = ipm_jsonc_parse(text, length, &root, &at, &why);
    if (error == -EINVAL)
        ipm_diagnostics_error_at(diagnostics, &at, syntax_mend(why.text), "%s",
                                 why.text);
    else if (error == 0 && !json_is_object(root))
        ipm_diagnostics_error(diagnostics, NULL, false, NULL,
                              "a config must be an object: { ... }");
    if (error < 0 && error != -EINVAL)
        return error;
    if (diagnostics->count > 0)
        return 1;

    struct ipm_spec spec = {0};
    ipm_spec_set(root, sets, n_sets, describe, diagnostics);
    ipm_keys_defaults(ipm_spec_keys, &spec);
    ipm_keys_read(ipm_spec_keys, root, NULL, &spec, diagnostics);
    ipm_spec_sensors_read(json_object_get(root, "sensors"), &spec, diagnostics);
    error = read_sweeps(&loading, root, &spec);
    if (error != 0 || diagnostics->count > 0) {
        ipm_spec_fini(&spec);
        return error != 0 ? error : 1;
    }
    *out_spec = spec;
    return 0;
}

json_t *ipm_spec_json(const struct ipm_spec *spec)
{
    json_t *json = json_object();
    json_t *sweeps = json_array();
    ipm_keys_print(ipm_spec_keys, spec, json);
    ipm_spec_sensors_print(spec, json_object_get(json, "sensors"));
    for (size_t i = 0; i < spec->n_sweeps; i++) {
        const struct ipm_sweep *sweep = &spec->sweeps[i];
        json_t *one = json_object();
        ipm_keys_print(ipm_sweep_keys, sweep, one);
        (void)json_object_set(one, "workloads", sweep->workloads);
        (void)json_object_set(one, "mechanisms", sweep->mechanisms);
        (void)json_object_set(one, "axes", sweep->axes);
        if (json_array_size(sweep->exclude) > 0)
            (void)json_object_set(one, "exclude", sweep->exclude);
        if (json_array_size(sweep->include) > 0)
            (void)json_object_set(one, "include", sweep->include);
        (void)json_array_append_new(sweeps, one);
    }
    (void)json_object_set_new(json, "sweeps", sweeps);
    return json;
}

void ipm_spec_fini(struct ipm_spec *spec)
{
    for (size_t i = 0; i < spec->n_sweeps; i++) {
        json_decref(spec->sweeps[i].workloads);
        json_decref(spec->sweeps[i].mechanisms);
        json_decref(spec->sweeps[i].axes);
        json_decref(spec->sweeps[i].exclude);
        json_decref(spec->sweeps[i].include);
    }
    free(spec->sweeps);
    json_decref(spec->sensing);
    *spec = (struct ipm_spec){0};
}
