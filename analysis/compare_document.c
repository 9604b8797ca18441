/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1 };

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *mean_json(const struct ipm_compare_mean *mean)
{
    json_t *json = ipm_compare_interval(mean->value, mean->low, mean->high);
    set(json, "reason",
        mean->reason[0] == '\0' ? json_null() : json_string(mean->reason));
    return json;
}

static json_t *extreme_json(double ratio, const struct ipm_compare_point *at)
{
    char label[IPM_COMPARE_LABEL];
    if (at == NULL)
        return json_null();
    json_t *json = ipm_compare_interval(ratio, NAN, NAN);
    (void)json_object_del(json, "low");
    (void)json_object_del(json, "high");
    set(json, "point", ipm_json_text(ipm_compare_label(at, label)));
    return json;
}

/*
 * The mechanisms of a class, each with its own mean and with how far that is from the mean of
 * the others: the two-way fit of mechanism and machine on logarithms, whose interaction
 * that is.  @out_conflict: some cost more and some less, beyond margin and intervals at a
 * level divided among them.
 */
static int mechanisms_json(const struct ipm_compare_pair *pair,
                           const struct ipm_compare_choice *within, json_t **out,
                           bool *out_conflict)
{
    size_t n;
    ipm_auto_free const char **names =
        ipm_compare_names(pair, within, IPM_COMPARE_BY_MECHANISM, &n);
    ipm_auto_json json_t *list = json_array();
    bool more = false;
    bool less = false;
    if (names == NULL)
        return -ENOMEM;
    double level = 1 - (1 - IPM_COMPARE_LEVEL) / (double)(n > 0 ? n : 1);
    for (size_t i = 0; i < n; i++) {
        struct ipm_compare_choice choice = *within;
        struct ipm_compare_mean strict;
        struct ipm_compare_mean apart;
        choice.mechanism = names[i];
        int error = ipm_compare_mean(pair, &choice, NULL, level, &strict);
        if (error == 0)
            error = ipm_compare_mean(pair, &choice, within, level, &apart);
        if (error != 0)
            return error;
        more = more || strict.low > 1 + IPM_COMPARE_MARGIN;
        less = less || strict.high < 1 / (1 + IPM_COMPARE_MARGIN);
        bool stands = n > 1 && (apart.low > 1 || apart.high < 1) &&
                      fabs(log(apart.value)) > log(1 + IPM_COMPARE_MARGIN);
        json_t *json =
            json_pack("{s: o, s: o, s: b}", "mean", mean_json(&strict),
                      "against_others", mean_json(&apart), "interacts", stands);
        set(json, "mechanism", ipm_json_text(names[i]));
        (void)json_array_append_new(list, json);
    }
    *out_conflict = more && less;
    *out = ipm_steal(&list);
    return 0;
}

static int class_json(const struct ipm_compare_pair *pair,
                      const struct ipm_compare_choice *choice, json_t **out)
{
    static const char conflict_reason[] = "conflict: some mechanisms cost more and "
                                          "some less, and one mean would hide both";
    struct ipm_compare_atom sum;
    struct ipm_compare_mean mean;
    json_t *mechanisms = NULL;
    bool conflict = false;
    ipm_compare_sum(pair, choice, &sum);
    int error = ipm_compare_mean(pair, choice, NULL, IPM_COMPARE_LEVEL, &mean);
    if (error == 0)
        error = mechanisms_json(pair, choice, &mechanisms, &conflict);
    if (error != 0)
        return error;
    if (conflict)
        mean = (struct ipm_compare_mean){NAN, NAN, NAN, conflict_reason};
    json_t *json = json_object();
    set(json, "kind", json_string(ipm_compare_kind_names[choice->kind]));
    set(json, "name", ipm_json_text(choice->name == NULL ? "all" : choice->name));
    set(json, "points", json_integer((json_int_t)sum.n));
    set(json, "mean", mean_json(&mean));
    set(json, "least", extreme_json(sum.least, sum.least_at));
    set(json, "most", extreme_json(sum.most, sum.most_at));
    for (int standing = 0; standing < IPM_COMPARE_NONE; standing++)
        set(json, ipm_compare_standing_names[standing],
            json_integer((json_int_t)sum.counts[standing]));
    set(json, "conflict", json_boolean(conflict));
    /* A mechanism's own class has nothing to tell by mechanism. */
    if (choice->kind == IPM_COMPARE_BY_MECHANISM)
        json_decref(mechanisms);
    else
        set(json, "mechanisms", mechanisms);
    *out = json;
    return 0;
}

static int pair_json(const struct ipm_compare_pair *pair, bool wide, json_t **out)
{
    const struct ipm_compare_choice all = {.kind = IPM_COMPARE_ALL};
    ipm_auto_json json_t *json = json_object();
    json_t *classes = json_array();
    set(json, "scope",
        json_string(pair->between ? "between sessions" : "within-session only"));
    set(json, "refused", json_integer((json_int_t)pair->n_refused));
    set(json, "refusal",
        pair->n_refused == 0 ? json_null() : ipm_json_text(pair->refusal));
    set(json, "classes", classes);
    for (int kind = 0; kind < IPM_COMPARE_KINDS && pair->n_atoms > 0; kind++) {
        size_t n;
        ipm_auto_free const char **names =
            ipm_compare_names(pair, &all, (enum ipm_compare_kind)kind, &n);
        if (names == NULL)
            return -ENOMEM;
        if (wide && kind == IPM_COMPARE_BY_MECHANISM)
            continue; /* they stand under each class, and once more is too much */
        for (size_t i = 0; i < n; i++) {
            const struct ipm_compare_choice choice = {
                .kind = (enum ipm_compare_kind)kind,
                .name = kind == IPM_COMPARE_ALL ? NULL : names[i]};
            json_t *class = NULL;
            int error = class_json(pair, &choice, &class);
            if (error != 0)
                return error;
            (void)json_array_append_new(classes, class);
        }
    }
    *out = ipm_steal(&json);
    return 0;
}

/* Ratios by figure, side and point; of many sides none are kept. */
struct kept {
    struct ipm_compare_ratio **of[IPM_BYS];
    size_t n_sides;
};

static void free_kept(struct kept *kept)
{
    for (int by = 0; by < IPM_BYS; by++) {
        for (size_t side = 0; kept->of[by] != NULL && side < kept->n_sides; side++)
            free(kept->of[by][side]);
        free(kept->of[by]);
    }
}

static int compare_all(const struct ipm_compare *compare, struct kept *kept, bool wide,
                       struct ipm_compare_ranks *ranks, json_t *comparisons)
{
    for (size_t side = 1; side < compare->n_sides; side++) {
        json_t *bys = json_object();
        json_t *json = json_pack("{s: I, s: i, s: o}", "side", (json_int_t)side,
                                 "against", 0, "by", bys);
        (void)json_array_append_new(comparisons, json);
        for (int by = 0; by < IPM_BYS; by++) {
            struct ipm_compare_pair pair;
            json_t *made = NULL;
            int error = ipm_compare_pair_make(compare, 0, side, (enum ipm_by)by, ranks,
                                              wide ? NULL : kept->of[by][side], &pair);
            if (error != 0)
                return error;
            if (pair.n_atoms > 0 || pair.n_refused > 0)
                error = pair_json(&pair, wide, &made);
            ipm_compare_pair_fini(&pair);
            if (error != 0)
                return error;
            if (made != NULL)
                set(bys, ipm_by_names[by], made);
        }
    }
    return 0;
}

static int make(const struct ipm_compare *compare, struct kept *kept,
                struct ipm_compare_ranks *ranks, json_t *document)
{
    bool wide = compare->n_sides > IPM_COMPARE_WIDE;
    json_t *comparisons = json_array();
    json_t *of = json_object();
    json_t *points = json_array();
    json_t *fronts = json_array();
    set(document, "comparisons", comparisons);
    set(document, "ranks", of);
    int error = compare_all(compare, kept, wide, ranks, comparisons);
    for (int by = 0; by < IPM_BY_JOULES && error == 0 && compare->n_sides > 2; by++) {
        json_t *rank = NULL;
        error = ipm_compare_rank(compare, (enum ipm_by)by, &rank);
        if (error == 0)
            set(of, ipm_by_names[by], rank);
    }
    if (error == 0 && !wide) {
        json_decref(points);
        json_decref(fronts);
        points = fronts = NULL;
        error = ipm_compare_points(compare,
                                   (struct ipm_compare_ratio *const *const *)kept->of,
                                   ranks, &points);
        if (error == 0)
            error = ipm_compare_fronts(compare, &fronts);
    }
    set(document, "fronts", fronts);
    set(document, "constants", wide ? json_array() : ipm_compare_constants(compare));
    set(document, "points", points);
    return error;
}

int ipm_compare_document(const struct ipm_compare *compare, json_t **out_document,
                         struct ipm_why *why)
{
    bool wide = compare->n_sides > IPM_COMPARE_WIDE;
    ipm_auto_free struct ipm_compare_ranks *ranks = calloc(1, sizeof(*ranks));
    struct kept kept = {.n_sides = compare->n_sides};
    int error = ranks == NULL ? -ENOMEM : 0;
    for (int by = 0; by < IPM_BYS && error == 0 && !wide; by++) {
        kept.of[by] = calloc(compare->n_sides + 1, sizeof(*kept.of[by]));
        error = kept.of[by] == NULL ? -ENOMEM : 0;
        for (size_t side = 0; side < compare->n_sides && error == 0; side++) {
            kept.of[by][side] =
                calloc(compare->n_points + 1, sizeof(struct ipm_compare_ratio));
            error = kept.of[by][side] == NULL ? -ENOMEM : 0;
        }
    }
    ipm_auto_json json_t *document = json_object();
    set(document, "schema", json_integer(SCHEMA));
    set(document, "version", json_string(IPM_VERSION));
    set(document, "level", json_real(IPM_COMPARE_LEVEL));
    set(document, "margin", json_real(IPM_COMPARE_MARGIN));
    set(document, "wide", json_boolean(wide));
    set(document, "sides", ipm_compare_sides(compare));
    set(document, "left_out", ipm_compare_left_out(compare));
    set(document, "environment", ipm_compare_environment(compare));
    set(document, "matching", ipm_compare_matching(compare));
    if (error == 0)
        error = make(compare, &kept, ranks, document);
    free_kept(&kept);
    if (error != 0)
        return ipm_why_set(why, error, "compare: ");
    set(document, "answer", ipm_compare_answer(document));
    *out_document = ipm_steal(&document);
    return 0;
}
