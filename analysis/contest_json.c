/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/contest_json.h"

#include "analysis/html.h"
#include "analysis/ladder.h"
#include "analysis/summary.h"

#include <math.h>

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

static json_t *behind_json(const struct ipm_estimate *behind)
{
    json_t *ratio = json_object();
    set(ratio, "ratio", ipm_json_number(behind->value));
    set(ratio, "low", ipm_json_number(behind->low));
    set(ratio, "high", ipm_json_number(behind->high));
    set(ratio, "reason", text_or_null(behind->reason));
    return ratio;
}

json_t *ipm_entrant_json(const struct ipm_entrant *entrant)
{
    const struct ipm_factors *factors = &entrant->point->factors;
    const struct ipm_estimate *figure = &entrant->figure;
    json_t *json = json_object();
    set(json, "point", json_string(entrant->point->id));
    set(json, "upper",
        entrant->upper == NULL ? json_null() : json_string(entrant->upper->id));
    set(json, "mechanism", json_string(factors->mechanism));
    set(json, "copies", integer_or_null(factors->copies));
    set(json, "wait", text_or_null(factors->wait));
    set(json, "depth", integer_or_null(factors->depth));
    set(json, "options", json_string(factors->options));
    set(json, "value", ipm_json_number(figure->value));
    set(json, "low", ipm_json_number(figure->low));
    set(json, "high", ipm_json_number(figure->high));
    set(json, "n", json_integer((json_int_t)figure->n));
    set(json, "reason", text_or_null(figure->reason));
    set(json, "behind", behind_json(&entrant->behind));
    set(json, "tied", json_boolean(entrant->tied));
    return json;
}

json_t *ipm_contest_json(const struct ipm_contest *contest)
{
    const struct ipm_entrant *second = ipm_contest_runner_up(contest);
    json_t *json = json_object();
    set(json, "verdict", json_string(ipm_verdict_names[contest->verdict]));
    set(json, "entrants", json_integer((json_int_t)contest->n));
    set(json, "best",
        contest->n == 0 ? json_null() : ipm_entrant_json(&contest->entrants[0]));
    set(json, "runner_up", second == NULL ? json_null() : ipm_entrant_json(second));
    json_t *tied = json_array();
    for (size_t i = 0; i < contest->n && contest->n_tied > 1; i++) {
        if (contest->entrants[i].tied)
            (void)json_array_append_new(tied,
                                        json_string(contest->entrants[i].point->id));
    }
    set(json, "tied", tied);
    json_t *ratios = json_object();
    for (size_t i = 0; i < contest->n; i++)
        set(ratios, contest->entrants[i].point->id,
            ipm_json_number(contest->entrants[i].behind.value));
    set(json, "ratios", ratios);
    return json;
}

json_t *ipm_contest_behind(const struct ipm_contest *contest)
{
    json_t *all = json_object();
    for (size_t i = 0; i < contest->n; i++)
        set(all, contest->entrants[i].point->id,
            behind_json(&contest->entrants[i].behind));
    return all;
}

void ipm_entrant_name(const json_t *entrant, FILE *out)
{
    double copies = ipm_member_number(entrant, "copies");
    const char *options = ipm_member_text(entrant, "options");
    (void)fprintf(out, "%s (", ipm_member_text(entrant, "mechanism"));
    if (!isnan(copies))
        (void)fprintf(out, "%s %s, ", ipm_copies_text((int64_t)copies),
                      copies == 1 ? "copy" : "copies");
    (void)fprintf(out, "wait %s%s%s)", ipm_member_text(entrant, "wait"),
                  options[0] == '\0' ? "" : ", ", options);
}
