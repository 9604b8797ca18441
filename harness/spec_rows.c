/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/spec_rows.h"

#include "base/cleanup.h"
#include "harness/describe.h"
#include "harness/spec_axes.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    const json_t *describe;
    bool include;
    struct ipm_diagnostics *diagnostics;
};

/* The list of the describe document that a factor names an entry of; NULL: an axis. */
static const char *kind_of(const char *factor)
{
    if (strcmp(factor, "workload") == 0)
        return "workloads";
    return strcmp(factor, "mechanism") == 0 ? "mechanisms" : NULL;
}

static bool good_name(const struct reading *reading, const char *factor,
                      const json_t *value, const struct ipm_pointer *at)
{
    const json_t *entries = json_object_get(reading->describe, kind_of(factor));
    const char *word = json_string_value(value);
    size_t n = json_array_size(entries);
    ipm_auto_free const char **names = calloc(n + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < n; i++) {
        names[i] = ipm_describe_text(json_array_get(entries, i), "name", "");
        if (word != NULL && strcmp(names[i], word) == 0)
            return true;
    }
    char mend[IPM_MEND];
    ipm_diagnostics_error(reading->diagnostics, at, false,
                          ipm_mend_word(mend, word != NULL ? word : "", names),
                          word != NULL ? "there is no %s '%s'" : "'%s' must be a name",
                          factor, word);
    return false;
}

/* A name or a list of names, as a list; NULL after an error. */
static json_t *read_names(const struct reading *reading, const char *factor,
                          json_t *value, const struct ipm_pointer *at)
{
    ipm_auto_json json_t *list =
        json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
    bool good = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct ipm_pointer element = {.up = at, .index = i};
        good = good_name(reading, factor, json_array_get(list, i),
                         json_is_array(value) ? &element : at) &&
               good;
    }
    if (json_array_size(list) > 0)
        return good ? json_incref(list) : NULL;
    ipm_diagnostics_error(reading->diagnostics, at, false, NULL, "'%s' has no value",
                          factor);
    return NULL;
}

static json_t *read_factor(const struct reading *reading, const char *factor,
                           json_t *value, const struct ipm_pointer *at)
{
    if (kind_of(factor) != NULL)
        return read_names(reading, factor, value, at);
    struct ipm_axis axis;
    char mend[IPM_MEND];
    if (ipm_axis_find(reading->describe, factor, &axis, mend) == 0)
        return ipm_axis_values(&axis, value, at, reading->diagnostics);
    /* The keys of a sweep are lists: their names are plural. */
    if (strcmp(factor, "workloads") == 0 || strcmp(factor, "mechanisms") == 0)
        (void)snprintf(mend, sizeof(mend), "did you mean '%.*s'?",
                       (int)strlen(factor) - 1, factor);
    ipm_diagnostics_error(reading->diagnostics, at, true, mend,
                          "there is no factor '%s'", factor);
    return NULL;
}

static void check_row(const struct reading *reading, const json_t *row,
                      const struct ipm_pointer *at)
{
    static const char *const needed[] = {"workload", "mechanism"};
    if (!reading->include && json_object_size(row) == 0)
        ipm_diagnostics_error(reading->diagnostics, at, false, NULL,
                              "this row names no factor: it would match everything");
    for (size_t i = 0; reading->include && i < 2; i++) {
        if (json_object_get(row, needed[i]) == NULL)
            ipm_diagnostics_error(reading->diagnostics, at, false, NULL,
                                  "this point has no '%s'", needed[i]);
    }
}

static json_t *read_row(const struct reading *reading, const json_t *row,
                        const struct ipm_pointer *at)
{
    json_t *into = json_object();
    const char *factor;
    json_t *value;
    check_row(reading, row, at);
    /* jansson's macro wants a pointer it may write through; it does not. */
    json_object_foreach((json_t *)(uintptr_t)row, factor, value)
    {
        struct ipm_pointer member = {.up = at, .key = factor};
        ipm_auto_json json_t *values = read_factor(reading, factor, value, &member);
        if (values == NULL)
            continue;
        if (!reading->include)
            (void)json_object_set(into, factor, values);
        else if (json_array_size(values) == 1)
            (void)json_object_set(into, factor, json_array_get(values, 0));
        else
            ipm_diagnostics_error(reading->diagnostics, &member, false,
                                  "write a row per point, or an axis",
                                  "a row of 'include' is one point: one value");
    }
    return into;
}

json_t *ipm_rows_read(const json_t *describe, bool include, const json_t *rows,
                      const struct ipm_pointer *at, struct ipm_diagnostics *diagnostics)
{
    const struct reading reading = {
        .describe = describe, .include = include, .diagnostics = diagnostics};
    json_t *into = json_array();
    size_t n = json_array_size(rows);
    if (rows != NULL && (!json_is_array(rows) || n > IPM_ROWS_LIMIT)) {
        ipm_diagnostics_error(diagnostics, at, false, NULL,
                              "'%s' must be a list of at most %d rows: [ { ... } ]",
                              at->key, IPM_ROWS_LIMIT);
        return into;
    }
    for (size_t i = 0; i < n; i++) {
        struct ipm_pointer element = {.up = at, .index = i};
        const json_t *row = json_array_get(rows, i);
        if (json_is_object(row))
            (void)json_array_append_new(into, read_row(&reading, row, &element));
        else
            ipm_diagnostics_error(diagnostics, &element, false, NULL,
                                  "a row must be an object: { \"size\": 64 }");
    }
    return into;
}
