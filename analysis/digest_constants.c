/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/digest.h"
#include "analysis/member.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LEAST_P 0.01 /* of the lack-of-fit test; below it the line is not the data's */

struct source {
    const char *model, *of, *provenance;
    bool passed;
    const char *reason; /* why it did not */
};

static void add(json_t *list, const struct source *source, const char *name,
                const char *unit, const json_t *interval)
{
    double value = ipm_member_number(interval, "value");
    if (!isfinite(value))
        return;
    json_t *json = json_object();
    (void)json_object_set_new(json, "model", json_string(source->model));
    (void)json_object_set_new(json, "of", ipm_json_text(source->of));
    (void)json_object_set_new(json, "name", ipm_json_text(name));
    (void)json_object_set_new(json, "unit", ipm_json_text(unit));
    (void)json_object_set_new(json, "value", ipm_json_number(value));
    (void)json_object_set_new(json, "low",
                              ipm_json_number(ipm_member_number(interval, "low")));
    (void)json_object_set_new(json, "high",
                              ipm_json_number(ipm_member_number(interval, "high")));
    (void)json_object_set_new(json, "provenance", ipm_json_text(source->provenance));
    (void)json_object_set_new(json, "passed", json_boolean(source->passed));
    (void)json_object_set_new(
        json, "reason", source->passed ? json_null() : ipm_json_text(source->reason));
    (void)json_array_append_new(list, json);
}

static void add_parameters(json_t *list, const struct source *source,
                           const json_t *parameters)
{
    size_t i;
    const json_t *parameter;
    json_array_foreach(parameters, i, parameter)
        add(list, source, ipm_member_text(parameter, "name"),
            ipm_member_text(parameter, "unit"), parameter);
}

static void add_seed(json_t *list, const json_t *model)
{
    char of[120];
    const char *status = ipm_member_text(model, "status");
    const char *reason = ipm_member_text(model, "reason");
    (void)snprintf(of, sizeof(of), "pipe and shm_pipe_token, %.30s, %.30s",
                   ipm_member_text(model, "placement"), ipm_member_text(model, "wait"));
    const struct source source = {"seed", of, "", strcmp(status, "fitted") == 0,
                                  reason[0] != '\0' ? reason : "the fit did not pass"};
    add_parameters(list, &source, json_object_get(model, "parameters"));
}

/* What two machines' lines over sizes have in common: where they begin, how they rise there,
 * and where that changes. */
static void add_series(json_t *list, const json_t *series)
{
    char of[200];
    char name[80];
    double p = ipm_member_number(json_object_get(series, "lack_of_fit"), "p");
    double copies = ipm_member_number(series, "copies");
    bool fitted = strcmp(ipm_member_text(series, "status"), "fitted") == 0;
    (void)snprintf(
        of, sizeof(of), "%.40s, %.0f copies, %.20s, %.30s, touch %.10s %.60s",
        ipm_member_text(series, "mechanism"), copies, ipm_member_text(series, "wait"),
        ipm_member_text(series, "placement"), ipm_member_text(series, "touch"),
        ipm_member_text(series, "options"));
    const struct source source = {"time", of, "", fitted && !(p < LEAST_P),
                                  fitted ? "lack of fit: the line misses the times"
                                         : ipm_member_text(series, "reason")};
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(series, "pieces"), i, entry)
    {
        (void)snprintf(name, sizeof(name), "slope of piece %zu", i + 1);
        if (i == 0)
            add(list, &source, "intercept", "ns", json_object_get(entry, "intercept"));
        add(list, &source, name, "ns/B", json_object_get(entry, "slope"));
    }
    json_array_foreach(json_object_get(series, "breaks"), i, entry)
    {
        json_t *at = json_object();
        (void)json_object_set(at, "value", json_object_get(entry, "at"));
        (void)json_object_set(at, "low", json_object_get(entry, "from"));
        (void)json_object_set(at, "high", json_object_get(entry, "to"));
        (void)snprintf(name, sizeof(name), "break %zu", i + 1);
        add(list, &source, name, "B", at);
        json_decref(at);
    }
}

static void add_cell(json_t *list, const json_t *cell)
{
    char of[160];
    (void)snprintf(of, sizeof(of), "%.40s, %.0f copies, %.20s, touch %.10s, %.30s",
                   ipm_member_text(cell, "mechanism"),
                   ipm_member_number(cell, "copies"), ipm_member_text(cell, "wait"),
                   ipm_member_text(cell, "touch"), ipm_member_text(cell, "domain"));
    const char *reason = ipm_member_text(cell, "reason");
    const struct source source = {"energy", of, ipm_member_text(cell, "provenance"),
                                  strcmp(ipm_member_text(cell, "status"), "fitted") ==
                                      0,
                                  reason[0] != '\0' ? reason : "the fit did not pass"};
    add_parameters(list, &source, json_object_get(cell, "parameters"));
}

json_t *ipm_digest_constants(const json_t *models)
{
    json_t *list = json_array();
    size_t i;
    size_t k;
    const json_t *model;
    const json_t *part;
    json_array_foreach(models, i, model)
    {
        const char *name = ipm_member_text(model, "name");
        if (strcmp(name, "seed") == 0)
            add_seed(list, model);
        json_array_foreach(json_object_get(model, "series"), k, part)
        {
            if (strcmp(name, "time") == 0)
                add_series(list, part);
        }
        json_array_foreach(json_object_get(model, "cells"), k, part)
        {
            if (strcmp(name, "energy") == 0)
                add_cell(list, part);
        }
    }
    return list;
}
