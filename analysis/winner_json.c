/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/contest_json.h"
#include "analysis/html.h"
#include "analysis/text.h"
#include "analysis/winner.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* What the contests by one figure and in one field came to. */
struct score {
    json_t *wins; /* "shm_ring, wait spin": number */
    size_t cells, ties, alone;
    double least, most; /* lead of a winner */
    const char *provenance;
};

static void count(struct score *score, const json_t *contest)
{
    const char *verdict = ipm_member_text(contest, "verdict");
    const json_t *best = json_object_get(contest, "best");
    const json_t *second = json_object_get(contest, "runner_up");
    double lead = ipm_member_number(json_object_get(second, "behind"), "ratio");
    char name[200];
    score->cells++;
    score->provenance = ipm_member_text(contest, "provenance");
    if (strcmp(verdict, "winner") != 0) {
        score->ties += strcmp(verdict, "tie") == 0;
        score->alone += strcmp(verdict, "alone") == 0;
        return;
    }
    score->least = fmin(score->least, lead); /* of NaN and a number, the number */
    score->most = fmax(score->most, lead);
    (void)snprintf(name, sizeof(name), "%.80s, wait %.40s",
                   ipm_member_text(best, "mechanism"), ipm_member_text(best, "wait"));
    json_int_t before = json_integer_value(json_object_get(score->wins, name));
    set(score->wins, name, json_integer(before + 1));
}

static void count_all(struct score *score, const json_t *winners, int by, int field)
{
    size_t i;
    size_t k;
    json_t *cell;
    json_t *contest;
    json_array_foreach(json_object_get(winners, "cells"), i, cell)
    {
        json_array_foreach(json_object_get(cell, "contests"), k, contest)
        {
            if (strcmp(ipm_member_text(contest, "by"), ipm_by_names[by]) == 0 &&
                strcmp(ipm_member_text(contest, "field"), ipm_field_names[field]) == 0)
                count(score, contest);
        }
    }
}

enum { NAMED = 3 }; /* of a sentence's winners; more would bury them */

static void put_wins(json_t *wins, FILE *out)
{
    size_t shown = 0;
    for (; json_object_size(wins) > 0 && shown < NAMED; shown++) {
        const char *name;
        const char *most = NULL;
        json_t *value;
        json_object_foreach(wins, name, value)
        {
            if (most == NULL || json_integer_value(value) >
                                    json_integer_value(json_object_get(wins, most)))
                most = name;
        }
        (void)fprintf(out, "%s%s (%lld)", shown == 0 ? "" : ", ", most,
                      (long long)json_integer_value(json_object_get(wins, most)));
        char taken[200];
        (void)snprintf(taken, sizeof(taken), "%s", most);
        (void)json_object_del(wins, taken);
    }
    if (json_object_size(wins) > 0)
        (void)fprintf(out, " and %zu others", json_object_size(wins));
}

static void put_score(struct score *score, FILE *out)
{
    char least[IPM_UNITS_TEXT];
    char most[IPM_UNITS_TEXT];
    if (json_object_size(score->wins) > 0) {
        put_wins(score->wins, out);
        (void)fprintf(out, ", %s", ipm_format_count(least, score->least));
        if (strcmp(least, ipm_format_count(most, score->most)) != 0)
            (void)fprintf(out, " to %s", most);
        (void)fputs(" times ahead of the runner-up; ", out);
    }
    (void)fprintf(out, "%zu %s", score->ties, score->ties == 1 ? "tie" : "ties");
    if (score->alone > 0)
        (void)fprintf(out, ", %zu without a rival", score->alone);
}

static char *sentence(const json_t *winners, int by)
{
    static const char *const whats[IPM_BYS] = {"latency (median)", "latency (p99)",
                                               "throughput", "CPU time of a message",
                                               "joules of a message"};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    for (int field = 0; field < IPM_FIELDS; field++) {
        ipm_auto_json json_t *wins = json_object();
        struct score score = {
            .wins = wins, .least = NAN, .most = NAN, .provenance = ""};
        count_all(&score, winners, by, field);
        if (score.cells == 0)
            continue;
        if (field == IPM_FIELD_ANY)
            (void)fprintf(out, "by %s%s%s in %zu %s: ", whats[by],
                          score.provenance[0] == '\0' ? "" : ", ", score.provenance,
                          score.cells, score.cells == 1 ? "cell" : "cells");
        else
            (void)fputs(". Of those that sleep while they wait: ", out);
        put_score(&score, out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void ipm_winners_text(const json_t *winners, FILE *out)
{
    const char *heading = "Winners";
    for (int by = 0; by < IPM_BYS; by++) {
        ipm_auto_free char *text = sentence(winners, by);
        if (text == NULL || text[0] == '\0')
            continue;
        (void)fprintf(out, "%-10s", heading);
        ipm_text_wrap(out, 10, text);
        heading = "";
    }
}
