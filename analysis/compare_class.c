/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_class.h"

#include "base/array.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_compare_kind_names[IPM_COMPARE_KINDS] = {
    "all", "workload", "size", "placement", "mechanism"};

const char *ipm_compare_class_of(const struct ipm_compare_point *point,
                                 enum ipm_compare_kind kind)
{
    const struct ipm_factors *factors = &point->factors;
    switch (kind) {
    case IPM_COMPARE_BY_WORKLOAD:
        return factors->workload;
    case IPM_COMPARE_BY_SIZE:
        return factors->size <= IPM_COMPARE_SMALL ? "small" : "large";
    case IPM_COMPARE_BY_PLACEMENT:
        return factors->placement_class[0] != '\0' ? factors->placement_class
                                                   : factors->placement;
    case IPM_COMPARE_BY_MECHANISM:
        return factors->mechanism;
    default:
        return "all";
    }
}

/* Texts are interned, so that most of the same are so at once. */
static bool is_same(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

static struct ipm_compare_atom *atom_of(struct ipm_compare_pair *pair,
                                        const struct ipm_compare_point *point)
{
    const char *names[IPM_COMPARE_KINDS];
    for (int kind = 0; kind < IPM_COMPARE_KINDS; kind++)
        names[kind] = ipm_compare_class_of(point, (enum ipm_compare_kind)kind);
    /* Points are sorted by them: it is most often the last. */
    for (size_t i = pair->n_atoms; i > 0; i--) {
        bool same = true;
        for (int kind = 0; kind < IPM_COMPARE_KINDS; kind++)
            same = same && is_same(pair->atoms[i - 1].names[kind], names[kind]);
        if (same)
            return &pair->atoms[i - 1];
    }
    struct ipm_compare_atom *atoms =
        ipm_array_grow(pair->atoms, pair->n_atoms, &pair->room, sizeof(*atoms));
    if (atoms == NULL)
        return NULL;
    pair->atoms = atoms;
    struct ipm_compare_atom *atom = &pair->atoms[pair->n_atoms];
    *atom = (struct ipm_compare_atom){.least = NAN, .most = NAN};
    memcpy(atom->names, names, sizeof(names));
    atom->parts = calloc(pair->n_a + pair->n_b, sizeof(*atom->parts));
    atom->present = calloc(pair->n_a + pair->n_b, 1);
    if (atom->parts == NULL || atom->present == NULL) {
        free(atom->parts);
        free(atom->present);
        return NULL;
    }
    pair->n_atoms++;
    return atom;
}

/* Adds one side's values; returns their mean. */
static double add_side(const struct ipm_compare_values *values, double *parts,
                       unsigned char *present)
{
    double sum = 0;
    for (size_t i = 0; i < values->n; i++)
        sum += values->cost[i];
    double mean = sum / (double)values->n;
    if (!isnan(values->error)) {
        parts[0] += values->error * values->error;
        present[0] = 1;
        return mean;
    }
    for (size_t i = 0; i < values->n; i++) {
        parts[values->cluster[i]] += (values->cost[i] - mean) / (double)values->n;
        present[values->cluster[i]] = 1;
    }
    return mean;
}

static int add_point(struct ipm_compare_pair *pair,
                     const struct ipm_compare_point *point,
                     const struct ipm_compare_values *a,
                     const struct ipm_compare_values *b,
                     const struct ipm_compare_ratio *ratio)
{
    size_t needs = pair->by == IPM_BY_JOULES ? 1 : 2;
    struct ipm_compare_atom *atom = atom_of(pair, point);
    if (atom == NULL)
        return -ENOMEM;
    atom->counts[ratio->standing]++;
    if (a->n >= needs && b->n >= needs) {
        double mean = add_side(a, atom->parts, atom->present);
        atom->sum +=
            add_side(b, atom->parts + pair->n_a, atom->present + pair->n_a) - mean;
        atom->n++;
    }
    if (!(ratio->value >= atom->least)) {
        atom->least = ratio->value;
        atom->least_at = point;
    }
    if (!(ratio->value <= atom->most)) {
        atom->most = ratio->value;
        atom->most_at = point;
    }
    return 0;
}

int ipm_compare_pair_make(const struct ipm_compare *compare, size_t a, size_t b,
                          enum ipm_by by, struct ipm_compare_ranks *ranks,
                          struct ipm_compare_ratio *ratios,
                          struct ipm_compare_pair *out_pair)
{
    struct ipm_compare_values left;
    struct ipm_compare_values right;
    struct ipm_compare_pair pair = {.a = a, .b = b, .by = by};
    char text[256];
    int error = 0;
    pair.between = by != IPM_BY_JOULES && ipm_compare_between(compare, a, b);
    pair.n_a = by == IPM_BY_JOULES ? 1 : ipm_compare_clusters(compare, a, pair.between);
    pair.n_b = by == IPM_BY_JOULES ? 1 : ipm_compare_clusters(compare, b, pair.between);
    const char *all = ipm_compare_refusal(compare, a, b, by, pair.refusal);
    bool refused_all = all[0] != '\0';
    for (size_t i = 0; i < compare->n_points && error == 0; i++) {
        const struct ipm_compare_point *point = &compare->points[i];
        struct ipm_compare_ratio ratio;
        ipm_compare_take(compare, point, a, by, pair.between, &left);
        ipm_compare_take(compare, point, b, by, pair.between, &right);
        const char *refusal = "";
        bool both = left.n > 0 && right.n > 0;
        if (both && !refused_all)
            refusal = ipm_compare_point_refusal(compare, point, a, b, by, text);
        if (both && (refused_all || refusal[0] != '\0')) {
            pair.n_refused++;
            if (!refused_all && pair.n_refused == 1)
                (void)snprintf(pair.refusal, sizeof(pair.refusal), "%s", refusal);
            left.n = right.n = 0;
        }
        error = ipm_compare_ratio(&left, &right, pair.between, ratios != NULL, ranks,
                                  &ratio);
        if (error == 0 && !point->floor && ratio.standing != IPM_COMPARE_NONE)
            error = add_point(&pair, point, &left, &right, &ratio);
        if (both && isnan(ratio.value))
            (void)snprintf(ratio.reason, sizeof(ratio.reason), "%s",
                           refused_all ? pair.refusal : refusal);
        if (ratios != NULL)
            ratios[i] = ratio;
    }
    if (error != 0) {
        ipm_compare_pair_fini(&pair);
        return error;
    }
    *out_pair = pair;
    return 0;
}

void ipm_compare_pair_fini(struct ipm_compare_pair *pair)
{
    for (size_t i = 0; i < pair->n_atoms; i++) {
        free(pair->atoms[i].parts);
        free(pair->atoms[i].present);
    }
    free(pair->atoms);
    *pair = (struct ipm_compare_pair){0};
}

static bool chosen(const struct ipm_compare_atom *atom,
                   const struct ipm_compare_choice *choice)
{
    if (choice->name != NULL && strcmp(atom->names[choice->kind], choice->name) != 0)
        return false;
    return choice->mechanism == NULL ||
           strcmp(atom->names[IPM_COMPARE_BY_MECHANISM], choice->mechanism) == 0;
}

void ipm_compare_sum(const struct ipm_compare_pair *pair,
                     const struct ipm_compare_choice *choice,
                     struct ipm_compare_atom *out_atom)
{
    *out_atom = (struct ipm_compare_atom){.least = NAN, .most = NAN};
    for (size_t i = 0; i < pair->n_atoms; i++) {
        const struct ipm_compare_atom *atom = &pair->atoms[i];
        if (!chosen(atom, choice))
            continue;
        out_atom->n += atom->n;
        out_atom->sum += atom->sum;
        for (int standing = 0; standing < IPM_COMPARE_STANDINGS; standing++)
            out_atom->counts[standing] += atom->counts[standing];
        if (!(atom->least >= out_atom->least)) {
            out_atom->least = atom->least;
            out_atom->least_at = atom->least_at;
        }
        if (!(atom->most <= out_atom->most)) {
            out_atom->most = atom->most;
            out_atom->most_at = atom->most_at;
        }
    }
}

/* The sum over a class, divided by its points, into @parts with a factor. */
static double accumulate(const struct ipm_compare_pair *pair,
                         const struct ipm_compare_choice *choice,
                         const struct ipm_compare_choice *but, double factor,
                         double *parts, unsigned char *present, size_t *out_points)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < pair->n_atoms; i++) {
        const struct ipm_compare_atom *atom = &pair->atoms[i];
        if (chosen(atom, choice) && !(but != NULL && chosen(atom, but))) {
            n += atom->n;
            sum += atom->sum;
        }
    }
    *out_points = n;
    for (size_t i = 0; i < pair->n_atoms && n > 0; i++) {
        const struct ipm_compare_atom *atom = &pair->atoms[i];
        if (!chosen(atom, choice) || (but != NULL && chosen(atom, but)))
            continue;
        double share =
            pair->by == IPM_BY_JOULES ? 1 / (double)(n * n) : factor / (double)n;
        for (size_t k = 0; k < pair->n_a + pair->n_b; k++) {
            parts[k] += share * atom->parts[k];
            present[k] |= atom->present[k];
        }
    }
    return n > 0 ? factor * sum / (double)n : NAN;
}

/* Variance of one side's sum and its degrees of freedom: of clusters, with the correction for
 * their number; joules bring their variances. */
static double side_variance(const struct ipm_compare_pair *pair, const double *parts,
                            const unsigned char *present, size_t n, double *out_freedom)
{
    double squares = 0;
    size_t clusters = 0;
    if (pair->by == IPM_BY_JOULES) {
        *out_freedom = 2; /* blocks are few: the least that has an interval */
        return parts[0];
    }
    for (size_t k = 0; k < n; k++) {
        squares += parts[k] * parts[k];
        clusters += present[k];
    }
    *out_freedom = (double)clusters - 1;
    return clusters > 1 ? squares * (double)clusters / *out_freedom : NAN;
}

int ipm_compare_mean(const struct ipm_compare_pair *pair,
                     const struct ipm_compare_choice *choice,
                     const struct ipm_compare_choice *rest, double level,
                     struct ipm_compare_mean *out_mean)
{
    size_t n = pair->n_a + pair->n_b;
    size_t points;
    ipm_auto_free double *parts = calloc(n + 1, sizeof(*parts));
    ipm_auto_free unsigned char *present = calloc(n + 1, 1);
    if (parts == NULL || present == NULL)
        return -ENOMEM;
    *out_mean = (struct ipm_compare_mean){NAN, NAN, NAN, ""};
    double value = accumulate(pair, choice, NULL, 1, parts, present, &points);
    if (points > 0 && rest != NULL)
        value += accumulate(pair, rest, choice, -1, parts, present, &points);
    if (points == 0) {
        out_mean->reason = pair->between
                               ? "too few: no point has two sessions a side"
                               : "too few: no point has two invocations a side";
        return 0;
    }
    double free_a;
    double free_b;
    double left = side_variance(pair, parts, present, pair->n_a, &free_a);
    double right =
        side_variance(pair, parts + pair->n_a, present + pair->n_a, pair->n_b, &free_b);
    double both = left + right;
    double freedom = both * both / (left * left / free_a + right * right / free_b);
    double reach = both == 0 ? 0 : ipm_student(freedom, level) * sqrt(both);
    if (isnan(reach)) {
        out_mean->reason = "too few: no interval, and so no mean";
        return 0;
    }
    *out_mean = (struct ipm_compare_mean){exp(value), exp(value - reach),
                                          exp(value + reach), ""};
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **ipm_compare_names(const struct ipm_compare_pair *pair,
                               const struct ipm_compare_choice *within,
                               enum ipm_compare_kind kind, size_t *out_n)
{
    const char **names = calloc(pair->n_atoms + 1, sizeof(*names));
    size_t used = 0;
    for (size_t i = 0; names != NULL && i < pair->n_atoms; i++) {
        if (chosen(&pair->atoms[i], within))
            names[used++] = pair->atoms[i].names[kind];
    }
    if (used > 0)
        qsort(names, used, sizeof(*names), compare_texts);
    size_t kept = 0;
    for (size_t i = 0; i < used; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    }
    *out_n = kept;
    return names;
}
