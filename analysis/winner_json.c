/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/contest_json.h"
#include "analysis/html.h"
#include "analysis/winner.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *integer_or_null(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *cell_json(const struct ipm_winner_cell *cell, const char *provenance)
{
    const struct ipm_factors *factors = &cell->asked->factors;
    json_t *json = json_object();
    set(json, "workload", json_string(factors->workload));
    set(json, "placement", text_or_null(factors->placement));
    set(json, "placement_class", text_or_null(factors->placement_class));
    set(json, "touch", text_or_null(factors->touch));
    set(json, "rate", text_or_null(factors->rate));
    set(json, "size", integer_or_null(factors->size));
    set(json, "reply_size", json_integer(factors->reply_size));
    set(json, "batch", integer_or_null(factors->batch));
    set(json, "policy", text_or_null(factors->policy));
    char traffic[256];
    set(json, "traffic",
        text_or_null(ipm_traffic_text(cell->asked, traffic, sizeof(traffic))));
    json_t *contests = json_array();
    for (int by = 0; by < IPM_BYS; by++) {
        for (int field = 0; field < IPM_FIELDS; field++) {
            const struct ipm_contest *contest = &cell->contests[by][field];
            if (contest->verdict == IPM_VERDICT_NONE)
                continue;
            json_t *made = ipm_contest_json(contest);
            set(made, "by", json_string(ipm_by_names[by]));
            set(made, "field", json_string(ipm_field_names[field]));
            set(made, "unit", json_string(ipm_by_units[by]));
            if (by == IPM_BY_JOULES)
                set(made, "provenance", json_string(provenance));
            (void)json_array_append_new(contests, made);
        }
    }
    set(json, "contests", contests);
    return json;
}

json_t *ipm_winners_json(const struct ipm_winners *winners)
{
    static const char *const keys[IPM_UNFITS] = {
        [IPM_UNFIT_FLOOR] = "floor",       [IPM_UNFIT_TOKEN] = "token",
        [IPM_UNFIT_WORKLOAD] = "workload", [IPM_UNFIT_SHARE] = "share",
        [IPM_UNFIT_LOSSY] = "lossy",       [IPM_UNFIT_RATE] = "rate_not_achieved"};
    json_t *json = json_object();
    json_t *unfit = json_object();
    json_t *cells = json_array();
    set(json, "margin", json_real(IPM_CONTEST_MARGIN));
    set(json, "level", json_real(IPM_CONTEST_LEVEL));
    for (int i = IPM_FIT + 1; i < IPM_UNFITS; i++)
        set(unfit, keys[i], json_integer((json_int_t)winners->unfit[i]));
    set(json, "unfit", unfit);
    for (size_t i = 0; i < winners->n_cells; i++)
        (void)json_array_append_new(cells,
                                    cell_json(&winners->cells[i], winners->provenance));
    set(json, "cells", cells);
    return json;
}
