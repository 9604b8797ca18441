/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of energy.h that prints. */
#include "analysis/energy.h"
#include "analysis/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *estimate_json(const struct ipm_estimate *estimate, const char *unit)
{
    json_t *json = json_object();
    set(json, "value", ipm_json_number(estimate->value));
    set(json, "low", ipm_json_number(estimate->low));
    set(json, "high", ipm_json_number(estimate->high));
    set(json, "level", ipm_json_number(estimate->level));
    set(json, "n", json_integer((json_int_t)estimate->n));
    set(json, "unit", json_string(unit));
    set(json, "reason", text_or_null(estimate->reason));
    return json;
}

static json_t *row_json(const struct ipm_energy_row *row)
{
    json_t *json = json_object();
    set(json, "id", json_string(row->point->id));
    set(json, "workload", json_string(row->point->factors.workload));
    set(json, "mechanism", json_string(row->point->factors.mechanism));
    set(json, "size", json_integer(row->point->factors.size));
    set(json, "copies", json_integer(row->point->factors.copies));
    set(json, "wait", text_or_null(row->point->factors.wait));
    set(json, "placement", text_or_null(row->point->factors.placement));
    set(json, "domain", json_string(row->domain));
    set(json, "provenance", text_or_null(row->provenance));
    set(json, "source", text_or_null(row->source));
    set(json, "status", json_string(ipm_energy_status_names[row->status]));
    set(json, "reason", text_or_null(row->reason));
    set(json, "blocks", json_integer((json_int_t)row->blocks));
    set(json, "windows", json_integer((json_int_t)row->windows));
    set(json, "left_out", json_integer((json_int_t)row->left_out));
    set(json, "load_w", estimate_json(&row->load_w, "W"));
    set(json, "rest_w", estimate_json(&row->rest_w, "W"));
    set(json, "beyond_w", estimate_json(&row->beyond_w, "W"));
    set(json, "message_uj", estimate_json(&row->message_uj, "uJ"));
    set(json, "operation_uj", estimate_json(&row->operation_uj, "uJ"));
    return json;
}

json_t *ipm_energy_json(const struct ipm_energy *energy)
{
    json_t *json = json_object();
    json_t *points = json_array();
    set(json, "provenance", text_or_null(energy->provenance));
    set(json, "source", text_or_null(energy->source));
    for (size_t i = 0; i < energy->n_rows; i++)
        (void)json_array_append_new(points, row_json(&energy->rows[i]));
    set(json, "points", points);
    return json;
}

/* mechanism, size, wait, placement, domain, whose joules, rest, beyond, a message */
#define ROW "%-16s %8s %-15s %-12s %-8s %-15s %10s %22s %s"

enum { CELL = 64 };

static const char *interval(char text[CELL], const struct ipm_estimate *estimate)
{
    if (isnan(estimate->low))
        (void)snprintf(text, CELL, "%.3g", estimate->value);
    else
        (void)snprintf(text, CELL, "%.3g [%.3g, %.3g]", estimate->value, estimate->low,
                       estimate->high);
    return text;
}

static void put_row(const struct ipm_energy_row *row, FILE *out)
{
    const struct ipm_factors *factors = &row->point->factors;
    char size[IPM_UNITS_TEXT];
    char rest[CELL];
    char beyond[CELL];
    char cost[IPM_ENERGY_WHY + CELL];
    char line[640];
    const char *word = row->provenance[0] != '\0' ? row->provenance : "mixed";
    (void)snprintf(rest, sizeof(rest), "%.3g", row->rest_w.value);
    if (row->status == IPM_ENERGY_COST)
        (void)interval(cost, &row->message_uj);
    else
        (void)snprintf(cost, sizeof(cost), "- %s", row->reason);
    (void)snprintf(line, sizeof(line), ROW, factors->mechanism,
                   ipm_format_size(size, factors->size), factors->wait,
                   factors->placement, row->domain, word, rest,
                   interval(beyond, &row->beyond_w), cost);
    ipm_text_put(out, line);
    (void)fputc('\n', out);
}

void ipm_energy_text(const struct ipm_energy *energy, FILE *out)
{
    if (energy->n_rows == 0)
        return;
    char line[320];
    bool model = strcmp(energy->source, "mixed") != 0 &&
                 strcmp(energy->source, energy->provenance) == 0;
    (void)snprintf(
        line, sizeof(line),
        "Energy, %s (%s): load beyond rest, mean over blocks of four windows "
        "[95 %% interval]",
        energy->provenance, model ? "a model, no meter" : energy->source);
    ipm_text_put(out, line);
    (void)fprintf(out, "\n\n" ROW "\n", "mechanism", "size", "wait", "placement",
                  "domain", "provenance", "rest W", "beyond W", "uJ/message");
    for (size_t i = 0; i < energy->n_rows; i++)
        put_row(&energy->rows[i], out);
    (void)fputc('\n', out);
}
